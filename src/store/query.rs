//! Questions to a table, as SQL with numbered placeholders in ascending first use.

use super::Value;
use super::catalogue::{Column, Table};
use super::schema::{comparable, compared};
use std::fmt::Write;

/// The rows of a table that agree with given values.
pub struct Agreeing<'a> {
    /// The table.
    pub table: &'static Table,
    /// Columns and the values that they must equal.
    pub equal: Vec<(&'a Column, Value)>,
    /// The key of a row that does not count.
    pub except: Option<i64>,
}

impl Agreeing<'_> {
    /// How many there are.
    pub(super) fn sql(&self) -> (String, Vec<Value>) {
        let mut sql = format!("SELECT count(*) FROM {} WHERE true", self.table.name);
        let mut values = Vec::new();
        for (column, value) in &self.equal {
            push_equal(&mut sql, &mut values, column, value);
        }
        if let Some(except) = self.except {
            values.push(Value::Integer(except));
            let _ = write!(sql, " AND {} <> ${}", self.table.key().name, values.len());
        }
        (sql, values)
    }
}

/// One condition of a lookup.
#[derive(Debug)]
pub enum Predicate<'a> {
    /// The column equals the value.
    Equal(&'a Column, Value),
    /// The column contains the text, ignoring case.
    Contains(&'a Column, String),
    /// The time is not before this one.
    Since(&'a Column, String),
    /// The time is not after this one; a bare day includes the whole day.
    Until(&'a Column, String),
}

/// The part of the matching rows that a lookup returns.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Only rows with a greater key.
    pub after: i64,
    /// At most so many rows.
    pub limit: u32,
}

/// A lookup: all conditions hold, in key order.
#[derive(Debug)]
pub struct Query<'a> {
    /// The table.
    pub table: &'static Table,
    /// The conditions.
    pub predicates: Vec<Predicate<'a>>,
    /// The page.
    pub page: Page,
}

impl Query<'_> {
    pub(super) fn sql(&self) -> (String, Vec<Value>) {
        let key = self.table.key().name;
        let mut sql = format!("SELECT * FROM {} WHERE true", self.table.name);
        let mut values = Vec::new();
        for predicate in &self.predicates {
            match predicate {
                Predicate::Equal(column, value) => push_equal(&mut sql, &mut values, column, value),
                Predicate::Contains(column, part) => {
                    values.push(part.as_str().into());
                    let _ = write!(sql, " AND instr(lower({}), lower(${})) > 0", column.name, values.len());
                }
                Predicate::Since(column, time) => {
                    values.push(time.as_str().into());
                    let _ = write!(sql, " AND {} >= ${}", column.name, values.len());
                }
                Predicate::Until(column, time) => {
                    // '~' sorts after every character of a timestamp: a bare day takes in all of
                    // its times, and a time its fractions of a second.
                    values.push(format!("{time}~").into());
                    let _ = write!(sql, " AND {} <= ${}", column.name, values.len());
                }
            }
        }
        if self.page.after > 0 {
            values.push(Value::Integer(self.page.after));
            let _ = write!(sql, " AND {key} > ${}", values.len());
        }
        values.push(Value::Integer(self.page.limit.into()));
        let _ = write!(sql, " ORDER BY {key} LIMIT ${}", values.len());
        (sql, values)
    }
}

fn push_equal(sql: &mut String, values: &mut Vec<Value>, column: &Column, value: &Value) {
    match value {
        Value::Null => {
            let _ = write!(sql, " AND {} IS NULL", column.name);
            return;
        }
        Value::Text(text) => values.push(compared(column, text).into()),
        value => values.push(value.clone()),
    }
    let _ = write!(sql, " AND {} = ${}", comparable(column), values.len());
}
