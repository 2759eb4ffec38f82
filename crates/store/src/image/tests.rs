//! What cannot be brought about from outside: transactions that SQLite itself refuses to end, and its cache when it is full.

use super::Image;
use crate::{Fault, Row, Store, Value};
use records::catalogue::{CLIENTS, Kind, Table};

/// An image of one client.
fn image() -> std::sync::Arc<Image> {
    let mut store = Store::in_memory().unwrap();
    let tx = store.transaction().unwrap();
    tx.write(&row(&CLIENTS, 1, "first")).unwrap();
    tx.commit().unwrap();
    Image::freeze(store).unwrap()
}

/// A row with that key and that text wherever there is one.
fn row(table: &'static Table, key: i64, text: &str) -> Row {
    let cell = |kind| match kind {
        Kind::Key | Kind::Integer | Kind::Bool => Value::Integer(key),
        Kind::Id(_) => Value::Null,
        Kind::Real => Value::Real(0.0),
        _ => text.into(),
    };
    Row::new(table, table.columns.iter().map(|column| cell(column.kind)).collect())
}

fn keys(store: &mut Store) -> Vec<i64> {
    store.transaction().unwrap().all(&CLIENTS).unwrap().iter().map(Row::key).collect()
}

fn add(store: &mut Store, key: i64) -> Result<(), Fault> {
    let tx = store.transaction()?;
    tx.write(&row(&CLIENTS, key, "another"))?;
    tx.commit()
}

#[test]
fn a_commit_that_sqlite_refuses_leaves_nothing() {
    let image = image();
    let mut store = image.store();
    add(&mut store, 2).unwrap();
    let tx = store.transaction().unwrap();
    tx.write(&row(&CLIENTS, 3, "third")).unwrap();
    // A dangling reference that is only looked at in the end.
    tx.db().unwrap().execute_batch("PRAGMA defer_foreign_keys = ON").unwrap();
    let dangling = "INSERT INTO obligations (call, action, entity_type, entity_id) VALUES (9, 'a', 'b', 'c')";
    tx.db().unwrap().execute(dangling, []).unwrap();
    tx.commit().unwrap_err();
    assert_eq!(image.desks.lock().unwrap().len(), 0, "the desk is given up");
    assert_eq!(keys(&mut store), [1, 2]);
    add(&mut store, 3).unwrap();
    assert_eq!(keys(&mut store), [1, 2, 3]);
    assert_eq!(store.integrity().unwrap(), Vec::<String>::new());
}

/// The case that marks are for: after it, what SQLite has of pages belongs to no state.
#[test]
fn pages_that_were_written_early_and_undone_are_read_anew() {
    let image = image();
    let mut store = image.store();
    add(&mut store, 2).unwrap();
    let tx = store.transaction().unwrap();
    tx.db().unwrap().execute_batch("PRAGMA cache_size = 10").unwrap();
    for key in 3..300 {
        tx.write(&row(&CLIENTS, key, &"long ".repeat(100))).unwrap();
    }
    tx.rollback().unwrap();
    let mark = image.desks.lock().unwrap().last().unwrap().mark;
    assert!(mark == super::Mark::NONE, "SQLite wrote nothing early");
    assert_eq!(keys(&mut store), [1, 2]);
    assert_eq!(keys(&mut image.store()), [1]);
    assert_eq!(store.integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn an_image_can_be_made_of_an_episode() {
    let mut store = image().store();
    for key in 2..200 {
        add(&mut store, key).unwrap();
    }
    let all = keys(&mut store);
    let mut other = Image::freeze(store).unwrap().store();
    assert_eq!(keys(&mut other), all);
    assert_eq!(other.integrity().unwrap(), Vec::<String>::new());
}
