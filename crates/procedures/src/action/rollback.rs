//! Rollback requests.

use super::call::Permit;
use super::input::{
    ChangeRequest, Flag, Id, Incident, RollbackRequest, RollbackStatus, Text, Timestamp, User, Word, inputs,
};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{ROLLBACKS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Request that an unsuccessful change is reverted.
    pub struct CreateRollbackRequest {
        change_id: Id<ChangeRequest>,
        incident_id: Option<Id<Incident>>,
        /// Why
        justification: Option<Text>,
        /// What exactly
        scope: Option<Text>,
        status: Word<RollbackStatus>,
        /// Only once approved
        approved_by_user: Option<Id<User>>,
        /// Only once completed
        completed_at: Option<Timestamp>,
    }
}

/// What requesting a rollback answers.
#[derive(Serialize, JsonSchema)]
pub struct Requested {
    rollback_id: String,
    change_id: String,
    status: String,
    requested_at: String,
}

impl Action for CreateRollbackRequest {
    const NAME: &'static str = "create_rollback_request";
    const RECORD: &'static Table = &ROLLBACKS;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "requesting_user";
    type Answer = Requested;

    fn run(self, permit: &Permit<'_>) -> Result<Requested> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let rollback = permit.insert(
            &ROLLBACKS,
            vec![
                ("change_id", self.change_id.into()),
                ("incident_id", self.incident_id.into()),
                ("requesting_user", permit.actor()?.into()),
                ("justification", self.justification.into()),
                ("scope", self.scope.into()),
                ("status", self.status.into()),
                ("approved_by_user", self.approved_by_user.into()),
                ("completed_at", self.completed_at.into()),
                // The requested timestamp of the procedures (ruling X05).
                ("created_at", now.into()),
            ],
        )?;
        Ok(Requested {
            rollback_id: rollback.key().to_string(),
            change_id: self.change_id.key().to_string(),
            status,
            requested_at: now.to_owned(),
        })
    }
}

update! {
    /// Change a rollback request.
    pub struct UpdateRollbackRequest = "update_rollback_request" {
        rollback_id: Id<RollbackRequest>,
        change_set: RollbackChanges,
    }
    /// The columns of a rollback request that can change.
    pub struct RollbackChanges {
        change_id: Id<ChangeRequest>,
        incident_id: Id<Incident>,
        requesting_user: Id<User>,
        approved_by_user: Id<User>,
        completed_at: Timestamp,
        validation_completed: Flag,
        status: Word<RollbackStatus>,
    }
    /// The rollback request as it is now.
    rollback
}
