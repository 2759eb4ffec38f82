//! A connection, a transaction on it, and the reads and writes that actions may do.

use super::image::{End, Seat, Sheet};
use super::schema::{CASELESS, DIGITS, FOLDED, ddl, insert};
use super::{Agreeing, Fault, Page, Query, Row, Value, whole};
use crate::files;
use records::catalogue::Table;
use records::text;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, MAIN_DB, ToSql, ffi, params_from_iter};
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

/// Statements kept prepared on a connection: more than the distinct ones that a long episode uses.
const STATEMENTS: usize = 512;

/// One database: the state of one episode.
pub struct Store {
    medium: Medium,
}

/// Where a store is.
enum Medium {
    /// In a database of its own.
    Database(Database),
    /// On an image that it shares with others.
    Image(Sheet),
}

/// A database of its own, in memory or in a file.
struct Database {
    connection: Connection,
    is_file: bool,
}

impl Deref for Database {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Database {
    /// A file is closed with what tells whether it is whole. As its only connection is closed, SQLite folds the log in.
    fn drop(&mut self) {
        if self.is_file
            && let Err(error) = whole::seal(self)
        {
            tracing::warn!("the state file was closed without its checksum: {error}");
        }
    }
}

impl Store {
    /// An empty store that lives in memory, as a database of its own: what an [`Image`] is made from.
    pub fn in_memory() -> Result<Store, Fault> {
        let connection = Connection::open_in_memory()?;
        // A call touches a dozen pages, and each is copied for rollback first: small pages cost a write least.
        connection.execute_batch(
            "PRAGMA page_size = 2048; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; \
             PRAGMA temp_store = MEMORY;",
        )?;
        prepare(&connection)?;
        Store::create(Database { connection, is_file: false })
    }

    /// The store in that file, created where there is none. Says whether it was created.
    ///
    /// WAL with `synchronous = FULL`: an acknowledged call survives any crash. A damaged file is refused.
    pub fn in_file(path: &Path) -> Result<(Store, bool), Fault> {
        files::make_sure_of(path).map_err(|error| Fault::ToSqlConversionFailure(error.into()))?;
        whole::check_log(path)?;
        let connection = Connection::open(path)?;
        // A file that is in use is refused at once.
        connection.busy_timeout(Duration::ZERO)?;
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let tables = count("SELECT count(*) FROM sqlite_schema")?;
        if tables > 0 && count("SELECT count(*) FROM sqlite_schema WHERE name = 'episode'")? == 0 {
            // Somebody else's database is not touched.
            let code = ffi::Error::new(ffi::SQLITE_NOTADB);
            return Err(Fault::SqliteFailure(code, Some("this is no state file of incident-mcp".to_owned())));
        }
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;")?;
        prepare(&connection)?;
        if tables == 0 {
            return Ok((Store::create(Database { connection, is_file: true })?, true));
        }
        whole::check(&connection)?;
        whole::unseal(&connection)?;
        Ok((Store { medium: Medium::Database(Database { connection, is_file: true }) }, false))
    }

    fn create(database: Database) -> Result<Store, Fault> {
        // One transaction, so that a crash while a state file is created leaves an empty file.
        database.execute_batch(&format!("BEGIN;\n{}COMMIT;", ddl()))?;
        Ok(Store { medium: Medium::Database(database) })
    }

    /// The store of an episode that starts from an image.
    pub(super) fn on(sheet: Sheet) -> Store {
        Store { medium: Medium::Image(sheet) }
    }

    /// The image and what is changed of it; none for a database of its own.
    pub fn sheet(&self) -> Option<&Sheet> {
        match &self.medium {
            Medium::Image(sheet) => Some(sheet),
            Medium::Database(_) => None,
        }
    }

    /// A store with the same state, which from now on changes apart; none for a database of its own.
    pub fn fork(&self) -> Option<Store> {
        self.sheet().cloned().map(Store::on)
    }

    /// Begin a transaction; dropped without [`Transaction::commit`], it leaves nothing.
    pub fn transaction(&mut self) -> Result<Transaction<'_>, Fault> {
        let on = match &mut self.medium {
            Medium::Database(connection) => {
                // Cached like every other statement: rusqlite's own transactions are prepared anew each time.
                connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
                On::Database(connection)
            }
            Medium::Image(sheet) => On::Image(sheet.begin()?),
        };
        Ok(Transaction { on: Some(on), changes: RefCell::default() })
    }

    /// The bytes of the database.
    pub(super) fn serialize(&mut self) -> Result<Vec<u8>, Fault> {
        match &mut self.medium {
            Medium::Database(database) => Ok(database.connection.serialize(MAIN_DB)?.to_vec()),
            Medium::Image(sheet) => Ok(sheet.file()),
        }
    }

    /// What SQLite finds wrong with the file: its own integrity check and dangling references. Empty when all is well.
    pub fn integrity(&mut self) -> Result<Vec<String>, Fault> {
        let tx = self.transaction()?;
        let mut found: Vec<String> = Vec::new();
        let mut statement = tx.db()?.prepare("PRAGMA integrity_check")?;
        for line in statement.query_map([], |row| row.get::<_, String>(0))? {
            found.push(line?);
        }
        found.retain(|line| line != "ok");
        let mut statement = tx.db()?.prepare("PRAGMA foreign_key_check")?;
        for line in statement.query_map([], |row| row.get::<_, String>(0))? {
            found.push(format!("{} has a dangling reference", line?));
        }
        Ok(found)
    }

    /// The plan that SQLite chooses for a lookup, for the test that every filter has its index.
    pub fn plan(&mut self, query: &Query<'_>) -> Result<String, Fault> {
        let (sql, values) = query.sql();
        let tx = self.transaction()?;
        let mut statement = tx.db()?.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let lines = statement.query_map(bound(&values), |row| row.get::<_, String>(3))?;
        lines.collect::<Result<Vec<_>, _>>().map(|lines| lines.join("\n"))
    }
}

/// Set a connection up, whatever it is to.
pub(super) fn prepare(connection: &Connection) -> Result<(), Fault> {
    connection.execute_batch("PRAGMA foreign_keys = ON;")?;
    // Without it SQLite plans a statement anew for every value that is bound to it, a third of a call's time; and one
    // plan for one statement is what a deterministic episode wants anyway.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    function(connection, FOLDED, text::folded)?;
    function(connection, CASELESS, text::caseless)?;
    function(connection, DIGITS, text::digits)
}

/// Teach SQLite a function of one text, for queries and the indexes that serve them; of null it is null.
fn function(connection: &Connection, name: &str, of: fn(&str) -> Cow<'_, str>) -> Result<(), Fault> {
    use rusqlite::functions::FunctionFlags as Flags;
    let flags = Flags::SQLITE_UTF8 | Flags::SQLITE_DETERMINISTIC | Flags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(name, 1, flags, move |context| {
        let text = context.get_raw(0).as_str_or_null()?;
        Ok(text.map(|text| of(text).into_owned()))
    })
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
    /// None once it has ended.
    on: Option<On<'a>>,
    changes: RefCell<Vec<Change>>,
}

/// What a transaction runs on.
enum On<'a> {
    Database(&'a Connection),
    Image(Seat<'a>),
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.end(End::Rollback) {
            tracing::error!("a transaction could not be rolled back: {error}");
        }
    }
}

impl Transaction<'_> {
    /// The row with that key.
    pub fn get(&self, table: &'static Table, key: i64) -> Result<Option<Row>, Fault> {
        let sql = format!("SELECT * FROM {} WHERE {} = $1", table.name, table.key().name);
        let mut statement = self.db()?.prepare_cached(&sql)?;
        let mut rows = statement.query([key])?;
        rows.next()?.map(|row| read(table, row)).transpose()
    }

    /// The rows that a lookup asks for, in key order.
    pub fn find(&self, query: &Query<'_>) -> Result<Vec<Row>, Fault> {
        let (sql, values) = query.sql();
        let mut statement = self.db()?.prepare_cached(&sql)?;
        let mut rows = statement.query(bound(&values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(query.table, row)?);
        }
        Ok(found)
    }

    /// Every row of the table, in key order.
    pub fn all(&self, table: &'static Table) -> Result<Vec<Row>, Fault> {
        let page = Page::WHOLE;
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
        self.db()?.prepare_cached(&sql)?.query_map((prefix, limit), |row| row.get(0))?.collect()
    }

    /// How many rows agree with all pairs, other than the one with the key `except`.
    pub fn count(&self, look: &Agreeing<'_>) -> Result<i64, Fault> {
        let (sql, values) = look.sql();
        self.db()?.prepare_cached(&sql)?.query_row(bound(&values), |row| row.get(0))
    }

    /// Write a new row under the next free key; columns that are not named stay null.
    pub fn insert(&self, table: &'static Table, cells: Vec<(&str, Value)>) -> Result<Row, Fault> {
        let sql = format!("SELECT coalesce(max({0}), 0) + 1 FROM {1}", table.key().name, table.name);
        let key: i64 = self.db()?.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
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
        self.db()?.prepare_cached(&insert(row.table()))?.execute(bound(row.cells()))?;
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
        self.db()?.prepare_cached(&sql)?.execute(bound(&values))?;
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
        self.end(End::Rollback)
    }

    /// Make everything last.
    pub fn commit(mut self) -> Result<(), Fault> {
        self.end(End::Commit)
    }

    /// The connection, for as long as the transaction is open.
    pub(super) fn db(&self) -> Result<&Connection, Fault> {
        match &self.on {
            Some(On::Database(connection)) => Ok(connection),
            Some(On::Image(seat)) => Ok(seat.connection()),
            None => Err(Fault::SqliteFailure(ffi::Error::new(ffi::SQLITE_MISUSE), None)),
        }
    }

    fn end(&mut self, how: End) -> Result<(), Fault> {
        match self.on.take() {
            None => Ok(()),
            Some(On::Database(connection)) => {
                let ended = connection.prepare_cached(how.sql())?.execute([]).map(drop);
                if ended.is_err() && how == End::Commit {
                    // What could not be made to last must not be left open either.
                    connection.prepare_cached(End::Rollback.sql())?.execute([])?;
                }
                ended
            }
            Some(On::Image(seat)) => seat.end(how),
        }
    }
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

/// Values as a statement's parameters.
fn bound(values: &[Value]) -> impl rusqlite::Params {
    params_from_iter(values.iter().map(Bound))
}

/// A value as SQLite takes it.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, Fault> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Integer(n) => ToSqlOutput::Borrowed(ValueRef::Integer(*n)),
            Value::Real(n) => ToSqlOutput::Borrowed(ValueRef::Real(*n)),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}
