//! Infrastructure components.

use super::call::Permit;
use super::input::{Component, ComponentStatus, ComponentType, Count, Environment, Id, Line, Product, Word, inputs};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{COMPONENTS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Add a component of the infrastructure.
    pub struct CreateComponent {
        component_name: Line,
        component_type: Word<ComponentType>,
        environment: Word<Environment>,
        operational_status: Word<ComponentStatus>,
        /// What runs on it
        product_id: Option<Id<Product>>,
        location: Option<Line>,
        port_number: Option<Count>,
    }
}

/// What adding a component answers.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    component_id: String,
    operational_status: String,
}

impl Action for CreateComponent {
    const NAME: &'static str = "create_component";
    const RECORD: &'static Table = &COMPONENTS;
    const EFFECT: Effect = Effect::Create;
    type Answer = Created;

    fn run(self, permit: &Permit<'_>) -> Result<Created> {
        let now = permit.now();
        let operational_status = self.operational_status.as_str().to_owned();
        let component = permit.insert(
            &COMPONENTS,
            vec![
                ("component_name", self.component_name.into()),
                ("component_type", self.component_type.into()),
                ("product_id", self.product_id.into()),
                ("environment", self.environment.into()),
                ("location", self.location.into()),
                ("port_number", self.port_number.into()),
                ("operational_status", self.operational_status.into()),
                ("created_at", now.into()),
                ("updated_at", now.into()),
            ],
        )?;
        Ok(Created { component_id: component.key().to_string(), operational_status })
    }
}

update! {
    /// Change a component.
    pub struct UpdateComponent = "update_component" {
        component_id: Id<Component>,
        change_set: ComponentChanges,
    }
    /// The columns of a component that can change.
    pub struct ComponentChanges {
        component_name: Line,
        component_type: Word<ComponentType>,
        environment: Word<Environment>,
        operational_status: Word<ComponentStatus>,
        product_id: Id<Product>,
        location: Line,
        port_number: Count,
    }
    /// The component as it is now.
    component
}
