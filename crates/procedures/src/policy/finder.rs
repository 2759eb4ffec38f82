//! The lookup tools of a policy.

use super::fragment::Fragment;
use super::schema;
use super::tool::{self, Shared};
use super::{Tool, Work};
use crate::expression::Vocabularies;
use crate::mistake::{At, Mistake};
use records::catalogue::{self, Filter, TABLES, Table};
use records::suggest::did_you_mean;
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// The lookup tools, in the catalogue's order.
pub(super) fn finders(
    fragments: &[&Fragment],
    words: &Vocabularies,
    tools: &[Tool],
    shared: &Shared,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Tool> {
    let wanted: Vec<&At<String>> = fragments.iter().flat_map(|fragment| &fragment.find).collect();
    for name in wanted.iter().filter(|name| catalogue::table(&name.value).is_none()) {
        let hint = did_you_mean(&name.value, TABLES.iter().map(|table| table.name));
        mistakes.push(name.mistake(format!("there is no table {:?}{hint}", name.value)));
    }
    let mut listed: BTreeSet<&'static str> = BTreeSet::new();
    for tool in tools {
        if let Work::Act(act) = &tool.work {
            listed.extend(tool::vocabularies(act.operation.inputs));
        }
    }
    let tables = TABLES.iter().filter(|table| wanted.iter().any(|name| name.value == table.name));
    let finders = tables.map(|table| {
        let finder = finder(table, words, &listed, shared);
        listed.extend(table.columns.iter().filter_map(|column| match column.kind {
            catalogue::Kind::Word(name) if column.filter == Filter::Exact => Some(name),
            _ => None,
        }));
        finder
    });
    finders.collect()
}

/// The lookup tool of a table.
fn finder(table: &'static Table, words: &Vocabularies, listed: &BTreeSet<&'static str>, shared: &Shared) -> Tool {
    let plural = table.plural.replace('_', " ");
    let time = table.columns.iter().find(|column| column.filter == Filter::Time);
    let description = match time.map_or("", |column| column.name) {
        "" | "created_at" => format!("Look up {plural}."),
        time => format!("Look up {plural}; since and until go by {time}."),
    };
    Tool {
        name: schema::finder_name(table),
        title: format!("Find {plural}"),
        description,
        work: Work::Find(table),
        words: words_of(table, words),
        input_schema: Arc::new(schema::find_schema(table, words, listed)),
        output_schema: Arc::new(schema::find_answer(table)),
        find_rules: shared.find.clone(),
        defaults: Map::new(),
        validator: OnceLock::new(),
    }
}

/// The words that each filter of a lookup accepts.
fn words_of(table: &'static Table, words: &Vocabularies) -> BTreeMap<&'static str, Arc<[String]>> {
    let columns = table.columns.iter().filter(|column| column.filter == Filter::Exact);
    let words = columns.filter_map(|column| match column.kind {
        catalogue::Kind::Word(name) => Some((column.name, words.get(name)?.clone())),
        _ => None,
    });
    words.collect()
}
