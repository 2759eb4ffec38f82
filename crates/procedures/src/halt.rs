//! A halt: a refusal that is an answer. The caller can act on it; nothing was written.

use serde::Serialize;
use serde_json::{Map, Value as Json};

/// The outcome of a call that went through, as journals write it.
pub const OK: &str = "ok";

/// The code of a failure of the program, which is answered like a halt.
pub const FAULT: &str = "FAULT";

/// Rules that every call has to pass, whatever the policy: the built-in refusals, by the names that halts give them.
pub mod built_in {
    /// The arguments fit the tool's schema.
    pub const SCHEMA: &str = "input.schema";
    /// Every reference names a record.
    pub const REFERENCE: &str = "input.reference";
    /// Somebody acts.
    pub const GIVEN: &str = "actor.given";
    /// The call names nobody else than the session's user.
    pub const SAME: &str = "actor.same";
    /// The acting user's role may use the tool.
    pub const ROLE: &str = "actor.role";
}

/// What sort of refusal it is. A transport's status, what is counted, and what linting and grading make of it follow from
/// this; a code is only the policy's name for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The arguments do not fit.
    Input,
    /// They name a record that there is not.
    Reference,
    /// What is asked for is not there, or not for this caller.
    NotFound,
    /// Nobody acts.
    Unauthenticated,
    /// Whoever acts may not.
    Forbidden,
    /// The procedure does not allow it as things are.
    #[default]
    Rule,
    /// It clashes with another call, or with something that is there.
    Conflict,
    /// What is asked for was there once.
    Gone,
    /// What the caller made a condition of does not hold.
    Precondition,
    /// It is too much, or too large.
    Limit,
    /// The program failed.
    Fault,
}

impl Kind {
    /// All of them, by the name that policies give them.
    pub const NAMES: [(&'static str, Kind); 11] = [
        ("input", Kind::Input),
        ("reference", Kind::Reference),
        ("not_found", Kind::NotFound),
        ("unauthenticated", Kind::Unauthenticated),
        ("forbidden", Kind::Forbidden),
        ("rule", Kind::Rule),
        ("conflict", Kind::Conflict),
        ("gone", Kind::Gone),
        ("precondition", Kind::Precondition),
        ("limit", Kind::Limit),
        ("fault", Kind::Fault),
    ];

    /// The kind of a built-in refusal, by its rule.
    pub fn of_built_in(rule: &str) -> Option<Kind> {
        use built_in::{GIVEN, REFERENCE, ROLE, SAME, SCHEMA};
        let known = [
            (SCHEMA, Kind::Input),
            (REFERENCE, Kind::Reference),
            (GIVEN, Kind::Unauthenticated),
            (SAME, Kind::Forbidden),
            (ROLE, Kind::Forbidden),
        ];
        known.into_iter().find(|(name, _)| *name == rule).map(|(_, kind)| kind)
    }
}

/// One refusal, as the agent reads it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Halt {
    /// Always true: how an agent tells a halt from any other error.
    halt: bool,
    /// What sort of refusal it is. Agents read the code, which says more.
    #[serde(skip)]
    pub kind: Kind,
    /// The policy's stable name for it, such as `INCIDENT_NOT_CLOSED`.
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
    /// Of arguments that do not fit: everything that is wrong with the arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Whether there are more problems than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more_problems: bool,
}

impl Halt {
    /// A halt without evidence, remedy or problems.
    pub fn new(kind: Kind, code: &str, rule: &str, clause: &str, message: String) -> Halt {
        Halt {
            halt: true,
            kind,
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
