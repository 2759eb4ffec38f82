//! Canonical state: one text for one state, whatever order and spelling it came from.
//!
//! Tables in name order; rows in key order; columns in name order; a JSON object a row, without nulls; whole decimals
//! written as integers. Empty tables are left out. So neither a new table nor a new nullable column changes the hash
//! of a state that does not use it.

use super::catalogue::{TABLES, Table};
use super::{Fault, Store, Transaction, Value};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Names the form below; a change of the form changes the tag, so hashes of two forms never compare equal.
pub const VERSION: &str = "incident-mcp/state/1";

/// The hash of a state, whole and by table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateHash {
    /// SHA-256 in hexadecimal over [`VERSION`] and the table hashes, a line each.
    pub state: String,
    /// SHA-256 of each table that has rows, by name.
    pub tables: BTreeMap<&'static str, String>,
}

/// Which tables count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The result of the work: all tables but the records of diligence.
    Result,
    /// Every table.
    Everything,
}

/// The canonical rows of tables that have any, by name.
pub type State = BTreeMap<&'static str, Vec<Map<String, Json>>>;

/// The rows of every table that counts, in canonical order.
pub fn dump(tx: &Transaction<'_>, extent: Extent) -> Result<State, Fault> {
    let mut state = BTreeMap::new();
    for table in TABLES.iter().filter(|table| extent == Extent::Everything || !table.diligence) {
        let rows = rows(tx, table)?;
        if !rows.is_empty() {
            state.insert(table.name, rows);
        }
    }
    Ok(state)
}

/// The hash of the state.
pub fn hash(tx: &Transaction<'_>, extent: Extent) -> Result<StateHash, Fault> {
    let mut whole = Sha256::new();
    whole.update(VERSION);
    let mut tables = BTreeMap::new();
    for (name, rows) in dump(tx, extent)? {
        let mut table = Sha256::new();
        for row in rows {
            table.update(Json::Object(row).to_string());
            table.update("\n");
        }
        let table = hex(&table.finalize());
        whole.update(format!("\n{name} {table}"));
        tables.insert(name, table);
    }
    Ok(StateHash { state: hex(&whole.finalize()), tables })
}

impl Store {
    /// The hash of the present state.
    pub fn hash(&mut self, extent: Extent) -> Result<StateHash, Fault> {
        hash(&self.transaction()?, extent)
    }
}

fn rows(tx: &Transaction<'_>, table: &'static Table) -> Result<Vec<Map<String, Json>>, Fault> {
    let mut columns: Vec<usize> = (0..table.columns.len()).collect();
    columns.sort_by_key(|at| table.columns[*at].name);
    let all = tx.all(table)?;
    let canonical = all.iter().map(|row| {
        columns
            .iter()
            .filter(|at| row.cells()[**at] != Value::Null)
            .map(|at| {
                let column = &table.columns[*at];
                (column.name.to_owned(), normal(row.cells()[*at].to_json(column.kind)))
            })
            .collect()
    });
    Ok(canonical.collect())
}

/// 65.0 is 65.
fn normal(value: Json) -> Json {
    match value.as_f64() {
        // Within 2^53 every whole double is an exact integer.
        Some(n) if n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0 => (n as i64).into(),
        _ => value,
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
