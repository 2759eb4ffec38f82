//! Changing a file that belongs to another program: what was there is kept, and nothing is written over that is not known.

use crate::Error;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use store::canonical::hex;

/// Hexadecimal digits of a digest in a backup's name: enough to tell the states of one file apart.
const DIGITS: usize = 16;

/// A file as it was read.
pub struct File {
    /// Where it is; a link is followed, so that it stays a link.
    path: PathBuf,
    /// What it holds; none where it is not there.
    pub text: Option<String>,
}

impl File {
    /// Read a file. One that is not there is as good as empty; one that is not text is refused.
    pub fn read(path: &Path) -> Result<File, Error> {
        let shown = path.display();
        let path = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => std::path::absolute(path)?,
            Err(error) => return Err(format!("{shown}: {error}").into()),
        };
        let text = match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{shown}: {error}").into()),
            Ok(about) if !about.is_file() => return Err(format!("{shown} is no file").into()),
            Ok(_) => Some(fs::read(&path)?),
        };
        let text = text.map(String::from_utf8).transpose();
        let text = text.map_err(|_| format!("{shown} is not UTF-8 text; nothing was changed"))?;
        Ok(File { path, text })
    }

    /// Put a text in its place, and keep what was there; where that is kept.
    pub fn change(&self, text: &str) -> Result<PathBuf, Error> {
        if let Some(folder) = self.path.parent() {
            store::files::folder(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let backup = self.backup(text, self.text.is_some());
        match &self.text {
            // Put in whole and at once: a backup that is half there is none.
            Some(before) => self.place(&backup, before)?,
            None => self.place(&backup, "")?,
        }
        self.unchanged()?;
        self.place(&self.path, text)?;
        Ok(backup)
    }

    /// Put back what was there before the last change, unless the file has been changed since by somebody else.
    pub fn undo(&self) -> Result<(), Error> {
        let shown = self.path.display();
        let now = self.text.as_deref().ok_or_else(|| format!("there is no {shown}"))?;
        let (kept, made) = (self.backup(now, true), self.backup(now, false));
        if made.exists() {
            self.unchanged()?;
            fs::remove_file(&self.path)?;
            fs::remove_file(&made)?;
        } else if kept.exists() {
            let before = fs::read_to_string(&kept)?;
            self.unchanged()?;
            self.place(&self.path, &before)?;
            fs::remove_file(&kept)?;
        } else {
            return Err(format!("{shown} is not as this program left it, so there is nothing to undo").into());
        }
        Ok(())
    }

    /// The backup that belongs to a text of this file: its name tells what the file held after the change.
    fn backup(&self, text: &str, was_there: bool) -> PathBuf {
        let digest = hex(&Sha256::digest(text));
        let kind = if was_there { "before" } else { "created" };
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".incident-mcp-{kind}-{}", &digest[..DIGITS]));
        self.path.with_file_name(name)
    }

    /// An error if the file is not what was read.
    fn unchanged(&self) -> Result<(), Error> {
        let now = match fs::read(&self.path) {
            Ok(now) => Some(now),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        if now.as_deref() == self.text.as_deref().map(str::as_bytes) {
            return Ok(());
        }
        Err(format!("{} was changed by another program just now; nothing was written, try again", self.path.display())
            .into())
    }

    /// Write a file whole: it is there under its name once it is on the disk, with the mode that the present one has.
    fn place(&self, path: &Path, text: &str) -> Result<(), Error> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".incident-mcp-new");
        let new = path.with_file_name(name);
        let written = store::files::create_new(&new).and_then(|mut file| {
            if let Ok(about) = fs::metadata(&self.path) {
                file.set_permissions(about.permissions())?;
            }
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        if let Err(error) = written {
            if error.kind() == ErrorKind::AlreadyExists {
                return Err(format!(
                    "{} is there: another run goes on, or was broken off; remove it then",
                    new.display()
                )
                .into());
            }
            // Nothing is to stay of what could not be written; if that fails too, the first error says more.
            let _ = fs::remove_file(&new);
            return Err(format!("{}: {error}", new.display()).into());
        }
        fs::rename(&new, path).map_err(|error| format!("{}: {error}", path.display()).into())
    }
}
