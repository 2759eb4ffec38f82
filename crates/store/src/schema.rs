//! The DDL, written from the catalogue.

use super::canonical::hex;
use records::catalogue::{Column, Filter, Kind, TABLES, Table};
use records::text;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Tables of an episode that are not records of the domain.
const EPISODE_TABLES: &str = "\
CREATE TABLE episode (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
CREATE TABLE journal (
  call INTEGER PRIMARY KEY,
  idempotency_key TEXT,
  tool TEXT NOT NULL,
  actor TEXT,
  arguments TEXT NOT NULL,
  answer TEXT NOT NULL,
  outcome TEXT NOT NULL,
  halt_rule TEXT,
  violations TEXT NOT NULL,
  changes TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_keys ON journal (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE TABLE obligations (
  obligation INTEGER PRIMARY KEY,
  call INTEGER NOT NULL REFERENCES journal,
  action TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  paid_by INTEGER REFERENCES journal
) STRICT;
CREATE INDEX obligations_unpaid ON obligations (entity_type, entity_id, action, paid_by);
";

/// All `CREATE` statements of the schema, parents before children.
///
/// Vocabularies and uniqueness are the policy's, so the schema holds neither: it holds types, presence and references.
pub fn ddl() -> String {
    let mut sql = String::new();
    for table in TABLES {
        let columns: Vec<String> = table.columns.iter().map(|column| format!("  {}", definition(column))).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(sql, "CREATE TABLE {} (\n{}\n) STRICT;", table.name, columns.join(",\n"));
        for column in table.columns.iter().filter(|column| is_indexed(column)) {
            let _ = writeln!(
                sql,
                "CREATE INDEX {table}_{column} ON {table} ({key});",
                table = table.name,
                column = column.name,
                key = comparable(column),
            );
        }
    }
    sql + EPISODE_TABLES + super::original::TABLE
}

/// Tells one schema from another, so that a state file of another one is not opened.
pub fn schema_tag() -> String {
    hex(&Sha256::digest(ddl()))[..16].to_owned()
}

fn definition(column: &Column) -> String {
    let storage = match column.kind {
        Kind::Key => return format!("{} INTEGER PRIMARY KEY", column.name),
        Kind::Id(_) | Kind::Integer | Kind::Bool => "INTEGER",
        Kind::Real => "REAL",
        Kind::Text | Kind::Phone | Kind::Word(_) | Kind::Timestamp | Kind::Date => "TEXT",
    };
    let null = if column.nullable { "" } else { " NOT NULL" };
    let reference = match column.kind {
        Kind::Id(parent) => format!(" REFERENCES {}", parent.name),
        _ => String::new(),
    };
    format!("{} {storage}{null}{reference}", column.name)
}

fn is_indexed(column: &Column) -> bool {
    // A part of a text can be anywhere in it: no index orders that.
    matches!(column.filter, Filter::Exact | Filter::Time) && !matches!(column.kind, Kind::Key)
        || matches!(column.kind, Kind::Id(_))
}

/// The SQL function that is [`text::folded`].
pub(super) const FOLDED: &str = "folded";
/// The SQL function that is [`text::caseless`].
pub(super) const CASELESS: &str = "caseless";
/// The SQL function that is [`text::digits`].
pub(super) const DIGITS: &str = "digits";

/// The expression under which a column is indexed and compared for equality.
pub(super) fn comparable(column: &Column) -> String {
    let name = column.name;
    match column.kind {
        Kind::Text => format!("{FOLDED}({name})"),
        Kind::Phone => format!("{DIGITS}({name})"),
        _ => name.to_owned(),
    }
}

/// A text in the form that [`comparable`] gives the stored ones.
pub(super) fn compared(column: &Column, text: &str) -> String {
    match column.kind {
        Kind::Text => text::folded(text).into_owned(),
        Kind::Phone => text::digits(text).into_owned(),
        _ => text.to_owned(),
    }
}

/// The statement that writes one whole row.
pub(super) fn insert(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let marks: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
    format!("INSERT INTO {} ({}) VALUES ({})", table.name, names.join(", "), marks.join(", "))
}
