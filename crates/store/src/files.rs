//! Files and folders that hold records: made for their owner alone, and never by way of a link.
//!
//! What was there before keeps its mode: whoever gave it that may have meant it. One that others can read is told.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Make a folder, with all that lead to it, for its owner alone; nothing where it is there.
pub fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Options for a file that, where it is new, is its owner's alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Make a file that is not there; a link, wherever it leads, is there.
pub fn create_new(path: &Path) -> io::Result<File> {
    private().write(true).create_new(true).open(path)
}

/// Make a file that is not there, and write a text into it.
pub fn write_new(path: &Path, text: &str) -> io::Result<()> {
    create_new(path)?.write_all(text.as_bytes())
}

/// The bytes of a file; none where there are more than so many.
pub fn bounded(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// Make the file of a database if there is none. A link that leads nowhere is refused: what is made is to be where it is named.
pub fn make_sure_of(path: &Path) -> io::Result<()> {
    match create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.exists() => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(io::Error::new(ErrorKind::NotFound, "this is a link that leads nowhere"))
        }
        made => made.map(drop),
    }
}

/// Open a file of our own to write at its end.
pub fn append(path: &Path) -> io::Result<File> {
    let mut options = private();
    options.append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
    options.open(path)
}

/// Begin a file that was named by whoever runs the program; it may be a link, or a device.
pub fn create(path: &Path) -> io::Result<File> {
    private().write(true).create(true).truncate(true).open(path)
}

/// Whether files can be made in a folder, found out by making one.
pub fn probe(directory: &Path) -> io::Result<()> {
    /// Names that are tried: any of them may be there, left by a process that was killed.
    const TRIES: u32 = 1000;
    for number in 0..TRIES {
        let path = directory.join(format!(".writable-{number}"));
        match create_new(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made.and_then(|_| fs::remove_file(&path)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// A file or folder, and the files in it, that others of this machine can read or change.
pub fn open_to_others(path: &Path) -> Vec<PathBuf> {
    let open = |path: &Path| path.metadata().is_ok_and(|about| others(&about));
    if !open(path) {
        return Vec::new();
    }
    let within = fs::read_dir(path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut within: Vec<PathBuf> = within.filter(|path| path.is_file() && open(path)).collect();
    within.sort();
    within.insert(0, path.to_owned());
    within
}

#[cfg(unix)]
fn others(about: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0
}

#[cfg(not(unix))]
fn others(_: &fs::Metadata) -> bool {
    false
}

/// Tell of what others can read.
pub fn tell_open(path: &Path) {
    let found = open_to_others(path);
    if let Some(first) = found.first() {
        let more = if found.len() > 1 { format!(", and {} files in it", found.len() - 1) } else { String::new() };
        tracing::warn!("others on this machine can read {}{more}: it holds records of episodes", first.display());
    }
}

/// Whether a name can be that of a file on every platform, with or without an ending.
pub fn is_portable(name: &str) -> bool {
    /// Devices of Windows, whatever follows after a dot.
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let port = ["com", "lpt"].iter().any(|port| stem.strip_prefix(port).is_some_and(|n| n.len() == 1 && n != "0"));
    !DEVICES.contains(&stem.as_str()) && !port && !name.ends_with(['.', ' '])
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_its_owners_and_what_was_there_keeps_its_mode() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        folder(&at("a/b")).unwrap();
        assert_eq!((mode(&at("a")), mode(&at("a/b"))), (0o700, 0o700));
        fs::set_permissions(at("a"), fs::Permissions::from_mode(0o755)).unwrap();
        folder(&at("a/b")).unwrap();
        create(&at("a/text")).unwrap().write_all(b"one").unwrap();
        make_sure_of(&at("a/db")).unwrap();
        assert_eq!((mode(&at("a")), mode(&at("a/text")), mode(&at("a/db"))), (0o755, 0o600, 0o600));
        fs::set_permissions(at("a/text"), fs::Permissions::from_mode(0o644)).unwrap();
        create(&at("a/text")).unwrap().write_all(b"two").unwrap();
        assert_eq!((mode(&at("a/text")), fs::read_to_string(at("a/text")).unwrap().as_str()), (0o644, "two"));
        assert_eq!(open_to_others(&at("a")), [at("a"), at("a/text")]);
        assert_eq!(open_to_others(&at("a/db")), Vec::<PathBuf>::new());
    }

    #[test]
    fn no_link_is_followed_or_cut() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("precious"), "kept").unwrap();
        symlink(at("precious"), at(".writable-0")).unwrap();
        symlink(at("elsewhere"), at(".writable-1")).unwrap();
        probe(root.path()).unwrap();
        symlink(at("elsewhere"), at("db")).unwrap();
        make_sure_of(&at("db")).unwrap_err();
        create_new(&at("db")).unwrap_err();
        append(&at(".writable-0")).unwrap_err();
        assert!(!at("elsewhere").exists() && !at(".writable-2").exists());
        assert_eq!(fs::read_to_string(at("precious")).unwrap(), "kept");
    }

    #[test]
    fn names_that_some_platform_takes_for_something_else_are_not_portable() {
        for name in ["CON", "con", "Con.x", "nul.1.2", "COM1", "lpt9.y", "a.", "a "] {
            assert!(!is_portable(name), "{name}");
        }
        for name in ["a", "console", "com", "com10", "com0", "a.con", "a-1_b.c"] {
            assert!(is_portable(name), "{name}");
        }
    }
}
