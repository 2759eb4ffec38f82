//! Questions to a table, as SQL with numbered placeholders in ascending first use.

use super::Value;
use super::schema::{CASELESS, comparable, compared};
use records::catalogue::{Column, Kind, Table};
use records::text;
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
    /// The column is the value to the letter, where [`Predicate::Equal`] overlooks case and outer space.
    Same(&'a Column, Value),
    /// The column is the text, whatever its case, but with the same space around it.
    Folded(&'a Column, String),
    /// The column has that value, and this JSON is what came for it.
    Came(&'a Column, Value, String),
    /// The column is the value to the letter, or null.
    SameOrNull(&'a Column, Value),
    /// The telephone number ends with these digits.
    EndsWith(&'a Column, String),
    /// The column is not less than the value.
    AtLeast(&'a Column, Value),
    /// The column is not greater than the value.
    AtMost(&'a Column, Value),
    /// Whether the column has a value.
    Present(&'a Column, bool),
    /// No row is meant.
    Never,
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

impl Page {
    /// All of them.
    pub const WHOLE: Page = Page { after: 0, limit: u32::MAX };
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
                    values.push(text::caseless(part).into_owned().into());
                    let _ = write!(sql, " AND instr({CASELESS}({}), ${}) > 0", column.name, values.len());
                }
                Predicate::Same(column, value) => {
                    // For the index, which knows texts without case and outer space only.
                    if matches!(column.kind, Kind::Text) {
                        push_equal(&mut sql, &mut values, column, value);
                    }
                    push(&mut sql, &mut values, column.name, "=", value.clone());
                }
                Predicate::Folded(column, text) => {
                    push_equal(&mut sql, &mut values, column, &text.as_str().into());
                    let before = text.len() - text.trim_start_matches(' ').len();
                    let after = text.len() - text.trim_end_matches(' ').len();
                    let name = column.name;
                    let _ = write!(sql, " AND length({name}) - length(ltrim({name})) = {before}");
                    let _ = write!(sql, " AND length({name}) - length(rtrim({name})) = {after}");
                }
                Predicate::Came(column, value, came) => {
                    push(&mut sql, &mut values, column.name, "=", value.clone());
                    values.push(came.as_str().into());
                    let _ = write!(
                        sql,
                        " AND EXISTS (SELECT 1 FROM originals WHERE record = '{}' AND record_key = {key} \
                         AND record_column = '{}' AND came = ${})",
                        self.table.name,
                        column.name,
                        values.len(),
                    );
                }
                Predicate::SameOrNull(column, value) => {
                    values.push(value.clone());
                    let _ = write!(sql, " AND ({0} = ${1} OR {0} IS NULL)", column.name, values.len());
                }
                Predicate::EndsWith(column, digits) => {
                    values.push(compared(column, digits).into());
                    let _ = write!(sql, " AND substr({}, -length(${1})) = ${1}", comparable(column), values.len());
                }
                Predicate::AtLeast(column, value) => push(&mut sql, &mut values, column.name, ">=", value.clone()),
                Predicate::AtMost(column, value) => push(&mut sql, &mut values, column.name, "<=", value.clone()),
                Predicate::Present(column, there) => {
                    let not = if *there { " NOT" } else { "" };
                    let _ = write!(sql, " AND {} IS{not} NULL", column.name);
                }
                Predicate::Never => sql.push_str(" AND false"),
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

fn push(sql: &mut String, values: &mut Vec<Value>, left: &str, operator: &str, right: Value) {
    values.push(right);
    let _ = write!(sql, " AND {left} {operator} ${}", values.len());
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
