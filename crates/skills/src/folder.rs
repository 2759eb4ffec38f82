//! Skills as folders, for hosts that read them from a disk.

use super::{MAIN, Skills, front};
use procedures::policy::Policy;
use serde_json::{Map, Value as Json};
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use store::files;

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The folder of each skill.
    pub folders: Vec<PathBuf>,
}

/// Why nothing was.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Something else is there.
    #[error("{0} is there and is no skill of this policy: move it away, or name another folder")]
    Taken(PathBuf),
    /// A file or folder cannot be made.
    #[error("{0}: {1}")]
    Io(PathBuf, std::io::Error),
}

/// Write each skill into a folder of its name. What is there is replaced where it is an earlier skill of the same policy; where
/// anything else is there, nothing is written.
pub fn write(skills: &Skills, policy: &Policy, into: &Path) -> Result<Written, Refusal> {
    for skill in &skills.skills {
        let folder = into.join(&skill.name);
        if !is_free(&folder) && !is_ours(&folder, policy) {
            return Err(Refusal::Taken(folder));
        }
        for path in skill.files.iter().map(|file| folder.join(&file.path)) {
            // Neither what is replaced nor the folder that it is in may be a link.
            let above = path.parent().unwrap_or(&folder).to_owned();
            if !(is_free(&above) || is_folder(&above)) {
                return Err(Refusal::Taken(above));
            }
            if !(is_free(&path) || is_file(&path)) {
                return Err(Refusal::Taken(path));
            }
        }
    }
    let mut folders = Vec::new();
    for skill in &skills.skills {
        let folder = into.join(&skill.name);
        for file in &skill.files {
            let path = folder.join(&file.path);
            let failed = |error| Refusal::Io(path.clone(), error);
            files::folder(path.parent().unwrap_or(&folder)).map_err(failed)?;
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
            files::write_new(&path, &file.text).map_err(failed)?;
        }
        folders.push(folder);
    }
    Ok(Written { folders })
}

fn is_free(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|about| about.is_dir())
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|about| about.is_file())
}

/// Whether a folder holds a skill that was generated from that policy.
fn is_ours(folder: &Path, policy: &Policy) -> bool {
    /// More than any SKILL.md of ours has.
    const MOST: u64 = 4 << 20;
    let main = folder.join(MAIN);
    if !is_folder(folder) || !is_file(&main) {
        return false;
    }
    let mut text = String::new();
    let read = fs::File::open(main).and_then(|file| file.take(MOST).read_to_string(&mut text));
    let of = |front: &Map<String, Json>| front.get("metadata").map(|metadata| metadata["policy"] == policy.id.as_str());
    read.is_ok() && front::read(&text).is_ok_and(|split| of(&split.front) == Some(true))
}
