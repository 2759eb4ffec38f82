//! Logs of Inspect as it writes them by itself: a zip archive with a file for each sample.

use super::super::{Format, Node, checked, lenient};
use super::sample;
use crate::{Document, Mistake, Source};
use ruzstd::decoding::StreamingDecoder;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::error::Error;
use std::io::{Cursor, Read};
use zip::{CompressionMethod, ZipArchive};

/// Longest file in an archive, in bytes: as long as a file may be that is none in an archive.
const FILE: u64 = 256 << 20;

/// Most bytes of all files in an archive together. They are read one after the other, so this only bounds the time: a small
/// archive can be made that unpacks to any size.
const ALL: u64 = 4 << 30;

/// Most files in an archive: more than any log has, and few enough to list.
const FILES: usize = 1 << 20;

/// Where logs say how they ended, the newest first: of all, of results, of what is only begun.
const HEADS: [&str; 2] = ["header.json", "results.json"];

/// Whether these bytes are an archive.
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Read the samples of an archive.
pub fn read_archive(bytes: &[u8], file: &str) -> Result<Document, Mistake> {
    let source = Source { file: file.into(), ..Source::default() };
    let wrong = |error: zip::result::ZipError| source.mistake(format!("cannot be read as a zip archive: {error}"));
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(wrong)?;
    if archive.len() > FILES {
        return Err(source.mistake(format!("holds {} files; at most {FILES} are read", archive.len())));
    }
    let names = archive.file_names().map(|name| name.map(|name| name.into_owned()));
    let names: BTreeSet<String> = names.collect::<Result<_, _>>().map_err(wrong)?;
    let mut reader = Reader { archive, source, left: ALL, lenient: false };
    let status = reader.status(&names)?;
    let mut document = Document { format: Format::Inspect, items: Vec::new(), mistakes: Vec::new() };
    for name in names.iter().filter(|name| name.starts_with("samples/")) {
        let value = match (
            is_sample(name),
            name.strip_suffix("/sample.json").filter(|folder| is_sample(&format!("{folder}.json"))),
        ) {
            (true, _) => reader.json(name),
            (false, Some(folder)) => reader.pieces(folder, &names),
            (false, None) => continue,
        };
        match value {
            Ok(value) => {
                let node = Node::new(&value, reader.place(name));
                checked(&node, &mut document, |node, document| sample(node, &status, document));
            }
            Err(mistake) => document.mistakes.push(mistake),
        }
    }
    if document.items.is_empty() && document.mistakes.is_empty() {
        return Err(reader
            .source
            .mistake("is a zip archive, but holds no sample of Inspect; unpack what else it may hold"));
    }
    if reader.lenient {
        document.items.iter_mut().for_each(|item| item.trace_mut().notes.push(lenient::NOTE.to_owned()));
    }
    Ok(document)
}

/// The first bytes of a file, up to that many.
fn unpack(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, most: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let at = archive.index_for_name(name).ok_or("there is no such file")?;
    let mut bytes = Vec::new();
    let method = archive.by_index_raw(at)?.compression();
    match method {
        CompressionMethod::ZSTD => {
            let packed = archive.by_index_raw(at)?;
            StreamingDecoder::new(packed)?.take(most).read_to_end(&mut bytes)?
        }
        _ => archive.by_index(at)?.take(most).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

/// Whether a file holds a whole sample. Ids may have slashes.
fn is_sample(name: &str) -> bool {
    let epoch = name.strip_suffix(".json").and_then(|name| name.rsplit_once("_epoch_"));
    epoch.is_some_and(|(_, epoch)| !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()))
}

struct Reader<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    source: Source,
    /// How many more bytes may be unpacked.
    left: u64,
    /// Whether any file has numbers that JSON does not have.
    lenient: bool,
}

impl Reader<'_> {
    /// How the log ended; where it does not say, it was only started.
    fn status(&mut self, names: &BTreeSet<String>) -> Result<String, Mistake> {
        let Some(head) = HEADS.into_iter().find(|head| names.contains(*head)) else {
            return Ok("started".to_owned());
        };
        let value = self.json(head)?;
        let status = Node::new(&value, self.place(head)).label_at("status")?;
        Ok(status.unwrap_or_else(|| "started".to_owned()))
    }

    /// A sample that is in pieces: its messages, events and attachments stand in files of their own.
    fn pieces(&mut self, folder: &str, names: &BTreeSet<String>) -> Result<Json, Mistake> {
        let mut whole = self.json(&format!("{folder}/sample.json"))?;
        let Some(sample) = whole.as_object_mut() else { return Ok(whole) };
        for part in ["messages", "events", "attachments"] {
            let place = format!("{folder}/{part}/");
            let number = |name: &String| name.strip_prefix(&place)?.strip_suffix(".json")?.parse::<u64>().ok();
            let mut files: Vec<(u64, &String)> = names.iter().filter_map(|name| Some((number(name)?, name))).collect();
            files.sort_unstable();
            let mut items = Vec::new();
            for (_, name) in files {
                match self.json(name)? {
                    Json::Array(mut piece) => items.append(&mut piece),
                    other => return Err(Node::new(&other, self.place(name)).wrong("a list")),
                }
            }
            sample.insert(part.to_owned(), items.into());
        }
        Ok(whole)
    }

    fn json(&mut self, name: &str) -> Result<Json, Mistake> {
        let source = self.place(name);
        let most = FILE.min(self.left);
        let bytes = unpack(&mut self.archive, name, most + 1);
        let bytes = bytes.map_err(|reason| source.mistake(format!("cannot be unpacked: {reason}")))?;
        if bytes.len() as u64 > most {
            return Err(source.mistake(match most {
                FILE => format!("is longer than {} MiB", FILE >> 20),
                _ => format!("is more than may be unpacked: all files together have more than {} GiB", ALL >> 30),
            }));
        }
        self.left -= bytes.len() as u64;
        let text = String::from_utf8(bytes).map_err(|_| source.mistake("is not text"))?;
        let (value, lenient) =
            lenient::parse(&text).map_err(|error| source.mistake(format!("is not JSON: {error}")))?;
        self.lenient |= lenient;
        Ok(value)
    }

    /// A file of the archive, as if that were a value with its files in it.
    fn place(&self, name: &str) -> Source {
        Source { pointer: format!("/{name}"), ..self.source.clone() }
    }
}
