//! Files of traces and tasks on the command line: reading them all, each once.

use super::files::{Identity, find, identity};
use super::{Error, open};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use traces::format::{self, Format};
use traces::{Document, Mistake, Source};

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

/// What was read.
#[derive(Clone, Default)]
pub struct Read {
    /// What the files hold, in the order in which they were named.
    pub documents: Vec<Document>,
    /// What is wrong with them. A document's mistakes are moved to this one list.
    pub mistakes: Vec<Mistake>,
    /// What is to be told besides.
    pub notes: Vec<String>,
}

/// Reads files, and knows those that it has read.
#[derive(Default)]
pub struct Reader {
    /// What each was called first: a file has one name, however often and in whatever way it is named.
    names: BTreeMap<Identity, String>,
}

impl Inputs {
    /// All that the files hold.
    pub fn read(&self) -> Result<Read, Error> {
        self.read_by(&mut Reader::default())
    }

    /// All that the files hold, by a reader that reads others, too.
    pub fn read_by(&self, reader: &mut Reader) -> Result<Read, Error> {
        if !self.paths.is_empty() {
            return reader.read(&self.paths, self.from);
        }
        if std::io::stdin().is_terminal() {
            return Err("name a file, a folder, or - for standard input".into());
        }
        reader.read(&["-".to_owned()], self.from)
    }
}

impl Reader {
    /// All that these files hold, each of them once.
    pub fn read(&mut self, paths: &[String], from: Option<Format>) -> Result<Read, Error> {
        let mut all = Read::default();
        // All that are named must be there before any is read: a name misspelled is an error of the whole command.
        let files: Vec<Vec<String>> = paths.iter().map(|path| find(path)).collect::<Result<_, _>>()?;
        let mut given = BTreeMap::new();
        for file in files.into_iter().flatten() {
            let identity = identity(&file);
            if let Some(first) = identity.as_ref().and_then(|identity| given.get(identity)) {
                // A folder and a file in it are named for convenience; only another name may surprise.
                if *first != file {
                    all.notes.push(format!("{file} is the same file as {first}, and was read once"));
                }
                continue;
            }
            let name = match identity {
                Some(identity) => {
                    given.insert(identity.clone(), file.clone());
                    self.names.entry(identity).or_insert_with(|| file.clone()).clone()
                }
                None => file.clone(),
            };
            match read_one(&file, &name, from) {
                Ok(mut document) => {
                    all.mistakes.append(&mut document.mistakes);
                    all.documents.push(document);
                }
                Err(mistake) => all.mistakes.push(mistake),
            }
        }
        all.documents = format::gather(all.documents);
        all.documents.iter_mut().for_each(|document| all.mistakes.append(&mut document.mistakes));
        Ok(all)
    }
}

fn read_one(path: &str, name: &str, from: Option<Format>) -> Result<Document, Mistake> {
    let name = if path == "-" { STDIN } else { name };
    let wrong = |reason: String| Source { file: name.into(), ..Source::default() }.mistake(reason);
    let bytes = match path {
        "-" => open::bytes(std::io::stdin().lock()),
        path => open::file(path),
    };
    format::read_bytes(from, bytes.map_err(wrong)?, name)
}

/// The formats of that kind, by name.
pub fn formats(fit: fn(Format) -> bool) -> impl TypedValueParser<Value = Format> {
    let names: Vec<&'static str> = Format::all().filter(|format| fit(*format)).map(Format::name).collect();
    PossibleValuesParser::new(names).try_map(|name| Format::named(&name).ok_or("no such format"))
}
