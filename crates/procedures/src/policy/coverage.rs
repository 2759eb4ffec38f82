//! Coverage: what carries out each clause of a policy's text.

use super::compile::Extent;
use super::fragment::{self, Fragment};
use super::rule::unknown_clause;
use super::tool::Context;
use super::{Clause, Policy};
use crate::mistake::{At, Mistake};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
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

/// The reason of an exemption that nobody has thought about yet. Only a draft may have it.
pub const TO_DO: &str = "to do";

impl Policy {
    /// What carries out the clause.
    pub fn cover(&self, clause: &str) -> &[Cover] {
        self.covers.get(clause).map_or(&[], |covers| covers)
    }
}

/// What carries out each clause; a clause that nothing carries out is a mistake.
pub(super) fn covers(
    fragments: &[&Fragment],
    tools: &[(At<String>, fragment::Tool)],
    clauses: &[Clause],
    (context, extent): (&Context<'_>, Extent),
    mistakes: &mut Vec<Mistake>,
) -> IndexMap<String, Vec<Cover>> {
    let mut found: BTreeMap<&str, BTreeSet<Cover>> = BTreeMap::new();
    let mut add = |clause: &'_ str, cover: Cover| {
        if let Some(clause) = context.clauses.get(clause) {
            found.entry(clause).or_default().insert(cover);
        }
    };
    for fragment in fragments {
        for rule in fragment.all_rules() {
            add(&rule.clause.value, Cover::Rule(rule.id.value.clone()));
        }
        for (name, wording) in &fragment.refusals {
            add(&wording.clause.value, Cover::Refusal(name.value.clone()));
        }
    }
    for (name, tool) in tools {
        if let Some(clause) = &tool.roles_clause {
            add(&clause.value, Cover::Roles(name.value.clone()));
        }
        for clause in tool.clauses.iter().flatten() {
            add(&clause.value, Cover::Step(name.value.clone()));
        }
    }
    for (clause, reason) in fragments.iter().flat_map(|fragment| &fragment.exempt) {
        mistakes.extend(unknown_clause(clause, context.clauses));
        if let Some(covers) = found.get(clause.value.as_str()) {
            let covers: Vec<String> = covers.iter().map(Cover::to_string).collect();
            let message = format!("clause {} is exempt, yet {} carries it out", clause.value, covers.join(", "));
            mistakes.push(clause.mistake(message));
        }
        if reason.value == TO_DO && extent == Extent::Policy {
            let message =
                format!("clause {} is exempt {TO_DO:?}: cover it, or say why nothing carries it out", clause.value);
            mistakes.push(reason.mistake(message));
        }
        if let Some(known) = context.clauses.get(clause.value.as_str()) {
            found.entry(known).or_default().insert(Cover::Exempt(reason.value.clone()));
        }
    }
    for (clause, _) in fragments.iter().flat_map(|fragment| &fragment.uncovered) {
        mistakes.extend(unknown_clause(clause, context.clauses));
        if let Some(covers) = found.get(clause.value.as_str()) {
            let covers: Vec<String> = covers.iter().map(Cover::to_string).collect();
            let message = format!(
                "clause {} is uncovered no more, {} carries it out: take this out",
                clause.value,
                covers.join(", ")
            );
            mistakes.push(clause.mistake(message));
        }
    }
    let all = clauses.iter().map(|clause| {
        let covers = found.remove(clause.id.value.as_str()).unwrap_or_default();
        if covers.is_empty() && extent == Extent::Policy {
            let id = &clause.id.value;
            mistakes.push(clause.id.mistake(format!(
                "clause {id} is covered by nothing: name it in a rule, in a tool's clauses, or in [[exempt]] with a reason"
            )));
        }
        (clause.id.value.clone(), covers.into_iter().collect())
    });
    all.collect()
}
