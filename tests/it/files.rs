//! Which files of traces a path on the command line means, each read once.

use crate::cli::{program, ran};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Two folders with a run each.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (run, trial) in [("run-1", 0), ("run-2", 1)] {
        fs::create_dir_all(folder.path().join("runs").join(run)).unwrap();
        let text = json!({"task_id": "t", "trial": trial, "traj": [{"role": "user", "content": run}]}).to_string();
        fs::write(folder.path().join("runs").join(run).join("t.json"), text).unwrap();
    }
    folder
}

/// The files that were read, and how many notes there are.
fn read(folder: &Path, paths: &[&str]) -> (Vec<String>, usize) {
    let output = program().arg("replay").args(paths).args(["--json", "-"]).current_dir(folder).output().unwrap();
    let report = ran(output).ends(0).json();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let files = list(&report["traces"]);
    let files = files.iter().map(|trace| trace["replay"]["place"]["file"].as_str().unwrap().to_owned());
    (files.collect(), list(&report["notes"]).len())
}

#[test]
fn each_file_is_read_once() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    symlink("run-1", at("runs/latest")).unwrap();
    symlink(".", at("runs/loop")).unwrap();
    symlink("../run-1/t.json", at("runs/run-2/first.json")).unwrap();
    fs::hard_link(at("runs/run-1/t.json"), at("runs/run-2/hard.json")).unwrap();
    let both = ["runs/run-1/t.json", "runs/run-2/t.json"].map(str::to_owned);
    for (paths, notes) in [
        (vec!["runs"], 2),
        (vec!["runs/"], 2),
        (vec!["runs/**/*.json"], 2),
        (vec!["./runs//**/t.json"], 0),
        (vec!["runs/*/t.json"], 0),
        (vec!["runs/run-?/t.json", "runs/run-2"], 2),
        (vec!["runs/run-1/t.json", "./runs/run-1/t.json", "runs/run-2/t.json"], 1),
        (vec!["runs/latest", "runs/run-2/t.json"], 0),
    ] {
        let (files, told) = read(folder.path(), &paths);
        assert_eq!(files.len(), 2, "{paths:?}: {files:?}");
        assert_eq!(told, notes, "{paths:?}");
        if paths == ["runs"] {
            assert_eq!(files, both);
        }
    }
}

#[test]
fn pipes_and_devices_are_refused_as_files() {
    let folder = folder();
    let made = Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(made.success());
    for (arguments, code) in [
        (["replay", "pipe"].as_slice(), 1),
        (&["replay", "/dev/zero"], 1),
        (&["lint", "pipe"], 1),
        (&["convert", "pipe", "--to", "openai"], 3),
        (&["grade", "runs", "--against", "pipe"], 1),
        (&["grade", "runs", "--against", "runs/run-1/t.json", "--baseline", "pipe"], 1),
    ] {
        let mut command = program();
        command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
        let ran = ran(command.output().unwrap()).ends(code);
        assert!(ran.stderr.contains("name -, which is standard input"), "{arguments:?}: {}", ran.stderr);
    }
    // What is piped in is read.
    let mut command = program();
    let run = fs::File::open(folder.path().join("runs/run-1/t.json")).unwrap();
    command.args(["replay", "/dev/stdin", "-q"]).stdin(Stdio::from(run));
    ran(command.output().unwrap()).ends(0);
    // In a folder they are passed over.
    assert_eq!(read(folder.path(), &["."]).0.len(), 2);
}

/// Gold that is named in another way is the same file as the one among the runs.
#[test]
fn gold_among_the_runs_is_no_run_however_it_is_named() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::copy(at("runs/run-1/t.json"), at("runs/gold.json")).unwrap();
    let mut command = program();
    command.args(["grade", "runs", "--against", "./runs/gold.json", "--json", "-"]).current_dir(folder.path());
    let report = ran(command.output().unwrap()).ends(0).json();
    assert_eq!(report["tasks"][0]["trials"], 2);
}
