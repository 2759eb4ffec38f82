//! What the environment checks of a call by itself, before anything is looked up or written.

use super::moment::Moment;
use super::refusal::Refusals;
use super::template::Template;
use serde_json::{Map, Value as Json};

/// One check of one argument.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// The argument.
    pub argument: String,
    /// What it must be.
    pub kind: Kind,
    /// What is said, where it is not the usual refusal.
    pub says: Option<String>,
}

/// What an argument must be.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// One of these words, and the list of them as a refusal shows it.
    Word(Vec<String>, String),
    /// A whole number.
    Integer,
    /// Not negative.
    Count,
    /// A time.
    Time,
    /// There, unless another argument has that value.
    Given(String, Json),
}

/// A call that the environment refuses by itself.
pub(super) struct Refused {
    /// What it says.
    pub answer: Json,
    /// The argument that is wrong.
    pub argument: String,
}

impl Check {
    /// What the environment says against the arguments. An argument that is left out passes, but for [`Kind::Given`].
    pub fn refuse(&self, arguments: &Map<String, Json>, refusals: &Refusals) -> Option<Refused> {
        let given = arguments.get(&self.argument).filter(|value| !value.is_null());
        let right = match (&self.kind, given) {
            (Kind::Given(other, value), None) => arguments.get(other) == Some(value),
            (Kind::Given(..), Some(_)) | (_, None) => true,
            (Kind::Word(words, _), Some(value)) => {
                value.as_str().is_some_and(|text| words.iter().any(|word| word == text))
            }
            (Kind::Integer, Some(value)) => value.is_i64() || value.is_u64(),
            (Kind::Count, Some(value)) => value.as_f64().is_none_or(|number| number >= 0.0),
            (Kind::Time, Some(value)) => value.as_str().is_some_and(|text| Moment::read(text).is_some()),
        };
        if right {
            return None;
        }
        let value = given.map(plain).unwrap_or_default();
        let holes = [("argument", self.argument.as_str()), ("value", &value)];
        let answer = match (&self.says, &self.kind) {
            (Some(says), _) => refusals.say("says", &[("says", says)]),
            (None, Kind::Word(_, words)) => refusals.say("word", &[holes[0], holes[1], ("words", words)]),
            (None, Kind::Integer) => refusals.say("integer", &holes),
            (None, Kind::Count) => refusals.say("count", &holes),
            (None, Kind::Time) => refusals.say("time", &holes),
            (None, Kind::Given(..)) => refusals.say("missing_one", &[("arguments", &self.argument), ("count", "1")]),
        };
        Some(Refused { answer, argument: self.argument.clone() })
    }
}

/// A value as it stands in a sentence.
pub(super) fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What is said where our call halts with a code, and over which of its inputs.
#[derive(Clone, Debug)]
pub(super) struct Halting {
    /// The halt's code.
    pub code: String,
    /// Whether that is the policy's code for arguments that do not fit.
    pub is_of_inputs: bool,
    /// The input of ours, where only a problem with that one is meant.
    pub field: Option<String>,
    /// What is said; holes are the call's arguments.
    pub says: Template,
}
