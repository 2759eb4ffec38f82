//! The ledger of a state directory: every kept episode as an image and the pages that it changed, in one SQLite file.
//!
//! What one call changed is written in one transaction, so a crash leaves a whole number of calls. Every row has a checksum,
//! and one that does not fit its row is told by its name when the directory is opened: another state is never served.

use super::Fault;
use super::canonical::hex;
use super::image::{Delta, Image};
use super::schema::schema_tag;
use super::whole;
use crate::files;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The file's name in the directory.
const FILE: &str = "episodes.db";

const DDL: &str = "\
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE image (hash TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE episode (
  id TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  image TEXT NOT NULL REFERENCES image,
  sum BLOB
) STRICT;
CREATE TABLE sheet (
  sheet INTEGER PRIMARY KEY,
  episode TEXT NOT NULL REFERENCES episode ON DELETE CASCADE,
  -- The checkpoint's name; empty for the present state.
  checkpoint TEXT NOT NULL,
  size INTEGER NOT NULL,
  sum BLOB,
  UNIQUE (episode, checkpoint)
) STRICT;
CREATE TABLE page (
  sheet INTEGER NOT NULL REFERENCES sheet ON DELETE CASCADE,
  number INTEGER NOT NULL,
  data BLOB NOT NULL,
  sum BLOB,
  PRIMARY KEY (sheet, number)
) STRICT, WITHOUT ROWID;
";

/// A ledger without checksums, as the version before wrote it, gets columns for them.
const ADD_SUMS: &str = "\
ALTER TABLE episode ADD COLUMN sum BLOB;
ALTER TABLE sheet ADD COLUMN sum BLOB;
ALTER TABLE page ADD COLUMN sum BLOB;
";

/// The checkpoint's name that stands for the present state.
const PRESENT: &str = "";

/// The file of a state directory.
pub struct Ledger {
    connection: Connection,
    /// Hashes of the images that are in the file, by address: hashing one for each episode would be dear.
    images: Vec<(Arc<Image>, String)>,
}

/// One change of what is kept.
pub enum Write {
    /// A new episode.
    Begin {
        /// Its name.
        episode: String,
        /// What it is, JSON.
        description: String,
        /// What it started from.
        image: Arc<Image>,
        /// What is changed of that.
        delta: Delta,
    },
    /// Another state of an episode, or of a checkpoint of it.
    State {
        /// The episode.
        episode: String,
        /// The checkpoint; none for the present state.
        checkpoint: Option<String>,
        /// The pages.
        delta: Delta,
        /// Whether these are all pages, or those that have changed since the last write.
        whole: bool,
    },
    /// A checkpoint is dropped.
    DropCheckpoint {
        /// The episode.
        episode: String,
        /// The checkpoint.
        checkpoint: String,
    },
    /// An episode has ended.
    End {
        /// The episode.
        episode: String,
    },
}

/// An episode as it was kept.
pub struct Kept {
    /// Its name.
    pub id: String,
    /// What it is, JSON.
    pub description: String,
    /// What it started from.
    pub image: Arc<Image>,
    /// What is changed of that.
    pub state: Delta,
    /// Its checkpoints by name.
    pub checkpoints: BTreeMap<String, Delta>,
}

impl Ledger {
    /// Open the ledger of a directory, both made where there is none.
    ///
    /// WAL with `synchronous = FULL`: what was written survives any crash. A directory that is in use is refused at once.
    pub fn open(directory: &Path) -> Result<Ledger, Fault> {
        let failed = |error: std::io::Error| Fault::ToSqlConversionFailure(error.into());
        files::folder(directory).map_err(failed)?;
        let file = directory.join(FILE);
        if file.is_symlink() {
            return Err(failed(std::io::Error::other(format!("{FILE} is a link, and not the file itself"))));
        }
        files::make_sure_of(&file).map_err(failed)?;
        whole::check_log(&file)?;
        let mut connection = Connection::open(file)?;
        connection.busy_timeout(Duration::ZERO)?;
        connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON;",
        )?;
        let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))? == 0 {
            tx.execute_batch(DDL)?;
            tx.execute("INSERT INTO meta VALUES ('schema', $1)", [schema_tag()])?;
        }
        let tag: Option<String> =
            tx.query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| row.get(0)).optional()?;
        let fits = tag.as_deref() == Some(&*schema_tag());
        if fits && !has_sums(&tx)? {
            tx.execute_batch(ADD_SUMS)?;
            add_sums(&tx)?;
        }
        tx.commit()?;
        if tag != Some(schema_tag()) {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_SCHEMA);
            let why = "it was written by another version of the program; use another directory";
            return Err(Fault::SqliteFailure(code, Some(why.to_owned())));
        }
        Ok(Ledger { connection, images: Vec::new() })
    }

    /// Write all of that, or nothing.
    pub fn write<'w>(&mut self, writes: impl IntoIterator<Item = &'w Write>) -> Result<(), Fault> {
        let Ledger { connection, images } = self;
        let known = images.len();
        let result = (|| {
            let tx = connection.transaction()?;
            for write in writes {
                apply(&tx, images, write)?;
            }
            tx.commit()
        })();
        if result.is_err() {
            // What was noted of images may have been undone.
            images.truncate(known);
        }
        result
    }

    /// Everything that is kept; on a known image where it is the same, so that all episodes of a run share one.
    pub fn load(&mut self, known: &[Arc<Image>]) -> Result<Vec<Kept>, Fault> {
        let Ledger { connection, images } = self;
        images.clear();
        let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if sound != "ok" {
            return Err(damaged(&format!("its file ({sound})")));
        }
        let mut statement = connection.prepare("SELECT hash, bytes FROM image")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        for row in rows {
            let (hash, bytes) = row?;
            if hex(&Sha256::digest(&bytes)) != hash {
                return Err(damaged(&format!("the image {hash}")));
            }
            let image = match known.iter().find(|image| image.bytes() == bytes) {
                Some(image) => image.clone(),
                None => Image::from_bytes(bytes)?,
            };
            images.push((image, hash));
        }
        let mut statement = connection.prepare("SELECT id, description, image, sum FROM episode ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let mut kept = Vec::new();
        for row in rows {
            let (id, description, hash, sum): (String, String, String, Option<Vec<u8>>) = row?;
            if sum.as_deref() != Some(&episode_sum(&id, &description, &hash)[..]) {
                return Err(damaged(&format!("the description of episode {id}")));
            }
            let image = images.iter().find(|(_, known)| *known == hash);
            let (image, _) = image.ok_or_else(|| damaged(&format!("the image of episode {id}, which is missing")))?;
            let mut checkpoints = sheets(connection, &id)?;
            let state = checkpoints.remove(PRESENT);
            let state = state.ok_or_else(|| damaged(&format!("the state of episode {id}, which is missing")))?;
            kept.push(Kept { id, description, image: image.clone(), state, checkpoints });
        }
        Ok(kept)
    }
}

fn sheets(connection: &Connection, episode: &str) -> Result<BTreeMap<String, Delta>, Fault> {
    let sql = "SELECT sheet, checkpoint, size, sum FROM sheet WHERE episode = $1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([episode], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut found = BTreeMap::new();
    for row in rows {
        let (sheet, checkpoint, size, sum): (i64, String, i64, Option<Vec<u8>>) = row?;
        let which = || match checkpoint.as_str() {
            PRESENT => format!("the state of episode {episode}"),
            name => format!("the checkpoint {name} of episode {episode}"),
        };
        if sum.as_deref() != Some(&sheet_sum(episode, &checkpoint, size)[..]) {
            return Err(damaged(&which()));
        }
        let mut statement = connection.prepare_cached("SELECT number, data, sum FROM page WHERE sheet = $1")?;
        let mut rows = statement.query([sheet])?;
        let mut delta = Delta { size: usize::try_from(size).map_err(|_| damaged(&which()))?, ..Delta::default() };
        while let Some(row) = rows.next()? {
            let (number, data, sum): (i64, Vec<u8>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if sum.as_deref() != Some(&page_sum(sheet, number, &data)[..]) {
                return Err(damaged(&format!("page {number} of {}", which())));
            }
            delta.pages.insert(row.get(0)?, data.into());
        }
        found.insert(checkpoint, delta);
    }
    Ok(found)
}

fn apply(tx: &Transaction<'_>, images: &mut Vec<(Arc<Image>, String)>, write: &Write) -> Result<(), Fault> {
    match write {
        Write::Begin { episode, description, image, delta } => {
            let known = images.iter().find(|(known, _)| Arc::ptr_eq(known, image)).map(|(_, hash)| hash.clone());
            let hash = match known {
                Some(hash) => hash,
                None => {
                    let hash = hex(&Sha256::digest(image.bytes()));
                    let sql = "INSERT INTO image VALUES ($1, $2) ON CONFLICT DO NOTHING";
                    tx.prepare_cached(sql)?.execute(params![hash, image.bytes()])?;
                    images.push((image.clone(), hash.clone()));
                    hash
                }
            };
            let sql = "INSERT INTO episode VALUES ($1, $2, $3, $4)";
            let sum = episode_sum(episode, description, &hash);
            tx.prepare_cached(sql)?.execute(params![episode, description, hash, sum])?;
            state(tx, episode, PRESENT, delta, true)
        }
        Write::State { episode, checkpoint, delta, whole } => {
            state(tx, episode, checkpoint.as_deref().unwrap_or(PRESENT), delta, *whole)
        }
        Write::DropCheckpoint { episode, checkpoint } => {
            let sql = "DELETE FROM sheet WHERE episode = $1 AND checkpoint = $2";
            tx.prepare_cached(sql)?.execute([episode, checkpoint]).map(drop)
        }
        Write::End { episode } => tx.prepare_cached("DELETE FROM episode WHERE id = $1")?.execute([episode]).map(drop),
    }
}

fn state(tx: &Transaction<'_>, episode: &str, checkpoint: &str, delta: &Delta, whole: bool) -> Result<(), Fault> {
    let sql = "INSERT INTO sheet (episode, checkpoint, size, sum) VALUES ($1, $2, $3, $4) ON CONFLICT (episode, checkpoint) \
               DO UPDATE SET size = excluded.size, sum = excluded.sum RETURNING sheet";
    let size = i64::try_from(delta.size).unwrap_or(i64::MAX);
    let sum = sheet_sum(episode, checkpoint, size);
    let sheet: i64 = tx.prepare_cached(sql)?.query_row(params![episode, checkpoint, size, sum], |row| row.get(0))?;
    if whole {
        tx.prepare_cached("DELETE FROM page WHERE sheet = $1")?.execute([sheet])?;
    }
    let mut put = tx.prepare_cached(
        "INSERT INTO page VALUES ($1, $2, $3, $4) ON CONFLICT (sheet, number) \
         DO UPDATE SET data = excluded.data, sum = excluded.sum",
    )?;
    for (number, page) in &delta.pages {
        let sum = page_sum(sheet, i64::from(*number), page);
        put.execute(params![sheet, number, &page[..], sum])?;
    }
    Ok(())
}

/// SHA-256 over the parts, each with its length before it.
fn sum(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn episode_sum(id: &str, description: &str, image: &str) -> [u8; 32] {
    sum(&[id.as_bytes(), description.as_bytes(), image.as_bytes()])
}

fn sheet_sum(episode: &str, checkpoint: &str, size: i64) -> [u8; 32] {
    sum(&[episode.as_bytes(), checkpoint.as_bytes(), &size.to_le_bytes()])
}

fn page_sum(sheet: i64, number: i64, data: &[u8]) -> [u8; 32] {
    sum(&[&sheet.to_le_bytes(), &number.to_le_bytes(), data])
}

/// Something that is kept is not what was written.
fn damaged(what: &str) -> Fault {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Fault::SqliteFailure(
        code,
        Some(format!("{FILE} is damaged: {what} is not what was written; nothing of it is served")),
    )
}

fn has_sums(tx: &Transaction<'_>) -> Result<bool, Fault> {
    tx.query_row("SELECT count(*) > 0 FROM pragma_table_info('page') WHERE name = 'sum'", [], |row| row.get(0))
}

/// Work the checksums out of all that is there; it is taken as it is, since nothing tells what it was.
fn add_sums(tx: &Transaction<'_>) -> Result<(), Fault> {
    let mut rows = tx.prepare("SELECT id, description, image FROM episode")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (id, description, image): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let sql = "UPDATE episode SET sum = ?2 WHERE id = ?1";
        tx.prepare_cached(sql)?.execute(params![id, episode_sum(&id, &description, &image)])?;
    }
    let mut rows = tx.prepare("SELECT sheet, episode, checkpoint, size FROM sheet")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (sheet, episode, checkpoint): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let sum = sheet_sum(&episode, &checkpoint, row.get(3)?);
        tx.prepare_cached("UPDATE sheet SET sum = ?2 WHERE sheet = ?1")?.execute(params![sheet, sum])?;
    }
    let mut rows = tx.prepare("SELECT sheet, number, data FROM page")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (sheet, number, data): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let sql = "UPDATE page SET sum = ?3 WHERE sheet = ?1 AND number = ?2";
        tx.prepare_cached(sql)?.execute(params![sheet, number, page_sum(sheet, number, &data)])?;
    }
    Ok(())
}
