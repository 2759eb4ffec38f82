//! Escalations of an incident.

use super::call::Permit;
use super::input::{
    Escalation, EscalationLevel, EscalationReason, EscalationStatus, Id, Incident, Timestamp, User, Word, inputs,
};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{ESCALATIONS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Hand an incident over to a higher level.
    pub struct EscalateIncident {
        incident_id: Id<Incident>,
        /// Who takes over
        escalated_to_user: Id<User>,
        escalation_level: Word<EscalationLevel>,
        reason: Word<EscalationReason>,
        status: Word<EscalationStatus>,
        acknowledged_at: Option<Timestamp>,
        resolved_at: Option<Timestamp>,
    }
}

/// What an escalation answers.
#[derive(Serialize, JsonSchema)]
pub struct Escalated {
    escalation_id: String,
    status: String,
    escalated_at: String,
}

impl Action for EscalateIncident {
    const NAME: &'static str = "escalate_incident";
    const RECORD: &'static Table = &ESCALATIONS;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "escalated_by_user";
    type Answer = Escalated;

    fn run(self, permit: &Permit<'_>) -> Result<Escalated> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let escalation = permit.insert(
            &ESCALATIONS,
            vec![
                ("incident_id", self.incident_id.into()),
                ("escalated_by_user", permit.someone().into()),
                ("escalated_to_user", self.escalated_to_user.into()),
                ("escalation_level", self.escalation_level.into()),
                ("reason", self.reason.into()),
                ("status", self.status.into()),
                ("escalated_at", now.into()),
                ("acknowledged_at", self.acknowledged_at.into()),
                ("resolved_at", self.resolved_at.into()),
                ("created_at", now.into()),
            ],
        )?;
        let escalation_id = escalation.key().to_string();
        Ok(Escalated { escalation_id, status, escalated_at: now.to_owned() })
    }
}

update! {
    /// Change an escalation.
    pub struct UpdateEscalation = "update_escalation" {
        escalation_id: Id<Escalation>,
        change_set: EscalationChanges,
    }
    /// The columns of an escalation that can change.
    pub struct EscalationChanges {
        status: Word<EscalationStatus>,
        acknowledged_at: Timestamp,
        resolved_at: Timestamp,
    }
    /// The escalation as it is now.
    escalation
}
