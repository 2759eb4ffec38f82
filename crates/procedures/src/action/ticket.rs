//! Problem tickets.

use super::call::Permit;
use super::input::{Id, Incident, Line, ProblemTicket, TicketStatus, Word, inputs};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{TICKETS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Log a technical issue behind an incident.
    pub struct CreateTicket {
        incident_id: Id<Incident>,
        /// The issue, in a line
        title: Line,
        status: Word<TicketStatus>,
    }
}

/// What logging a ticket answers.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    /// The ticket's id; `problem_id` of records that refer to it.
    ticket_id: String,
    status: String,
}

impl Action for CreateTicket {
    const NAME: &'static str = "create_ticket";
    const RECORD: &'static Table = &TICKETS;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "issued_by_user";
    type Answer = Created;

    fn run(self, permit: &Permit<'_>) -> Result<Created> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let ticket = permit.insert(
            &TICKETS,
            vec![
                ("incident_id", self.incident_id.into()),
                ("title", self.title.into()),
                ("status", self.status.into()),
                ("issued_by_user", permit.actor()?.into()),
                ("created_at", now.into()),
                ("updated_at", now.into()),
            ],
        )?;
        Ok(Created { ticket_id: ticket.key().to_string(), status })
    }
}

update! {
    /// Change a problem ticket.
    pub struct UpdateTicket = "update_ticket" {
        ticket_id: Id<ProblemTicket>,
        change_set: TicketChanges,
    }
    /// The columns of a ticket that can change.
    pub struct TicketChanges {
        title: Line,
        status: Word<TicketStatus>,
        incident_id: Id<Incident>,
    }
    /// The ticket as it is now.
    ticket
}
