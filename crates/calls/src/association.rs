//! What a call is about, and to which clients and vendors that belongs.

use procedures::action::Effect;
use procedures::policy::Act;
use records::catalogue::{Kind, Table, USERS};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use store::{Fault, Row, Transaction};

/// The references by which a record belongs to another one; the rest, such as a reporter, only name somebody.
const OWNERS: [&str; 6] = ["incident_id", "change_id", "problem_id", "component_id", "product_id", "subscription_id"];

/// The records that a call is about.
#[derive(Default)]
pub(super) struct About {
    /// All of them. Who is only named, such as a reporter, brings no client into the call; a user whom it changes does, and
    /// so does whatever an audit entry is about.
    pub concerned: Vec<Row>,
    /// The one that it changes; of a call that adds one, all of them. What a change attaches the record to does not count:
    /// else anybody could make a record that is nobody's their own.
    pub written: Vec<Row>,
}

impl About {
    /// What a call is about that refers to those rows, by the names under which rules see them, and to one whose kind it
    /// names too.
    pub fn of(act: &Act, rows: &[(String, Option<Row>)], named: Option<Row>) -> About {
        let (record, updates) = (act.operation.record, act.operation.effect == Effect::Update);
        let changed = |name: &str, row: &Row| updates && row.table() == record && !name.starts_with("new_");
        let counts = |name: &str, row: &Row| row.table() != &USERS || changed(name, row);
        let those = |wanted: &dyn Fn(&str, &Row) -> bool| -> Vec<Row> {
            rows.iter().filter_map(|(name, row)| row.clone().filter(|row| wanted(name, row))).collect()
        };
        let concerned: Vec<Row> = those(&counts).into_iter().chain(named).collect();
        let written = if updates { those(&changed) } else { concerned.clone() };
        About { concerned, written }
    }
}

/// The ids of the rows of `owner` that those records belong to.
pub(super) fn owners(tx: &Transaction<'_>, rows: &[Row], owner: &'static Table) -> Result<Json, Fault> {
    let mut found = BTreeSet::new();
    for row in rows {
        belongs(tx, row, owner, &mut found)?;
    }
    Ok(found.iter().map(|id| Json::from(id.to_string())).collect())
}

/// Collect the ids of the rows of `owner` that a row belongs to, by way of the references that say so.
fn belongs(tx: &Transaction<'_>, row: &Row, owner: &'static Table, found: &mut BTreeSet<i64>) -> Result<(), Fault> {
    if row.table() == owner {
        found.insert(row.key());
        return Ok(());
    }
    for column in row.table().columns {
        let (Kind::Id(table), Some(id)) = (column.kind, row.integer(column.name)) else { continue };
        if table == owner {
            found.insert(id);
        } else if OWNERS.contains(&column.name)
            && let Some(next) = tx.get(table, id)?
        {
            belongs(tx, &next, owner, found)?;
        }
    }
    Ok(())
}
