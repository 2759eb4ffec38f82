//! A foreign table and the one of ours that stands for it: names of columns, words, and what only one of the two has.

use super::template::Template;
use crate::store::Row;
use crate::store::catalogue::{Column, Table};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A foreign vocabulary.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// The foreign words, where they are listed.
    pub listed: Vec<String>,
    /// Words that differ, theirs to ours.
    pub ours: BTreeMap<String, String>,
    /// The same, ours to theirs.
    pub theirs: BTreeMap<String, String>,
}

impl Vocabulary {
    /// A foreign word in ours.
    pub fn word<'a>(&'a self, theirs: &'a str) -> &'a str {
        self.ours.get(theirs).map_or(theirs, String::as_str)
    }

    /// Whether the word means something here only: what the environment says for it is another.
    pub fn is_ours_alone(&self, word: &str) -> bool {
        self.theirs.contains_key(word) && !self.ours.contains_key(word)
    }
}

/// A column that both tables have.
#[derive(Debug)]
pub(super) struct Pair {
    /// What it is called there.
    pub name: String,
    /// Where it stands in a row of ours.
    pub at: usize,
    /// The column of ours.
    pub column: &'static Column,
    /// Its words, where the mapping says which.
    pub words: Option<Arc<Vocabulary>>,
    /// How null reads there.
    pub null: Json,
}

impl Pair {
    /// A foreign value in our words.
    pub fn ours(&self, value: Json) -> Json {
        match (&self.words, value) {
            (Some(words), Json::String(text)) => words.word(&text).into(),
            (_, value) => value,
        }
    }

    /// The cell of a row in foreign words.
    fn theirs(&self, row: &Row) -> Json {
        let value = row.cells()[self.at].to_json(self.column.kind);
        match (&self.words, value) {
            (_, Json::Null) => self.null.clone(),
            (Some(words), Json::String(text)) => words.theirs.get(&text).cloned().unwrap_or(text).into(),
            (_, value) => value,
        }
    }
}

/// Two tables that hold the same.
#[derive(Debug)]
pub(super) struct Twin {
    /// What it is called there.
    pub name: String,
    /// The table of ours.
    pub table: &'static Table,
    /// The columns that both have, in our order, the key first.
    pub columns: Vec<Pair>,
    /// Columns that only ours has, made of foreign ones.
    pub fill: Vec<(&'static Column, Template)>,
}

impl Twin {
    /// The column of that foreign name.
    pub fn pair(&self, theirs: &str) -> Option<&Pair> {
        self.columns.iter().find(|pair| pair.name == theirs)
    }

    /// A foreign row as ours. A column that the mapping does not know keeps its name, so that it is missed under it.
    pub fn row_in(&self, row: Map<String, Json>) -> Map<String, Json> {
        let filled: Vec<(String, Json)> = (self.fill.iter())
            .map(|(column, of)| (column.name.to_owned(), of.render(&|name| row.get(name).cloned().unwrap_or_default())))
            .collect();
        let columns = row.into_iter().map(|(name, value)| match self.pair(&name) {
            Some(pair) => (pair.column.name.to_owned(), pair.ours(value)),
            None => (name, value),
        });
        columns.chain(filled).collect()
    }

    /// A row of ours as the environment shows it.
    pub fn row_out(&self, row: &Row) -> Map<String, Json> {
        self.columns.iter().map(|pair| (pair.name.clone(), pair.theirs(row))).collect()
    }

    /// One value of a row of ours, by its foreign name.
    pub fn value(&self, row: &Row, name: &str) -> Json {
        self.pair(name).map_or(Json::Null, |pair| pair.theirs(row))
    }
}
