//! Communications about an incident.

use super::call::Permit;
use super::input::{
    Communication, CommunicationType, DeliveryMethod, DeliveryStatus, Id, Incident, RecipientType, Text, Timestamp,
    User, Word, inputs,
};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{COMMUNICATIONS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Record a message to a stakeholder of an incident.
    pub struct RecordCommunication {
        incident_id: Id<Incident>,
        recipient_id: Option<Id<User>>,
        recipient_type: Option<Word<RecipientType>>,
        communication_type: Word<CommunicationType>,
        delivery_method: Word<DeliveryMethod>,
        message: Option<Text>,
        delivery_status: Word<DeliveryStatus>,
    }
}

/// What recording a communication answers.
#[derive(Serialize, JsonSchema)]
pub struct Recorded {
    communication_id: String,
    delivery_status: String,
    sent_at: String,
}

impl Action for RecordCommunication {
    const NAME: &'static str = "record_communication";
    const RECORD: &'static Table = &COMMUNICATIONS;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "sender_id";
    type Answer = Recorded;

    fn run(self, permit: &Permit<'_>) -> Result<Recorded> {
        let now = permit.now();
        let delivery_status = self.delivery_status.as_str().to_owned();
        let communication = permit.insert(
            &COMMUNICATIONS,
            vec![
                ("incident_id", self.incident_id.into()),
                ("sender_id", permit.actor()?.into()),
                ("recipient_id", self.recipient_id.into()),
                ("recipient_type", self.recipient_type.into()),
                ("communication_type", self.communication_type.into()),
                ("delivery_method", self.delivery_method.into()),
                ("delivery_status", self.delivery_status.into()),
                ("message", self.message.into()),
                // The procedure sets the sent timestamp in every case (ruling X29).
                ("sent_at", now.into()),
                ("created_at", now.into()),
            ],
        )?;
        let communication_id = communication.key().to_string();
        Ok(Recorded { communication_id, delivery_status, sent_at: now.to_owned() })
    }
}

update! {
    /// Change the record of a communication.
    pub struct UpdateCommunication = "update_communication" {
        communication_id: Id<Communication>,
        change_set: CommunicationChanges,
    }
    /// The columns of a communication that can change.
    pub struct CommunicationChanges {
        incident_id: Id<Incident>,
        sender_id: Id<User>,
        recipient_id: Id<User>,
        recipient_type: Word<RecipientType>,
        delivery_method: Word<DeliveryMethod>,
        delivery_status: Word<DeliveryStatus>,
        sent_at: Timestamp,
    }
    /// The communication as it is now.
    communication
}
