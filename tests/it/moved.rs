//! Traces in which the clock is moved: replayed, graded, converted as they were recorded or as their task scripts them.

use crate::registry::{add, named};
use crate::support::evaluation::{choice, done};
use crate::support::fixtures;
use evaluation::model::{Command, Report};
use procedures::policy::{Pace, Source};
use serde_json::{Value, json};
use server::registry::{DEFAULT_FIXTURES, Limits, Recorder, Registry, Setup, Spec};
use std::collections::BTreeMap;
use std::fs;
use store::canonical::Extent;
use traces::format::{self, Format};
use traces::{Document, Item};

/// An episode in which the clock was moved before, between and after its calls; its recording, and the hash of its state.
async fn recorded() -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup {
        source: Source::Embedded,
        fixtures: BTreeMap::from([(DEFAULT_FIXTURES.to_owned(), fixtures().clone())]),
        defaults: Spec::default(),
        limits: Limits::default(),
        durable: None,
        recorder: Some(Recorder::open(folder.path()).unwrap()),
    };
    let registry = Registry::open(setup).await.unwrap();
    let clock = Some("2025-09-25T12:00:00".to_owned());
    let spec = Spec { clock, clock_kind: Some(Pace::Stepped), ..named("moved") };
    let live = registry.create(spec).await.unwrap();
    live.advance("PT1H").await.unwrap();
    add(&live, "one").await;
    live.advance("PT2H").await.unwrap();
    live.advance("PT30M").await.unwrap();
    add(&live, "two").await;
    live.advance("P1D").await.unwrap();
    let hash = live.hash(Extent::Result).await.unwrap().state;
    (fs::read_to_string(folder.path().join("moved.ndjson")).unwrap(), hash)
}

fn read(text: &str) -> Document {
    let document = format::read(text, "moved.ndjson").unwrap();
    assert_eq!(document.mistakes, []);
    document
}

#[tokio::test]
async fn a_recording_says_when_the_clock_was_moved_and_replays_so() {
    let (text, hash) = recorded().await;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["clock_kind"], "stepped");
    let order = lines[1..].iter().map(|line| line.get("advance").unwrap_or(&line["call"]).clone());
    assert_eq!(
        order.collect::<Vec<_>>(),
        [json!("PT1H"), json!(1), json!("PT2H"), json!("PT30M"), json!(2), json!("P1D")]
    );
    assert_eq!(lines[5]["now"], "2025-09-25T15:30:00");
    let report = done(Command::Replay, choice(), &[read(&text)], None);
    let replay = &report.traces[0].replay;
    assert_eq!(
        (replay.hash.as_str(), &replay.first_divergence, replay.notes.len()),
        (hash.as_str(), &None, 0),
        "{replay:?}"
    );
    // Without its moves it is another run.
    let still: Vec<&str> = text.lines().filter(|line| !line.contains("\"advance\"")).collect();
    let still = still
        .join("\n")
        .replace(",\"now\":\"2025-09-25T15:30:00\"}", "}")
        .replace(",\"now\":\"2025-09-25T13:00:00\"}", "}");
    let report = done(Command::Replay, choice(), &[read(&still)], None);
    assert_eq!(report.traces[0].replay.first_divergence, Some(1));
}

#[tokio::test]
async fn formats_that_keep_all_keep_the_moves_too() {
    let (text, hash) = recorded().await;
    let Item::Trace(trace) = read(&text).items.remove(0) else { panic!("it is a trace") };
    for format in [Format::Ndjson, Format::Atif, Format::Tau2] {
        assert_eq!(format::losses(format, &Item::Trace(trace.clone())), Vec::<&str>::new(), "{format}");
        let written = format::write(format, std::slice::from_ref(&trace)).unwrap();
        let report = done(Command::Replay, choice(), &[read(&written)], None);
        assert_eq!(report.traces[0].replay.hash, hash, "{format}");
    }
    let lost = format::losses(Format::OpenAi, &Item::Trace(trace));
    assert!(lost.contains(&"moves of the clock") && lost.contains(&"times of calls"), "{lost:?}");
}

#[test]
fn what_moves_no_clock_is_a_mistake_with_its_place() {
    let header = json!({"format": "incident-mcp/journal/1", "policy": "all"});
    for (line, says) in [
        (json!({"advance": "soon"}), "must be a duration of ISO 8601"),
        (json!({"advance": "PT0S"}), "must lead forward"),
        (json!({"advance": "-PT1H"}), "must lead forward"),
        (json!({"advance": "P9999Y"}), "no time after the year 9999"),
        (json!({"advance": 2}), "must be a text"),
    ] {
        let document = format::read(&format!("{header}\n{line}\n"), "moved.ndjson").unwrap();
        assert!(document.mistakes[0].reason.contains(says), "{line}: {:?}", document.mistakes);
        assert_eq!(document.mistakes[0].source.line, Some(2));
    }
    for (advance, says) in [
        (json!({"by": "PT1H"}), "has neither after_call nor at_end"),
        (json!({"by": "PT1H", "after_call": 1, "at_end": true}), "has both"),
        (json!({"after_call": 1}), "\"by\" is missing"),
        (json!({"by": "1h", "at_end": true}), "must be a duration"),
    ] {
        let text = json!([task(std::slice::from_ref(&advance))]).to_string();
        let document = format::read(&text, "tasks.json").unwrap();
        assert!(
            document.mistakes.iter().any(|mistake| mistake.reason.contains(says)),
            "{advance}: {:?}",
            document.mistakes
        );
    }
}

/// A task of two notes, between which its clock is moved as it is scripted.
fn task(advances: &[Value]) -> Value {
    let note = |text: &str| json!({"name": "add_incident_update", "arguments": {"incident_id": "27", "note": text, "acting_user": "6"}});
    json!({"id": "two notes", "user_id": "6", "instruction": "Note.", "outputs": [], "actions": [note("One."), note("Two.")],
        "incident_mcp": {"advances": advances}})
}

/// A run of it by an agent whose harness knows nothing of clocks.
fn run_of(texts: [&str; 2]) -> Value {
    let call = |(at, text): (usize, &str)| {
        let arguments = json!({"incident_id": "27", "note": text, "acting_user": "6"}).to_string();
        let call = json!({"id": format!("c{at}"), "type": "function", "function": {"name": "add_incident_update", "arguments": arguments}});
        [
            json!({"role": "assistant", "content": null, "tool_calls": [call]}),
            json!({"role": "tool", "tool_call_id": format!("c{at}"), "content": "{}"}),
        ]
    };
    let messages: Vec<Value> = texts.into_iter().enumerate().flat_map(call).collect();
    json!({"task_id": "two notes", "trial": 0, "traj": messages})
}

fn graded(task: Value, run: Value) -> Report {
    let document = |file: &str, items: Value| format::read(&items.to_string(), file).unwrap();
    done(
        Command::Grade,
        choice(),
        &[document("trials.json", json!([run]))],
        Some(vec![document("tasks.json", json!([task]))]),
    )
}

#[test]
fn gold_and_trials_are_moved_alike_as_their_task_scripts_it() {
    let script = [json!({"by": "PT1H", "at_end": true}), json!({"by": "PT2H", "after_call": 1})];
    let report = graded(task(&script), run_of(["One.", "Two."]));
    let trace = &report.traces[0];
    assert!(trace.verdict.as_ref().unwrap().pass, "{:?}", trace.verdict);
    assert_eq!(trace.replay.notes, ["the clock is moved as gold has it: PT2H after call 1, PT1H at the end"]);
    let dates: Vec<Value> = trace.replay.calls.iter().map(|step| step.answer.value()["now"].clone()).collect();
    let start = &crate::support::policy("all").clock.start;
    assert_eq!(
        (dates[0].as_str(), dates[1].as_str()),
        (Some(start.as_str()), Some(start.replace("T12", "T14").as_str()))
    );
    // Another run is told so all the same, and only in what it did.
    let report = graded(task(&script), run_of(["One.", "Three."]));
    let verdict = report.traces[0].verdict.as_ref().unwrap();
    assert_eq!(verdict.state.difference.iter().map(|cell| cell.column.as_str()).collect::<Vec<_>>(), ["note"]);
    // Without a script nothing is told of a clock.
    let report = graded(task(&[]), run_of(["One.", "Two."]));
    assert_eq!(report.traces[0].replay.notes, Vec::<String>::new());
    assert!(report.traces[0].replay.calls[0].answer.value().get("now").is_none());
}

#[tokio::test]
async fn a_run_that_was_moved_otherwise_than_gold_is_told_of() {
    let (text, _) = recorded().await;
    let trials = read(&text.replacen("\"name\":\"moved\"", "\"name\":\"two notes\",\"task\":\"two notes\"", 1));
    let tasks =
        format::read(&json!([task(&[json!({"by": "PT2H", "after_call": 1})])]).to_string(), "tasks.json").unwrap();
    let report = done(Command::Grade, choice(), &[trials], Some(vec![tasks]));
    let notes = report.traces[0].replay.notes.join("; ");
    assert!(
        notes.contains("gold moves the clock PT2H after call 1, and this run PT1H after call 0, PT2H after call 1"),
        "{notes}"
    );
    assert!(!report.traces[0].verdict.as_ref().unwrap().pass);
}

/// An episode can be cut anywhere, and what is written down begins and ends where it says.
#[tokio::test]
async fn an_export_loads_to_the_hash_of_its_moment() {
    let registry = crate::registry::registry(Limits::default()).await;
    let clock = Some("2025-09-25T12:00:00".to_owned());
    let live = registry.create(Spec { clock, clock_kind: Some(Pace::Stepped), ..named("a") }).await.unwrap();
    let hash = async || live.hash(Extent::Result).await.unwrap().state;
    let mut hashes = vec![hash().await];
    for text in ["one", "two", "three"] {
        add(&live, text).await;
        hashes.push(hash().await);
        live.advance("PT1H").await.unwrap();
    }
    for (from, before) in (1..).zip(&hashes) {
        let export = live.export(Some(from)).await.unwrap();
        assert_eq!((&export.before, &export.hash), (before, &hashes[3]), "{from}");
        assert_eq!(
            (export.trace.calls.len(), export.trace.advances.len()),
            (hashes.len() - from as usize, if from == 1 { 3 } else { hashes.len() + 1 - from as usize })
        );
    }
    for from in [0, -1, 5] {
        assert!(live.export(Some(from)).await.is_err(), "{from}");
    }
    let whole = live.export(None).await.unwrap();
    assert_eq!(whole.before, hashes[0]);
}
