//! Formats of traces: what is read from each, what is wrong with bad ones, and that writing loses nothing.

mod arbitrary;
mod archives;
mod encodings;
mod harnesses;
mod mistakes;
mod round_trips;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use traces::format::{self, Format};
use traces::{Document, Item, Step};

/// Our samples, by name.
fn samples() -> Vec<(String, String)> {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/traces"))
}

/// The files of a folder, in name order; none where there is no such folder.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// A document on few lines.
fn show(document: &Document) -> String {
    let mut out = format!("format {}\n", document.format);
    for item in &document.items {
        let trace = item.trace();
        let kind = match item {
            Item::Task(task) => format!("task for {:?}: {:?}", task.user, task.instruction),
            Item::Trace(_) => "trace".to_owned(),
        };
        writeln!(out, "\n{} ({}), {kind}", trace.name, trace.source).unwrap();
        writeln!(out, "  of {:?}, trial {:?}, outputs {:?}", trace.task, trace.trial, trace.outputs).unwrap();
        let settings = format!("{:?}", trace.settings);
        if settings.contains("Some") {
            writeln!(out, "  {}", settings.replace("Settings ", "").replace(": None", ": -")).unwrap();
        }
        for step in trace.steps() {
            let Step::Call(call) = step else {
                writeln!(out, "  {step:?}").unwrap();
                continue;
            };
            let arguments = serde_json::to_string(&call.arguments).unwrap();
            let answer = call.answer.as_ref().map(|answer| (answer.value.to_string(), answer.is_error));
            writeln!(out, "  {} {} {arguments}", call.id, call.tool).unwrap();
            writeln!(out, "    -> {answer:?} key {:?} actor {:?} {:?}", call.key, call.actor, call.verdict).unwrap();
        }
    }
    document.mistakes.iter().for_each(|mistake| writeln!(out, "\n{mistake}").unwrap());
    out
}

#[test]
fn every_format_is_read() {
    for (name, text) in samples() {
        insta::with_settings!({ snapshot_suffix => name.replace('.', "-") }, {
            insta::assert_snapshot!(show(&format::read(&text, &name).unwrap()));
        });
    }
}

#[test]
fn every_format_has_a_sample_and_a_name() {
    let found: Vec<Format> = samples().iter().map(|(name, text)| format::detect(text, name).unwrap()).collect();
    for format in Format::all() {
        assert!(found.contains(&format), "no sample is in {format}");
        assert_eq!(Format::named(&format.to_string()), Some(format));
    }
    assert_eq!(Format::named("yaml"), None);
}

#[test]
fn the_format_does_not_depend_on_layout() {
    for (name, text) in samples() {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else {
            continue;
        };
        let format = format::detect(&text, &name).unwrap();
        let listed = if value.is_array() { value.to_string() } else { format!("[{value}]") };
        for other in [format!("\u{feff}{value}\r\n\r\n"), listed, format!("{value}\n{value}\n")] {
            assert_eq!(format::detect(&other, "x"), Ok(format), "{name}: {other:.60}");
        }
    }
}
