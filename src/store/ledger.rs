//! The ledger of a state directory: every kept episode as an image and the pages that it changed, in one SQLite file.
//!
//! What one call changed is written in one transaction, so a crash leaves a whole number of calls.

use super::Fault;
use super::canonical::hex;
use super::image::{Delta, Image};
use super::schema::schema_tag;
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
  image TEXT NOT NULL REFERENCES image
) STRICT;
CREATE TABLE sheet (
  sheet INTEGER PRIMARY KEY,
  episode TEXT NOT NULL REFERENCES episode ON DELETE CASCADE,
  -- The checkpoint's name; empty for the present state.
  checkpoint TEXT NOT NULL,
  size INTEGER NOT NULL,
  UNIQUE (episode, checkpoint)
) STRICT;
CREATE TABLE page (
  sheet INTEGER NOT NULL REFERENCES sheet ON DELETE CASCADE,
  number INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (sheet, number)
) STRICT, WITHOUT ROWID;
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
        std::fs::create_dir_all(directory).map_err(|error| Fault::ToSqlConversionFailure(error.into()))?;
        let mut connection = Connection::open(directory.join(FILE))?;
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
        let mut statement = connection.prepare("SELECT hash, bytes FROM image")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        for row in rows {
            let (hash, bytes) = row?;
            let image = match known.iter().find(|image| image.bytes() == bytes) {
                Some(image) => image.clone(),
                None => Image::from_bytes(bytes)?,
            };
            images.push((image, hash));
        }
        let mut statement = connection.prepare("SELECT id, description, image FROM episode ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))?;
        let mut kept = Vec::new();
        for row in rows {
            let (id, description, hash): (String, String, String) = row?;
            let Some((image, _)) = images.iter().find(|(_, known)| *known == hash) else { continue };
            let mut checkpoints = sheets(connection, &id)?;
            let Some(state) = checkpoints.remove(PRESENT) else { continue };
            kept.push(Kept { id, description, image: image.clone(), state, checkpoints });
        }
        Ok(kept)
    }
}

fn sheets(connection: &Connection, episode: &str) -> Result<BTreeMap<String, Delta>, Fault> {
    let mut statement = connection.prepare_cached("SELECT sheet, checkpoint, size FROM sheet WHERE episode = $1")?;
    let rows = statement.query_map([episode], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut found = BTreeMap::new();
    for row in rows {
        let (sheet, checkpoint, size): (i64, String, i64) = row?;
        let mut statement = connection.prepare_cached("SELECT number, data FROM page WHERE sheet = $1")?;
        let pages = statement.query_map([sheet], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?.into())))?;
        let delta = Delta { pages: pages.collect::<Result<_, _>>()?, size: usize::try_from(size).unwrap_or_default() };
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
            let sql = "INSERT INTO episode VALUES ($1, $2, $3)";
            tx.prepare_cached(sql)?.execute(params![episode, description, hash])?;
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
    let sql = "INSERT INTO sheet (episode, checkpoint, size) VALUES ($1, $2, $3) \
               ON CONFLICT (episode, checkpoint) DO UPDATE SET size = excluded.size RETURNING sheet";
    let size = i64::try_from(delta.size).unwrap_or(i64::MAX);
    let sheet: i64 = tx.prepare_cached(sql)?.query_row(params![episode, checkpoint, size], |row| row.get(0))?;
    if whole {
        tx.prepare_cached("DELETE FROM page WHERE sheet = $1")?.execute([sheet])?;
    }
    let mut put = tx.prepare_cached(
        "INSERT INTO page VALUES ($1, $2, $3) ON CONFLICT (sheet, number) DO UPDATE SET data = excluded.data",
    )?;
    for (number, page) in &delta.pages {
        put.execute(params![sheet, number, &page[..]])?;
    }
    Ok(())
}
