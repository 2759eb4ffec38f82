//! Workarounds.

use super::call::Permit;
use super::input::{
    EffectivenessLevel, Id, Incident, Text, Timestamp, User, Word, Workaround, WorkaroundStatus, inputs,
};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{Table, WORKAROUNDS};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Record a temporary solution of an incident.
    pub struct RecordWorkaround {
        incident_id: Id<Incident>,
        effectiveness_level: Word<EffectivenessLevel>,
        /// When, YYYY-MM-DDTHH:MM:SS
        implemented_at: Option<Timestamp>,
        description: Option<Text>,
        status: Word<WorkaroundStatus>,
    }
}

/// What recording a workaround answers.
#[derive(Serialize, JsonSchema)]
pub struct Recorded {
    workaround_id: String,
    status: String,
    implemented_at: String,
}

impl Action for RecordWorkaround {
    const NAME: &'static str = "record_workaround";
    const RECORD: &'static Table = &WORKAROUNDS;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "implemented_by_user";
    type Answer = Recorded;

    fn run(self, permit: &Permit<'_>) -> Result<Recorded> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let implemented = self.implemented_at.map_or(now.to_owned(), |time| time.as_str().to_owned());
        let workaround = permit.insert(
            &WORKAROUNDS,
            vec![
                ("incident_id", self.incident_id.into()),
                ("implemented_by_user", permit.actor()?.into()),
                ("effectiveness_level", self.effectiveness_level.into()),
                ("status", self.status.into()),
                ("description", self.description.into()),
                ("implemented_at", implemented.clone().into()),
                ("created_at", now.into()),
            ],
        )?;
        let workaround_id = workaround.key().to_string();
        Ok(Recorded { workaround_id, status, implemented_at: implemented })
    }
}

update! {
    /// Change a workaround.
    pub struct UpdateWorkaround = "update_workaround" {
        workaround_id: Id<Workaround>,
        change_set: WorkaroundChanges,
    }
    /// The columns of a workaround that can change.
    pub struct WorkaroundChanges {
        incident_id: Id<Incident>,
        implemented_by_user: Id<User>,
        effectiveness_level: Word<EffectivenessLevel>,
        status: Word<WorkaroundStatus>,
        implemented_at: Timestamp,
    }
    /// The workaround as it is now.
    workaround
}
