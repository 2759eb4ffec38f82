//! A foreign table and the one of ours that stands for it: names of columns, words, and what only one of the two has.

use super::template::Template;
use super::typed::Type;
use calls::Cell;
use records::catalogue::{Column, Table};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Original, Originals, Row, Value};

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
    /// A foreign word in ours. One to one for all texts, so that each comes back as it went: a text that is a word of ours
    /// for another word takes the place that this one left.
    pub fn ours<'a>(&'a self, theirs: &'a str) -> &'a str {
        match self.ours.get(theirs) {
            Some(ours) => ours,
            None => follow(theirs, &self.theirs),
        }
    }

    /// A word of ours in theirs.
    pub fn theirs<'a>(&'a self, ours: &'a str) -> &'a str {
        match self.theirs.get(ours) {
            Some(theirs) => theirs,
            None => follow(ours, &self.ours),
        }
    }
}

/// The end of a chain of words. Words go one to one, so a chain that begins at a word which nothing leads to ends.
fn follow<'a>(mut word: &'a str, next: &'a BTreeMap<String, String>) -> &'a str {
    while let Some(following) = next.get(word) {
        word = following;
    }
    word
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
    /// A foreign value in our words and in the type of our column.
    pub fn ours(&self, value: &Json) -> Json {
        match (&self.words, Type::from(self.column.kind).of(value)) {
            (Some(words), Json::String(text)) => words.ours(&text).into(),
            (_, value) => value,
        }
    }

    /// A value of our column in foreign words.
    fn theirs(&self, value: &Value) -> Json {
        match (&self.words, value.to_json(self.column.kind)) {
            (_, Json::Null) => self.null.clone(),
            (Some(words), Json::String(text)) => words.theirs(&text).into(),
            (_, value) => value,
        }
    }

    /// The cell that a foreign value makes; none where our column cannot hold it.
    pub fn cell(&self, came: &Json) -> Option<Cell> {
        let value = self.column.value(&self.ours(came))?;
        let same = self.theirs(&value) == *came;
        Some(Cell { column: self.column, value, came: (!same).then(|| came.clone()) })
    }

    /// The cell of a row as the environment shows it.
    fn shown(&self, row: &Row, originals: &Originals) -> Json {
        let came = originals.of(row, self.column).cloned();
        came.unwrap_or_else(|| self.theirs(&row.cells()[self.at]))
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
            Some(pair) => (pair.column.name.to_owned(), pair.ours(&value)),
            None => (name, value),
        });
        columns.chain(filled).collect()
    }

    /// What came for the cells of a foreign row, where it does not read so from the values that were made of it.
    pub fn originals(&self, row: &Map<String, Json>) -> Vec<Original> {
        let cell = |pair: &Pair| row.get(&pair.name).filter(|came| !came.is_null()).and_then(|came| pair.cell(came));
        let Some(Value::Integer(key)) = self.columns.first().and_then(cell).map(|cell| cell.value) else {
            return Vec::new();
        };
        let kept = self.columns.iter().filter_map(|pair| {
            let Cell { column, value, came } = cell(pair)?;
            let value = value.to_json(column.kind);
            Some(Original { table: self.table.name, key, column: column.name, value, came: came? })
        });
        kept.collect()
    }

    /// A row of ours as the environment shows it.
    pub fn row_out(&self, row: &Row, originals: &Originals) -> Map<String, Json> {
        self.columns.iter().map(|pair| (pair.name.clone(), pair.shown(row, originals))).collect()
    }

    /// One value of a row of ours, by its foreign name.
    pub fn value(&self, row: &Row, name: &str, originals: &Originals) -> Json {
        self.pair(name).map_or(Json::Null, |pair| pair.shown(row, originals))
    }
}
