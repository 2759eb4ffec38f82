//! Change requests.

use super::call::{Call, Permit};
use super::input::{
    ChangeRequest, ChangeStatus, ChangeType, Flag, Id, Incident, Line, RiskLevel, Timestamp, User, Word, change_set,
    inputs,
};
use super::{Action, Computed, Effect, Result};
use records::catalogue::{CHANGES, Table};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};

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
        scheduled_start_time: Option<Timestamp>,
        scheduled_end_time: Option<Timestamp>,
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
                ("scheduled_start_time", self.scheduled_start_time.into()),
                ("scheduled_end_time", self.scheduled_end_time.into()),
                // The requested timestamp of the procedures (ruling X05).
                ("created_at", now.into()),
                ("updated_at", now.into()),
            ],
        )?;
        Ok(Submitted { change_id: change.key().to_string(), status, requested_at: now.to_owned() })
    }
}

change_set! {
    /// The columns of a change request that can change.
    pub struct ChangeRequestChanges {
        title: Line,
        change_type: Word<ChangeType>,
        risk_level: Word<RiskLevel>,
        incident_id: Id<Incident>,
        requesting_user: Id<User>,
        approved_by_user: Id<User>,
        scheduled_start_time: Timestamp,
        scheduled_end_time: Timestamp,
        actual_start_time: Timestamp,
        actual_end_time: Timestamp,
        status: Word<ChangeStatus>,
    }
}

inputs! {
    /// Change a change request.
    pub struct UpdateChangeRequest {
        change_id: Id<ChangeRequest>,
        change_set: ChangeRequestChanges,
        /// Leave updated_at as it was
        keep_updated_at: Option<Flag>,
    }
}

/// What changing a change request answers.
#[derive(Serialize, JsonSchema)]
pub struct Updated {
    change_id: String,
    /// The change request as it is now.
    change: Map<String, Json>,
}

impl Action for UpdateChangeRequest {
    const NAME: &'static str = "update_change_request";
    const RECORD: &'static Table = &CHANGES;
    const EFFECT: Effect = Effect::Update;
    const COMPUTED: &'static [(&'static str, Computed)] = &[("changes", Computed::Integer)];
    type Answer = Updated;

    fn compute(&self, call: &Call<'_>) -> Result<Vec<Json>> {
        call.changes(self.change_id, &self.change_set)
    }

    fn run(self, permit: &Permit<'_>) -> Result<Updated> {
        let keep = self.keep_updated_at.is_some_and(|keep| keep.0);
        let time = (!keep).then(|| ("updated_at", permit.now().into()));
        let change = permit.set(self.change_id, &self.change_set, time)?;
        Ok(Updated { change_id: change.key().to_string(), change: change.to_json() })
    }
}
