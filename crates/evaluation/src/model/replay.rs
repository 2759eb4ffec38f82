//! A trace whose calls were made again.

use super::{Place, SkillRead};
use crate::came::Came;
use crate::packed::Packed;
use calls::Mode;
use procedures::halt::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use store::Obligation;

/// A trace whose calls were made again, in an episode of its own.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Replay {
    /// The trace's name.
    pub name: String,
    /// Where it was read.
    pub place: Place,
    /// The task that it is a run of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Which of the task's trials it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<u64>,
    /// Why the run did not come to its proper end, as its recording says; none where it did, or where that is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
    /// The policy that it was run under.
    pub policy: String,
    /// What happened to a call that a rule would halt.
    pub mode: Mode,
    /// The mapping through which its calls went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// The acting user's id, where the whole trace has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// How all recorded answers together compare with ours: the least alike. `unrecorded` where none was recorded.
    pub comparison: Comparison,
    /// The number of the first call whose recorded answer is not ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_divergence: Option<usize>,
    /// In what it was recorded otherwise than it was run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The skills that the agent had read, where the trace says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<SkillRead>,
    /// Its calls, in order.
    pub calls: Vec<Step>,
    /// Duties that no call has paid.
    pub unpaid: Vec<Duty>,
    /// The canonical hash of the final state.
    pub hash: String,
    /// Whether the final state is the one that it began with.
    pub unchanged: bool,
    /// The tokens that the model read and wrote, where the trace says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

/// One call, as recorded and as made again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Step {
    /// Its number in the trace, from 1.
    pub call: usize,
    /// The tool, as the trace calls it.
    pub tool: String,
    /// The arguments, as the trace has them.
    #[schemars(with = "Map<String, Json>")]
    pub arguments: Packed,
    /// Our tool, where a mapping calls it otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped: Option<Box<Mapped>>,
    /// What it came to. Reports name it by its code.
    #[serde(skip)]
    pub came: Came,
    /// `ok`, the halt's code or `FAULT`; `REFUSED` where the environment of a mapping refuses by itself, `OUTSIDE` where
    /// the policy does not speak of such a thing, `UNKNOWN_TOOL` where nobody knows the tool.
    pub outcome: String,
    /// What is answered now.
    pub answer: Packed,
    /// What was answered when the trace was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Packed>,
    /// How these two compare.
    pub comparison: Comparison,
    /// The first place in which they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Box<AnswerDifference>>,
    /// Why it halted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt: Option<Box<Broken>>,
    /// In observe mode, what would have halted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Broken>,
    /// The rows that it wrote: table, key, and for each changed column its value before and after.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<RowChange>,
}

impl Step {
    /// Whether it went through.
    pub fn went_through(&self) -> bool {
        self.came == Came::Through
    }

    /// What it broke: why it halted, or what would have halted it.
    pub fn broken(&self) -> impl Iterator<Item = &Broken> {
        self.halt.as_deref().into_iter().chain(&self.violations)
    }
}

/// The call that a mapping made of a foreign one.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Mapped {
    /// Our tool.
    pub tool: String,
    /// Our arguments.
    #[schemars(with = "Map<String, Json>")]
    pub arguments: Packed,
}

/// How a recorded answer compares with ours, from the most to the least alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// It was not to be compared.
    Ignored,
    /// None was recorded.
    Unrecorded,
    /// The same JSON text.
    Exact,
    /// The same meaning: order of keys, nulls, forms of times and numbers apart.
    Canonical,
    /// The same meaning, but a row stands alone on one side and in a list of its own on the other.
    Shape,
    /// Another answer.
    Different,
}

/// Where two answers differ first.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AnswerDifference {
    /// A JSON pointer into the answers.
    pub pointer: String,
    /// What the recorded one has there.
    pub recorded: Packed,
    /// What ours has there.
    pub replayed: Packed,
}

/// A rule that a call broke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Broken {
    /// What sort of refusal it is.
    #[serde(skip)]
    pub kind: Kind,
    /// The halt's code.
    pub code: String,
    /// The rule.
    pub rule: String,
    /// The clause of the policy that says so.
    pub clause: String,
    /// What is wrong, with the values in question.
    pub message: String,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// A row that a call wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowChange {
    /// The table.
    pub table: String,
    /// The row's id.
    pub key: String,
    /// By column, the value before and after.
    pub columns: BTreeMap<String, (Json, Json)>,
}

/// A duty that a write left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Duty {
    /// The number, in the trace, of the call that left it.
    pub call: usize,
    /// The audit entry's verb.
    pub action: String,
    /// The kind of the record.
    pub entity_type: String,
    /// The record's id.
    pub entity_id: String,
}

impl Duty {
    /// The duty as it is reported; `call` is the number in the trace.
    pub fn new(duty: &Obligation, call: usize) -> Duty {
        Duty {
            call,
            action: duty.action.clone(),
            entity_type: duty.entity_type.clone(),
            entity_id: duty.entity_id.clone(),
        }
    }
}
