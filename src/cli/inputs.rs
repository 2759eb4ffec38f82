//! Files of traces and tasks on the command line: finding them, and reading them all.

use super::Error;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use incident_mcp::trace::format::{self, Format};
use incident_mcp::trace::{Document, Mistake, Source};
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

/// Longest file, in bytes. As JSON in memory it takes some ten times as much, which still fits into a small machine.
const LENGTH: u64 = 256 << 20;

/// The name under which mistakes in standard input are told.
const STDIN: &str = "standard input";

/// Which files.
#[derive(Args, Clone)]
pub struct Inputs {
    /// Files, folders or patterns such as 'runs/**/*.json'; - is standard input, which is also read where none is named
    #[arg(value_name = "FILE")]
    pub paths: Vec<String>,
    /// Read all as this format, in place of the one that each is recognised to be in
    #[arg(long, value_name = "FORMAT", value_parser = formats(|_| true))]
    pub from: Option<Format>,
}

impl Inputs {
    /// All that the files hold, in the order in which they were named; and what is wrong with them, file by file.
    pub fn read(&self) -> Result<(Vec<Document>, Vec<Mistake>), Error> {
        if !self.paths.is_empty() {
            return read(&self.paths, self.from);
        }
        if std::io::stdin().is_terminal() {
            return Err("name a file, a folder, or - for standard input".into());
        }
        read(&["-".to_owned()], self.from)
    }
}

/// All that these files hold, and what is wrong with them. A document's mistakes are moved to the one list.
pub fn read(paths: &[String], from: Option<Format>) -> Result<(Vec<Document>, Vec<Mistake>), Error> {
    let (mut documents, mut mistakes) = (Vec::new(), Vec::new());
    // All that are named must be there before any is read: a name misspelled is an error of the whole command.
    let files: Vec<Vec<String>> = paths.iter().map(|path| find(path)).collect::<Result<_, _>>()?;
    for file in files.into_iter().flatten() {
        match read_one(&file, from) {
            Ok(mut document) => {
                mistakes.append(&mut document.mistakes);
                documents.push(document);
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    Ok((documents, mistakes))
}

/// The files that a path means, in name order.
fn find(path: &str) -> Result<Vec<String>, Error> {
    let place = Path::new(path);
    let (pattern, nothing) = match place {
        _ if path == "-" => return Ok(vec![path.to_owned()]),
        _ if place.is_dir() => {
            (format!("{}/**/*", glob::Pattern::escape(path.trim_end_matches('/'))), format!("{path} holds no file"))
        }
        // What exists is meant as it is written, even with brackets in its name.
        _ if place.exists() => return Ok(vec![path.to_owned()]),
        _ if path.contains(['*', '?', '[']) => (path.to_owned(), format!("no file fits {path}")),
        _ => return Err(format!("there is no file {path}").into()),
    };
    // Hidden files are of other programs.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let found = glob::glob_with(&pattern, options).map_err(|error| format!("{path}: {error}"))?;
    let mut files = Vec::new();
    for file in found {
        let file = file?;
        if file.is_file() {
            files.push(file.to_string_lossy().into_owned());
        }
    }
    if files.is_empty() { Err(nothing.into()) } else { Ok(files) }
}

fn read_one(path: &str, from: Option<Format>) -> Result<Document, Mistake> {
    let name = if path == "-" { STDIN } else { path };
    let wrong = |reason: String| Source { file: name.into(), ..Source::default() }.mistake(reason);
    let text = match path {
        "-" => text(std::io::stdin().lock()),
        path => File::open(path).map_err(unreadable).and_then(text),
    };
    format::read_as(from, &text.map_err(wrong)?, name)
}

fn text(input: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    input.take(LENGTH + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LENGTH {
        return Err(format!("is longer than {} MiB", LENGTH >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "is not text".to_owned())
}

fn unreadable(error: std::io::Error) -> String {
    format!("cannot be read: {error}")
}

/// The formats of that kind, by name.
pub fn formats(fit: fn(Format) -> bool) -> impl TypedValueParser<Value = Format> {
    let names: Vec<&'static str> = Format::all().filter(|format| fit(*format)).map(Format::name).collect();
    PossibleValuesParser::new(names).try_map(|name| Format::named(&name).ok_or("no such format"))
}
