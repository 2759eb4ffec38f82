//! Actions: what is recorded. One struct of inputs, one `run`; a family of actions shares the file of its record.
//!
//! **Invariant:** actions know nothing of MCP, HTTP, tokio or the policy's files. Who may, when, with which words, at what
//! time, under what name and in what wording is the policy's.

pub mod call;
pub mod change_set;
pub mod input;
pub mod plain;
pub mod sla;

mod audit;
mod change;
mod incident;
mod lifecycle;
mod metric;
mod report;
mod user;

use call::{Call, Permit};
use input::{Input, Inputs};
use plain::Plain;
use records::catalogue::Table;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use store::Fault;

/// Why an action did not succeed. All but the first two are failures of the program: what else a caller can be blamed for
/// was refused before it ran.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody acts, and the record needs to say who did. Only possible where the policy is not enforced.
    #[error("the call names no acting user")]
    NoActor,
    /// That input is left out, and the records do not give it either.
    #[error("{0} is left out, and the records do not give it")]
    Underivable(&'static str),
    /// The database failed.
    #[error("store: {0}")]
    Store(#[from] Fault),
    /// Values that the program itself made do not fit each other.
    #[error("data: {0}")]
    Data(#[from] serde_json::Error),
}

/// What an action gives back.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an action does to the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Adds a record.
    Create,
    /// Changes a record that is there.
    Update,
}

/// The type of a fact that an action computes for the rules.
#[derive(Clone, Copy, Debug)]
pub enum Computed {
    /// A whole number.
    Integer,
    /// A whole number, or null.
    OptionalInteger,
    /// A text, or null.
    OptionalText,
    /// A word of that vocabulary.
    Word(&'static str),
}

/// One operation on the records.
pub trait Action: DeserializeOwned + Inputs + 'static {
    /// Its name: the tool's, unless the policy says otherwise.
    const NAME: &'static str;
    /// The table of the record that it creates or changes; an audit entry names that record.
    const RECORD: &'static Table;
    /// What it does to that record.
    const EFFECT: Effect;
    /// The argument that names the acting user.
    const ACTOR: &'static str = "acting_user";
    /// The input whose person acts where nobody else is named.
    const ACTOR_FALLBACK: Option<&'static str> = None;
    /// What [`Action::compute`] finds out, in the same order.
    const COMPUTED: &'static [(&'static str, Computed)] = &[];
    /// What it answers.
    type Answer: Serialize + JsonSchema;

    /// Facts for the rules, `computed.<name>` to them.
    fn compute(&self, _call: &Call<'_>) -> Result<Vec<Json>> {
        Ok(Vec::new())
    }

    /// Write, and answer. All references exist and the policy agrees.
    fn run(self, permit: &Permit<'_>) -> Result<Self::Answer>;
}

/// An action without its type.
pub struct Operation {
    /// See [`Action::NAME`].
    pub name: &'static str,
    /// See [`Inputs::INPUTS`].
    pub inputs: &'static [Input],
    /// See [`Action::RECORD`].
    pub record: &'static Table,
    /// See [`Action::EFFECT`].
    pub effect: Effect,
    /// See [`Action::ACTOR`].
    pub actor: &'static str,
    /// See [`Action::ACTOR_FALLBACK`].
    pub actor_fallback: Option<&'static str>,
    /// See [`Action::COMPUTED`].
    pub computed: &'static [(&'static str, Computed)],
    /// How it is done.
    pub body: Body,
}

/// How an action is done.
pub enum Body {
    /// In Rust.
    Coded {
        /// The JSON Schema of the answer, without references.
        answer: fn() -> Map<String, Json>,
        /// Read validated arguments.
        prepare: Prepare,
    },
    /// As data says.
    Plain {
        /// What it does.
        plain: Plain,
        /// The JSON Schema of the answer.
        answer: Map<String, Json>,
    },
}

impl Operation {
    /// The JSON Schema of the answer.
    pub fn answer_schema(&self) -> Map<String, Json> {
        match &self.body {
            Body::Coded { answer, .. } => answer(),
            Body::Plain { answer, .. } => answer.clone(),
        }
    }

    /// Read validated arguments.
    pub fn prepare(&'static self, arguments: Map<String, Json>) -> Result<Box<dyn Prepared>> {
        match &self.body {
            Body::Coded { prepare, .. } => prepare(arguments),
            Body::Plain { plain, .. } => Ok(Box::new(plain::Ready::new(self, plain, arguments))),
        }
    }
}

/// Reads validated arguments into an action.
pub type Prepare = fn(Map<String, Json>) -> Result<Box<dyn Prepared>>;

/// An action with its inputs, ready to be judged and run.
pub trait Prepared {
    /// See [`Action::compute`].
    fn compute(&self, call: &Call<'_>) -> Result<Vec<Json>>;
    /// See [`Action::run`].
    fn run(self: Box<Self>, permit: &Permit<'_>) -> Result<Json>;
}

impl<A: Action> Prepared for A {
    fn compute(&self, call: &Call<'_>) -> Result<Vec<Json>> {
        Action::compute(self, call)
    }
    fn run(self: Box<Self>, permit: &Permit<'_>) -> Result<Json> {
        Ok(serde_json::to_value(Action::run(*self, permit)?)?)
    }
}

const fn operation<A: Action>() -> Operation {
    Operation {
        name: A::NAME,
        inputs: A::INPUTS,
        record: A::RECORD,
        effect: A::EFFECT,
        actor: A::ACTOR,
        actor_fallback: A::ACTOR_FALLBACK,
        computed: A::COMPUTED,
        body: Body::Coded {
            answer: || {
                let settings = SchemaSettings::draft2020_12().with(|settings| {
                    settings.meta_schema = None;
                    settings.inline_subschemas = true;
                });
                let schema = settings.into_generator().into_root_schema_for::<A::Answer>();
                match schema.to_value() {
                    Json::Object(schema) => schema,
                    _ => Map::new(),
                }
            },
            prepare: |arguments| Ok(Box::new(serde_json::from_value::<A>(Json::Object(arguments))?)),
        },
    }
}

/// Every coded action, with the domain that it belongs to. The domain's file names it where tool lists are to have it.
pub static CODED: &[(&str, Operation)] = &[
    ("service-management", operation::<incident::CreateIncident>()),
    ("service-management", operation::<incident::UpdateIncident>()),
    ("service-management", operation::<incident::AmendIncident>()),
    ("service-management", operation::<change::UpdateChangeRequest>()),
    ("service-management", operation::<metric::LogMetric>()),
    ("service-management", operation::<report::GenerateIncidentReport>()),
    ("service-management", operation::<user::UpdateUser>()),
    ("service-management", operation::<audit::LogAudit>()),
];

/// The coded action of that name.
pub fn coded(domain: &str, name: &str) -> Option<&'static Operation> {
    CODED.iter().find(|(of, operation)| *of == domain && operation.name == name).map(|(_, operation)| operation)
}
