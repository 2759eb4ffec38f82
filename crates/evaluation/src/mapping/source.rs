//! Where mapping files come from: the ones inside the binary, or a folder.

use include_dir::{Dir, include_dir};
use std::path::PathBuf;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../mapping");

/// The file of a folder that all of its vocabularies share.
pub(super) const SHARED: &str = "environment.toml";

/// Where mappings are.
#[derive(Clone, Debug)]
pub enum Source {
    /// In the program.
    Embedded,
    /// In a folder, in place of those.
    Directory(PathBuf),
}

impl Source {
    /// The text of a file; none where it is absent or not UTF-8.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        match self {
            Source::Embedded => EMBEDDED.get_file(path)?.contents_utf8().map(str::to_owned),
            Source::Directory(root) => std::fs::read_to_string(root.join(path)).ok(),
        }
    }

    /// How a file is called in messages.
    pub(super) fn display(&self, path: &str) -> String {
        match self {
            Source::Embedded => format!("mapping/{path}"),
            Source::Directory(root) => root.join(path).display().to_string(),
        }
    }

    /// The ids of all mappings: every vocabulary of every folder that has a shared file, in name order.
    pub(super) fn ids(&self) -> Vec<String> {
        let mut found: Vec<String> =
            self.files().iter().filter_map(|path| path.strip_suffix(".toml").map(str::to_owned)).collect();
        let shared = SHARED.trim_end_matches(".toml");
        let folders: Vec<String> = (found.iter())
            .filter_map(|id| id.split_once('/').filter(|(_, name)| *name == shared))
            .map(|(folder, _)| folder.to_owned())
            .collect();
        found.retain(|id| {
            id.split_once('/').is_some_and(|(folder, name)| name != shared && folders.iter().any(|f| f == folder))
        });
        found.sort();
        found
    }

    /// The files one folder down, as `<folder>/<file>`.
    fn files(&self) -> Vec<String> {
        match self {
            Source::Embedded => {
                let files = EMBEDDED.dirs().flat_map(|folder| folder.files());
                files.map(|file| file.path().to_string_lossy().replace('\\', "/")).collect()
            }
            Source::Directory(root) => {
                let read =
                    |path: &PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
                let files = read(root).flat_map(|folder| read(&folder).collect::<Vec<_>>());
                files
                    .filter_map(|file| Some(file.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/")))
                    .collect()
            }
        }
    }
}
