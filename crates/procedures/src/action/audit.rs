//! Audit entries.

use super::call::{Call, Permit};
use super::input::{AuditAction, AuditEntity, EntityId, Input, Kind, Line, Timestamp, Word, inputs};
use super::{Action, Computed, Effect, Operation, Result};
use records::catalogue::{self, AUDIT_LOGS, Table};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value as Json, json};

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
    const COMPUTED: &'static [(&'static str, Computed)] = &[("content", Computed::OptionalText)];
    type Answer = Logged;

    fn compute(&self, call: &Call<'_>) -> Result<Vec<Json>> {
        let given = self.changed_fields.as_ref().map_or("", Line::as_str);
        let content =
            catalogue::entity(self.entity_type.as_str()).and_then(|table| content(table, given, call.operations()));
        Ok(vec![json!(content)])
    }

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

/// The first part of a list of fields that names none: no column of those records, and no input of what writes them.
fn content<'a>(table: &Table, list: &'a str, operations: &[&Operation]) -> Option<&'a str> {
    let parts = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|part| !part.is_empty());
    parts.into_iter().find(|part| !is_field(table, part, operations))
}

fn is_field(table: &Table, name: &str, operations: &[&Operation]) -> bool {
    fn names(inputs: &[Input], name: &str) -> bool {
        inputs.iter().any(|input| match input.kind {
            Kind::ChangeSet(columns) => names(columns, name),
            _ => input.name == name,
        })
    }
    table.columns.iter().any(|column| column.name == name)
        || operations.iter().any(|operation| operation.record == table && names(operation.inputs, name))
}
