//! Clients.

use super::call::{Call, Permit};
use super::input::{Client, ClientStatus, ClientType, Email, Id, Line, Word, change_set, inputs};
use super::{Action, Computed, Effect, Result};
use crate::store::catalogue::{CLIENTS, Table};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};

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

change_set! {
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
}

inputs! {
    /// Change a client.
    pub struct UpdateClient {
        client_id: Id<Client>,
        change_set: ClientChanges,
    }
}

/// What changing a client answers.
#[derive(Serialize, JsonSchema)]
pub struct Updated {
    client_id: String,
    /// The client as it is now.
    client: Map<String, Json>,
}

impl Action for UpdateClient {
    const NAME: &'static str = "update_client";
    const RECORD: &'static Table = &CLIENTS;
    const EFFECT: Effect = Effect::Update;
    const COMPUTED: &'static [(&'static str, Computed)] = &[("changes", Computed::Integer)];
    type Answer = Updated;

    fn compute(&self, call: &Call<'_>) -> Result<Vec<Json>> {
        call.changes(self.client_id, &self.change_set)
    }

    fn run(self, permit: &Permit<'_>) -> Result<Updated> {
        let client = permit.apply(self.client_id, &self.change_set)?;
        Ok(Updated { client_id: client.key().to_string(), client: client.to_json() })
    }
}
