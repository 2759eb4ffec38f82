//! Values and rows as they leave and enter the store.

use crate::catalogue::{Column, Kind, Table};
use crate::time;
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A whole number, an id or a boolean (0 or 1); the column's [`Kind`] tells.
    Integer(i64),
    /// A decimal number.
    Real(f64),
    /// Text, a word or a time.
    Text(String),
}

impl Value {
    /// The cell as JSON, read as `kind`: ids become decimal strings, booleans `true` or `false`.
    pub fn to_json(&self, kind: Kind) -> Json {
        match (self, kind) {
            (Value::Null, _) => Json::Null,
            (Value::Integer(n), Kind::Key | Kind::Id(_)) => n.to_string().into(),
            (Value::Integer(n), Kind::Bool) => (*n != 0).into(),
            (Value::Integer(n), _) => (*n).into(),
            (Value::Real(n), _) => (*n).into(),
            (Value::Text(text), _) => text.as_str().into(),
        }
    }
}

impl Column {
    /// A JSON value as this column stores it, a time in its canonical form; none where it does not fit.
    pub fn value(&self, json: &Json) -> Option<Value> {
        Some(match (self.kind, json) {
            (_, Json::Null) => Value::Null,
            (Kind::Key | Kind::Id(_), Json::String(text)) => Value::Integer(parse_id(text)?),
            (Kind::Integer, Json::String(text)) => Value::Integer(text.parse().ok()?),
            (Kind::Key | Kind::Id(_) | Kind::Integer, Json::Number(n)) => Value::Integer(n.as_i64()?),
            (Kind::Bool, Json::Bool(b)) => (*b).into(),
            (Kind::Real, Json::Number(n)) => Value::Real(n.as_f64()?),
            (Kind::Timestamp, Json::String(text)) => Value::Text(time::canonical(text)?),
            (Kind::Date, Json::String(text)) => Value::Text(time::day(text)?),
            (Kind::Text | Kind::Phone | Kind::Word(_), Json::String(text)) => Value::Text(text.clone()),
            _ => return None,
        })
    }
}

/// A record id.
pub fn parse_id(text: &str) -> Option<i64> {
    is_id(text).then(|| text.parse().ok()).flatten()
}

/// Whether a text has the form of a record id: decimal digits, no more than a key can have, without sign or leading zero.
pub fn is_id(text: &str) -> bool {
    // Those of the greatest key.
    const MOST: usize = 19;
    (1..=MOST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0')
}

impl From<i64> for Value {
    fn from(n: i64) -> Value {
        Value::Integer(n)
    }
}
impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Integer(b.into())
    }
}
impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// One record of a table; cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    table: &'static Table,
    cells: Arc<[Value]>,
}

impl Row {
    /// A row of `table` with one cell a column, in the catalogue's order.
    pub fn new(table: &'static Table, cells: Vec<Value>) -> Row {
        debug_assert_eq!(table.columns.len(), cells.len());
        Row { table, cells: cells.into() }
    }
    /// The table that it belongs to.
    pub fn table(&self) -> &'static Table {
        self.table
    }
    /// All cells, in the catalogue's order.
    pub fn cells(&self) -> &[Value] {
        &self.cells
    }
    /// The primary key.
    pub fn key(&self) -> i64 {
        match self.cells[0] {
            Value::Integer(key) => key,
            _ => 0,
        }
    }
    /// The cell of that column; [`Value::Null`] where the table has no such column.
    pub fn get(&self, column: &str) -> &Value {
        self.table.position(column).map_or(&Value::Null, |at| &self.cells[at])
    }
    /// The text of that column, where it holds text.
    pub fn text(&self, column: &str) -> Option<&str> {
        match self.get(column) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
    /// The number or id of that column, where it holds one.
    pub fn integer(&self, column: &str) -> Option<i64> {
        match self.get(column) {
            Value::Integer(n) => Some(*n),
            _ => None,
        }
    }
    /// The whole row as a JSON object in the catalogue's order.
    pub fn to_json(&self) -> Map<String, Json> {
        self.select(|_| true)
    }
    /// The concise view: the columns that the catalogue marks so.
    pub fn to_concise_json(&self) -> Map<String, Json> {
        self.select(|at| self.table.columns[at].concise)
    }
    fn select(&self, wanted: impl Fn(usize) -> bool) -> Map<String, Json> {
        (self.table.columns.iter().zip(self.cells.iter()).enumerate())
            .filter(|(at, _)| wanted(*at))
            .map(|(_, (column, cell))| (column.name.to_owned(), cell.to_json(column.kind)))
            .collect()
    }
}
