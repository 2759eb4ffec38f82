//! A connection, a transaction on it, and the reads and writes that actions may do.

use super::catalogue::{Column, Kind, Table};
use super::schema::{comparable, compared, ddl, insert};
use super::{Fault, Row, Value};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::fmt::Write;
use std::path::Path;

/// Statements kept prepared on a connection: more than the distinct ones that a long episode uses.
const STATEMENTS: usize = 512;

/// One database: the state of one episode.
pub struct Store {
    connection: Connection,
}

impl Store {
    /// An empty store that lives in memory.
    pub fn in_memory() -> Result<Store, Fault> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(
            "PRAGMA page_size = 4096; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; \
             PRAGMA temp_store = MEMORY;",
        )?;
        Store::prepare(connection, true)
    }

    /// The store in that file, created where there is none. Says whether it was created.
    ///
    /// WAL with `synchronous = FULL`: an acknowledged call survives any crash.
    pub fn in_file(path: &Path) -> Result<(Store, bool), Fault> {
        let connection = Connection::open(path)?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;")?;
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((Store::prepare(connection, tables == 0)?, tables == 0))
    }

    fn prepare(connection: Connection, fresh: bool) -> Result<Store, Fault> {
        connection.execute_batch("PRAGMA foreign_keys = ON;")?;
        // Without it SQLite plans a statement anew for every value that is bound to it, a third of a call's time; and one
        // plan for one statement is what a deterministic episode wants anyway.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        if fresh {
            // One transaction, so that a crash while a state file is created leaves an empty file.
            connection.execute_batch(&format!("BEGIN;\n{}COMMIT;", ddl()))?;
        }
        Ok(Store { connection })
    }

    /// Begin a transaction; dropped without [`Transaction::commit`], it leaves nothing.
    pub fn transaction(&mut self) -> Result<Transaction<'_>, Fault> {
        // Cached like every other statement: rusqlite's own transactions are prepared anew each time.
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Transaction { inner: &self.connection, changes: RefCell::default(), open: true })
    }

    /// What SQLite finds wrong with the file: its own integrity check and dangling references. Empty when all is well.
    pub fn integrity(&self) -> Result<Vec<String>, Fault> {
        let mut found: Vec<String> = Vec::new();
        let mut statement = self.connection.prepare("PRAGMA integrity_check")?;
        for line in statement.query_map([], |row| row.get::<_, String>(0))? {
            found.push(line?);
        }
        found.retain(|line| line != "ok");
        let mut statement = self.connection.prepare("PRAGMA foreign_key_check")?;
        for line in statement.query_map([], |row| row.get::<_, String>(0))? {
            found.push(format!("{} has a dangling reference", line?));
        }
        Ok(found)
    }

    /// The plan that SQLite chooses for a lookup, for the test that every filter has its index.
    pub fn plan(&self, query: &Query<'_>) -> Result<String, Fault> {
        let (sql, values) = query.sql();
        let mut statement = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let lines = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3))?;
        lines.collect::<Result<Vec<_>, _>>().map(|lines| lines.join("\n"))
    }
}

/// One row written by a call.
#[derive(Clone, Debug)]
pub struct Change {
    /// The row before; none for a new one.
    pub before: Option<Row>,
    /// The row after.
    pub after: Row,
}

impl Change {
    /// The change as the journal keeps it: table, key, and each column's value before and after.
    pub fn to_json(&self) -> Json {
        let table = self.after.table();
        let columns: serde_json::Map<String, Json> = (table.columns.iter().enumerate())
            .filter_map(|(at, column)| {
                let after = &self.after.cells()[at];
                let before = self.before.as_ref().map_or(&Value::Null, |row| &row.cells()[at]);
                let pair = json!([before.to_json(column.kind), after.to_json(column.kind)]);
                (before != after).then(|| (column.name.to_owned(), pair))
            })
            .collect();
        json!({ "table": table.name, "key": self.after.key().to_string(), "columns": columns })
    }
}

/// A transaction: everything that one call reads and writes.
pub struct Transaction<'a> {
    pub(super) inner: &'a Connection,
    changes: RefCell<Vec<Change>>,
    open: bool,
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open
            && let Err(error) = self.end("ROLLBACK")
        {
            tracing::error!("a transaction could not be rolled back: {error}");
        }
    }
}

impl Transaction<'_> {
    /// The row with that key.
    pub fn get(&self, table: &'static Table, key: i64) -> Result<Option<Row>, Fault> {
        let sql = format!("SELECT * FROM {} WHERE {} = $1", table.name, table.key().name);
        let mut statement = self.inner.prepare_cached(&sql)?;
        let mut rows = statement.query([key])?;
        rows.next()?.map(|row| read(table, row)).transpose()
    }

    /// The rows that a lookup asks for, in key order.
    pub fn find(&self, query: &Query<'_>) -> Result<Vec<Row>, Fault> {
        let (sql, values) = query.sql();
        let mut statement = self.inner.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(query.table, row)?);
        }
        Ok(found)
    }

    /// Every row of the table, in key order.
    pub fn all(&self, table: &'static Table) -> Result<Vec<Row>, Fault> {
        let page = Page { after: 0, limit: u32::MAX };
        self.find(&Query { table, predicates: Vec::new(), page })
    }

    /// The keys that begin with those digits, in key order, at most so many.
    pub fn keys(&self, table: &Table, prefix: &str, limit: usize) -> Result<Vec<String>, Fault> {
        let (key, name) = (table.key().name, table.name);
        let sql = format!(
            "SELECT CAST({key} AS TEXT) FROM {name} \
             WHERE substr(CAST({key} AS TEXT), 1, length($1)) = $1 ORDER BY {key} LIMIT $2"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.inner.prepare_cached(&sql)?.query_map((prefix, limit), |row| row.get(0))?.collect()
    }

    /// How many rows agree with all pairs, other than the one with the key `except`.
    pub fn count(&self, look: &Agreeing<'_>) -> Result<i64, Fault> {
        let mut sql = format!("SELECT count(*) FROM {} WHERE true", look.table.name);
        let mut values = Vec::new();
        for (column, value) in &look.equal {
            push_equal(&mut sql, &mut values, column, value);
        }
        if let Some(except) = look.except {
            values.push(Value::Integer(except));
            let _ = write!(sql, " AND {} <> ${}", look.table.key().name, values.len());
        }
        self.inner.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))
    }

    /// Write a new row under the next free key; columns that are not named stay null.
    pub fn insert(&self, table: &'static Table, cells: Vec<(&str, Value)>) -> Result<Row, Fault> {
        let sql = format!("SELECT coalesce(max({0}), 0) + 1 FROM {1}", table.key().name, table.name);
        let key: i64 = self.inner.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        let mut row = vec![Value::Null; table.columns.len()];
        row[0] = Value::Integer(key);
        for (name, value) in cells {
            row[position(table, name)?] = value;
        }
        let row = Row::new(table, row);
        self.write(&row)?;
        self.changes.borrow_mut().push(Change { before: None, after: row.clone() });
        Ok(row)
    }

    /// Write a row as it is, key included: how a store is seeded.
    pub fn write(&self, row: &Row) -> Result<(), Fault> {
        self.inner.prepare_cached(&insert(row.table()))?.execute(params_from_iter(row.cells()))?;
        Ok(())
    }

    /// Change the named columns of a row.
    pub fn update(&self, before: &Row, cells: Vec<(&str, Value)>) -> Result<Row, Fault> {
        let table = before.table();
        let mut after = before.cells().to_vec();
        let mut sql = format!("UPDATE {} SET ", table.name);
        let mut values = Vec::with_capacity(cells.len() + 1);
        for (name, value) in cells {
            after[position(table, name)?] = value.clone();
            values.push(value);
            let comma = if values.len() > 1 { ", " } else { "" };
            let _ = write!(sql, "{comma}{name} = ${}", values.len());
        }
        values.push(Value::Integer(before.key()));
        let _ = write!(sql, " WHERE {} = ${}", table.key().name, values.len());
        self.inner.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        let after = Row::new(table, after);
        self.changes.borrow_mut().push(Change { before: Some(before.clone()), after: after.clone() });
        Ok(after)
    }

    /// The rows written so far, in order.
    pub fn changes(&self) -> Vec<Change> {
        self.changes.borrow().clone()
    }

    /// Undo everything.
    pub fn rollback(mut self) -> Result<(), Fault> {
        self.end("ROLLBACK")
    }

    /// Make everything last.
    pub fn commit(mut self) -> Result<(), Fault> {
        self.end("COMMIT")
    }

    fn end(&mut self, how: &str) -> Result<(), Fault> {
        self.inner.prepare_cached(how)?.execute([])?;
        self.open = false;
        Ok(())
    }
}

/// The rows of a table that agree with given values.
pub struct Agreeing<'a> {
    /// The table.
    pub table: &'static Table,
    /// Columns and the values that they must equal.
    pub equal: Vec<(&'a Column, Value)>,
    /// The key of a row that does not count.
    pub except: Option<i64>,
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
    fn sql(&self) -> (String, Vec<Value>) {
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

fn position(table: &Table, column: &str) -> Result<usize, Fault> {
    table.position(column).ok_or_else(|| Fault::InvalidColumnName(column.to_owned()))
}

fn read(table: &'static Table, row: &rusqlite::Row<'_>) -> Result<Row, Fault> {
    let mut cells = Vec::with_capacity(table.columns.len());
    for at in 0..table.columns.len() {
        cells.push(match row.get_ref(at)? {
            ValueRef::Null | ValueRef::Blob(_) => Value::Null,
            ValueRef::Integer(n) => Value::Integer(n),
            ValueRef::Real(n) => Value::Real(n),
            ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        });
    }
    Ok(Row::new(table, cells))
}

impl ToSql for Value {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, Fault> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Integer(n) => ToSqlOutput::Borrowed(ValueRef::Integer(*n)),
            Value::Real(n) => ToSqlOutput::Borrowed(ValueRef::Real(*n)),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

impl Column {
    /// A JSON value as this column stores it; none where it does not fit.
    pub fn value(&self, json: &Json) -> Option<Value> {
        Some(match (self.kind, json) {
            (_, Json::Null) => Value::Null,
            (Kind::Key | Kind::Id(_), Json::String(text)) => Value::Integer(parse_id(text)?),
            (Kind::Integer, Json::String(text)) => Value::Integer(text.parse().ok()?),
            (Kind::Key | Kind::Id(_) | Kind::Integer, Json::Number(n)) => Value::Integer(n.as_i64()?),
            (Kind::Bool, Json::Bool(b)) => (*b).into(),
            (Kind::Real, Json::Number(n)) => Value::Real(n.as_f64()?),
            (Kind::Text | Kind::Phone | Kind::Word(_) | Kind::Timestamp | Kind::Date, Json::String(text)) => {
                Value::Text(text.clone())
            }
            _ => return None,
        })
    }
}

/// A record id: decimal digits without sign or leading zero, as the schema's pattern asks.
pub fn parse_id(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}
