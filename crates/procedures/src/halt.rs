//! A halt: a refusal that is an answer. The caller can act on it; nothing was written.

use serde::Serialize;
use serde_json::{Map, Value as Json};

/// The outcome of a call that went through.
pub const OK: &str = "ok";

/// The code of a failure of the program, which is answered like a halt.
pub const FAULT: &str = "FAULT";

/// The code of a refusal of arguments that do not fit.
pub const INVALID_INPUT: &str = "INVALID_INPUT";

/// One refusal, as the agent reads it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Halt {
    /// Always true: how an agent tells a halt from any other error.
    halt: bool,
    /// A stable name of the kind of refusal, such as `INCIDENT_NOT_CLOSED`.
    pub code: String,
    /// The rule that refused.
    pub rule: String,
    /// The clause of the policy's text that the rule enforces.
    pub clause: String,
    /// What is wrong, with the values in question.
    pub message: String,
    /// The values that the rule read.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub evidence: Map<String, Json>,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// For `INVALID_INPUT`: everything that is wrong with the arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Whether there are more problems than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more_problems: bool,
}

impl Halt {
    /// A halt without evidence, remedy or problems.
    pub fn new(code: &str, rule: &str, clause: &str, message: String) -> Halt {
        Halt {
            halt: true,
            code: code.to_owned(),
            rule: rule.to_owned(),
            clause: clause.to_owned(),
            message,
            evidence: Map::new(),
            remedy: None,
            problems: Vec::new(),
            more_problems: false,
        }
    }
}

/// One fault of the arguments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// The argument, with dots into nested objects.
    pub field: String,
    /// What was given; left out where nothing was. Long values are cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// What is wrong with it.
    pub problem: String,
    /// The values that would be accepted, where they can be listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Json>,
    /// The accepted name or word that was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did_you_mean: Option<String>,
}
