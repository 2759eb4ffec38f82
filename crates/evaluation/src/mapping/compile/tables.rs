//! Tables and vocabularies.

use super::Compiler;
use crate::mapping::table::{Pair, Twin, Vocabulary};
use procedures::mistake::At;
use procedures::reader::Table;
use records::catalogue::{self, Kind as ColumnKind, TABLES};
use records::suggest::did_you_mean;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Compiler<'_> {
    /// The vocabularies, by name.
    pub(super) fn words(&self, below: &Table<'_>) -> BTreeMap<String, Arc<Vocabulary>> {
        let mut found: BTreeMap<String, Vocabulary> = BTreeMap::new();
        for (name, entry) in below.table("words").into_iter().flat_map(|table| table.entries()) {
            let words = entry.texts(&name.value);
            found.entry(name.value).or_default().listed = words.into_iter().map(|word| word.value).collect();
        }
        for (name, entry) in below.table("differs").into_iter().flat_map(|table| table.entries()) {
            let vocabulary = found.entry(name.value.clone()).or_default();
            for (theirs, ours) in entry.table(&name.value).into_iter().flat_map(|table| table.entries()) {
                let Some(ours) = ours.text(&theirs.value) else { continue };
                if !vocabulary.listed.is_empty() && !vocabulary.listed.contains(&theirs.value) {
                    let what = format!("word of {}", name.value);
                    self.unknown(&theirs, &what, vocabulary.listed.iter().map(String::as_str));
                }
                // A word that keeps its name is somebody else's too, unless it goes by another one here.
                let kept = vocabulary.listed.contains(&ours.value) && !vocabulary.ours.contains_key(&ours.value);
                let later = entry.table(&name.value).is_some_and(|table| table.has(&ours.value));
                if let Some(other) = vocabulary.theirs.get(&ours.value) {
                    self.note(&ours, format!("{:?} stands for {other:?} already: words go one to one", ours.value));
                } else if kept && !later {
                    self.note(&ours, format!("{:?} is a word that keeps its name: words go one to one", ours.value));
                }
                vocabulary.theirs.insert(ours.value.clone(), theirs.value.clone());
                vocabulary.ours.insert(theirs.value, ours.value);
            }
        }
        found.into_iter().map(|(name, words)| (name, Arc::new(words))).collect()
    }

    /// The tables.
    pub(super) fn twins(&self, below: &Table<'_>, words: &BTreeMap<String, Arc<Vocabulary>>) -> Vec<Twin> {
        let tables = below.table("table").map(|table| table.entries()).unwrap_or_default();
        let mut twins: Vec<Twin> = Vec::new();
        for (name, entry) in tables {
            let Some(of) = entry.table(&name.value) else { continue };
            let is = of.optional("is").unwrap_or_else(|| name.clone());
            match catalogue::table(&is.value) {
                None => self.unknown(&is, "table", TABLES.iter().map(|table| table.name)),
                Some(table) if twins.iter().any(|twin| twin.table == table) => {
                    self.note(&is, format!("{:?} stands for another table already", is.value));
                }
                Some(table) => {
                    twins.push(self.twin(&name.value, table, &of, words));
                    of.finish();
                }
            }
        }
        twins
    }

    /// One table.
    fn twin(
        &self,
        name: &str,
        table: &'static catalogue::Table,
        of: &Table<'_>,
        words: &BTreeMap<String, Arc<Vocabulary>>,
    ) -> Twin {
        let column = |at: &At<String>| {
            let found = table.column(&at.value);
            if found.is_none() {
                let what = format!("column of {}", table.name);
                self.unknown(at, &what, table.columns.iter().map(|column| column.name));
            }
            found
        };
        let mut renamed: BTreeMap<&str, String> = BTreeMap::new();
        for (theirs, ours) in of.names("columns") {
            let Some(found) = column(&ours) else { continue };
            if let Some(other) = renamed.insert(found.name, theirs.value.clone()) {
                self.note(&ours, format!("{:?} stands for {other:?} already", ours.value));
            }
        }
        let mut lacks: Vec<&str> =
            of.texts("lacks").iter().filter_map(|at| column(at).map(|column| column.name)).collect();
        let fills = of.names("fill");
        lacks.extend(fills.iter().filter_map(|(at, _)| column(at).map(|column| column.name)));
        let mut columns: Vec<Pair> = Vec::new();
        for (at, column) in table.columns.iter().enumerate().filter(|(_, column)| !lacks.contains(&column.name)) {
            let name = renamed.get(column.name).map_or(column.name, String::as_str).to_owned();
            columns.push(Pair { name, at, column, words: None, null: Json::Null });
        }
        let names: Vec<String> = columns.iter().map(|pair| pair.name.clone()).collect();
        let mut theirs =
            |at: &At<String>, set: &dyn Fn(&mut Pair)| match columns.iter_mut().find(|pair| pair.name == at.value) {
                Some(pair) => set(pair),
                None => self.unknown(at, &format!("column of {name}"), names.iter().map(String::as_str)),
            };
        for (at, vocabulary) in of.names("words") {
            match words.get(&vocabulary.value) {
                None => self.unknown(&vocabulary, "vocabulary", words.keys().map(String::as_str)),
                Some(words) => theirs(&at, &|pair| {
                    self.known_words(&vocabulary, pair, words);
                    pair.words = Some(words.clone());
                }),
            }
        }
        for (at, entry) in of.table("null").into_iter().flat_map(|table| table.entries()) {
            let Some(value) = entry.json(&at.value) else { continue };
            theirs(&at, &|pair| pair.null = value.value.clone());
        }
        let fill = fills.iter().filter_map(|(at, text)| {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let template = self.template(text, &text.value.clone().into(), &known)?;
            Some((table.column(&at.value)?, template))
        });
        Twin { name: name.to_owned(), table, fill: fill.collect(), columns }
    }

    /// Whether the policy has the words that a column takes.
    fn known_words(&self, at: &At<String>, pair: &Pair, words: &Vocabulary) {
        let ColumnKind::Word(name) = pair.column.kind else { return };
        let Some(list) = self.policy.words.get(name).filter(|_| self.own) else { return };
        let policy = &self.policy.id;
        for word in words.listed.iter().map(|word| words.ours.get(word).unwrap_or(word)) {
            if !list.iter().any(|known| known == word) {
                let hint = did_you_mean(word, list.iter().map(String::as_str));
                self.note(at, format!("the list {name} of policy {policy} has no word {word:?}{hint}"));
            }
        }
    }
}
