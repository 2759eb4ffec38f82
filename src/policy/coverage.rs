//! Coverage: what carries out each clause of a policy's text.

use super::Policy;
use std::fmt;

/// What carries out a clause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cover {
    /// A rule, by id.
    Rule(String),
    /// The role list of a tool.
    Roles(String),
    /// The action or the input schema of a tool.
    Step(String),
    /// A built-in refusal.
    Refusal(String),
    /// Nothing, and that is declared, with the reason.
    Exempt(String),
}

impl Cover {
    /// The kind of cover, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Cover::Rule(_) => "rule",
            Cover::Roles(_) => "roles",
            Cover::Step(_) => "step",
            Cover::Refusal(_) => "refusal",
            Cover::Exempt(_) => "exempt",
        }
    }
}

impl fmt::Display for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cover::Rule(name) | Cover::Roles(name) | Cover::Step(name) | Cover::Refusal(name) | Cover::Exempt(name) => {
                f.write_str(name)
            }
        }
    }
}

impl Policy {
    /// What carries out the clause.
    pub fn cover(&self, clause: &str) -> &[Cover] {
        self.covers.iter().find(|(id, _)| id == clause).map_or(&[], |(_, covers)| covers)
    }
}
