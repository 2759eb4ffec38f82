//! The inputs of a plain action, as its author writes them: what is not said follows from the column of the input's name.

use crate::action::input::{Input, Kind};
use crate::action::plain::{Copied, Source};
use crate::mistake::{At, Mistake};
use crate::reader::Table as Toml;
use records::catalogue::{self as tables, Column, Table};
use records::suggest::did_you_mean;

/// An input as it is written.
pub(super) struct Declared {
    /// The input.
    pub input: Input,
    /// The column that it is copied to; none for one that only expressions read.
    pub column: Option<&'static Column>,
    /// What stands in where it is left out.
    pub default: Option<Source>,
}

impl Declared {
    /// How the input is copied, if it is.
    pub(super) fn copied(self) -> Option<Copied> {
        Some(Copied { input: self.input, column: self.column?, default: self.default })
    }
}

/// Kinds of values by the words for them.
const KINDS: [(&str, Kind); 10] = [
    ("line", Kind::Line),
    ("text", Kind::Text),
    ("email", Kind::Email),
    ("phone", Kind::Phone),
    ("timestamp", Kind::Timestamp),
    ("day", Kind::Day),
    ("minutes", Kind::Minutes),
    ("count", Kind::Count),
    ("percentage", Kind::Percentage),
    ("flag", Kind::Flag),
];

/// What an input for a column takes, where nothing else is said.
fn usual(column: &Column) -> Option<Kind> {
    Some(match column.kind {
        tables::Kind::Key => return None,
        tables::Kind::Id(table) => Kind::Id(table),
        tables::Kind::Text => Kind::Line,
        tables::Kind::Phone => Kind::Phone,
        tables::Kind::Word(vocabulary) => Kind::Word(vocabulary),
        tables::Kind::Timestamp => Kind::Timestamp,
        tables::Kind::Date => Kind::Day,
        tables::Kind::Integer => Kind::Count,
        tables::Kind::Real => Kind::Percentage,
        tables::Kind::Bool => Kind::Flag,
    })
}

/// Whether a column can hold what an input of that kind takes.
fn holds(column: &Column, kind: Kind) -> bool {
    match (column.kind, kind) {
        (tables::Kind::Id(one), Kind::Id(other)) => one == other,
        (tables::Kind::Word(one), Kind::Word(other)) => one == other,
        (tables::Kind::Text, Kind::Line | Kind::Text | Kind::Email | Kind::Word(_)) => true,
        (tables::Kind::Phone, Kind::Phone) => true,
        (tables::Kind::Timestamp, Kind::Timestamp) | (tables::Kind::Date, Kind::Day) => true,
        (tables::Kind::Integer, Kind::Minutes | Kind::Count) | (tables::Kind::Bool, Kind::Flag) => true,
        (tables::Kind::Real, Kind::Percentage | Kind::Count) => true,
        _ => false,
    }
}

/// Read an input of an action on a table. Those of a change set are never required.
pub(super) fn declared(
    name: &At<String>,
    of: &Toml<'_>,
    table: &'static Table,
    in_change_set: bool,
    mistakes: &mut Vec<Mistake>,
) -> Option<Declared> {
    let about = of.optional("about").map_or("", |about| leaked(about.value));
    let (takes, word, record) = (of.optional("takes"), of.optional("word"), of.optional("record"));
    let renamed = of.optional("column");
    let required = of.truth("required");
    let default = of.optional("default");
    let unread = of.flag("uncopied");
    let column_name = renamed.as_ref().unwrap_or(name);
    let column = table.column(&column_name.value).filter(|_| !unread);
    if column.is_none() && !unread {
        let hint = did_you_mean(&column_name.value, table.columns.iter().map(|column| column.name));
        let message = format!(
            "{} has no column {:?}{hint}; an input that only expressions read says uncopied = true",
            table.name, column_name.value
        );
        mistakes.push(column_name.mistake(message));
        return None;
    }
    let said = match said(name, takes, word, record) {
        Ok(said) => said,
        Err(mistake) => {
            mistakes.push(mistake);
            return None;
        }
    };
    let Some(kind) = said.or_else(|| column.and_then(usual)) else {
        mistakes.push(name.mistake(format!("{}: say what it takes", name.value)));
        return None;
    };
    if let Some(column) = column.filter(|column| !holds(column, kind)) {
        let message = format!("{}: the column {} cannot hold what this takes", name.value, column.name);
        mistakes.push(name.mistake(message));
        return None;
    }
    let default = match (&default, column) {
        (Some(text), Some(column)) => Some(super::value::source(column, text, mistakes)?),
        (Some(text), None) => {
            mistakes.push(text.mistake("an input that is not copied has no default"));
            return None;
        }
        (None, _) => None,
    };
    let usual = column.is_some_and(|column| !column.nullable) && default.is_none();
    let input =
        Input { name: leaked(name.value.clone()), about, kind, required: !in_change_set && required.unwrap_or(usual) };
    Some(Declared { input, column, default })
}

/// What an input takes by the keys that say so; none where none is there.
fn said(
    name: &At<String>,
    takes: Option<At<String>>,
    word: Option<At<String>>,
    record: Option<At<String>>,
) -> Result<Option<Kind>, Mistake> {
    Ok(match (takes, word, record) {
        (None, None, None) => None,
        (Some(takes), None, None) => match KINDS.iter().find(|(word, _)| *word == takes.value) {
            Some((_, kind)) => Some(*kind),
            None => {
                let hint = did_you_mean(&takes.value, KINDS.iter().map(|(word, _)| *word));
                return Err(takes.mistake(format!("no input takes {:?}{hint}", takes.value)));
            }
        },
        (None, Some(word), None) => Some(Kind::Word(leaked(word.value))),
        (None, None, Some(record)) => Some(Kind::Id(named_table(&record)?)),
        _ => return Err(name.mistake(format!("{}: takes, word and record exclude each other", name.value))),
    })
}

/// The table of that name.
pub(super) fn named_table(name: &At<String>) -> Result<&'static Table, Mistake> {
    tables::table(&name.value).ok_or_else(|| {
        let hint = did_you_mean(&name.value, tables::TABLES.iter().map(|table| table.name));
        name.mistake(format!("there is no table {:?}{hint}", name.value))
    })
}

/// A text that lives as long as the program, as domains do.
pub(super) fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
