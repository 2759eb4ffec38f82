//! Cells that came in another form than the one that the store compares: what came is kept beside the value, for answers
//! in the words of where it came from. It is no part of the state, and counts in no hash.

use super::{Fault, Row, Transaction};
use records::catalogue::Column;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The table of originals, for the schema.
pub(super) const TABLE: &str = "\
CREATE TABLE originals (
  record TEXT NOT NULL,
  record_key INTEGER NOT NULL,
  record_column TEXT NOT NULL,
  value TEXT NOT NULL,
  came TEXT NOT NULL,
  PRIMARY KEY (record, record_key, record_column)
) STRICT, WITHOUT ROWID;
";

/// What came for a cell.
#[derive(Clone, Debug)]
pub struct Original {
    /// The table of the cell's row.
    pub table: &'static str,
    /// The row's key.
    pub key: i64,
    /// The cell's column.
    pub column: &'static str,
    /// The value that was made of it.
    pub value: Json,
    /// What came.
    pub came: Json,
}

/// The originals of some rows of one table, by key and column.
#[derive(Clone, Debug, Default)]
pub struct Originals(BTreeMap<(i64, String), (Json, Json)>);

impl Originals {
    /// What came for a cell of a row, if the cell still has the value that was made of it.
    pub fn of(&self, row: &Row, column: &Column) -> Option<&Json> {
        if self.0.is_empty() {
            return None;
        }
        let (value, came) = self.0.get(&(row.key(), column.name.to_owned()))?;
        (*value == row.get(column.name).to_json(column.kind)).then_some(came)
    }
}

impl Transaction<'_> {
    /// Keep what came for a cell, in place of what came before.
    pub fn keep(&self, original: &Original) -> Result<(), Fault> {
        let Original { table, key, column, value, came } = original;
        let sql = "INSERT OR REPLACE INTO originals (record, record_key, record_column, value, came) \
                   VALUES ($1, $2, $3, $4, $5)";
        self.db()?.prepare_cached(sql)?.execute((table, key, column, value.to_string(), came.to_string()))?;
        Ok(())
    }

    /// Forget what came for a cell: its value reads as it is.
    pub fn forget(&self, table: &str, key: i64, column: &str) -> Result<(), Fault> {
        let sql = "DELETE FROM originals WHERE record = $1 AND record_key = $2 AND record_column = $3";
        self.db()?.prepare_cached(sql)?.execute((table, key, column))?;
        Ok(())
    }

    /// What came for the cells of rows, which are of one table and in the order of their keys.
    pub fn originals(&self, rows: &[Row]) -> Result<Originals, Fault> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Originals::default()) };
        let sql = "SELECT record_key, record_column, value, came FROM originals \
                   WHERE record = $1 AND record_key BETWEEN $2 AND $3";
        let mut statement = self.db()?.prepare_cached(sql)?;
        let mut found = statement.query((first.table().name, first.key(), last.key()))?;
        let mut originals = BTreeMap::new();
        while let Some(row) = found.next()? {
            // What is written as JSON is read as JSON.
            let json = |at| Ok::<Json, Fault>(serde_json::from_str(&row.get::<_, String>(at)?).unwrap_or_default());
            originals.insert((row.get(0)?, row.get(1)?), (json(2)?, json(3)?));
        }
        Ok(Originals(originals))
    }
}
