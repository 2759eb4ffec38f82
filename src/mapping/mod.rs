//! Foreign environments: a mapping, which is data, says what their tools, arguments, tables, columns and words are called
//! here, so that their fixtures and traces run without code.

use crate::episode::{Episode, Outcome};
use crate::policy::{Mistake, Policy};
use crate::store::Fault;
use crate::store::fixtures::{Fixtures, Problem};
use crate::trace::Call;
use serde_json::{Map, Value as Json};
use std::path::{Path, PathBuf};

/// Where mappings are.
#[derive(Clone, Debug)]
pub enum Source {
    /// In the program.
    Embedded,
    /// In a folder, in place of those.
    Directory(PathBuf),
}

/// A mapping that has been checked against the catalogue and a policy.
#[derive(Debug)]
pub struct Mapping {
    /// Its name, such as `it-incident-management/4`.
    pub id: String,
}

/// What a foreign call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// What the foreign environment answers, in its own words.
    pub answer: Json,
    /// How it came about.
    pub standing: Standing,
    /// Our tool and arguments, where a call was made of it.
    pub made: Option<(String, Map<String, Json>)>,
    /// What our call came to, where it is in the episode's journal.
    pub outcome: Option<Outcome>,
    /// The table, in ours, that it looked in.
    pub searched: Option<&'static str>,
    /// The rows that the answer shows: table and key, in ours.
    pub seen: Vec<(&'static str, i64)>,
}

/// How a foreign call was dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A call of ours was made of it; it may have halted.
    Made,
    /// The foreign environment refuses it by itself, so nothing was called.
    Refused,
    /// The episode's policy does not speak of such a thing, so nothing was called.
    Outside,
    /// The foreign environment has no such tool.
    UnknownTool,
}

impl Mapping {
    /// The ids of all mappings there.
    pub fn ids(_source: &Source) -> Vec<String> {
        Vec::new()
    }

    /// The id of the mapping for what a trace says that it was recorded with: an environment, and which of its tool vocabularies.
    pub fn of(_source: &Source, _environment: &str, _interface: Option<&str>) -> Option<String> {
        None
    }

    /// The policy that a mapping is written for, by the mapping's id.
    pub fn policy_of(_source: &Source, _id: &str) -> Option<String> {
        None
    }

    /// Read and check a mapping, for episodes under that policy, which may be another than it is written for.
    pub fn load(_source: &Source, id: &str, _policy: &Policy) -> Result<Mapping, Vec<Mistake>> {
        Ok(Mapping { id: id.to_owned() })
    }

    /// The environment whose fixtures it reads; its vocabularies share them.
    pub fn environment(&self) -> &str {
        &self.id
    }

    /// A foreign folder of fixtures, in our tables.
    pub fn fixtures(&self, directory: &Path) -> Result<Fixtures, Vec<Problem>> {
        Fixtures::from_directory(directory, &|_| None)
    }

    /// The id of the user in whose name a trace acts, which its calls tell; the episode is not changed.
    pub fn actor(&self, _episode: &mut Episode, _calls: &[Call]) -> Result<Option<String>, Fault> {
        Ok(None)
    }

    /// Make a foreign call.
    pub fn call(&self, _episode: &mut Episode, _tool: &str, _arguments: &Map<String, Json>) -> Answered {
        Answered {
            answer: Json::Null,
            standing: Standing::UnknownTool,
            made: None,
            outcome: None,
            searched: None,
            seen: Vec::new(),
        }
    }
}
