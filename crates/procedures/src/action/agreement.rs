//! Service level agreements of a subscription.

use super::call::Permit;
use super::input::{Count, Id, Minutes, Percentage, Severity, SlaAgreement, Subscription, Word, inputs};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{SLA_AGREEMENTS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Agree on the targets of a subscription for a severity.
    pub struct CreateSlaAgreement {
        subscription_id: Id<Subscription>,
        severity_level: Word<Severity>,
        response_time_minutes: Minutes,
        resolution_time_hours: Count,
        availability_percentage: Option<Percentage>,
    }
}

/// What recording an agreement answers.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    sla_id: String,
}

impl Action for CreateSlaAgreement {
    const NAME: &'static str = "create_sla_agreement";
    const RECORD: &'static Table = &SLA_AGREEMENTS;
    const EFFECT: Effect = Effect::Create;
    type Answer = Created;

    fn run(self, permit: &Permit<'_>) -> Result<Created> {
        let agreement = permit.insert(
            &SLA_AGREEMENTS,
            vec![
                ("subscription_id", self.subscription_id.into()),
                ("severity_level", self.severity_level.into()),
                ("response_time_minutes", self.response_time_minutes.into()),
                ("resolution_time_hours", self.resolution_time_hours.into()),
                ("availability_percentage", self.availability_percentage.into()),
                ("created_at", permit.now().into()),
            ],
        )?;
        Ok(Created { sla_id: agreement.key().to_string() })
    }
}

update! {
    /// Change a service level agreement.
    pub struct UpdateSlaAgreement = "update_sla_agreement" {
        sla_id: Id<SlaAgreement>,
        change_set: AgreementChanges,
    }
    /// The columns of an agreement that can change.
    pub struct AgreementChanges {
        subscription_id: Id<Subscription>,
        severity_level: Word<Severity>,
        response_time_minutes: Minutes,
        resolution_time_hours: Count,
        availability_percentage: Percentage,
    }
    /// The agreement as it is now.
    sla
}
