//! A state file of its own is opened whole or not at all.
//!
//! SQLite finds what breaks the form of a file, not what changes a value in it. So a file that was closed carries a checksum of
//! all its rows, in the number that SQLite leaves to its users. It is zero while an episode runs and after a crash, when
//! only the form can be checked, and in files of versions before this one.

use super::{Fault, wal};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ffi};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Refuse a file whose log was damaged, before SQLite drops what stands in it.
pub(super) fn check_log(file: &Path) -> Result<(), Fault> {
    match wal::damage(file) {
        Ok(None) => Ok(()),
        Ok(Some(why)) => Err(damaged(why)),
        Err(error) => Err(Fault::ToSqlConversionFailure(error.into())),
    }
}

/// Why the file is damaged; none if it is whole.
pub(super) fn check(connection: &Connection) -> Result<(), Fault> {
    let form: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if form != "ok" {
        return Err(damaged(&form));
    }
    if connection.prepare("PRAGMA foreign_key_check")?.exists([])? {
        return Err(damaged("a row refers to one that is not there"));
    }
    let kept: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if kept != 0 && kept != sum(connection)? {
        return Err(damaged("its rows are not those that were written"));
    }
    Ok(())
}

/// Say that the file is being changed.
pub(super) fn unseal(connection: &Connection) -> Result<(), Fault> {
    connection.execute_batch("PRAGMA user_version = 0")
}

/// Say what the file holds, as the last that is written.
pub(super) fn seal(connection: &Connection) -> Result<(), Fault> {
    connection.execute_batch(&format!("PRAGMA user_version = {}", sum(connection)?))
}

fn damaged(why: &str) -> Fault {
    Fault::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(why.to_owned()))
}

/// A number for everything in the file, never zero.
fn sum(connection: &Connection) -> Result<i32, Fault> {
    let mut hash = Sha256::new();
    let mut tables = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let tables = tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let tables: Vec<(String, Option<String>)> = tables.collect::<Result<_, _>>()?;
    for (name, sql) in tables {
        add(&mut hash, b's', sql.unwrap_or_default().as_bytes());
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{name}\""))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                match row.get_ref(column)? {
                    ValueRef::Null => add(&mut hash, b'n', &[]),
                    ValueRef::Integer(n) => add(&mut hash, b'i', &n.to_le_bytes()),
                    ValueRef::Real(n) => add(&mut hash, b'r', &n.to_le_bytes()),
                    ValueRef::Text(text) => add(&mut hash, b't', text),
                    ValueRef::Blob(bytes) => add(&mut hash, b'b', bytes),
                }
            }
        }
    }
    let hash: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, ..] = hash;
    Ok(i32::from_le_bytes([a, b, c, d]) | 1)
}

fn add(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}
