//! Reading a skill of somebody else's from its folder.

use crate::{MAIN, Split, front};
use serde_json::{Map, Value as Json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use store::files;

/// Most bytes of a SKILL.md: a thousand times what hosts want to load.
const MOST: u64 = 1 << 20;

/// A skill as it was read.
#[derive(Debug)]
pub struct Source {
    /// Its name: what its front matter says, else that of its folder.
    pub name: String,
    /// Its SKILL.md, as it stands.
    pub text: String,
    /// Its front matter; empty where it cannot be read.
    pub front: Map<String, Json>,
    /// Where the text after the front matter begins: its byte, and its line from 1.
    pub body: (usize, usize),
    /// What was wrong and did not keep it from being read.
    pub notes: Vec<String>,
}

/// Why a skill cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path} {why}")]
pub struct Unreadable {
    path: PathBuf,
    why: String,
}

impl Source {
    /// Read the skill in that folder.
    pub fn read(folder: &Path) -> Result<Source, Unreadable> {
        let text = text(&folder.join(MAIN))?;
        let named = folder.file_name().or_else(|| folder.parent()?.file_name());
        let folder = named.map_or_else(|| "skill".to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(Source::of(text, &folder))
    }

    /// A skill of that text, in a folder of that name.
    pub fn of(text: String, folder: &str) -> Source {
        let (front, body, notes) = match front::read(&text) {
            Ok(Split { front, body, line }) => (front, (text.len() - body.len(), line), Vec::new()),
            Err(why) => (Map::new(), front::after(&text), vec![format!("{MAIN}: {why}; nothing was read from it")]),
        };
        let name = front.get("name").and_then(Json::as_str).map(str::trim).filter(|name| !name.is_empty());
        Source { name: name.unwrap_or(folder).to_owned(), front, body, notes, text }
    }

    /// Its text after the front matter, and the line at which that begins.
    pub fn body(&self) -> (&str, usize) {
        (&self.text[self.body.0..], self.body.1)
    }
}

/// The text of a small file, which may be no link.
pub fn text(path: &Path) -> Result<String, Unreadable> {
    let failed = |why: String| Unreadable { path: path.to_owned(), why };
    let about = path.symlink_metadata().map_err(|error| match error.kind() {
        ErrorKind::NotFound => failed("is missing".to_owned()),
        _ => failed(error.to_string()),
    })?;
    // Asked before it is opened: a pipe would be waited for.
    if !about.is_file() {
        return Err(failed("is no file; links are not followed".to_owned()));
    }
    let bytes = files::bounded(path, MOST).map_err(|error| failed(error.to_string()))?;
    let bytes = bytes.ok_or_else(|| failed(format!("has more than {} KiB", MOST >> 10)))?;
    String::from_utf8(bytes).map_err(|_| failed("is not UTF-8".to_owned()))
}
