//! `incident-mcp convert`, as a shell sees it.

use crate::cli::{Ran, program, ran};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use traces::Call;
use traces::format::{self, Format};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/traces")
}

fn convert(arguments: &[&str]) -> Ran {
    ran(program().arg("convert").args(arguments).current_dir(samples()).output().unwrap())
}

fn written_formats() -> impl Iterator<Item = Format> {
    Format::all().filter(|format| format.is_written())
}

/// What every format keeps of the calls in a text, trace by trace.
fn calls(text: &str, format: Option<Format>) -> Vec<Vec<Call>> {
    let kept = |call: &Call| Call { tool: call.tool.clone(), arguments: call.arguments.clone(), ..Call::default() };
    let items = format::read_as(format, text, "it").unwrap().items;
    items.iter().map(|item| item.trace().calls.iter().map(kept).collect()).collect()
}

#[test]
fn every_format_is_converted_to_every_written_one() {
    for sample in fs::read_dir(samples()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        let text = fs::read_to_string(samples().join(&sample)).unwrap();
        let mistakes = format::read(&text, &sample).unwrap().mistakes;
        for to in written_formats() {
            let written = convert(&[&sample, "--to", to.name()]).ends(if mistakes.is_empty() { 0 } else { 3 });
            assert!(mistakes.iter().all(|mistake| written.stderr.contains(&mistake.to_string())), "{}", written.stderr);
            assert_eq!(calls(&written.stdout, Some(to)), calls(&text, None), "{sample} to {to}");
        }
    }
}

#[test]
fn what_a_format_does_not_keep_is_told() {
    let told =
        |sample: &str, to: &str| convert(&[sample, "--to", to]).stderr.lines().last().unwrap_or_default().to_owned();
    let of_calls = "idempotency keys (1), acting users of calls (1), outcomes (1), rules (1), changes (1)";
    let openai = format!("names (2), settings (2), acting users (1), marks of errors (1), {of_calls}");
    assert_eq!(told("journal.ndjson", "openai"), format!("note: not kept by openai, and of how many: {openai}"));
    let anthropic = format!("names (2), settings (2), acting users (1), {of_calls}");
    assert_eq!(
        told("journal.ndjson", "anthropic"),
        format!("note: not kept by anthropic, and of how many: {anthropic}")
    );
    for format in ["ndjson", "atif", "tau2"] {
        assert_eq!(told("journal.ndjson", format), "");
    }
    let task = "that it is a task (2), instructions (2), the user of a task (2)";
    assert_eq!(told("tau-bench-tasks.json", "ndjson"), format!("note: not kept by ndjson, and of how many: {task}"));
}

/// Tasks are in one file and each run in another, as tau2 keeps long runs.
#[test]
fn the_files_of_a_folder_of_results_are_one_document() {
    let folder = TempDir::new().unwrap();
    let runs = folder.path().join("simulations");
    fs::create_dir(&runs).unwrap();
    let criteria = r#"{"actions": [{"action_id": "a", "name": "close", "arguments": {}}]}"#;
    let state = r#"{"initialization_actions": [{"env_type": "assistant", "func_name": "open", "arguments": {}}]}"#;
    let task =
        format!(r#"{{"id": "t", "user_scenario": {{}}, "initial_state": {state}, "evaluation_criteria": {criteria}}}"#);
    fs::write(
        folder.path().join("results.json"),
        format!(r#"{{"info": {{}}, "tasks": [{task}], "simulation_index": [{{"id": "s", "task_id": "t"}}]}}"#),
    )
    .unwrap();
    let run = r#"{"id": "s", "task_id": "t", "trial": 0, "termination_reason": "user_stop", "messages": []}"#;
    fs::write(runs.join("s.json"), run).unwrap();
    let out = TempDir::new().unwrap();
    convert(&[folder.path().to_str().unwrap(), "--to", "ndjson", "-o", out.path().to_str().unwrap()]).ends(0);
    let written = fs::read_to_string(out.path().join("results.ndjson")).unwrap();
    let tools: Vec<Vec<String>> =
        calls(&written, None).into_iter().map(|calls| calls.into_iter().map(|call| call.tool).collect()).collect();
    assert_eq!(tools, [vec!["open", "close"], vec!["open"]]);
    fs::rename(runs.join("s.json"), runs.join("other.json")).unwrap();
    fs::write(runs.join("other.json"), run.replace("\"s\"", "\"other\"")).unwrap();
    let told = convert(&[folder.path().to_str().unwrap(), "--to", "ndjson"]).ends(3).stderr;
    assert!(told.contains("has a run \"s\" by the index of the results") && told.contains("1 mistake"), "{told}");
}

#[test]
fn the_formats_are_listed() {
    let listed = convert(&["--list"]).ends(0).stdout;
    insta::assert_snapshot!(listed.replace('\t', " | "), @r"
    ndjson | read, written | journals of this program
    mcp | read | logs of MCP's JSON-RPC messages
    atif | read, written | Agent Trajectory Interchange Format
    inspect | read | Inspect's evaluation logs
    tau2 | read, written | tau2-bench: tasks, simulations, results
    tau-bench | read | tau-bench: tasks, results
    openai-responses | read, written | items of OpenAI's Responses API
    anthropic | read, written | Anthropic's messages
    openai | read, written | OpenAI's chat messages
    ");
}

/// A folder with two good files, in a folder below each other, and files that are none.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::create_dir_all(path.join("below/.hidden")).unwrap();
    fs::copy(samples().join("openai.jsonl"), path.join("run.jsonl")).unwrap();
    fs::copy(samples().join("journal.ndjson"), path.join("below/run.ndjson")).unwrap();
    fs::write(path.join("below/.hidden/notes.json"), "{").unwrap();
    fs::write(path.join("below/picture.png"), [0x89, 0x50, 0xff]).unwrap();
    fs::write(path.join("empty.json"), "").unwrap();
    fs::write(path.join("list.json"), "{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [7]}]}").unwrap();
    fs::write(path.join("other.json"), "{\"weather\": \"fine\"}").unwrap();
    folder
}

#[test]
fn a_folder_is_walked_and_what_is_wrong_is_named() {
    let folder = folder();
    let converted = convert(&[folder.path().to_str().unwrap(), "--to", "ndjson"]).ends(3);
    let here = format!("{}/", folder.path().display());
    insta::assert_snapshot!(converted.stderr.replace(&here, ""), @r"
    below/picture.png: is not in UTF-8: line 1 has the byte 0x89. If it is in Latin-1 or Windows-1252, convert it with: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW
    empty.json: is empty
    list.json /messages/0/tool_calls/0: must be an object, not a number
    other.json: is in none of the formats that are read: ndjson, mcp, atif, inspect, tau2, tau-bench, openai-responses, anthropic, openai. Write each run as a journal, ndjson: a header, then a call a line, as docs/traces.md describes it
    4 mistakes
    ");
    let traces = calls(&converted.stdout, None).len();
    let good = ["journal.ndjson", "openai.jsonl"]
        .map(|name| calls(&fs::read_to_string(samples().join(name)).unwrap(), None).len());
    assert_eq!(traces, good.iter().sum::<usize>());
}

#[test]
fn several_files_patterns_and_standard_input_are_read() {
    let one = convert(&["atif.json", "--to", "openai"]).ends(0).stdout;
    let two = convert(&["tau2-results.json", "--to", "openai"]).ends(0).stdout;
    assert_eq!(convert(&["atif.json", "tau2-results.json", "--to", "openai"]).ends(0).stdout, format!("{one}{two}"));
    assert_eq!(convert(&["[at][ta][iu][f2]*.json", "--to", "openai"]).ends(0).stdout, format!("{one}{two}"));
    for arguments in [&["-"][..], &[]] {
        let mut command = program();
        command.args(["convert", "--to", "openai"]).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&fs::read(samples().join("atif.json")).unwrap()).unwrap();
        let piped = ran(child.wait_with_output().unwrap()).ends(0);
        assert_eq!(piped.stdout, one);
    }
}

#[test]
fn a_format_can_be_said() {
    // Anthropic's and OpenAI's conversations look alike where nothing is called.
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("chat.json");
    fs::write(
        &file,
        "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"Hello.\"}]}]}",
    )
    .unwrap();
    let path = file.to_str().unwrap();
    convert(&[path, "--from", "anthropic", "--to", "atif"]).ends(0);
    convert(&[path, "--from", "atif", "--to", "openai"]).ends(3).complains(&[
        "chat.json",
        "\"steps\" is missing",
        "1 mistake",
    ]);
}

#[test]
fn files_are_written_and_inputs_are_not_written_over() {
    let (from, to) = (folder(), TempDir::new().unwrap());
    let (source, target) = (from.path().to_str().unwrap(), to.path().to_str().unwrap());
    let names = |folder: &Path| {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(convert(&[source, "--to", "openai", "--output", target]).ends(3).stdout, "");
    assert_eq!(names(to.path()), ["run.2.jsonl", "run.jsonl"], "both files are called run");
    for name in ["run.jsonl", "run.2.jsonl"] {
        assert!(!calls(&fs::read_to_string(to.path().join(name)).unwrap(), None).is_empty());
    }
    let one = to.path().join("one.json");
    let before = fs::read(from.path().join("run.jsonl")).unwrap();
    let run = from.path().join("run.jsonl");
    let run = run.to_str().unwrap();
    convert(&[run, "--to", "tau2", "-o", one.to_str().unwrap()]).ends(0);
    assert_eq!(format::detect(&fs::read_to_string(&one).unwrap(), "one"), Ok(Format::Tau2));
    for output in [run, source] {
        convert(&[run, "--to", "anthropic", "-o", output]).ends(1).complains(&["run.jsonl", "choose another --output"]);
    }
    assert_eq!(fs::read(run).unwrap(), before);
    // Of nothing, nothing is written.
    let none = to.path().join("none.json");
    let empty = from.path().join("empty.json");
    convert(&[empty.to_str().unwrap(), "--to", "tau2", "-o", none.to_str().unwrap()]).ends(3).complains(&["is empty"]);
    assert!(!none.exists());
}

#[test]
fn what_is_not_there_is_an_error() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().to_str().unwrap();
    convert(&["missing.json", "--to", "openai"]).ends(1).complains(&["there is no file missing.json"]);
    convert(&["atif.json", "missing-*.json", "--to", "openai"]).ends(1).complains(&["no file fits missing-*.json"]);
    convert(&[empty, "--to", "openai"]).ends(1).complains(&["holds no file"]);
    convert(&["atif.json"]).ends(2).complains(&["--to"]);
    convert(&["atif.json", "--to", "inspect"]).ends(2).complains(&["inspect", "ndjson, atif, tau2"]);
    convert(&["atif.json", "--list"]).ends(2).complains(&["--list"]);
}
