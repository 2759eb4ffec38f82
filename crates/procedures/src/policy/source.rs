//! Where policy files come from: the ones inside the binary, or a folder.

use crate::mistake::{Mistake, Place};
use include_dir::{Dir, include_dir};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use store::files;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../policy");

/// A place that holds policies, each in its own folder.
#[derive(Clone, Debug)]
pub enum Source {
    /// The policies that the program ships.
    Embedded,
    /// A folder laid out like the project's `policy/`.
    Directory(PathBuf),
    /// The policies that the program ships, with those folders of a folder laid out like them that it has, in place of theirs.
    Edition(PathBuf),
}

impl Source {
    /// The text of a file below the source, or why there is none.
    pub fn read(&self, path: &str) -> Result<String, String> {
        match self.root_of(path) {
            None => match EMBEDDED.get_file(path).map(|file| file.contents_utf8()) {
                Some(Some(text)) => Ok(text.to_owned()),
                Some(None) => Err("is not UTF-8".to_owned()),
                None => Err("is missing".to_owned()),
            },
            Some(root) => text(&root.join(path)),
        }
    }

    /// The folder on disk that a file belongs to; none for what the program ships. A folder of policies need not repeat
    /// the parts that it includes.
    fn root_of(&self, path: &str) -> Option<&Path> {
        let (Source::Directory(root) | Source::Edition(root)) = self else { return None };
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        let shipped = !root.join(folder).is_dir() && EMBEDDED.get_dir(folder).is_some();
        (!shipped).then_some(root)
    }

    /// Whether a file is the one that the program ships.
    pub fn ships(&self, path: &str) -> bool {
        self.root_of(path).is_none()
    }

    /// How a file is called in messages.
    pub fn display(&self, path: &str) -> String {
        match self.root_of(path) {
            None => format!("policy/{path}"),
            Some(root) => root.join(path).display().to_string(),
        }
    }

    /// The folders of the source itself that hold a policy or a part, by path, in name order.
    pub fn folders(&self) -> Vec<String> {
        self.survey().0
    }

    /// Whether the source can be looked into at all.
    pub fn usable(&self) -> Result<(), String> {
        match self {
            Source::Embedded => Ok(()),
            Source::Directory(root) | Source::Edition(root) => match std::fs::read_dir(root) {
                Ok(_) => Ok(()),
                Err(error) => Err(format!("{}: {error}", root.display())),
            },
        }
    }

    /// The folders, and what keeps others from being read.
    pub fn survey(&self) -> (Vec<String>, Vec<Mistake>) {
        let mut walk = Walk::default();
        match self {
            Source::Embedded => embedded(&EMBEDDED, &mut walk.found),
            Source::Directory(root) => walk.directory(root, root),
            Source::Edition(root) => {
                embedded(&EMBEDDED, &mut walk.found);
                walk.directory(root, root);
            }
        }
        walk.found.sort();
        walk.found.dedup();
        walk.mistakes.sort();
        (walk.found, walk.mistakes)
    }

    /// The folders that a policy can include: its own source's, and those that the program ships.
    pub fn includable(&self) -> Vec<String> {
        let mut found = self.folders();
        embedded(&EMBEDDED, &mut found);
        found.sort();
        found.dedup();
        found
    }
}

/// The file that makes a folder a policy.
pub(super) const FILE: &str = "policy.toml";
/// The file with its text.
pub(super) const TEXT: &str = "policy.md";

/// The text of a file, or why it has none.
fn text(path: &Path) -> Result<String, String> {
    /// Most bytes of a file: some hundred thousand clauses. What is larger was not written by people.
    const MOST: u64 = 64 << 20;
    // Asked before it is opened: a pipe would be waited for.
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err("is missing".to_owned()),
        Err(error) => return Err(format!("cannot be read: {error}")),
        Ok(about) if !about.is_file() => return Err("is no file".to_owned()),
        Ok(_) => {}
    }
    let bytes = files::bounded(path, MOST).map_err(|error| format!("cannot be read: {error}"))?;
    let bytes = bytes.ok_or_else(|| format!("has more than {} MiB", MOST >> 20))?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("is not UTF-8, first in line {line}")
    })
}

fn embedded(dir: &Dir<'_>, found: &mut Vec<String>) {
    for folder in dir.dirs() {
        let path = folder.path().to_string_lossy().into_owned();
        if folder.get_file(folder.path().join(FILE)).is_some() {
            found.push(path);
        }
        embedded(folder, found);
    }
}

/// A walk through folders on disk.
#[derive(Default)]
struct Walk {
    found: Vec<String>,
    mistakes: Vec<Mistake>,
    /// The folders on the way down, as they are without links: a link back to one of them leads nowhere new.
    above: Vec<PathBuf>,
}

impl Walk {
    fn wrong(&mut self, path: &Path, message: String) {
        let place = Place { file: path.display().to_string().into(), line: 1 };
        self.mistakes.push(Mistake { place, message });
    }

    fn directory(&mut self, root: &Path, at: &Path) {
        /// `parts/<name>` is two deep; nothing of ours lies deeper.
        const DEEPEST: usize = 3;
        let entries = std::fs::canonicalize(at).and_then(|real| Ok((real, std::fs::read_dir(at)?)));
        let (real, entries) = match entries {
            Ok(found) => found,
            Err(error) => return self.wrong(at, format!("this folder cannot be read: {error}")),
        };
        if self.above.contains(&real) {
            return;
        }
        self.above.push(real);
        if at != root {
            self.folder(root, at);
        }
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => {
                    self.wrong(at, format!("this folder cannot be read: {error}"));
                    continue;
                }
            };
            if path.is_dir() {
                if self.above.len() <= DEEPEST {
                    self.directory(root, &path);
                }
            } else if path.is_symlink()
                && let Err(error) = path.metadata()
            {
                self.wrong(&path, format!("this link leads nowhere: {error}"));
            }
        }
        self.above.pop();
    }

    /// Note a folder if it is a policy or a part, or was to be one.
    fn folder(&mut self, root: &Path, path: &Path) {
        // There, though it may be a link that leads nowhere, or no file.
        let [toml, text] = [FILE, TEXT].map(|name| path.join(name).symlink_metadata().is_ok());
        match (toml, path.strip_prefix(root).ok().and_then(Path::to_str)) {
            (true, Some(relative)) => self.found.push(relative.replace('\\', "/")),
            (true, None) => self.wrong(path, "this folder's name is not UTF-8".to_owned()),
            (false, _) if text => self.wrong(&path.join(FILE), format!("{FILE} is missing beside {TEXT}")),
            (false, _) => {}
        }
    }
}
