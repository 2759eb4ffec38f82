//! Policies: who may, when it halts, with which words, at what time, under what name, and what a refusal says.
//!
//! A policy is data: `policy/<id>/policy.md` states it for people, `policy.toml` makes it executable. [`load`] reads,
//! composes and checks it; what it returns is right, so nothing later can fail on a policy's mistake.

mod beyond;
mod clause;
mod clock;
mod collect;
mod compile;
pub mod coverage;
mod document;
mod finder;
mod fragment;
mod refusals;
mod rule;
pub mod schema;
mod source;
mod tiers;
mod times;
pub mod tool;
pub mod validate;
mod values;
mod words;

pub use crate::mistake::{Mistake, Place};
pub use clause::{Clause, Section};
pub use clock::{Clock, Pace};
pub use compile::{Checked, check, check_drafts, ids, load, load_draft};
pub use source::Source;

use crate::action::Operation;
use crate::action::sla::Tiers;
use crate::expression::{Expression, Template, Type, Vocabularies};
use crate::halt;
use coverage::Cover;
use indexmap::IndexMap;
use records::catalogue::{AUDIT_LOGS, Column, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Who writes the audit entry that a change owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audit {
    /// The agent, with `log_audit`; the answer of a write says what it owes.
    Explicit,
    /// The server, in the same transaction.
    Automatic,
    /// Nobody has to.
    None,
}

impl Audit {
    /// All of them, by the name that policies and the command line use.
    pub const NAMES: [(&'static str, Audit); 3] =
        [("explicit", Audit::Explicit), ("automatic", Audit::Automatic), ("none", Audit::None)];

    /// The way of that name.
    pub fn named(name: &str) -> Option<Audit> {
        Audit::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, audit)| audit)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Audit::NAMES.iter().find(|(_, audit)| *audit == self).map_or("none", |(name, _)| name)
    }
}

/// A policy that has been checked.
#[derive(Debug)]
pub struct Policy {
    /// Its folder's name, under which it is served.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What time it is in an episode, unless that says otherwise.
    pub clock: Clock,
    /// Who writes audit entries unless an episode says otherwise.
    pub audit: Audit,
    /// The licence under which its text may be passed on, where it says one.
    pub license: Option<String>,
    /// Whether the program ships it.
    pub shipped: bool,
    /// Its vocabularies.
    pub words: Vocabularies,
    /// Its service tiers.
    pub tiers: Tiers,
    /// Every halt code and what it means.
    pub halts: BTreeMap<String, String>,
    /// The kinds of the halts of its rules, by rule, where they are another than a rule's.
    pub kinds: BTreeMap<String, halt::Kind>,
    /// The wording of the built-in refusals.
    pub refusals: Refusals,
    /// Its tools, in the order in which they are listed.
    pub tools: Vec<Tool>,
    /// The clauses of its text, included ones first.
    pub clauses: Vec<Clause>,
    /// What carries out each clause, in the order of the clauses.
    pub covers: IndexMap<String, Vec<Cover>>,
    /// The clauses that nothing carries out yet, with what they look like; only a draft has any.
    pub uncovered: IndexMap<String, String>,
    /// Its text, with that of what it includes.
    pub text: String,
    /// SHA-256 over all of its files: which edition of the policy an episode ran under.
    pub fingerprint: String,
}

impl Policy {
    /// The tool of that name.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
    /// The clause of that id.
    pub fn clause(&self, id: &str) -> Option<&Clause> {
        self.clauses.get(self.covers.get_index_of(id)?)
    }
    /// What sort of refusal a rule's halt is.
    pub fn kind_of(&self, rule: &str) -> halt::Kind {
        halt::Kind::of_built_in(rule).or_else(|| self.kinds.get(rule).copied()).unwrap_or(halt::Kind::Rule)
    }
    /// The tool with which an agent writes audit entries.
    pub fn audit_tool(&self) -> Option<&Tool> {
        self.tools.iter().find(|tool| match &tool.work {
            Work::Act(act) => act.operation.record == &AUDIT_LOGS,
            Work::Find(_) => false,
        })
    }
    /// Rules on the acting user for lookups, which are the same for all of them.
    pub fn find_rules(&self) -> &[Arc<Rule>] {
        let finder = self.tools.iter().find(|tool| matches!(tool.work, Work::Find(_)));
        finder.map_or(&[], |tool| &tool.find_rules)
    }
    /// The tool that looks up records of that table.
    pub fn finder(&self, table: &Table) -> Option<&Tool> {
        self.tools.iter().find(|tool| matches!(tool.work, Work::Find(found) if found == table))
    }
}

/// The wording of the refusals that every tool has.
#[derive(Debug)]
pub struct Refusals {
    /// The role may not use the tool.
    pub role: Refusal,
    /// A reference names no record.
    pub reference: Refusal,
    /// Nobody acts.
    pub actor_missing: Refusal,
    /// Somebody else than the session's user is to act.
    pub actor_mismatch: Refusal,
    /// The arguments do not fit the tool's schema.
    pub input: Refusal,
}

/// What one built-in refusal says.
#[derive(Debug)]
pub struct Refusal {
    /// The halt's code; for references a suffix, `NOT_FOUND`.
    pub code: String,
    /// What is wrong.
    pub message: Template,
    /// What to do instead.
    pub remedy: Option<Template>,
    /// The clause that it enforces.
    pub clause: String,
}

/// One executable condition.
#[derive(Debug)]
pub struct Rule {
    /// Its stable name.
    pub id: String,
    /// The references that must be there for it to apply.
    pub present: Vec<String>,
    /// It applies only where this holds.
    pub when: Option<Expression>,
    /// What it counts.
    pub looks: Vec<Look>,
    /// The call halts unless this holds.
    pub unless: Expression,
    /// What sort of refusal its halt is.
    pub kind: halt::Kind,
    /// The halt's code.
    pub code: String,
    /// What is wrong.
    pub message: Template,
    /// What to do instead.
    pub remedy: Option<Template>,
    /// The clause that it enforces.
    pub clause: String,
    /// Every path that any of its expressions reads once it applies.
    pub paths: Vec<String>,
}

/// Something that a rule looks up before it is judged.
#[derive(Debug)]
pub struct Look {
    /// The name under which it is in view.
    pub name: String,
    /// What is looked up.
    pub what: Sight,
    /// Columns and what they must equal, for rows to agree.
    pub equal: Vec<(&'static Column, Expression)>,
    /// The id of a row that does not count.
    pub except: Option<Expression>,
    /// Whether a list holds an id as often as rows have it, or once.
    pub repeats: bool,
    /// Its type.
    pub of: Type,
}

/// What a rule can look up.
#[derive(Debug)]
pub enum Sight {
    /// How many rows of the table agree.
    Count(&'static Table),
    /// The ids in a column of the rows of the table that agree.
    List(&'static Table, &'static Column),
    /// The ids of the rows of the table that the call's references belong to: an incident to its client, a change to
    /// that of its incident.
    Concerned(&'static Table),
    /// Those that the record belongs to which the call changes, as it is before; of a call that adds one,
    /// [`Sight::Concerned`].
    Written(&'static Table),
}

/// What a tool does.
#[derive(Debug)]
pub enum Work {
    /// Carries out an action.
    Act(Box<Act>),
    /// Looks up records of a table.
    Find(&'static Table),
}

/// An action under the policy.
#[derive(Debug)]
pub struct Act {
    /// The action.
    pub operation: &'static Operation,
    /// Roles that may; none where any role may.
    pub roles: Option<Vec<String>>,
    /// Its name and roles, as rules see them.
    pub described: Json,
    /// The clause that says so.
    pub roles_clause: String,
    /// Verb of the audit entry that a success owes.
    pub audit: Option<String>,
    /// Rules on the acting user and the call as a whole, before the role is checked.
    pub actor_rules: Vec<Arc<Rule>>,
    /// Rules after it, in order.
    pub rules: Vec<Arc<Rule>>,
    /// How many of these, the first ones, hold for all tools.
    pub shared_rules: usize,
    /// Whether any of these rules reads what the action computes.
    pub reads_computed: bool,
    /// Clauses that the action itself carries out.
    pub clauses: Vec<String>,
    /// Types of what rules see.
    pub types: Types,
}

impl Act {
    /// The tables that its calls write to, refer to, or are checked against.
    pub fn tables(&self) -> Vec<&'static Table> {
        let looks = self.rules.iter().flat_map(|rule| &rule.looks).map(|look| match look.what {
            Sight::Count(table) | Sight::List(table, _) | Sight::Concerned(table) | Sight::Written(table) => table,
        });
        let references = tool::rows_of(self.operation.inputs).map(|(_, table, _)| table);
        references.chain([self.operation.record]).chain(looks).collect()
    }
}

/// Types of the values, other than rows, that the rules of a tool see.
#[derive(Debug)]
pub struct Types {
    /// `input`.
    pub input: Type,
    /// `computed`.
    pub computed: Type,
    /// `tool`.
    pub tool: Type,
}

/// One tool of a policy.
#[derive(Debug)]
pub struct Tool {
    /// The name under which it is listed.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it does, for agents.
    pub description: String,
    /// What it does, for the program.
    pub work: Work,
    /// The JSON Schema of its arguments, as it is listed and as it is enforced.
    pub input_schema: Arc<Map<String, Json>>,
    /// The JSON Schema of its structured answer.
    pub output_schema: Arc<Map<String, Json>>,
    /// Rules on the acting user for lookups.
    pub find_rules: Vec<Arc<Rule>>,
    /// The words that filters of a lookup accept, by argument.
    pub words: BTreeMap<&'static str, Arc<[String]>>,
    /// Values for arguments that are left out.
    pub defaults: Map<String, Json>,
    /// The compiled [`Tool::input_schema`]; made at the first call, since a listing needs none.
    validator: OnceLock<Option<jsonschema::Validator>>,
}

impl Tool {
    /// Whether who has that role may use it, whatever other rules say. Lookups are everybody's.
    pub fn is_open_to(&self, role: &str) -> bool {
        match &self.work {
            Work::Act(act) => act.roles.as_ref().is_none_or(|roles| roles.iter().any(|may| may == role)),
            Work::Find(_) => true,
        }
    }
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
