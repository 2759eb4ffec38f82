//! Images: what all episodes of one set of fixtures start from, and the desks on which their calls run.
//!
//! An image is a seeded database, read-only and shared. An episode is the pages that it has changed. A desk is one SQLite
//! connection with its statements prepared, on which the pages of one episode at a time are laid for one transaction. So a
//! new episode costs nothing, a fork shares every page, a reset forgets the pages, and there are no more connections than
//! transactions in progress.
//!
//! **Invariant:** all episodes of an image have its schema: nothing creates tables, attaches or vacuums after the freeze.
//!
//! **Invariant:** what SQLite keeps of pages belongs to the episode that is laid. A desk on which another state was laid
//! forgets the pages that it read; one that could not roll back is given up.

mod pages;
#[cfg(test)]
mod tests;
mod vfs;

pub use pages::Delta;

use super::connection::{Store, prepare};
use super::{Fault, canonical};
use crate::lock::lock;
use pages::{Base, Pages, View};
use rusqlite::{Connection, ffi};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// A read-only seeded database, and the desks of its episodes.
pub struct Image {
    base: Arc<Base>,
    desks: Mutex<Vec<Desk>>,
    rows: OnceLock<canonical::Rows>,
}

/// Equal marks, equal pages: tells whether what a desk has read is still so. It never leaves the process.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark(u64);

impl Mark {
    /// What a new desk has read: nothing that can be relied on.
    const NONE: Mark = Mark(0);
    /// The image without any change.
    const IMAGE: Mark = Mark(1);

    fn next() -> Mark {
        static NEXT: AtomicU64 = AtomicU64::new(2);
        Mark(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The state of one episode: an image, and what the episode changed. A clone shares all pages.
#[derive(Clone)]
pub struct Sheet {
    image: Arc<Image>,
    pages: Pages,
    mark: Mark,
}

impl Image {
    /// Make the image of what is in that store.
    pub fn freeze(mut store: Store) -> Result<Arc<Image>, Fault> {
        Image::from_bytes(store.serialize()?)
    }

    /// The image with that content, as [`Image::bytes`] gave it.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Arc<Image>, Fault> {
        let code = ffi::Error::new(ffi::SQLITE_NOTADB);
        let base = Base::new(bytes).ok_or(Fault::SqliteFailure(code, None))?;
        Ok(Arc::new(Image { base: Arc::new(base), desks: Mutex::default(), rows: OnceLock::new() }))
    }

    /// The whole database file.
    pub fn bytes(&self) -> &[u8] {
        self.base.bytes()
    }

    /// A store that starts from this image.
    pub fn store(self: &Arc<Image>) -> Store {
        Store::on(Sheet { image: self.clone(), pages: Pages::of(&self.base), mark: Mark::IMAGE })
    }

    /// A store that was changed so far, as [`Sheet::delta`] gave it.
    pub fn store_with(self: &Arc<Image>, delta: Delta) -> Store {
        let mut pages = Pages::of(&self.base);
        pages.merge(delta);
        Store::on(Sheet { image: self.clone(), pages, mark: Mark::next() })
    }

    /// The hashes of its rows, worked out once.
    pub(super) fn rows(self: &Arc<Image>) -> Result<&canonical::Rows, Fault> {
        if let Some(rows) = self.rows.get() {
            return Ok(rows);
        }
        let rows = canonical::Rows::of(&self.store().transaction()?)?;
        Ok(self.rows.get_or_init(|| rows))
    }

    /// A desk, best one that has this state at hand already.
    fn desk(&self, mark: Mark) -> Result<Desk, Fault> {
        let mut desks = lock(&self.desks);
        let at = desks.iter().rposition(|desk| desk.mark == mark);
        match at.map(|at| desks.swap_remove(at)).or_else(|| desks.pop()) {
            Some(desk) => Ok(desk),
            None => {
                drop(desks);
                Desk::open(self.base.clone())
            }
        }
    }
}

/// A connection on which episodes are laid.
struct Desk {
    file: vfs::File,
    /// What SQLite's page cache belongs to.
    mark: Mark,
}

impl Desk {
    fn open(base: Arc<Base>) -> Result<Desk, Fault> {
        let file = vfs::File::open(View::new(base))?;
        let connection = file.connection();
        connection
            .execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;")?;
        prepare(connection)?;
        Ok(Desk { file, mark: Mark::NONE })
    }
}

impl Sheet {
    /// Lay the episode on a desk and begin a transaction there.
    pub(super) fn begin(&mut self) -> Result<Seat<'_>, Fault> {
        let mut desk = self.image.desk(self.mark)?;
        desk.file.view()?.lay(self.pages.clone());
        if desk.mark != self.mark {
            desk.file.forget_pages()?;
            desk.mark = self.mark;
        }
        desk.file.connection().prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Seat { desk, sheet: self })
    }

    /// The image.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// The whole database file.
    pub(super) fn file(&self) -> Vec<u8> {
        self.pages.file(&self.image.base)
    }

    /// All that the episode changed.
    pub fn delta(&self) -> Delta {
        self.pages.since(&Pages::of(&self.image.base))
    }

    /// What the episode changed since it was `earlier`.
    pub fn since(&self, earlier: &Sheet) -> Delta {
        self.pages.since(&earlier.pages)
    }

    /// Bytes of changed pages: what the episode costs.
    pub fn bytes(&self) -> usize {
        self.pages.bytes()
    }
}

/// An episode on a desk, in a transaction.
pub(super) struct Seat<'a> {
    desk: Desk,
    sheet: &'a mut Sheet,
}

impl Seat<'_> {
    pub fn connection(&self) -> &Connection {
        self.desk.file.connection()
    }

    /// End the transaction. Where that fails the desk is given up, and the episode is as it was before.
    pub fn end(mut self, how: End) -> Result<(), Fault> {
        self.connection().prepare_cached(how.sql())?.execute([])?;
        let delta = self.desk.file.view()?.lift();
        match (how, delta) {
            (_, None) => {}
            (End::Commit, Some(delta)) => {
                self.sheet.pages.merge(delta);
                self.sheet.mark = Mark::next();
                self.desk.mark = self.sheet.mark;
            }
            // SQLite wrote early, for want of cache, and undid it.
            (End::Rollback, Some(_)) => self.desk.mark = Mark::NONE,
        }
        lock(&self.sheet.image.desks).push(self.desk);
        Ok(())
    }
}

/// How a transaction ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Commit,
    Rollback,
}

impl End {
    pub fn sql(self) -> &'static str {
        match self {
            End::Commit => "COMMIT",
            End::Rollback => "ROLLBACK",
        }
    }
}
