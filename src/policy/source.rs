//! Where policy files come from: the ones inside the binary, or a folder.

use include_dir::{Dir, include_dir};
use std::path::{Path, PathBuf};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/policy");

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
    /// The text of a file below the source; none where it is absent or not UTF-8.
    pub fn read(&self, path: &str) -> Option<String> {
        match self.root_of(path) {
            None => EMBEDDED.get_file(path)?.contents_utf8().map(str::to_owned),
            Some(root) => std::fs::read_to_string(root.join(path)).ok(),
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

    /// How a file is called in messages.
    pub fn display(&self, path: &str) -> String {
        match self.root_of(path) {
            None => format!("policy/{path}"),
            Some(root) => root.join(path).display().to_string(),
        }
    }

    /// The folders of the source itself that hold a policy or a part, by path, in name order.
    pub fn folders(&self) -> Vec<String> {
        let mut found = Vec::new();
        match self {
            Source::Embedded => embedded(&EMBEDDED, &mut found),
            Source::Directory(root) => directory(root, root, 0, &mut found),
            Source::Edition(root) => {
                embedded(&EMBEDDED, &mut found);
                directory(root, root, 0, &mut found);
            }
        }
        found.sort();
        found.dedup();
        found
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

fn embedded(dir: &Dir<'_>, found: &mut Vec<String>) {
    for folder in dir.dirs() {
        let path = folder.path().to_string_lossy().into_owned();
        if folder.get_file(folder.path().join(FILE)).is_some() {
            found.push(path);
        }
        embedded(folder, found);
    }
}

fn directory(root: &Path, at: &Path, depth: usize, found: &mut Vec<String>) {
    /// `parts/<name>` is two deep; nothing of ours lies deeper.
    const DEEPEST: usize = 3;
    let Ok(entries) = std::fs::read_dir(at) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if !path.is_dir() || depth == DEEPEST {
            continue;
        }
        if path.join(FILE).is_file()
            && let Ok(relative) = path.strip_prefix(root)
        {
            found.push(relative.to_string_lossy().replace('\\', "/"));
        }
        directory(root, &path, depth + 1, found);
    }
}
