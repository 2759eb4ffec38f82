//! Recording: what is written while episodes run is a trace, and replaying it gives every answer and the state again.

use crate::cli::{Ran, program, ran};
use crate::registry::{add, named, note, object, permitted, setup};
use crate::support::{fixtures, image, policy, with};
use calls::{Episode, Mode, Outcome, Settings};
use procedures::policy::Audit;
use serde_json::{Value, json};
use server::registry::{Durable, Limits, Live, Recorder, Registry, Setup, Spec};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use store::canonical::Extent;
use tempfile::TempDir;
use traces::{Document, Item, Trace, format};

/// The calls of a session, each with the key that it is made under: lookups, writes, a halt, arguments that do not fit.
fn session() -> Vec<(&'static str, Value, Option<&'static str>)> {
    let metric = json!({"incident_id": "15", "metric_type": "resolution_time", "calculated_value_minutes": 12, "recorded_by_user": "6"});
    let audit = json!({"action": "create", "entity_type": "performance_metric", "entity_id": "28", "acting_user": "6"});
    vec![
        ("find_incidents", json!({"status": "closed", "limit": 3, "acting_user": "6"}), None),
        ("log_metric", metric.clone(), Some("once")),
        ("log_metric", with(metric.clone(), json!({"incident_id": "27"})), Some("halted")),
        ("log_audit", audit, None),
        (
            "log_metric",
            with(
                metric,
                json!({"incident_id": null, "incident": 15, "metric_type": "speed", "calculated_value_minutes": 1.384138533359693e197}),
            ),
            None,
        ),
        (
            "add_incident_update",
            with(permitted("add_incident_update"), json!({"note": "Ünïcode, \"quotes\"\nand a line"})),
            None,
        ),
        ("find_users", json!({"user_id": "12", "acting_user": "6"}), None),
    ]
}

async fn recorded(folder: &Path, durable: Option<Durable>) -> Arc<Registry> {
    let recorder = Some(Recorder::open(folder).unwrap());
    Registry::open(Setup { recorder, ..setup(Limits::default(), durable) }).await.unwrap()
}

/// Make the calls of the session, repeating what may be repeated; gives the answers that were recorded.
async fn play(live: &Arc<Live>) -> Vec<String> {
    let call = async |tool: &str, arguments: &Value, key| -> Outcome {
        live.call(live.queue(), tool, object(arguments.clone()), key).await.unwrap()
    };
    let mut answers = Vec::new();
    for (tool, arguments, key) in session() {
        let outcome = call(tool, &arguments, key).await;
        if key.is_some() {
            let again = call(tool, &arguments, key).await;
            assert!(again.repeated && again.text == outcome.text);
        }
        answers.push(outcome.text);
    }
    // Neither is a call, so neither is recorded.
    assert!(live.call(live.queue(), "log_metrics", object(json!({})), None).await.is_err());
    assert!(live.call(live.queue(), "find_users", object(json!({})), Some("once")).await.is_err());
    answers
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn read(file: &Path) -> Document {
    format::read(&fs::read_to_string(file).unwrap(), &file.display().to_string()).unwrap()
}

/// The one trace in a file without mistakes.
fn trace(file: &Path) -> Trace {
    let document = read(file);
    assert_eq!(document.mistakes, []);
    match document.items.as_slice() {
        [Item::Trace(trace)] => trace.clone(),
        items => panic!("{} items", items.len()),
    }
}

/// Make the recorded calls in a new episode that is set up as the header says. Each answer must be the recorded one, byte
/// for byte. Gives the answers and the hash of the state.
fn replay(file: &Path) -> (Vec<String>, String) {
    let trace = trace(file);
    let header = &trace.settings;
    let policy = policy(header.policy.as_deref().unwrap());
    assert_eq!(header.fingerprint.as_ref(), Some(&policy.fingerprint));
    assert_eq!(header.clock.as_ref(), Some(&policy.clock.start));
    assert_eq!(header.program, Some(format!("incident-mcp {}", env!("CARGO_PKG_VERSION"))));
    let mode = Mode::ALL.into_iter().find(|mode| header.mode.as_deref() == Some(mode.name())).unwrap();
    let audit =
        Audit::NAMES.into_iter().find(|(name, _)| header.audit.as_deref() == Some(name)).map(|(_, audit)| audit);
    let settings = Settings { mode, audit, actor: trace.actor.clone(), clock: None };
    let mut episode = Episode::on_image(policy, image(), &settings).unwrap();
    assert_eq!(header.fixtures, Some(episode.hash(Extent::Result).unwrap().state));

    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), trace.calls.len());
    let mut answers = Vec::new();
    for (line, call) in lines.iter().zip(&trace.calls) {
        let outcome = episode.call_once(&call.tool, call.arguments.clone(), call.key.as_deref()).unwrap();
        let answer = call.answer.as_ref().unwrap();
        assert_eq!(outcome.text, answer.value.to_string());
        assert!(line.contains(&format!("\"answer\":{}", outcome.text)), "{} is not in {line}", outcome.text);
        assert_eq!((Some(outcome.is_error()), &outcome.rule), (answer.is_error, &call.verdict.as_ref().unwrap().rule));
        answers.push(outcome.text);
    }
    (answers, episode.hash(Extent::Result).unwrap().state)
}

async fn hash(live: &Live) -> String {
    live.hash(Extent::Result).await.unwrap().state
}

#[tokio::test]
async fn a_recorded_session_replays_byte_for_byte() {
    let folder = TempDir::new().unwrap();
    let registry = recorded(folder.path(), None).await;
    let specs = [
        named("enforced"),
        Spec { mode: Some(Mode::Observe), ..named("observed") },
        Spec { mode: Some(Mode::Off), audit: Some(Audit::Automatic), ..named("off") },
        Spec { actor: Some("amara.osei@harbourlight.example".to_owned()), ..named("acting") },
    ];
    for spec in specs {
        let live = registry.create(spec).await.unwrap();
        let answers = play(&live).await;
        let file = folder.path().join(format!("{}.ndjson", live.id()));
        assert_eq!(trace(&file).name, live.id());
        assert_eq!(replay(&file), (answers, hash(&live).await), "{}", live.id());
    }
    assert_eq!(trace(&folder.path().join("acting.ndjson")).actor.as_deref(), Some("6"));
    // An episode that was never called leaves nothing.
    registry.default_episode().await.unwrap();
    assert_eq!(files(folder.path()), ["acting.ndjson", "enforced.ndjson", "observed.ndjson", "off.ndjson"]);
}

#[tokio::test]
async fn a_line_is_there_before_its_answer() {
    let folder = TempDir::new().unwrap();
    let live = recorded(folder.path(), None).await.create(named("a")).await.unwrap();
    for number in 1..4 {
        add(&live, "noted").await;
        assert_eq!(trace(&folder.path().join("a.ndjson")).calls.len(), number);
    }
}

#[tokio::test]
async fn an_episode_that_goes_back_goes_on_in_a_new_file() {
    let folder = TempDir::new().unwrap();
    let registry = recorded(folder.path(), None).await;
    let live = registry.create(named("a")).await.unwrap();
    add(&live, "one").await;
    live.checkpoint(Some("after-one")).await.unwrap();
    add(&live, "two").await;
    let first = hash(&live).await;

    live.reset().await.unwrap();
    add(&live, "other").await;
    let second = hash(&live).await;

    live.restore("after-one").await.unwrap();
    live.restore("after-one").await.unwrap();
    add(&live, "three").await;
    let third = hash(&live).await;

    let fork = registry.fork("a", Some("b"), None).await.unwrap();
    add(&fork, "forked").await;

    assert_eq!(files(folder.path()), ["a.2.ndjson", "a.3.ndjson", "a.ndjson", "b.ndjson"]);
    let found = |name: &str| (replay(&folder.path().join(name)).0.len(), replay(&folder.path().join(name)).1);
    assert_eq!(found("a.ndjson"), (2, first));
    assert_eq!(found("a.2.ndjson"), (1, second));
    assert_eq!(found("a.3.ndjson"), (2, third), "begins with the calls before the checkpoint");
    assert_eq!(found("b.ndjson"), (3, hash(&fork).await), "begins with the calls of the other");
    assert_eq!(trace(&folder.path().join("a.3.ndjson")).name, "a.3");
}

#[tokio::test]
async fn an_episode_that_is_resumed_brings_its_calls_along() {
    let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for session in 1..4 {
        let registry = recorded(folder.path(), Some(Durable::open(&state.path().join("all")).unwrap())).await;
        let live = match session {
            1 => registry.create(named("kept")).await.unwrap(),
            _ => registry.get("kept").unwrap(),
        };
        add(&live, "noted").await;
        let name = if session == 1 { "kept.ndjson".to_owned() } else { format!("kept.{session}.ndjson") };
        let (answers, state) = replay(&folder.path().join(name));
        assert_eq!((answers.len(), state), (session, hash(&live).await));
    }
    let recorder = Recorder::open(folder.path()).unwrap();
    for session in 1..4 {
        let file = state.path().join("alone.db");
        let episode = Episode::in_file(policy("all"), fixtures(), &Settings::default(), &file).unwrap();
        let live = Live::alone(episode, Some(&recorder));
        add(&live, "noted").await;
        let name = if session == 1 { "default.ndjson".to_owned() } else { format!("default.{session}.ndjson") };
        let (answers, state) = replay(&folder.path().join(name));
        assert_eq!((answers.len(), state), (session, hash(&live).await));
    }
}

#[tokio::test]
async fn no_file_is_written_over() {
    let folder = TempDir::new().unwrap();
    for name in ["a.ndjson", "a.2.ndjson"] {
        fs::write(folder.path().join(name), "somebody's").unwrap();
    }
    let live = recorded(folder.path(), None).await.create(named("a")).await.unwrap();
    add(&live, "noted").await;
    assert_eq!(fs::read_to_string(folder.path().join("a.ndjson")).unwrap(), "somebody's");
    assert_eq!(fs::read_to_string(folder.path().join("a.2.ndjson")).unwrap(), "somebody's");
    assert_eq!(trace(&folder.path().join("a.3.ndjson")).calls.len(), 1);
}

#[tokio::test]
async fn calls_go_on_when_they_cannot_be_recorded() {
    let folder = TempDir::new().unwrap();
    let journals = folder.path().join("journals");
    let live = recorded(&journals, None).await.create(named("a")).await.unwrap();
    add(&live, "one").await;
    let before = fs::read(journals.join("a.ndjson")).unwrap();
    fs::rename(&journals, folder.path().join("moved")).unwrap();
    add(&live, "two").await;
    assert_eq!(live.progress().calls, 2);
    fs::rename(folder.path().join("moved"), &journals).unwrap();
    // What a call that failed half-way may have left of its line.
    fs::OpenOptions::new().append(true).open(journals.join("a.ndjson")).unwrap().write_all(b"{\"call\": \"2").unwrap();
    add(&live, "three").await;
    assert!(fs::read(journals.join("a.ndjson")).unwrap().starts_with(&before));
    let (answers, state) = replay(&journals.join("a.ndjson"));
    assert_eq!((answers.len(), state), (3, hash(&live).await), "it goes on from the last call that was written");
    // The next file has all again.
    live.checkpoint(Some("now")).await.unwrap();
    live.restore("now").await.unwrap();
    add(&live, "four").await;
    assert_eq!(replay(&journals.join("a.2.ndjson")), (replay(&journals.join("a.2.ndjson")).0, hash(&live).await));
}

#[tokio::test]
async fn a_recording_that_was_cut_short_is_read_so_far() {
    let folder = TempDir::new().unwrap();
    let live = recorded(folder.path(), None).await.create(named("a")).await.unwrap();
    play(&live).await;
    let file = folder.path().join("a.ndjson");
    let text = fs::read_to_string(&file).unwrap();
    let last = text.trim_end().rfind('\n').unwrap();
    for end in [last + 2, last + 20, text.len() - 3] {
        fs::write(&file, text.get(..end).unwrap()).unwrap();
        let document = read(&file);
        assert_eq!((document.mistakes.len(), document.items[0].trace().calls.len()), (1, session().len() - 1));
    }
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_recorded_before_the_next() {
    let folder = TempDir::new().unwrap();
    let live = recorded(folder.path(), None).await.create(named("a")).await.unwrap();
    for text in ["one", "three", "five"] {
        let mut call = Box::pin(live.call(live.queue(), "add_incident_update", note(text), None));
        // Its turn comes at once; whether it is written by then is up to the other thread.
        let _ = futures::poll!(call.as_mut());
        drop(call);
        add(&live, "and the next").await;
    }
    let file = folder.path().join("a.ndjson");
    let (answers, state) = replay(&file);
    assert_eq!((answers.len(), state), (6, hash(&live).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn episodes_are_recorded_side_by_side() {
    let folder = TempDir::new().unwrap();
    let registry = recorded(folder.path(), None).await;
    let mut tasks = Vec::new();
    for number in 0..8 {
        let live = registry.create(named(&format!("e{number}"))).await.unwrap();
        let calls = (0..4).map(|_| live.clone()).map(|live| async move { add(&live, "noted").await });
        tasks.push(tokio::spawn(futures::future::join_all(calls.collect::<Vec<_>>())));
    }
    for (number, task) in tasks.into_iter().enumerate() {
        let texts: Vec<String> = task.await.unwrap().into_iter().map(|outcome| outcome.text).collect();
        let live = registry.get(&format!("e{number}")).unwrap();
        assert_eq!(replay(&folder.path().join(format!("e{number}.ndjson"))), (texts, hash(&live).await));
    }
}

// ---- the built program -----------------------------------------------------------------------------------------------

/// Serve those messages over standard input.
fn serve(arguments: &[&str], messages: &[Value]) -> Ran {
    let mut command = program();
    command.arg("serve").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines: String = messages.iter().map(|message| format!("{message}\n")).collect();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    ran(child.wait_with_output().unwrap())
}

/// The session as a client sends it.
fn messages() -> Vec<Value> {
    let about =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}});
    let mut messages = vec![
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": about}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
    ];
    for (number, (tool, arguments, key)) in session().into_iter().enumerate() {
        let meta = key.map_or(json!({}), |key| json!({"idempotencyKey": key}));
        let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        messages.push(json!({"jsonrpc": "2.0", "id": number + 1, "method": "tools/call", "params": params}));
    }
    messages
}

#[test]
fn the_program_records_what_it_serves() {
    let folder = TempDir::new().unwrap();
    let journals = folder.path().join("made/by/it");
    let served = serve(&["--journal", journals.to_str().unwrap(), "--actor", "6"], &messages()).ends(0);
    let answers: Vec<Value> = served.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Each request is a task of its own, and answers may overtake each other.
    let answer = |id: usize| answers.iter().find(|answer| answer["id"] == id).unwrap();
    let texts = (1..=session().len()).map(|id| answer(id).pointer("/result/content/0/text").unwrap().as_str().unwrap());
    let (replayed, state) = replay(&journals.join("default.ndjson"));
    assert_eq!(replayed, texts.collect::<Vec<_>>());
    assert!(served.stderr.contains(&state), "the same hash: {}", served.stderr);
    assert_eq!(files(&journals), ["default.ndjson"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_at_once() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let name = file.to_str().unwrap();
    serve(&["--journal", name], &[]).ends(1).complains(&["cannot be recorded in", "a-file"]);
    serve(&["--http", "127.0.0.1:0", "--journal", name], &[]).ends(1).complains(&["cannot be recorded in", "a-file"]);
}
