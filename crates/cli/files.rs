//! Which files a path on the command line means.

use super::Error;
use glob::{MatchOptions, Pattern};
use std::fs;
use std::path::{Path, PathBuf};

/// What a file is, whatever it is called: links to it, and other ways to its folder, do not make another of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    #[cfg(unix)]
    place: (u64, u64),
    #[cfg(not(unix))]
    place: PathBuf,
}

/// Signs by which a path is a pattern.
const SIGNS: [char; 3] = ['*', '?', '['];

/// Hidden files are of other programs, and a star stays within one folder.
const MATCH: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The files that a path means, in name order. Links to folders are not followed, but where one is named itself: what they lead
/// to is counted where it is, and they can lead around in a circle.
pub fn find(path: &str) -> Result<Vec<String>, Error> {
    let place = Path::new(path);
    let mut files = Vec::new();
    let nothing = match place {
        _ if path == "-" => return Ok(vec![path.to_owned()]),
        _ if place.is_dir() => {
            walk(place, &|_| true, &mut files)?;
            format!("{path} holds no file")
        }
        // What exists is meant as it is written, even with brackets in its name.
        _ if place.exists() => return Ok(vec![path.to_owned()]),
        _ if path.contains(SIGNS) => {
            // As files are found, without `//` and `/./`.
            let plain: PathBuf = place.components().collect();
            let pattern = Pattern::new(&plain.to_string_lossy()).map_err(|error| format!("{path}: {error}"))?;
            let folder = fixed(place);
            if folder.as_os_str().is_empty() || folder.is_dir() {
                walk(&folder, &|file| pattern.matches_path_with(file, MATCH), &mut files)?;
            }
            format!("no file fits {path}")
        }
        _ => return Err(format!("there is no file {path}").into()),
    };
    if files.is_empty() { Err(nothing.into()) } else { Ok(files) }
}

/// The folder before the first sign of a pattern.
fn fixed(pattern: &Path) -> PathBuf {
    pattern.components().take_while(|part| !part.as_os_str().to_string_lossy().contains(SIGNS)).collect()
}

/// All files in a folder and below it that fit.
fn walk(folder: &Path, fits: &dyn Fn(&Path) -> bool, files: &mut Vec<String>) -> Result<(), Error> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let unreadable = |error| Error::from(format!("{}: {}", here.display(), unreadable(error)));
    let mut entries: Vec<_> = fs::read_dir(here).and_then(Iterator::collect).map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = folder.join(entry.file_name());
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(&path, fits, files)?;
        } else if path.is_file() && fits(&path) {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// What a file is; none for what is no file.
pub fn identity(path: &str) -> Option<Identity> {
    #[cfg(unix)]
    let place = {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(path).ok()?;
        (metadata.dev(), metadata.ino())
    };
    #[cfg(not(unix))]
    let place = fs::canonicalize(path).ok()?;
    Some(Identity { place })
}

/// Why a file cannot be read.
pub fn unreadable(error: std::io::Error) -> String {
    format!("cannot be read: {error}")
}
