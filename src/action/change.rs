//! Change requests.

use super::call::Permit;
use super::input::{ChangeStatus, ChangeType, Id, Incident, Line, RiskLevel, User, Word, inputs};
use super::{Action, Effect, Result};
use crate::store::catalogue::{CHANGES, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Request a modification of a system.
    pub struct SubmitChangeRequest {
        /// What changes, in a line
        title: Line,
        change_type: Word<ChangeType>,
        risk_level: Word<RiskLevel>,
        incident_id: Option<Id<Incident>>,
        status: Word<ChangeStatus>,
        /// Only once approved
        approved_by_user: Option<Id<User>>,
    }
}

/// What requesting a change answers.
#[derive(Serialize, JsonSchema)]
pub struct Submitted {
    change_id: String,
    status: String,
    requested_at: String,
}

impl Action for SubmitChangeRequest {
    const NAME: &'static str = "submit_change_request";
    const RECORD: &'static Table = &CHANGES;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "requesting_user";
    type Answer = Submitted;

    fn run(self, permit: &Permit<'_>) -> Result<Submitted> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let change = permit.insert(
            &CHANGES,
            vec![
                ("incident_id", self.incident_id.into()),
                ("title", self.title.into()),
                ("change_type", self.change_type.into()),
                ("risk_level", self.risk_level.into()),
                ("status", self.status.into()),
                ("requesting_user", permit.actor()?.into()),
                ("approved_by_user", self.approved_by_user.into()),
                // The requested timestamp of the procedures (ruling X05).
                ("created_at", now.into()),
                ("updated_at", now.into()),
            ],
        )?;
        Ok(Submitted { change_id: change.key().to_string(), status, requested_at: now.to_owned() })
    }
}
