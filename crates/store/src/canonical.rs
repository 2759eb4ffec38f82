//! Canonical state: one text for one state, whatever order and spelling it came from, and its hash.
//!
//! Tables in name order; rows in key order; columns in name order; a JSON object a row, without nulls; whole decimals
//! written as integers. Empty tables are left out. So neither a new table nor a new nullable column changes the hash
//! of a state that does not use it.
//!
//! The hash is SHA-256 in three steps: of each row's text; of a table's row hashes, one after the other; and of
//! [`VERSION`] and a line `name hash` a table. So an episode's hash costs what the episode changed, and no more.

use super::{Fault, Row, Store, Transaction, Value};
use records::catalogue::{TABLES, Table};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Names the form above; a change of the form changes the tag, so hashes of two forms never compare equal.
pub const VERSION: &str = "incident-mcp/state/2";

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

impl Extent {
    /// Every table, or those of the result alone.
    pub fn of(everything: bool) -> Extent {
        if everything { Extent::Everything } else { Extent::Result }
    }

    /// The tables that count.
    pub fn tables(self) -> impl Iterator<Item = &'static Table> {
        TABLES.iter().copied().filter(move |table| self == Extent::Everything || !table.diligence)
    }
}

/// The canonical rows of tables that have any, by name.
pub type State = BTreeMap<&'static str, Vec<Map<String, Json>>>;

/// The rows of every table that counts, in canonical order.
pub fn dump(tx: &Transaction<'_>, extent: Extent) -> Result<State, Fault> {
    let mut state = BTreeMap::new();
    for table in extent.tables() {
        let rows = tx.all(table)?;
        if !rows.is_empty() {
            let order = order(table);
            state.insert(table.name, rows.iter().map(|row| canonical(row, &order)).collect());
        }
    }
    Ok(state)
}

/// The hash of a row, a table or a state.
type Hash = [u8; 32];

/// The hash of every row of a state, in key order, and of every table.
pub struct Rows {
    tables: BTreeMap<&'static str, Hashed>,
}

/// The hashes of a table's rows, by key, and of the table.
struct Hashed {
    rows: Vec<(i64, Hash)>,
    whole: Hash,
    /// The hash as it stands before each [`STRIDE`]th row: a later state is hashed from the last that comes before what changed.
    starts: Vec<Sha256>,
}

/// Rows between two places where the hash of a later state can start: less is more memory, more is more to hash.
const STRIDE: usize = 64;

impl Rows {
    /// Hash every row.
    pub fn of(tx: &Transaction<'_>) -> Result<Rows, Fault> {
        let mut tables = BTreeMap::new();
        for table in Extent::Everything.tables() {
            let order = order(table);
            let rows: Vec<(i64, Hash)> = tx.all(table)?.iter().map(|row| (row.key(), row_hash(row, &order))).collect();
            if !rows.is_empty() {
                tables.insert(table.name, Hashed::of(rows));
            }
        }
        Ok(Rows { tables })
    }

    /// The hash of a table in a later state, in which only the rows with those keys can be other ones; none where it is
    /// empty.
    fn later(&self, tx: &Transaction<'_>, table: &'static Table, keys: &BTreeSet<i64>) -> Result<Option<Hash>, Fault> {
        let hashed = self.tables.get(table.name);
        let Some(first) = keys.first() else { return Ok(hashed.map(|hashed| hashed.whole)) };
        let rows = hashed.map_or(&[][..], |hashed| &hashed.rows);
        let same = rows.partition_point(|(key, _)| key < first);
        let start = same / STRIDE;
        let at = hashed.and_then(|hashed| hashed.starts.get(start));
        let mut whole = at.cloned().unwrap_or_default();
        let mut some = start > 0;
        let mut old = rows[start * STRIDE..].iter().peekable();
        let order = order(table);
        for key in keys {
            while let Some((_, hash)) = old.next_if(|(before, _)| before < key) {
                some = true;
                whole.update(hash);
            }
            old.next_if(|(same, _)| same == key);
            if let Some(row) = tx.get(table, *key)? {
                some = true;
                whole.update(row_hash(&row, &order));
            }
        }
        for (_, hash) in old {
            some = true;
            whole.update(hash);
        }
        Ok(some.then(|| whole.finalize().into()))
    }
}

impl Hashed {
    fn of(rows: Vec<(i64, Hash)>) -> Hashed {
        let mut whole = Sha256::new();
        let mut starts = vec![whole.clone()];
        for (at, (_, hash)) in rows.iter().enumerate() {
            whole.update(hash);
            if (at + 1).is_multiple_of(STRIDE) {
                starts.push(whole.clone());
            }
        }
        Hashed { rows, whole: whole.finalize().into(), starts }
    }
}

impl Store {
    /// The hash of the present state.
    pub fn hash(&mut self, extent: Extent) -> Result<StateHash, Fault> {
        let image = self.sheet().map(|sheet| sheet.image().clone());
        let tx = self.transaction()?;
        let mut tables = BTreeMap::new();
        let Some(image) = image else { return StateHash::of(&tx, extent) };
        let (rows, touched) = (image.rows()?, tx.touched()?);
        for table in extent.tables() {
            let keys = touched.get(table.name).unwrap_or(const { &BTreeSet::new() });
            if let Some(hash) = rows.later(&tx, table, keys)? {
                tables.insert(table.name, hex(&hash));
            }
        }
        Ok(StateHash::whole(tables))
    }
}

impl StateHash {
    /// The hash of what a transaction sees, row by row.
    pub fn of(tx: &Transaction<'_>, extent: Extent) -> Result<StateHash, Fault> {
        let rows = Rows::of(tx)?;
        let hashed = extent.tables().filter_map(|table| Some((table.name, hex(&rows.tables.get(table.name)?.whole))));
        Ok(StateHash::whole(hashed.collect()))
    }

    fn whole(tables: BTreeMap<&'static str, String>) -> StateHash {
        let mut whole = Sha256::new();
        whole.update(VERSION);
        for (name, hash) in &tables {
            whole.update(format!("\n{name} {hash}"));
        }
        StateHash { state: hex(&whole.finalize()), tables }
    }
}

fn row_hash(row: &Row, order: &[usize]) -> Hash {
    Sha256::digest(Json::Object(canonical(row, order)).to_string()).into()
}

/// The positions of a table's columns, in name order.
pub(super) fn order(table: &Table) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..table.columns.len()).collect();
    columns.sort_by_key(|at| table.columns[*at].name);
    columns
}

/// A row as its canonical object.
pub(super) fn canonical(row: &Row, order: &[usize]) -> Map<String, Json> {
    let present = order.iter().filter(|at| row.cells()[**at] != Value::Null);
    present
        .map(|at| {
            let column = &row.table().columns[*at];
            (column.name.to_owned(), normal(row.cells()[*at].to_json(column.kind)))
        })
        .collect()
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
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
