//! `incident-mcp replay`, `grade` and `lint`, as a shell sees them.

use crate::cli::{Ran, program, ran};
use jsonschema::validator_for;
use serde_json::{Value, json};
use std::fs;
use std::io::Seek;
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;

const TRIALS: &str = "examples/grading/trials.json";
const TASKS: &str = "examples/grading/tasks.json";

fn run(arguments: &[&str]) -> Ran {
    ran(program().args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap())
}

#[test]
fn exit_codes_answer_the_question() {
    let wrong = "tests/it/data/wrong-tasks.json";
    for (arguments, code) in [
        (vec!["replay", TRIALS], 0),
        // A halt that was recorded is replayed; --strict asks for none.
        (vec!["replay", TRIALS, "--strict"], 3),
        (vec!["replay", TRIALS, "--mode", "observe"], 3),
        (vec!["replay", TRIALS, "--mode", "observe", "--answers", "ignored"], 0),
        (vec!["grade", TRIALS, "--against", TASKS], 3),
        (vec!["grade", "--against", TASKS, TASKS], 0),
        (vec!["grade", TASKS], 0),
        (vec!["grade", TASKS, "--strict"], 0),
        (vec!["lint", TASKS], 0),
        (vec!["lint", TASKS, "--strict"], 0),
        (vec!["lint", wrong], 3),
        (vec!["replay", TRIALS, "--policy", "nowhere"], 1),
        (vec!["replay", TRIALS, "--answers", "nearly"], 2),
        (vec!["replay", "nowhere.json"], 1),
        (vec!["grade", TRIALS, "--against", "nowhere.json"], 1),
    ] {
        run(&arguments).ends(code);
    }
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_goes_on() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(TASKS), at("good.json")).unwrap();
    fs::write(at("bad.json"), r#"{"task_id": 1, "traj": [{"role": "tool", "tool_call_id": "c9", "content": ""}]}"#)
        .unwrap();
    fs::write(at("not.json"), "{").unwrap();
    let report = run(&["replay", &at("").to_string_lossy(), "--json", "-"]).ends(3).json();
    assert_eq!(report["totals"]["traces"], 2);
    let mistakes = report["mistakes"].as_array().unwrap();
    let places: Vec<String> = mistakes
        .iter()
        .map(|mistake| {
            let file = Path::new(mistake["place"]["file"].as_str().unwrap());
            let name = file.file_name().unwrap().to_string_lossy();
            format!("{name} {}", mistake["place"]["pointer"].as_str().unwrap_or_default())
        })
        .collect();
    assert_eq!(places, ["bad.json /traj/0", "not.json "]);
}

#[test]
fn standard_input_is_read() {
    let tasks = fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(TASKS)).unwrap();
    for arguments in [["replay", "-"].as_slice(), &["replay"]] {
        let mut command = program();
        command.args(arguments).args(["--json", "-"]).stdin(Stdio::from(tasks.try_clone().unwrap()));
        let report = ran(command.output().unwrap()).ends(0).json();
        assert_eq!(report["traces"][0]["replay"]["place"]["file"], "standard input");
        (&tasks).rewind().unwrap();
    }
}

#[test]
fn every_verdict_is_a_line_that_fits_its_schema() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("verdicts.jsonl");
    let name = file.to_string_lossy();
    let ran = run(&["grade", TRIALS, "--against", TASKS, "--verdicts", &name, "--quiet"]).ends(3);
    assert_eq!(ran.stdout, "");
    let schema = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verdict.schema.json")).unwrap();
    let validator = validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let lines = fs::read_to_string(&file).unwrap();
    let verdicts: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdicts.len(), 6);
    for verdict in &verdicts {
        let errors: Vec<String> = validator.iter_errors(verdict).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn all_reports_are_written_at_once() {
    let folder = TempDir::new().unwrap();
    // Into folders that are made.
    let files =
        ["json", "junit", "markdown", "html"].map(|form| (form, folder.path().join("new").join(form).join(form)));
    let mut command = program();
    command.args(["grade", TRIALS, "--against", TASKS]).current_dir(env!("CARGO_MANIFEST_DIR"));
    for (form, file) in &files {
        command.arg(format!("--{form}")).arg(file);
    }
    let verdicts = folder.path().join("verdicts/all.jsonl");
    command.arg("--verdicts").arg(&verdicts);
    ran(command.output().unwrap()).ends(3);
    assert_eq!(fs::read_to_string(verdicts).unwrap().lines().count(), 6);
    let begins = ["{\n", "<?xml", "#", "<!"];
    for ((form, file), begin) in files.iter().zip(begins) {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.to_lowercase().starts_with(begin), "{form}: {}", &text[..text.len().min(80)]);
    }
}

/// A run whose tools are those of two servers of one client: which of them is this program, only the user knows.
#[test]
fn the_prefix_of_tools_can_be_named() {
    let folder = TempDir::new().unwrap();
    let call = |id: &str, tool: &str| json!({"id": id, "function": {"name": tool, "arguments": r#"{"incident_id":"16","acting_user":"6"}"#}});
    let calls =
        [call("1", "mcp__desk__find_incidents"), call("2", "mcp__other__find_incidents"), call("3", "find_incidents")];
    let messages = json!({"messages": [{"role": "assistant", "tool_calls": calls}]});
    let file = folder.path().join("run.json");
    fs::write(&file, messages.to_string()).unwrap();
    let outcomes = |more: &[&str]| -> Vec<String> {
        let mut command = program();
        command.arg("replay").arg(&file).args(["--json", "-"]).args(more);
        let report = ran(command.output().unwrap()).ends(0).json();
        let steps = report["traces"][0]["replay"]["calls"].as_array().unwrap();
        steps
            .iter()
            .map(|step| format!("{} {}", step["tool"].as_str().unwrap(), step["outcome"].as_str().unwrap()))
            .collect()
    };
    let [desk, other, plain] = ["mcp__desk__find_incidents", "mcp__other__find_incidents", "find_incidents"];
    let unknown = |tool: &str| format!("{tool} UNKNOWN_TOOL");
    let known = |tool: &str| format!("{tool} ok");
    assert_eq!(outcomes(&[]), [unknown(desk), unknown(other), known(plain)]);
    assert_eq!(outcomes(&["--tool-prefix", "mcp__desk__"]), [known(desk), unknown(other), known(plain)]);
    assert_eq!(outcomes(&["--tool-prefix", "mcp__other__"]), [unknown(desk), known(other), known(plain)]);
}
