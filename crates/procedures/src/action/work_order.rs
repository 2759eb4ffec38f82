//! Work orders.

use super::call::Permit;
use super::input::{ChangeRequest, Id, Incident, Line, ProblemTicket, User, Word, WorkOrder, WorkOrderStatus, inputs};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{Table, WORK_ORDERS};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Order operational or on-site work.
    pub struct CreateWorkorder {
        /// The work, in a line
        title: Line,
        work_type: Line,
        incident_id: Option<Id<Incident>>,
        change_id: Option<Id<ChangeRequest>>,
        /// Linked ticket
        problem_id: Option<Id<ProblemTicket>>,
        /// Who does it
        assigned_to_user: Option<Id<User>>,
        status: Word<WorkOrderStatus>,
    }
}

/// What ordering work answers.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    workorder_id: String,
    status: String,
}

impl Action for CreateWorkorder {
    const NAME: &'static str = "create_workorder";
    const RECORD: &'static Table = &WORK_ORDERS;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "created_by_user";
    type Answer = Created;

    fn run(self, permit: &Permit<'_>) -> Result<Created> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let order = permit.insert(
            &WORK_ORDERS,
            vec![
                ("incident_id", self.incident_id.into()),
                ("change_id", self.change_id.into()),
                ("problem_id", self.problem_id.into()),
                ("title", self.title.into()),
                ("work_type", self.work_type.into()),
                ("status", self.status.into()),
                ("assigned_to_user", self.assigned_to_user.into()),
                ("created_by_user", permit.actor()?.into()),
                ("created_at", now.into()),
                ("updated_at", now.into()),
            ],
        )?;
        Ok(Created { workorder_id: order.key().to_string(), status })
    }
}

update! {
    /// Change a work order.
    pub struct UpdateWorkorder = "update_workorder" {
        workorder_id: Id<WorkOrder>,
        change_set: WorkOrderChanges,
    }
    /// The columns of a work order that can change.
    pub struct WorkOrderChanges {
        title: Line,
        work_type: Line,
        incident_id: Id<Incident>,
        change_id: Id<ChangeRequest>,
        /// Linked ticket
        problem_id: Id<ProblemTicket>,
        /// Who does it
        assigned_to_user: Id<User>,
        status: Word<WorkOrderStatus>,
    }
    /// The work order as it is now.
    workorder
}
