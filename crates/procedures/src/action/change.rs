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
        let change = permit.record(self.change_id)?;
        let mut cells = permit.differing(&change, &self.change_set);
        if !self.keep_updated_at.is_some_and(|keep| keep.0) {
            cells.push(("updated_at", permit.now().into()));
        }
        let change = permit.change(change, cells)?;
        Ok(Updated { change_id: change.key().to_string(), change: change.to_json() })
    }
}
