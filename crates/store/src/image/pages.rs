//! A database file as pages: those of the image, which never change, below those that one episode has changed.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One page of a database file.
pub type Page = Arc<[u8]>;

/// A database file that never changes.
pub struct Base {
    bytes: Box<[u8]>,
    page_size: usize,
}

impl Base {
    /// The file with these bytes; none where they are not whole pages of a database.
    pub fn new(bytes: Vec<u8>) -> Option<Base> {
        // The header has the size of a page in two bytes, in which 1 stands for 65,536.
        let page_size = match u16::from_be_bytes([*bytes.get(16)?, *bytes.get(17)?]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let whole = page_size >= 512 && !bytes.is_empty() && bytes.len().is_multiple_of(page_size);
        whole.then(|| Base { bytes: bytes.into_boxed_slice(), page_size })
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn page(&self, number: u32) -> Option<&[u8]> {
        let start = number as usize * self.page_size;
        self.bytes.get(start..start + self.page_size)
    }
}

/// What an episode has changed of its image. A clone shares every page, and costs nothing until one of both changes.
#[derive(Clone)]
pub struct Pages {
    changed: Arc<BTreeMap<u32, Page>>,
    /// Length of the file in bytes.
    size: usize,
}

/// The pages that some calls wrote, and the length that the file then has: what a durable episode keeps of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// The pages by number, from 0.
    pub pages: BTreeMap<u32, Page>,
    /// Length of the file in bytes.
    pub size: usize,
}

impl Pages {
    /// Nothing changed yet.
    pub fn of(base: &Base) -> Pages {
        Pages { changed: Arc::default(), size: base.bytes.len() }
    }

    /// The pages that are other ones than `earlier`, of which these are a later state.
    pub fn since(&self, earlier: &Pages) -> Delta {
        let same = |number: &u32, page: &Page| earlier.changed.get(number).is_some_and(|old| Arc::ptr_eq(old, page));
        let pages = self.changed.iter().filter(|(number, page)| !same(number, page));
        Delta { pages: pages.map(|(number, page)| (*number, page.clone())).collect(), size: self.size }
    }

    /// Put the pages of a delta over these.
    pub fn merge(&mut self, delta: Delta) {
        self.size = delta.size;
        Arc::make_mut(&mut self.changed).extend(delta.pages);
    }

    /// The whole file.
    pub fn file(&self, base: &Base) -> Vec<u8> {
        let mut file = base.bytes.to_vec();
        file.resize(self.size, 0);
        for (number, page) in self.changed.iter() {
            let start = *number as usize * base.page_size;
            if let Some(place) = file.get_mut(start..start + page.len()) {
                place.copy_from_slice(page);
            }
        }
        file
    }

    /// Bytes of changed pages: what the episode costs.
    pub fn bytes(&self) -> usize {
        self.changed.values().map(|page| page.len()).sum()
    }
}

/// The file that SQLite sees: an image, an episode's pages over it, and over these what the transaction in progress wrote.
///
/// So rolling back is forgetting the topmost pages, whatever state SQLite is in.
pub struct View {
    base: Arc<Base>,
    /// The image alone.
    blank: Pages,
    pages: Pages,
    fresh: BTreeMap<u32, Page>,
    size: usize,
}

impl View {
    /// The image alone.
    pub fn new(base: Arc<Base>) -> View {
        let blank = Pages::of(&base);
        View { base, pages: blank.clone(), fresh: BTreeMap::new(), size: blank.size, blank }
    }

    /// Lay an episode of the image.
    pub fn lay(&mut self, pages: Pages) {
        self.fresh.clear();
        self.size = pages.size;
        self.pages = pages;
    }

    /// Take the episode off, and give what was written since it was laid; none where nothing was.
    pub fn lift(&mut self) -> Option<Delta> {
        let written = !self.fresh.is_empty() || self.size != self.pages.size;
        let delta = Delta { pages: std::mem::take(&mut self.fresh), size: self.size };
        self.lay(self.blank.clone());
        written.then_some(delta)
    }

    /// Length of the file in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Fill `out` from there. False where that is past the end, and then `out` is zeros, as SQLite asks.
    pub fn read(&self, offset: usize, out: &mut [u8]) -> bool {
        let (number, start) = self.place(offset);
        let page = self.page(number).and_then(|page| page.get(start..start + out.len()));
        match page {
            Some(bytes) if offset + out.len() <= self.size => {
                out.copy_from_slice(bytes);
                true
            }
            _ => {
                out.fill(0);
                false
            }
        }
    }

    /// Write there. False where the bytes would not stay within one page, which SQLite never asks for.
    pub fn write(&mut self, offset: usize, data: &[u8]) -> bool {
        let (number, start) = self.place(offset);
        if start + data.len() > self.base.page_size {
            return false;
        }
        let page = if data.len() == self.base.page_size {
            Page::from(data)
        } else {
            let mut page = self.page(number).map_or_else(|| vec![0; self.base.page_size], <[u8]>::to_vec);
            page[start..start + data.len()].copy_from_slice(data);
            page.into()
        };
        self.fresh.insert(number, page);
        self.size = self.size.max(offset + data.len());
        true
    }

    /// Cut the file to that length. False below the length at which the episode was laid: SQLite cuts a file only to undo
    /// its growth, since nothing here vacuums, and so no page that was cut can come back.
    pub fn truncate(&mut self, size: usize) -> bool {
        if size < self.pages.size {
            return false;
        }
        self.size = self.size.min(size);
        self.fresh.retain(|number, _| (*number as usize) * self.base.page_size < size);
        true
    }

    fn page(&self, number: u32) -> Option<&[u8]> {
        let changed = self.fresh.get(&number).or_else(|| self.pages.changed.get(&number));
        changed.map(|page| &page[..]).or_else(|| self.base.page(number))
    }

    /// Number of the page, and the place in it. A file of 2^32 pages is beyond SQLite.
    fn place(&self, offset: usize) -> (u32, usize) {
        (u32::try_from(offset / self.base.page_size).unwrap_or(u32::MAX), offset % self.base.page_size)
    }
}
