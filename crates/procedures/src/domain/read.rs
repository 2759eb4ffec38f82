//! Reading the actions of a domain.

use super::input::{Declared, declared, leaked, named_table};
use super::value::source;
use crate::action::input::{CLEAR, Input, Kind};
use crate::action::plain::{Part, Plain, Set};
use crate::action::{self, Body, Computed, Effect, Operation};
use crate::mistake::{At, Mistake};
use crate::reader::{Entry, File, Table as Toml};
use records::catalogue::{self as tables, Table};
use records::suggest::did_you_mean;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// The input that is the change set of a plain action.
const CHANGE_SET: &str = "change_set";

/// All actions of a file, in its order.
pub(super) fn operations(domain: &str, file: &str, text: &str) -> Result<Vec<&'static Operation>, Vec<Mistake>> {
    let file = File::new(file.to_owned(), text);
    let mut mistakes = Vec::new();
    let mut found = Vec::new();
    if let Some(parsed) = file.parse(text) {
        for (name, entry) in Toml::root(&file, &parsed).entries() {
            let Some(of) = entry.table(&name.value) else { continue };
            found.extend(operation(domain, &name, &of, &mut mistakes));
            of.finish();
        }
    }
    mistakes.extend(file.into_mistakes());
    mistakes.sort();
    if mistakes.is_empty() { Ok(found) } else { Err(mistakes) }
}

fn operation(
    domain: &str,
    name: &At<String>,
    of: &Toml<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Option<&'static Operation> {
    if of.flag("coded") {
        let operation = action::coded(domain, &name.value);
        if operation.is_none() {
            let hint = did_you_mean(&name.value, action::CODED.iter().map(|(_, coded)| coded.name));
            mistakes.push(name.mistake(format!("there is no coded action {:?} for {domain}{hint}", name.value)));
        }
        return operation;
    }
    let before = mistakes.len();
    let (create, change) = (of.optional("create"), of.optional("change"));
    let (effect, table) = match (&create, &change) {
        (Some(table), None) => (Effect::Create, table),
        (None, Some(table)) => (Effect::Update, table),
        _ => {
            mistakes.push(name.mistake(format!("[{}] says either create or change, and the table", name.value)));
            return None;
        }
    };
    let record = match named_table(table) {
        Ok(record) => record,
        Err(mistake) => {
            mistakes.push(mistake);
            return None;
        }
    };
    let mut reading = Reading { record, inputs: Vec::new(), declared: Vec::new(), set: Vec::new(), mistakes };
    let key = of.optional("key");
    let key = match effect {
        Effect::Create => None,
        Effect::Update => Some(key.map_or(record.key().name, |key| leaked(key.value))),
    };
    reading.inputs.extend(key.map(|name| Input { name, about: "", kind: Kind::Id(record), required: true }));
    reading.columns(of);
    reading.inputs(of);
    reading.set(of);
    reading.filled(name, effect);
    let (answer, schema) = reading.answer(of);
    let actor = of.optional("actor").map_or("acting_user", |actor| leaked(actor.value));
    let actor_fallback = of.optional("actor_fallback");
    if let Some(fallback) = &actor_fallback
        && !reading.inputs.iter().any(|input| input.name == fallback.value)
    {
        reading.mistakes.push(fallback.mistake(format!("there is no input {:?}", fallback.value)));
    }
    let Reading { inputs, declared, set, .. } = reading;
    if mistakes.len() > before {
        return None;
    }
    let has_set = inputs.iter().any(|input| matches!(input.kind, Kind::ChangeSet(_)));
    Some(Box::leak(Box::new(Operation {
        name: leaked(name.value.clone()),
        inputs: Vec::leak(inputs),
        record,
        effect,
        actor,
        actor_fallback: actor_fallback.map(|name| leaked(name.value)),
        computed: if has_set { &[("changes", Computed::Integer)] } else { &[] },
        body: Body::Plain {
            plain: Plain {
                record: key,
                copies: declared.into_iter().filter_map(Declared::copied).collect(),
                set,
                answer,
            },
            answer: schema,
        },
    })))
}

/// An action while it is read.
struct Reading<'m> {
    record: &'static Table,
    inputs: Vec<Input>,
    declared: Vec<Declared>,
    set: Vec<Set>,
    mistakes: &'m mut Vec<Mistake>,
}

impl Reading<'_> {
    fn each(
        &mut self,
        of: &Toml<'_>,
        key: &'static str,
        in_change_set: bool,
        mut take: impl FnMut(&mut Self, Declared),
    ) {
        let Some(entries) = of.table(key).map(|table| table.entries()) else { return };
        for (name, entry) in entries {
            let Some(of) = entry.table(&name.value) else { continue };
            if let Some(declared) = declared(&name, &of, self.record, in_change_set, self.mistakes) {
                take(self, declared);
            }
            of.finish();
        }
    }

    /// The columns of the change set, which becomes one input.
    fn columns(&mut self, of: &Toml<'_>) {
        let mut columns = Vec::new();
        self.each(of, "column", true, |_, declared| columns.push(declared.input));
        if !columns.is_empty() {
            columns.push(Input { name: CLEAR, about: "", kind: Kind::Clear, required: false });
            let kind = Kind::ChangeSet(Vec::leak(columns));
            self.inputs.push(Input { name: CHANGE_SET, about: "", kind, required: true });
        }
    }

    fn inputs(&mut self, of: &Toml<'_>) {
        self.each(of, "input", false, |reading, declared| {
            reading.inputs.push(declared.input);
            reading.declared.push(declared);
        });
    }

    /// The values that the call itself decides: `column = "value"`, or `input.column` of the row that the input names.
    fn set(&mut self, of: &Toml<'_>) {
        for (name, value) in of.names("set") {
            let (row, column) = match name.value.split_once('.') {
                None => (None, name.value.as_str()),
                Some((row, column)) => (Some(row), column),
            };
            let (input, table) = match row {
                None => (None, self.record),
                Some(row) => {
                    let named = self.inputs.iter().find_map(|input| match input.kind {
                        Kind::Id(table) if input.row_name() == row => Some((input.name, table)),
                        _ => None,
                    });
                    let Some((input, table)) = named else {
                        self.mistakes.push(name.mistake(format!("no input names a {row:?}")));
                        continue;
                    };
                    (Some(input), table)
                }
            };
            let Some(column) = table.column(column).filter(|column| *column != table.key()) else {
                let hint = did_you_mean(column, table.columns[1..].iter().map(|column| column.name));
                self.mistakes.push(name.mistake(format!("{} has no column {column:?} to set{hint}", table.name)));
                continue;
            };
            if let Some(source) = source(column, &value, self.mistakes) {
                self.set.push(Set { row: input, table, column, value: source, place: value.place.clone() });
            }
        }
    }

    /// A new record has all that it must have.
    fn filled(&mut self, name: &At<String>, effect: Effect) {
        let mut written = BTreeSet::new();
        let own = self.set.iter().filter(|set| set.row.is_none()).map(|set| set.column.name);
        let copied = self.declared.iter().filter_map(|declared| Some(declared.column?.name));
        for column in own.chain(copied) {
            if !written.insert(column) {
                self.mistakes.push(name.mistake(format!("[{}] writes {column} twice", name.value)));
            }
        }
        if effect == Effect::Create {
            let empty = self.record.columns[1..].iter().filter(|column| !column.nullable);
            for column in empty.filter(|column| !written.contains(column.name)) {
                let message =
                    format!("[{}] fills no {}, which {} must have", name.value, column.name, self.record.name);
                self.mistakes.push(name.mistake(message));
            }
            let optional =
                self.declared.iter().filter(|declared| !declared.input.required && declared.default.is_none());
            for column in optional.filter_map(|declared| declared.column).filter(|column| !column.nullable) {
                let message = format!(
                    "[{}] may leave {} empty, which {} must have: give the input a default",
                    name.value, column.name, self.record.name
                );
                self.mistakes.push(name.mistake(message));
            }
        }
    }

    fn answer(&mut self, of: &Toml<'_>) -> (Vec<(&'static str, Part)>, Map<String, Json>) {
        let (mut parts, mut properties) = (Vec::new(), Map::new());
        let entries = of.table("answer").map(|table| table.entries()).unwrap_or_default();
        for (name, entry) in entries {
            let Some((part, schema)) = self.part(&name, &entry) else { continue };
            properties.insert(name.value.clone(), schema);
            parts.push((leaked(name.value), part));
        }
        let schema = json!({ "type": "object", "properties": properties });
        (parts, schema.as_object().cloned().unwrap_or_default())
    }

    fn part(&mut self, name: &At<String>, entry: &Entry<'_>) -> Option<(Part, Json)> {
        let (column, row, about) = if entry.is_table() {
            let of = entry.table(&name.value)?;
            let read = (of.optional("column"), of.flag("row"), of.optional("about"));
            of.finish();
            read
        } else {
            (entry.text(&name.value), false, None)
        };
        let mut schema = Map::new();
        let part = match (column, row) {
            (None, true) => {
                schema.insert("type".to_owned(), "object".into());
                schema.insert("additionalProperties".to_owned(), true.into());
                Part::Row
            }
            (Some(column), false) => {
                let Some(known) = self.record.column(&column.value) else {
                    let hint = did_you_mean(&column.value, self.record.columns.iter().map(|column| column.name));
                    let message = format!("{} has no column {:?}{hint}", self.record.name, column.value);
                    self.mistakes.push(column.mistake(message));
                    return None;
                };
                let of = match known.kind {
                    tables::Kind::Integer => "integer",
                    tables::Kind::Real => "number",
                    tables::Kind::Bool => "boolean",
                    _ => "string",
                };
                schema.insert("type".to_owned(), of.into());
                Part::Column(known)
            }
            _ => {
                self.mistakes.push(name.mistake(format!("answer.{}: a column, or row = true", name.value)));
                return None;
            }
        };
        schema.extend(about.map(|about| ("description".to_owned(), about.value.into())));
        Some((part, Json::Object(schema)))
    }
}
