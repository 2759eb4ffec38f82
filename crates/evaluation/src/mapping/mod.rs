//! Foreign environments: a mapping, which is data, says what their tools, arguments, tables, columns and words are called
//! here, so that their fixtures and traces run without code.
//!
//! The format is in docs/mappings.md. A call is checked as the environment checks it, made as a call of ours, and answered
//! with the row that stands in the store afterwards.

mod call;
mod check;
mod compile;
mod fixtures;
mod lookup;
mod moment;
mod refusal;
mod source;
mod table;
mod template;
mod told;
mod typed;
mod write;

pub use source::Source;
pub use told::Told;

use calls::{Episode, Outcome};
use lookup::Lookup;
use procedures::policy::{self, Mistake, Policy};
use refusal::Refusals;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::Path;
use store::fixtures::{Fixtures, Problem};
use store::{Fault, Page, Query};
use table::Twin;
use traces::Call;
use write::Write;

/// A mapping that has been checked against the catalogue and a policy.
#[derive(Debug)]
pub struct Mapping {
    /// Its name, such as `it-incident-management/4`.
    pub id: String,
    tools: BTreeMap<String, Tool>,
    twins: Vec<Twin>,
    refusals: Refusals,
    /// The lookup that finds in whose name a trace acts.
    actor: Option<String>,
    operations: usize,
}

/// A tool of the environment.
#[derive(Debug)]
struct Tool {
    /// The operation behind its name.
    does: String,
    requires: Vec<String>,
    /// All arguments, required ones first.
    takes: Vec<String>,
    work: Work,
}

/// What a tool does.
#[derive(Clone, Debug)]
enum Work {
    Find(Lookup),
    Write(Box<Write>),
}

/// What a foreign call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// What the foreign environment answers, in its own words.
    pub answer: Json,
    /// How it came about.
    pub standing: Standing,
    /// Our tool and arguments, where a call was made of it; a lookup is none of our tools.
    pub made: Option<(String, Map<String, Json>)>,
    /// What it came to in the episode's journal: our call's outcome, a lookup's, or the halt of a call that is refused.
    pub outcome: Option<Outcome>,
    /// The table, in ours, that it looked in.
    pub searched: Option<&'static str>,
    /// The rows that the answer shows: table and key, in ours.
    pub seen: Vec<(&'static str, i64)>,
}

/// How a foreign call was dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A call of ours was made of it, or rows were looked up; it may have halted.
    Made,
    /// The foreign environment refuses it by itself. Nothing was called, and the journal has it as a call with wrong
    /// arguments.
    Refused,
    /// The episode's policy does not speak of such a thing, so nothing was called.
    Outside,
    /// The foreign environment has no such tool.
    UnknownTool,
}

/// How much a mapping says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Tools of its vocabulary.
    pub tools: usize,
    /// Operations of the environment.
    pub operations: usize,
    /// Tables.
    pub tables: usize,
}

impl Mapping {
    /// The ids of all mappings there.
    pub fn ids(source: &Source) -> Vec<String> {
        source.ids()
    }

    /// The id of the mapping for what a trace says that it was recorded with: an environment, and which of its tool
    /// vocabularies, where it has more than one.
    pub fn of(source: &Source, environment: &str, interface: Option<&str>) -> Option<String> {
        let here =
            |id: &String| compile::head(source, &compile::shared(id), "environment").as_deref() == Some(environment);
        let mut found = source.ids().into_iter().filter(here).filter(|id| {
            let own = compile::head(source, &compile::own(id), "interface");
            interface.is_none() || own.as_deref() == interface
        });
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// The policy that a mapping is written for, by the mapping's id.
    pub fn policy_of(source: &Source, id: &str) -> Option<String> {
        compile::head(source, &compile::shared(id), "policy")
    }

    /// Read and check a mapping, for episodes under that policy, which may be another than it is written for.
    pub fn load(source: &Source, id: &str, policy: &Policy) -> Result<Mapping, Vec<Mistake>> {
        compile::load(source, id, policy)
    }

    /// Read and check a mapping against the policy that it is written for.
    pub fn check(source: &Source, id: &str, policies: &policy::Source) -> Result<Mapping, Vec<Mistake>> {
        let policy = Mapping::policy_of(source, id).ok_or_else(|| compile::no_policy(source, id))?;
        Mapping::load(source, id, &policy::load(policies, &policy)?)
    }

    /// How much it says.
    pub fn size(&self) -> Size {
        Size { tools: self.tools.len(), operations: self.operations, tables: self.twins.len() }
    }

    /// Whether the environment has a tool of that name.
    pub fn has_tool(&self, name: &str) -> bool {
        self.tools.contains_key(name)
    }

    /// The environment whose fixtures it reads; its vocabularies share them.
    pub fn environment(&self) -> &str {
        self.id.rsplit_once('/').map_or(self.id.as_str(), |(environment, _)| environment)
    }

    /// A foreign folder of fixtures, in our tables.
    pub fn fixtures(&self, directory: &Path) -> Result<Fixtures, Vec<Problem>> {
        fixtures::read(directory, &self.twins)
    }

    /// The id of the user in whose name a trace acts: the first that its lookups of users find. The episode is not changed.
    pub fn actor(&self, episode: &mut Episode, calls: &[Call]) -> Result<Option<String>, Fault> {
        for call in calls {
            let Some(tool) = self.tools.get(&call.tool).filter(|tool| self.actor.as_ref() == Some(&tool.does)) else {
                continue;
            };
            let Work::Find(lookup) = &tool.work else { continue };
            let Ok(asked) = lookup.ask(&call.arguments, &self.twins[lookup.twin]) else { continue };
            let query = Query { page: Page { after: 0, limit: 1 }, ..asked.query };
            if let Some(row) = episode.store().transaction()?.find(&query)?.first() {
                return Ok(Some(row.key().to_string()));
            }
        }
        Ok(None)
    }
}
