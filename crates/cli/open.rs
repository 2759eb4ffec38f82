//! Opening the files that are named on the command line.

use super::files::unreadable;
use std::fs::{self, File, FileType};
use std::io::Read;
use traces::format::{LENGTH, too_long};

/// The bytes of a file; else why it is not read.
pub fn file(path: &str) -> Result<Vec<u8>, String> {
    let kind = fs::metadata(path).map_err(unreadable)?.file_type();
    // What a shell hands over as a file is as good as standard input.
    let is_handed_over = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"].iter().any(|begin| path.starts_with(begin));
    if !kind.is_file() && !is_handed_over {
        let what = what(kind);
        return Err(format!(
            "is {what}, and not a file: to read what a program writes, pipe it in and name -, which is standard input"
        ));
    }
    bytes(File::open(path).map_err(unreadable)?)
}

#[cfg(unix)]
fn what(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a named pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn what(kind: FileType) -> &'static str {
    if kind.is_dir() { "a folder" } else { "a device" }
}

/// All that is read from there.
pub fn bytes(input: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    input.take(LENGTH + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 > LENGTH {
        true => Err(too_long()),
        false => Ok(bytes),
    }
}
