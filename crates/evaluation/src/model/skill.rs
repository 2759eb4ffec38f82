//! A skill that an agent had read.

use schemars::JsonSchema;
use serde::Serialize;

/// A skill that the agent had read, as its trace says, and what it told of the rules that the agent broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SkillRead {
    /// Its address.
    pub uri: String,
    /// The digest of its SKILL.md.
    pub digest: String,
    /// Whether it is one of the policy that the trace was run under, as that is now. Of another, nobody can say what it told.
    pub known: bool,
    /// The clauses that calls broke and that it tells.
    pub told: Vec<String>,
    /// The clauses that calls broke and that it does not tell.
    pub untold: Vec<String>,
}
