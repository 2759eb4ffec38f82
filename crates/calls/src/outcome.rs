//! What calls and episodes come to.

use procedures::halt::Kind;
use records::catalogue::Table;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::fmt;
use store::Obligation;

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The structured answer; a halt where `is_error`.
    pub answer: Map<String, Json>,
    /// The same as JSON text.
    pub text: String,
    /// What sort of refusal it is; none where the call went through.
    pub refused: Option<Kind>,
    /// The rule that halted it.
    pub rule: Option<String>,
    /// What its rules looked at before they let it through, or did not; nothing in mode `off`.
    pub consulted: Vec<Consulted>,
    /// Its number in the episode's journal.
    pub number: i64,
    /// Whether this is the answer of an earlier call under the same key. Then nothing was written.
    pub repeated: bool,
}

impl Outcome {
    /// Whether the answer is a halt or a fault.
    pub fn is_error(&self) -> bool {
        self.refused.is_some()
    }
}

/// A record, or a table, that a rule looked at when a call was judged: what its caller should have read before.
#[derive(Clone, Debug, PartialEq)]
pub struct Consulted {
    /// The table.
    pub table: &'static Table,
    /// The record's id; none where the rule searched the table.
    pub key: Option<i64>,
    /// The first rule that looked there.
    pub rule: String,
    /// The clause that it enforces.
    pub clause: String,
}

/// Why a call could not be one. Nothing was run, and nothing is journaled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The policy does not have such a tool.
    #[error("there is no tool {name:?}{hint}")]
    UnknownTool {
        /// The name that was called, shortened.
        name: String,
        /// The name that was probably meant, as a question.
        hint: String,
    },
    /// The idempotency key belongs to another call.
    #[error(
        "the idempotency key {key:?} was used for another call, of {tool}; repeat that call as it was, or choose a new key"
    )]
    KeyTaken {
        /// The key, shortened.
        key: String,
        /// The tool of the first call.
        tool: String,
    },
}

/// What happened in an episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many calls were made.
    pub calls: usize,
    /// How many of them each rule halted.
    pub halts: BTreeMap<String, usize>,
    /// Duties that no call has paid.
    pub unpaid: Vec<Obligation>,
    /// The hash of the state.
    pub hash: String,
    /// What time it is, where its clock moves.
    pub now: Option<String>,
}

impl CallError {
    /// What sort of refusal it is.
    pub fn kind(&self) -> Kind {
        match self {
            CallError::UnknownTool { .. } => Kind::Input,
            CallError::KeyTaken { .. } => Kind::Conflict,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let halted: usize = self.halts.values().sum();
        write!(f, "{} calls, {halted} halted", self.calls)?;
        for (at, (rule, count)) in self.halts.iter().enumerate() {
            write!(f, "{}{rule} {count}", if at == 0 { " (" } else { ", " })?;
        }
        let end = if self.halts.is_empty() { "" } else { ")" };
        write!(f, "{end}, {} audit entries unpaid, state {}", self.unpaid.len(), self.hash)
    }
}
