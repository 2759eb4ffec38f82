//! `convert`: traces and tasks from one format into another.

use super::evaluate::{self, is_folder};
use super::inputs::{Inputs, Read, formats};
use super::print::{self, BAD, PLAIN};
use super::{Answer, Error};
use clap::Args;
use indexmap::IndexMap;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use traces::format::{self, Format};
use traces::{Document, Item, Trace};

/// Rewrite traces and tasks in another format
///
/// The format of each file is recognised by what it holds. Of a task, the calls that it holds to be right are written. A
/// file, or a trace in it, that cannot be read is named with the place and the reason; the rest is written all the same.
/// Exit code 3 when there was one.
///
/// Example: incident-mcp convert runs/ --to openai --output runs.jsonl
#[derive(Args)]
pub struct Convert {
    #[command(flatten)]
    inputs: Inputs,
    /// The format to write
    #[arg(long, value_name = "FORMAT", value_parser = formats(Format::is_written), required_unless_present = "list")]
    to: Option<Format>,
    /// The file to write, in place of standard output; a folder, or what ends with /, gets a file for each that was read
    #[arg(long, short, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// Show the formats, and which of them can be written
    #[arg(long, conflicts_with_all = ["paths", "from", "to", "output"])]
    list: bool,
}

impl Convert {
    pub fn run(&self) -> Result<Answer, Error> {
        let Some(to) = self.to else { return Ok(list()) };
        let Read { documents, mistakes, notes } = self.inputs.read()?;
        match &self.output {
            // With nothing to say, nothing is written: an empty file would look like a result.
            _ if documents.iter().all(|document| document.items.is_empty()) => {}
            None => std::io::stdout().write_all(write(to, &documents).as_bytes())?,
            Some(folder) if is_folder(folder) => {
                let mut taken = BTreeSet::new();
                for document in documents.iter().filter(|document| !document.items.is_empty()) {
                    let file = folder.join(name(document, to, &mut taken));
                    save(&file, &write(to, std::slice::from_ref(document)), &documents)?;
                }
            }
            Some(file) => save(file, &write(to, &documents), &documents)?,
        }
        for note in &notes {
            anstream::eprintln!("{note}");
        }
        tell(to, &documents);
        for mistake in &mistakes {
            anstream::eprintln!("{mistake}");
        }
        if mistakes.is_empty() {
            return Ok(Answer::Yes);
        }
        anstream::eprintln!("{BAD}{}{PLAIN}", print::count(mistakes.len(), "mistake"));
        Ok(Answer::No)
    }
}

/// Say what was read otherwise than it stands, and what the format has no place for.
fn tell(to: Format, documents: &[Document]) {
    let (mut lost, mut notes) = (IndexMap::<&str, usize>::new(), IndexMap::<(&str, &String), usize>::new());
    for item in documents.iter().flat_map(|document| &document.items) {
        let trace = item.trace();
        for note in &trace.notes {
            *notes.entry((&*trace.source.file, note)).or_default() += 1;
        }
        format::losses(to, item).into_iter().for_each(|part| *lost.entry(part).or_default() += 1);
    }
    for ((file, note), number) in notes {
        anstream::eprintln!("{file}: note on {}: {note}", print::count(number, "trace"));
    }
    if !lost.is_empty() {
        let parts = lost.iter().map(|(part, number)| format!("{part} ({number})")).collect::<Vec<_>>().join(", ");
        anstream::eprintln!("note: not kept by {to}, and of how many: {parts}");
    }
}

/// What is in those documents, in that format.
fn write(to: Format, documents: &[Document]) -> String {
    let items = documents.iter().flat_map(|document| &document.items);
    let traces: Vec<Trace> = items.map(Item::trace).cloned().collect();
    format::write(to, &traces).unwrap_or_default()
}

/// Write a file, but not over one that was read.
fn save(file: &Path, text: &str, documents: &[Document]) -> Result<(), Error> {
    let same = |read: &str| matches!((fs::canonicalize(read), fs::canonicalize(file)), (Ok(a), Ok(b)) if a == b);
    if documents.iter().filter_map(source).any(same) {
        return Err(format!("{} is one of the files that were read; choose another --output", file.display()).into());
    }
    evaluate::create(file, &mut |out| Ok(out.write_all(text.as_bytes())?))
}

/// The file that a document was read from.
fn source(document: &Document) -> Option<&str> {
    document.items.first().map(|item| &*item.trace().source.file)
}

/// The name of a document's file: that of the one that was read, with a number where it is taken.
fn name(document: &Document, to: Format, taken: &mut BTreeSet<String>) -> String {
    let stem = Path::new(source(document).unwrap_or_default()).file_stem().unwrap_or_default().to_string_lossy();
    let ending = match to {
        Format::Ndjson => "ndjson",
        Format::Tau2 => "json",
        _ => "jsonl",
    };
    let mut name = format!("{stem}.{ending}");
    let mut number = 1_u64;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{stem}.{number}.{ending}");
    }
    name
}

fn list() -> Answer {
    let use_of = |format: Format| if format.is_written() { "read, written" } else { "read" };
    let row = |format: Format| [format.name(), use_of(format), format.title()].map(str::to_owned).to_vec();
    print::table(&["format", "use", "what it is"], &Format::all().map(row).collect::<Vec<_>>());
    Answer::Yes
}
