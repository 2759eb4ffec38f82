//! The bytes of a file as text: unpacked and decoded; and how what is no text can be converted.

use flate2::read::MultiGzDecoder;
use std::io::Read;

/// Longest text, in bytes, after it was unpacked. With all that is read from it and made of it, it takes some ten times as
/// much, which still fits into a small machine.
pub const LENGTH: u64 = 256 << 20;

/// How files begin that are no text, what they are, and how they become one.
const OTHERS: [(&[u8], &str, &str); 10] = [
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd", "unpack it with: zstd -d FILE"),
    (b"\xfd7zXZ\0", "is compressed with xz", "unpack it with: xz -dk FILE"),
    (b"BZh", "is compressed with bzip2", "unpack it with: bzip2 -dk FILE"),
    (b"\x04\x22\x4d\x18", "is compressed with lz4", "unpack it with: lz4 -d FILE"),
    (b"PK\x03\x04", "is a zip archive", "unpack it with: unzip FILE"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive", "unpack it with: 7z x FILE"),
    (b"PAR1", "is a Parquet file", "write its rows as JSON, one a line"),
    (b"ARROW1", "is an Arrow file", "write its rows as JSON, one a line"),
    (b"SQLite format 3\0", "is an SQLite database", "write its rows as JSON, one a line: sqlite3 -json FILE QUERY"),
    (b"%PDF", "is a PDF", "export the log itself, as JSON"),
];

/// Marks of encodings other than UTF-8, the longer first where one begins with another; and their names for iconv.
const MARKS: [(&[u8], &str); 4] =
    [(b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")];

/// What was compressed with gzip, unpacked; anything else as it is.
pub fn unpack(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(&bytes[..]).take(LENGTH + 1).read_to_end(&mut unpacked);
    read.map_err(|error| format!("is compressed with gzip and cannot be unpacked: {error}"))?;
    match unpacked.len() as u64 > LENGTH {
        true => Err(format!("unpacked, {}", too_long())),
        false => Ok(unpacked),
    }
}

/// That a file is too long.
pub fn too_long() -> String {
    format!("is longer than {} MiB; split it into several files, between two traces", LENGTH >> 20)
}

/// The text of bytes that are not compressed; else what is wrong with them, and what can be done.
pub fn text(bytes: Vec<u8>) -> Result<String, String> {
    if let Some((_, what, how)) = OTHERS.iter().find(|(begin, ..)| bytes.starts_with(begin)) {
        return Err(format!("{what}; {how}"));
    }
    if let Some(encoding) = encoding(&bytes) {
        return Err(format!(
            "is in {encoding}, not in UTF-8; convert it with: iconv -f {encoding} -t UTF-8 FILE > NEW"
        ));
    }
    String::from_utf8(bytes).or_else(|error| {
        let (utf8, bytes) = (error.utf8_error(), error.as_bytes());
        // A file that was cut inside a character is told as one that was cut inside a value.
        if utf8.error_len().is_none() {
            return Ok(String::from_utf8_lossy(bytes).into_owned());
        }
        let good = utf8.valid_up_to();
        let line = bytes[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
        let byte = bytes.get(good).copied().unwrap_or_default();
        if bytes.contains(&0) {
            return Err(format!("is not text: line {line} has the byte {byte:#04x}; write what it holds as JSON"));
        }
        Err(format!(
            "is not in UTF-8: line {line} has the byte {byte:#04x}. If it is in Latin-1 or Windows-1252, convert it with: \
             iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW"
        ))
    })
}

/// The encoding that a file's mark tells, or the zeros among its first characters, which in JSON are all of ASCII.
fn encoding(bytes: &[u8]) -> Option<&'static str> {
    if let Some((_, encoding)) = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Some(encoding);
    }
    match bytes.get(..4)? {
        [0, 0, 0, _] => Some("UTF-32BE"),
        [_, 0, 0, 0] => Some("UTF-32LE"),
        [0, _, 0, _] => Some("UTF-16BE"),
        [_, 0, _, 0] => Some("UTF-16LE"),
        _ => None,
    }
}
