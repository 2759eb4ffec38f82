//! What is written can be read again and is the same; and nothing that is read makes the program give up.

use super::{arbitrary, files, samples};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value as Json;
use std::env;
use std::path::PathBuf;
use traces::format::{self, Format};
use traces::{Answer, Call, Document, Item, Source, Trace};

/// What each format keeps of a call.
fn kept(format: Format, call: &Call) -> Call {
    let marks = !matches!(format, Format::OpenAi | Format::OpenAiResponses);
    let answer = call.answer.clone();
    let answer = answer.map(|answer| Answer { is_error: answer.is_error.filter(|_| marks), ..answer });
    match format {
        Format::Ndjson | Format::Atif | Format::Tau2 => call.clone(),
        Format::OpenAi | Format::OpenAiResponses => {
            Call { answer, key: None, actor: None, verdict: None, now: None, edition: None, ..call.clone() }
        }
        _ => {
            let bare = kept(Format::OpenAi, call);
            Call { answer, malformed: None, ..bare }
        }
    }
}

/// What each format keeps of a trace beside its calls and messages.
fn keeps(format: Format, written: &Trace, read: &Trace) {
    match format {
        Format::Ndjson | Format::Atif | Format::Tau2 => {
            let places = |trace: &Trace| Trace { source: Source::default(), places: Vec::new(), ..trace.clone() };
            assert_eq!(places(written), places(read), "{format}");
        }
        _ => assert_eq!((&written.task, written.trial), (&read.task, read.trial)),
    }
}

fn assert_round_trip(format: Format, traces: &[Trace]) {
    let text = format::write(format, traces).unwrap();
    let document = format::read(&text, "written").unwrap();
    assert_eq!((document.format, &document.mistakes), (format, &Vec::new()), "{text}");
    assert_eq!(document.items.len(), traces.len(), "{format}: {text}");
    for (written, item) in traces.iter().zip(&document.items) {
        let read = item.trace();
        let expected: Vec<Call> = written.calls.iter().map(|call| kept(format, call)).collect();
        assert_eq!(expected, read.calls, "{format}: {text}");
        let orders =
            |calls: &[Call]| -> Vec<String> { calls.iter().map(|call| format!("{:?}", call.arguments)).collect() };
        assert_eq!(orders(&expected), orders(&read.calls), "{format}: the order of arguments");
        assert_eq!(written.messages, read.messages, "{format}: {text}");
        keeps(format, written, read);
    }
    assert_eq!(format::write(format, &traces_of(&document)), Some(text), "{format}: written again");
}

fn traces_of(document: &Document) -> Vec<Trace> {
    document.items.iter().map(|item| item.trace().clone()).collect()
}

fn written_formats() -> impl Iterator<Item = Format> {
    Format::all().filter(|format| format.is_written())
}

/// Read whatever it is. What can be read can be written, and each mistake has a place that there is.
fn assert_survives(text: &str) {
    let Ok(document) = format::read(text, "any") else {
        return;
    };
    for mistake in &document.mistakes {
        let line =
            mistake.source.line.map_or(Some(text.trim_start_matches('\u{feff}')), |line| text.lines().nth(line - 1));
        let line = line.unwrap_or_else(|| panic!("{mistake}: there is no such line"));
        if let Ok(value) = serde_json::from_str::<Json>(line) {
            assert!(is_in(&value, &mistake.source.pointer), "{mistake}: there is no such place in {line}");
        }
    }
    for format in written_formats() {
        assert!(format::write(format, &traces_of(&document)).is_some());
    }
}

/// Whether a pointer leads to a value, or into a text that holds JSON or refers to one.
fn is_in(value: &Json, pointer: &str) -> bool {
    let steps = pointer.match_indices('/').map(|(at, _)| at).chain([pointer.len()]);
    let mut last = value;
    for end in steps {
        match value.pointer(&pointer[..end]) {
            Some(inner) => last = inner,
            None => return last.is_string(),
        }
    }
    true
}

/// Everything that readers are tried with: our samples, and those that lie beside the project where they do.
fn corpus() -> Vec<(String, String)> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = env::var_os("INCIDENT_MCP_SHARED").map_or(beside, PathBuf::from);
    let folders = [shared.join("trace-formats"), shared.join("upstream/traces")];
    samples().into_iter().chain(folders.iter().flat_map(|folder| files(folder))).collect()
}

#[test]
fn samples_are_the_same_in_every_format() {
    for (name, text) in corpus() {
        let Ok(document) = format::read(&text, &name) else {
            continue;
        };
        let trials = traces_of(&document);
        for format in written_formats() {
            for trace in trials.iter().filter(|trace| !trace.calls.is_empty()) {
                assert_round_trip(format, std::slice::from_ref(trace));
            }
        }
    }
}

/// What is known of the samples beside the project; nothing where they are not there.
#[test]
fn foreign_samples_are_read() {
    let unknown = ["11-", "12-", "13-", "14-"];
    let mut counts = (0, 0, 0);
    for (name, text) in corpus().into_iter().skip(samples().len()) {
        let read = format::read(&text, &name);
        if unknown.iter().any(|prefix| name.starts_with(prefix)) {
            assert!(read.is_err(), "{name}");
            continue;
        }
        let document = read.unwrap();
        assert_eq!(document.mistakes, [], "{name}");
        counts.0 += 1;
        counts.1 += document.items.len();
        counts.2 += document.items.iter().map(|item| item.trace().calls.len()).sum::<usize>();
        if name.starts_with('i') {
            let [Item::Task(task)] = &document.items[..] else { panic!("{name}: {document:?}") };
            assert_eq!(document.format, Format::TauBench);
            assert!(task.gold.calls.iter().all(|call| call.answer.is_some()), "{name}");
            let number = task.gold.settings.interface.as_deref().unwrap();
            assert!(name.starts_with(&format!("i{number}-")) && name.starts_with(&task.gold.name), "{name}");
        }
    }
    println!("read {} files, {} traces and tasks, {} calls", counts.0, counts.1, counts.2);
}

#[test]
fn truncated_samples_are_refused_or_read_in_part() {
    for (_, text) in corpus() {
        // Every end of a small file, and some of a large one: it is read once for each.
        let step = 1 + text.len() / 400;
        for end in (0..text.len()).step_by(step).filter(|end| text.is_char_boundary(*end)) {
            assert_survives(&text[..end]);
        }
    }
}

/// The places of a value, itself first.
fn places(value: &Json, pointer: String, found: &mut Vec<String>) {
    match value {
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| places(item, format!("{pointer}/{at}"), found))
        }
        Json::Object(entries) => entries.iter().for_each(|(key, entry)| {
            places(entry, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }),
        _ => {}
    }
    found.push(pointer);
}

/// The text with one value of one of its lines replaced, or left out.
fn mutate(text: &str, line: &Index, place: &Index, other: &Json) -> String {
    let replace = |text: &str| {
        let mut value = serde_json::from_str::<Json>(text).ok()?;
        let mut found = Vec::new();
        places(&value, String::new(), &mut found);
        *value.pointer_mut(place.get::<String>(&found))? = other.clone();
        Some(value.to_string())
    };
    replace(text).unwrap_or_else(|| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = line.index(lines.len());
        lines[at] = replace(&lines[at]).unwrap_or_default();
        lines.join("\n")
    })
}

proptest! {
    #[test]
    fn generated_traces_survive_every_format(traces in prop::collection::vec(arbitrary::trace(), 1..4)) {
        for format in written_formats() {
            assert_round_trip(format, &traces);
        }
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        assert_survives(&text);
    }

    #[test]
    fn any_json_is_survived(values in prop::collection::vec(arbitrary::json(), 1..4), lines in any::<bool>()) {
        let text = match lines {
            true => values.iter().map(|value| format!("{value}\n")).collect(),
            false => Json::from(values).to_string(),
        };
        assert_survives(&text);
    }

    #[test]
    fn changed_samples_are_survived(
        sample in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<Index>(), arbitrary::json()), 1..4),
    ) {
        thread_local!(static CORPUS: Vec<(String, String)> = corpus());
        let mut text = CORPUS.with(|corpus| sample.get(corpus).1.clone());
        for (line, place, other) in &changes {
            if !text.is_empty() {
                text = mutate(&text, line, place, other);
            }
        }
        assert_survives(&text);
    }
}
