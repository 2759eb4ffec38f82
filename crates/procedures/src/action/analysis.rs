//! Root cause analyses.

use super::call::Permit;
use super::input::{Analysis, AnalysisMethod, Id, Incident, RcaStatus, Text, Timestamp, User, Word, inputs};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{ANALYSES, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Record a root cause analysis of an incident.
    pub struct ConductRca {
        incident_id: Id<Incident>,
        analysis_method: Word<AnalysisMethod>,
        /// Course of events
        timeline: Option<Text>,
        status: Word<RcaStatus>,
        /// Only with a finished status
        completed_at: Option<Timestamp>,
    }
}

/// What recording an analysis answers.
#[derive(Serialize, JsonSchema)]
pub struct Initiated {
    analysis_id: String,
    status: String,
    initiated_at: String,
}

impl Action for ConductRca {
    const NAME: &'static str = "conduct_rca";
    const RECORD: &'static Table = &ANALYSES;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "conducted_by_user";
    type Answer = Initiated;

    fn run(self, permit: &Permit<'_>) -> Result<Initiated> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let analysis = permit.insert(
            &ANALYSES,
            vec![
                ("incident_id", self.incident_id.into()),
                ("conducted_by_user", permit.actor()?.into()),
                ("analysis_method", self.analysis_method.into()),
                ("status", self.status.into()),
                ("timeline", self.timeline.into()),
                ("completed_at", self.completed_at.into()),
                // The initiation timestamp of the procedures (ruling X05).
                ("created_at", now.into()),
            ],
        )?;
        let analysis_id = analysis.key().to_string();
        Ok(Initiated { analysis_id, status, initiated_at: now.to_owned() })
    }
}

update! {
    /// Change a root cause analysis.
    pub struct UpdateRca = "update_rca" {
        analysis_id: Id<Analysis>,
        change_set: AnalysisChanges,
    }
    /// The columns of an analysis that can change.
    pub struct AnalysisChanges {
        incident_id: Id<Incident>,
        analysis_method: Word<AnalysisMethod>,
        conducted_by_user: Id<User>,
        status: Word<RcaStatus>,
        completed_at: Timestamp,
    }
    /// The analysis as it is now.
    analysis
}
