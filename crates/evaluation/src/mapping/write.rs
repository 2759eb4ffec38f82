//! Creations and changes of the environment: their arguments, as those of our tool.

use super::check::{Check, Halting};
use super::refusal::Refusals;
use super::table::Twin;
use super::template::Template;
use super::typed::Type;
use calls::Cell;
use procedures::action::input::Kind;
use serde_json::{Map, Value as Json};
use store::Row;

/// A creation or a change as the mapping has it.
#[derive(Clone, Debug)]
pub(super) struct Write {
    /// Which of the tables.
    pub twin: usize,
    /// What is checked first.
    pub checks: Vec<Check>,
    /// The tool of ours; none where the policy has no such.
    pub made: Option<Made>,
    /// The argument that names the record; none for a creation.
    pub key: Option<String>,
    /// What the record is called in refusals.
    pub record: String,
    /// What is answered; holes are columns of the record, or `row`.
    pub answer: Template,
    /// What is said where our call halts, if not the usual.
    pub halts: Vec<Halting>,
    /// Its wordings.
    pub refusals: Refusals,
}

/// The tool of ours, and how its arguments come about.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// Its name.
    pub tool: String,
    /// The input that holds what changes, where it has one.
    pub set: Option<String>,
    /// Inputs that arguments become.
    pub inputs: Vec<Input>,
    /// Inputs that the environment does not have, made of its arguments; without one of them they are left out.
    pub give: Vec<(String, Template)>,
}

/// An input that an argument becomes.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// The argument.
    pub argument: String,
    /// The input.
    pub name: String,
    /// The input that it stands in, where it is a column to change.
    pub set: Option<String>,
    /// What it takes, where the tool knows it.
    pub kind: Option<Kind>,
    /// Its column, by its place among the pairs of the table.
    pub pair: Option<usize>,
    /// Whether the policy does not offer it.
    pub hidden: bool,
    /// What the policy says where it is left out.
    pub default: Option<Json>,
}

impl Made {
    /// The arguments of our call. Null is absent, and so is an empty argument of a creation that can do without it.
    pub fn arguments(&self, given: &Map<String, Json>, required: &[String], twin: &Twin) -> Map<String, Json> {
        let mut made = Map::new();
        let mut set = Map::new();
        for (argument, value) in given {
            let Some(input) = self.inputs.iter().find(|input| input.argument == *argument) else { continue };
            if input.is_left_out(value, required) {
                continue;
            }
            let value = input.value(value, twin);
            // What the policy decides by itself need not be said, and cannot be said otherwise.
            if input.hidden && input.default.as_ref().is_none_or(|default| *default == value) {
                continue;
            }
            if input.set.is_some() { &mut set } else { &mut made }.insert(input.name.clone(), value);
        }
        for (name, of) in &self.give {
            if of.holes().iter().all(|hole| given.get(*hole).is_some_and(|value| !value.is_null())) {
                made.insert(name.clone(), of.render(&|hole| given.get(hole).cloned().unwrap_or_default()));
            }
        }
        if let Some(name) = &self.set {
            made.insert(name.clone(), set.into());
        }
        made
    }

    /// The cells of the record that the arguments give, as they came.
    pub fn cells(&self, given: &Map<String, Json>, required: &[String], twin: &Twin) -> Vec<Cell> {
        let cell = |input: &Input| {
            let came = given.get(&input.argument).filter(|came| !input.is_left_out(came, required))?;
            twin.columns.get(input.pair?)?.cell(came)
        };
        self.inputs.iter().filter_map(cell).collect()
    }

    /// A change set that says of the record what it says already: how a change that names nothing but its record is made.
    pub fn unchanged(&self, row: &Row, twin: &Twin) -> Map<String, Json> {
        // The last argument, since the first is often a status, which has consequences.
        let inputs = self.inputs.iter().rev().filter(|input| input.set.is_some() && !input.hidden);
        let cell = |input: &Input| {
            let pair = twin.columns.get(input.pair?)?;
            let value = row.cells()[pair.at].to_json(pair.column.kind);
            (!value.is_null()).then(|| (input.name.clone(), value))
        };
        inputs.filter_map(cell).take(1).collect()
    }
}

impl Input {
    /// Where it stands, as refusals of ours say it.
    pub fn path(&self) -> String {
        self.set.as_ref().map_or_else(|| self.name.clone(), |set| format!("{set}.{}", self.name))
    }

    /// Whether an argument says nothing: null, or an empty one of a creation that can do without it.
    fn is_left_out(&self, value: &Json, required: &[String]) -> bool {
        let empty = value.as_str() == Some("") && self.set.is_none() && !required.contains(&self.argument);
        value.is_null() || empty
    }

    /// The value in our words, and in the type that the input takes where another was given for it.
    fn value(&self, value: &Json, twin: &Twin) -> Json {
        match self.pair.and_then(|at| twin.columns.get(at)) {
            Some(pair) => pair.ours(value),
            None => self.kind.map_or_else(|| value.clone(), |kind| Type::from(kind).of(value)),
        }
    }
}
