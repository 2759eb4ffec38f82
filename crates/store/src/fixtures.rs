//! Fixtures: the rows that a store is seeded with, as a folder of `<table>.json` files.
//!
//! A file is an object of rows by id, or an array of rows. Everything that is wrong with a set is found in one pass and
//! named by file, row and column. Rules of a policy are not applied: they judge calls, never stored rows.

use super::image::Image;
use super::{Fault, Original, Row, Store, Transaction, Value};
use include_dir::{Dir, include_dir};
use records::catalogue::{Column, Kind, TABLES, Table, table};
use records::json::repeated;
use records::suggest::did_you_mean;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The words that a vocabulary allows; none where it is not known, and then every word passes.
pub type Words<'a> = &'a dyn Fn(&str) -> Option<BTreeSet<String>>;

/// A checked set of rows.
#[derive(Debug, Clone)]
pub struct Fixtures {
    tables: BTreeMap<&'static str, Vec<Row>>,
    originals: Vec<Original>,
}

/// Something wrong with a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it is called in the folder.
    pub file: String,
    /// The row's id, or its place in the array.
    pub row: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(row) = &self.row {
            write!(f, ": row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../fixtures/default");

impl Fixtures {
    /// The set that the program ships: small, coherent, made so that every rule can be met and missed.
    pub fn shipped(words: Words<'_>) -> Result<Fixtures, Vec<Problem>> {
        let files: Vec<(&str, &str)> =
            (SHIPPED.files()).filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?))).collect();
        Fixtures::from_files(&files, words)
    }

    /// Read and check the JSON files of a folder.
    pub fn from_directory(directory: &Path, words: Words<'_>) -> Result<Fixtures, Vec<Problem>> {
        let (files, unread) = Fixtures::read(directory);
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        match Fixtures::from_files(&files, words) {
            Ok(fixtures) if unread.is_empty() => Ok(fixtures),
            Ok(_) => Err(unread),
            Err(problems) => Err(unread.into_iter().chain(problems).collect()),
        }
    }

    /// The JSON files of a folder, by name, and what could not be read.
    pub fn read(directory: &Path) -> (Vec<(String, String)>, Vec<Problem>) {
        let mut files = Vec::new();
        let mut unread = Vec::new();
        let problem = |file: &Path, error: &std::io::Error| Problem {
            file: file.display().to_string(),
            row: None,
            column: None,
            problem: error.to_string(),
        };
        match std::fs::read_dir(directory) {
            Err(error) => unread.push(problem(directory, &error)),
            Ok(entries) => {
                for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
                    if path.extension().is_some_and(|end| end == "json") {
                        let name = path.file_name().unwrap_or_default().to_string_lossy();
                        match std::fs::read_to_string(&path) {
                            Ok(text) => files.push((name.into_owned(), text)),
                            Err(error) => unread.push(problem(&path, &error)),
                        }
                    }
                }
                if files.is_empty() && unread.is_empty() {
                    unread.push(Problem {
                        file: directory.display().to_string(),
                        row: None,
                        column: None,
                        problem: "holds no <table>.json file".to_owned(),
                    });
                }
            }
        }
        files.sort();
        (files, unread)
    }

    /// Check tables whose files are read already, as name and JSON.
    pub fn from_json(files: Vec<(String, Json)>, words: Words<'_>) -> Result<Fixtures, Vec<Problem>> {
        let mut check = Check::new(words);
        for (name, json) in files {
            check.rows(&name, json);
        }
        check.finish()
    }

    /// Check files given as name and text.
    pub fn from_files(files: &[(&str, &str)], words: Words<'_>) -> Result<Fixtures, Vec<Problem>> {
        let mut check = Check::new(words);
        for (name, text) in files {
            check.file(name, text);
        }
        check.finish()
    }

    /// The same rows, with what came for cells that stand in another form here.
    pub fn with_originals(self, originals: Vec<Original>) -> Fixtures {
        Fixtures { originals, ..self }
    }

    /// How many rows each table has, in the catalogue's order.
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        (TABLES.iter()).map(|table| (table.name, self.tables.get(table.name).map_or(0, Vec::len))).collect()
    }

    /// The words in these rows that are none of their vocabularies, for sets that were read without a look at words.
    pub fn misfits(&self, words: Words<'_>) -> Vec<Problem> {
        let mut found = Vec::new();
        for (table, rows) in TABLES.iter().filter_map(|table| Some((table, self.tables.get(table.name)?))) {
            for (at, column) in table.columns.iter().enumerate() {
                let Kind::Word(vocabulary) = column.kind else { continue };
                let Some(words) = words(vocabulary) else { continue };
                for row in rows {
                    if let Value::Text(word) = &row.cells()[at]
                        && let Err(problem) = known(word, &words)
                    {
                        found.push(Problem {
                            file: format!("{}.json", table.name),
                            row: Some(row.key().to_string()),
                            column: Some(column.name.to_owned()),
                            problem,
                        });
                    }
                }
            }
        }
        found
    }

    /// A database of its own with these rows.
    pub fn store(&self) -> Result<Store, Fault> {
        let mut store = Store::in_memory()?;
        let tx = store.transaction()?;
        self.write(&tx)?;
        tx.commit()?;
        Ok(store)
    }

    /// The image that episodes with these rows start from.
    pub fn image(&self) -> Result<Arc<Image>, Fault> {
        Image::freeze(self.store()?)
    }

    /// Write all rows within a transaction, parents first.
    pub fn write(&self, tx: &Transaction<'_>) -> Result<(), Fault> {
        for table in TABLES {
            for row in self.tables.get(table.name).into_iter().flatten() {
                tx.write(row)?;
            }
        }
        self.originals.iter().try_for_each(|original| tx.keep(original))
    }
}

struct Check<'a> {
    words: Words<'a>,
    problems: Vec<Problem>,
    tables: BTreeMap<&'static str, Vec<Row>>,
}

impl Check<'_> {
    fn new(words: Words<'_>) -> Check<'_> {
        Check { words, problems: Vec::new(), tables: BTreeMap::new() }
    }

    fn finish(mut self) -> Result<Fixtures, Vec<Problem>> {
        self.references();
        self.uniqueness();
        if self.problems.is_empty() {
            Ok(Fixtures { tables: self.tables, originals: Vec::new() })
        } else {
            Err(self.problems)
        }
    }

    fn report(&mut self, file: &str, row: Option<&str>, column: Option<&str>, problem: String) {
        self.problems.push(Problem {
            file: file.to_owned(),
            row: row.map(str::to_owned),
            column: column.map(str::to_owned),
            problem,
        });
    }

    fn file(&mut self, file: &str, text: &str) {
        match (serde_json::from_str(text), repeated(text.as_bytes())) {
            (Ok(_), Some(path)) => self.report(file, None, None, format!("has {} twice", brief_text(&path))),
            (Ok(json), None) => self.rows(file, json),
            (Err(error), _) => self.report(file, None, None, format!("is not JSON: {error}")),
        }
    }

    fn rows(&mut self, file: &str, json: Json) {
        let name = file.strip_suffix(".json").unwrap_or(file);
        let Some(table) = table(name) else {
            let hint = did_you_mean(name, TABLES.iter().map(|table| table.name));
            return self.report(file, None, None, format!("there is no table {name:?}{hint}"));
        };
        let rows: Vec<(Option<String>, Json)> = match json {
            Json::Object(rows) => rows.into_iter().map(|(id, row)| (Some(id), row)).collect(),
            Json::Array(rows) => rows.into_iter().map(|row| (None, row)).collect(),
            _ => {
                let problem = "must be an object of rows by id, or an array of rows".to_owned();
                return self.report(file, None, None, problem);
            }
        };
        let vocabularies: Vec<Option<BTreeSet<String>>> = (table.columns.iter())
            .map(|column| match column.kind {
                Kind::Word(vocabulary) => (self.words)(vocabulary),
                _ => None,
            })
            .collect();
        let mut keys = BTreeSet::new();
        let mut found = Vec::with_capacity(rows.len());
        for (at, (id, row)) in rows.into_iter().enumerate() {
            let label = id.clone().unwrap_or_else(|| format!("[{at}]"));
            let Some(row) = self.row(file, table, &label, row, &vocabularies) else { continue };
            if id.is_some_and(|id| id != row.key().to_string()) {
                let key = row.key();
                let problem = format!("the row stands under id {label} but its own id is {key}");
                self.report(file, Some(&label), Some(table.key().name), problem);
            } else if !keys.insert(row.key()) {
                let problem = format!("id {} stands twice", row.key());
                self.report(file, Some(&label), Some(table.key().name), problem);
            } else {
                found.push(row);
            }
        }
        found.sort_by_key(Row::key);
        self.tables.insert(table.name, found);
    }

    fn row(
        &mut self,
        file: &str,
        table: &'static Table,
        label: &str,
        row: Json,
        vocabularies: &[Option<BTreeSet<String>>],
    ) -> Option<Row> {
        let Json::Object(row) = row else {
            self.report(file, Some(label), None, format!("must be an object, not {}", brief(&row)));
            return None;
        };
        let before = self.problems.len();
        for name in row.keys().filter(|name| table.column(name).is_none()) {
            let hint = did_you_mean(name, table.columns.iter().map(|column| column.name));
            self.report(file, Some(label), Some(name), format!("there is no such column{hint}"));
        }
        let mut cells = Vec::with_capacity(table.columns.len());
        for (column, words) in table.columns.iter().zip(vocabularies) {
            match cell(column, row.get(column.name).unwrap_or(&Json::Null), words.as_ref()) {
                Ok(value) => cells.push(value),
                Err(problem) => self.report(file, Some(label), Some(column.name), problem),
            }
        }
        (self.problems.len() == before).then(|| Row::new(table, cells))
    }

    fn references(&mut self) {
        let keys: BTreeMap<&str, BTreeSet<i64>> =
            (self.tables.iter()).map(|(name, rows)| (*name, rows.iter().map(Row::key).collect())).collect();
        let mut found = Vec::new();
        for row in self.tables.values().flatten() {
            for (column, cell) in row.table().columns.iter().zip(row.cells()) {
                let (Kind::Id(parent), Value::Integer(id)) = (column.kind, cell) else { continue };
                if !keys.get(parent.name).is_some_and(|keys| keys.contains(id)) {
                    found.push((row.clone(), column, format!("no {} has id {id}", parent.entity)));
                }
            }
        }
        for (row, column, problem) in found {
            let file = format!("{}.json", row.table().name);
            self.report(&file, Some(&row.key().to_string()), Some(column.name), problem);
        }
    }

    fn uniqueness(&mut self) {
        let mut found = Vec::new();
        for (table, rows) in TABLES.iter().filter_map(|t| Some((t, self.tables.get(t.name)?))) {
            for column in table.unique.iter().filter_map(|name| table.column(name)) {
                let mut seen: BTreeMap<String, i64> = BTreeMap::new();
                for row in rows {
                    let Some(text) = row.text(column.name) else { continue };
                    let text = super::schema::compared(column, text);
                    match seen.get(&text) {
                        Some(first) => found.push((
                            table.name,
                            row.key(),
                            column.name,
                            format!("is the same as that of row {first}, and must be unique"),
                        )),
                        None => drop(seen.insert(text, row.key())),
                    }
                }
            }
        }
        for (table, key, column, problem) in found {
            self.report(&format!("{table}.json"), Some(&key.to_string()), Some(column), problem);
        }
    }
}

fn cell(column: &Column, json: &Json, words: Option<&BTreeSet<String>>) -> Result<Value, String> {
    if json.is_null() {
        return match column.nullable {
            true => Ok(Value::Null),
            false => Err("is missing".to_owned()),
        };
    }
    let wanted = match column.kind {
        Kind::Key | Kind::Id(_) => "an id, a string of digits such as \"12\"",
        Kind::Integer => "a whole number",
        Kind::Real => "a number",
        Kind::Bool => "true or false",
        Kind::Timestamp => "a time such as \"2025-09-01T08:30:00\"",
        Kind::Date => "a day such as \"2025-09-01\"",
        Kind::Text | Kind::Phone | Kind::Word(_) => "a string",
    };
    let value = column.value(json).ok_or_else(|| format!("must be {wanted}, not {}", brief(json)))?;
    if let Value::Text(text) = &value {
        if text.contains('\0') {
            return Err("holds the character U+0000, which no text may".to_owned());
        }
        if let Some(words) = words {
            known(text, words)?;
        }
    }
    Ok(value)
}

/// Whether a word is one of these.
fn known(word: &str, words: &BTreeSet<String>) -> Result<(), String> {
    if words.contains(word) {
        return Ok(());
    }
    let list: Vec<&str> = words.iter().map(String::as_str).collect();
    let hint = did_you_mean(word, list.iter().copied());
    Err(format!("{} is not one of {}{hint}", brief(&word.into()), list.join(", ")))
}

/// A text short enough to print in a message, without quotes around it.
pub fn brief_text(text: &str) -> String {
    brief(&text.into()).trim_matches('"').to_owned()
}

/// A JSON value short enough to print in a message.
pub fn brief(value: &Json) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        None => text,
        Some((at, _)) => format!("{}... ({} characters)", &text[..at], text.chars().count()),
    }
}
