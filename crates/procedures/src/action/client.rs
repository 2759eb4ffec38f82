//! Clients.

use super::call::Permit;
use super::input::{Client, ClientStatus, ClientType, Email, Id, Line, Word, inputs};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{CLIENTS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Onboard a client.
    pub struct CreateClient {
        client_name: Line,
        /// Unique registration number
        registration_number: Line,
        /// Unique e-mail
        contact_email: Email,
        client_type: Word<ClientType>,
        country: Option<Line>,
        industry: Option<Line>,
        status: Word<ClientStatus>,
    }
}

/// What onboarding a client answers.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    client_id: String,
    status: String,
}

impl Action for CreateClient {
    const NAME: &'static str = "create_client";
    const RECORD: &'static Table = &CLIENTS;
    const EFFECT: Effect = Effect::Create;
    type Answer = Created;

    fn run(self, permit: &Permit<'_>) -> Result<Created> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let client = permit.insert(
            &CLIENTS,
            vec![
                ("client_name", self.client_name.into()),
                ("registration_number", self.registration_number.into()),
                ("contact_email", self.contact_email.into()),
                ("client_type", self.client_type.into()),
                ("country", self.country.into()),
                ("industry", self.industry.into()),
                ("status", self.status.into()),
                ("created_at", now.into()),
                ("updated_at", now.into()),
            ],
        )?;
        Ok(Created { client_id: client.key().to_string(), status })
    }
}

update! {
    /// Change a client.
    pub struct UpdateClient = "update_client" {
        client_id: Id<Client>,
        change_set: ClientChanges,
    }
    /// The columns of a client that can change.
    pub struct ClientChanges {
        client_name: Line,
        /// Unique registration number
        registration_number: Line,
        /// Unique e-mail
        contact_email: Email,
        client_type: Word<ClientType>,
        country: Line,
        industry: Line,
        status: Word<ClientStatus>,
    }
    /// The client as it is now.
    client
}
