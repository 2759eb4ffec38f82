//! What differs between two states, cell by cell.

use super::canonical::{Extent, canonical, order};
use super::{Fault, Store, Transaction};
use records::catalogue::Table;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One cell that differs. A row that is on one side only differs in each of its cells, its key among them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The row's id.
    pub key: String,
    /// The column.
    pub column: String,
    /// Its value in the first state; null where it has none.
    pub before: Json,
    /// Its value in the second state; null where it has none.
    pub after: Json,
}

/// What differs, in the order of tables, keys and columns of the canonical state.
pub fn difference(before: &mut Store, after: &mut Store, extent: Extent) -> Result<Vec<Difference>, Fault> {
    let image = |store: &Store| store.sheet().map(|sheet| sheet.image().clone());
    let shared = match (image(before), image(after)) {
        (Some(one), Some(other)) => Arc::ptr_eq(&one, &other),
        _ => false,
    };
    let (before, after) = (before.transaction()?, after.transaction()?);
    // States of one image differ at most where their calls wrote.
    let touched = match shared {
        false => None,
        true => {
            let mut touched = before.touched()?;
            for (table, keys) in after.touched()? {
                touched.entry(table).or_default().extend(keys);
            }
            Some(touched)
        }
    };
    let mut tables: Vec<&'static Table> = extent.tables().collect();
    tables.sort_by_key(|table| table.name);
    let mut found = Vec::new();
    for table in tables {
        let keys = touched.as_ref().map(|touched| touched.get(table.name).unwrap_or(const { &BTreeSet::new() }));
        let (old, new) = (rows(&before, table, keys)?, rows(&after, table, keys)?);
        let keys: BTreeSet<i64> = old.keys().chain(new.keys()).copied().collect();
        for key in keys {
            compare(table, key, old.get(&key), new.get(&key), &mut found);
        }
    }
    Ok(found)
}

type Object = Map<String, Json>;

/// The canonical rows with those keys, or all.
fn rows(
    tx: &Transaction<'_>,
    table: &'static Table,
    keys: Option<&BTreeSet<i64>>,
) -> Result<BTreeMap<i64, Object>, Fault> {
    let rows = match keys {
        None => tx.all(table)?,
        Some(keys) => {
            let rows = keys.iter().map(|key| tx.get(table, *key)).collect::<Result<Vec<_>, _>>()?;
            rows.into_iter().flatten().collect()
        }
    };
    let order = order(table);
    Ok(rows.iter().map(|row| (row.key(), canonical(row, &order))).collect())
}

fn compare(table: &Table, key: i64, old: Option<&Object>, new: Option<&Object>, found: &mut Vec<Difference>) {
    let cell = |row: Option<&Object>, column: &str| row.and_then(|row| row.get(column)).cloned().unwrap_or_default();
    let columns: BTreeSet<&String> = old.into_iter().chain(new).flat_map(Map::keys).collect();
    for column in columns {
        let (before, after) = (cell(old, column), cell(new, column));
        if before != after {
            found.push(Difference { table: table.name, key: key.to_string(), column: column.clone(), before, after });
        }
    }
}
