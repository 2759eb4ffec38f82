//! Audit entries.

use super::call::Permit;
use super::input::{AuditAction, AuditEntity, EntityId, Line, Timestamp, Word, inputs};
use super::{Action, Effect, Result};
use records::catalogue::{AUDIT_LOGS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Record who did what to which record.
    pub struct LogAudit {
        action: Word<AuditAction>,
        entity_type: Word<AuditEntity>,
        /// Its id
        entity_id: EntityId,
        /// Names of changed fields, no values
        changed_fields: Option<Line>,
        /// Default, and only value: now
        timestamp: Option<Timestamp>,
    }
}

/// What recording an audit entry answers.
#[derive(Serialize, JsonSchema)]
pub struct Logged {
    audit_id: String,
}

impl Action for LogAudit {
    const NAME: &'static str = "log_audit";
    const RECORD: &'static Table = &AUDIT_LOGS;
    const EFFECT: Effect = Effect::Create;
    type Answer = Logged;

    fn run(self, permit: &Permit<'_>) -> Result<Logged> {
        let time = self.timestamp.map_or(permit.now().to_owned(), |time| time.as_str().to_owned());
        let entry = permit.insert(
            &AUDIT_LOGS,
            vec![
                ("action", self.action.into()),
                ("entity_type", self.entity_type.into()),
                ("entity_id", self.entity_id.into()),
                ("audit_by_user", permit.actor()?.into()),
                ("changed_fields", self.changed_fields.into()),
                ("created_at", time.into()),
            ],
        )?;
        Ok(Logged { audit_id: entry.key().to_string() })
    }
}
