//! Transfers to a human.

use super::call::Permit;
use super::input::{Id, Incident, Text, inputs};
use super::{Action, Effect, Result};
use records::catalogue::{TRANSFERS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Ask that a person takes over.
    pub struct TransferToHuman {
        /// What is needed and why
        summary: Text,
        incident_id: Option<Id<Incident>>,
    }
}

/// What a transfer answers.
#[derive(Serialize, JsonSchema)]
pub struct Transferred {
    transfer_id: String,
}

impl Action for TransferToHuman {
    const NAME: &'static str = "transfer_to_human";
    const RECORD: &'static Table = &TRANSFERS;
    const EFFECT: Effect = Effect::Create;
    type Answer = Transferred;

    fn run(self, permit: &Permit<'_>) -> Result<Transferred> {
        let transfer = permit.insert(
            &TRANSFERS,
            vec![
                ("incident_id", self.incident_id.into()),
                ("requested_by_user", permit.actor()?.into()),
                ("summary", self.summary.into()),
                ("created_at", permit.now().into()),
            ],
        )?;
        Ok(Transferred { transfer_id: transfer.key().to_string() })
    }
}
