//! The command line, as a shell sees it: exit codes, texts, and what goes where.

use crate::support;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// What a run of the program came to.
pub struct Ran {
    code: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_incident-mcp"));
    // Nothing of the shell that the tests run in counts.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INCIDENT_MCP_")) {
        command.env_remove(name);
    }
    for name in ["CLICOLOR_FORCE", "NO_COLOR", "CLICOLOR", "FORCE_COLOR"] {
        command.env_remove(name);
    }
    command.env("COLUMNS", "100");
    command
}

/// Whatever was asked, a pipe gets plain text.
pub fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).expect("output is text").replace("\r\n", "\n");
    let ran = Ran {
        code: output.status.code().expect("the program ends by itself"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    };
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "escape codes in a pipe");
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran
}

fn run(arguments: &[&str]) -> Ran {
    ran(program().args(arguments).output().unwrap())
}

fn run_with(arguments: &[&str], input: &str) -> Ran {
    let mut child =
        program().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that ends without reading its input is no failure of this.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    ran(child.wait_with_output().unwrap())
}

impl Ran {
    /// It ended with that code; its output is text of that kind.
    #[track_caller]
    pub fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// It failed with that in its message, which went to standard error alone.
    #[track_caller]
    pub fn complains(self, parts: &[&str]) {
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in: {}", self.stderr);
        }
        assert_eq!(self.stdout, "");
    }
}

/// A closed incident's metric, by the manager who may record it.
const METRIC: &str = r#"{"incident_id": "15", "metric_type": "resolution_time", "calculated_value_minutes": 12, "recorded_by_user": "6"}"#;
/// The same of an incident that is open.
const HALTING: &str = r#"{"incident_id": "27", "metric_type": "resolution_time", "calculated_value_minutes": 12, "recorded_by_user": "6"}"#;

#[test]
fn help_texts() {
    let commands: [&[&str]; 40] = [
        &[],
        &["serve"],
        &["demo"],
        &["tools"],
        &["call"],
        &["replay"],
        &["grade"],
        &["lint"],
        &["convert"],
        &["mapping"],
        &["mapping", "check"],
        &["policy"],
        &["policy", "check"],
        &["policy", "coverage"],
        &["policy", "show"],
        &["fixtures"],
        &["fixtures", "check"],
        &["state"],
        &["state", "hash"],
        &["state", "dump"],
        &["episode"],
        &["episode", "create"],
        &["episode", "list"],
        &["episode", "show"],
        &["episode", "fork"],
        &["episode", "reset"],
        &["episode", "checkpoint"],
        &["episode", "restore"],
        &["episode", "diff"],
        &["episode", "hash"],
        &["episode", "journal"],
        &["episode", "close"],
        &["client"],
        &["client", "add"],
        &["client", "undo"],
        &["client", "list"],
        &["doctor"],
        &["health"],
        &["completions"],
        &["man"],
    ];
    let mut texts = vec![format!("$ incident-mcp -h\n{}", run(&["-h"]).ends(0).stdout)];
    for command in commands {
        let ran = run(&[command, &["--help"]].concat()).ends(0);
        let name: String = command.iter().map(|word| format!("{word} ")).collect();
        texts.push(format!("$ incident-mcp {name}--help\n{}", ran.stdout));
    }
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn version() {
    let ran = run(&["--version"]).ends(0);
    assert_eq!(ran.stdout, format!("incident-mcp {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let wrong: [&[&str]; 7] = [
        &["nonsense"],
        &["--nonsense"],
        &["--mode", "lenient"],
        &["serve", "--audit", "sometimes"],
        &["tools", "--format", "yaml"],
        &["call"],
        &["state", "hash", "--nonsense"],
    ];
    for arguments in wrong {
        run(arguments).ends(2).complains(&["--help"]);
    }
}

#[test]
fn serve_ends_cleanly_when_nobody_is_there() {
    for arguments in [&[][..], &["serve"]] {
        let ran = run(arguments).ends(0);
        assert_eq!(ran.stdout, "", "standard output is the protocol's");
        assert!(ran.stderr.contains("episode ended: 0 calls"), "{}", ran.stderr);
    }
}

#[test]
fn options_can_come_from_the_environment() {
    let output = program()
        .args(["call", "log_metric", HALTING])
        .envs([("INCIDENT_MCP_POLICY", "problem-to-review"), ("INCIDENT_MCP_MODE", "off")])
        .output()
        .unwrap();
    assert_eq!(ran(output).ends(0).json()["metric_id"], "28");
}

#[test]
fn demo() {
    let ran = run(&["demo"]).ends(0);
    insta::assert_snapshot!(ran.stdout.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn the_demo_is_the_same_whatever_the_shell_is_set_up_for() {
    let plain = run(&["demo"]).stdout;
    let output = program()
        .arg("demo")
        .envs([("INCIDENT_MCP_POLICY", "client-user-vendor"), ("INCIDENT_MCP_ACTOR", "1")])
        .output()
        .unwrap();
    assert_eq!(ran(output).ends(0).stdout, plain);
}

#[test]
fn tools_in_every_format() {
    for id in ["all", "client-user-vendor"] {
        let mcp = run(&["tools", "--policy", id]).ends(0).json();
        assert!(mcp == crate::tools::committed(id), "the list of {id} is not the committed one; see tests/it/tools.rs");
        let mcp = mcp["tools"].as_array().unwrap().clone();
        let format = |name| run(&["tools", "--policy", id, "--format", name]).ends(0);
        let openai: Value = (mcp.iter())
            .map(|tool| {
                json!({
                    "type": "function",
                    "function": {
                        "name": tool["name"],
                        "description": tool["description"],
                        "parameters": tool["inputSchema"],
                    },
                })
            })
            .collect();
        assert!(format("openai").json() == openai, "{id} for OpenAI");
        let anthropic: Value = (mcp.iter())
            .map(|tool| {
                json!({
                    "name": tool["name"],
                    "description": tool["description"],
                    "input_schema": tool["inputSchema"],
                })
            })
            .collect();
        assert!(format("anthropic").json() == anthropic, "{id} for Anthropic");
        let markdown = format("markdown").stdout;
        assert_eq!(markdown.lines().count(), mcp.len() + 2);
        for tool in mcp {
            let cell = format!("| `{}` |", tool["name"].as_str().unwrap());
            assert!(markdown.lines().any(|line| line.starts_with(&cell)), "no row for {cell}");
        }
    }
}

#[test]
fn call_prints_the_answer() {
    let answer = run(&["call", "log_metric", METRIC]).ends(0).json();
    assert_eq!(answer["metric_id"], "28");
    assert_eq!(answer["owes"]["entity_id"], "28");
}

#[test]
fn arguments_that_say_two_things_are_refused() {
    let stderr =
        run(&["call", "find_incidents", r#"{"status": "open", "limit": 1, "status": "closed"}"#]).ends(1).stderr;
    assert!(stderr.contains("status is there twice in the arguments"), "{stderr}");
}

#[test]
fn call_ends_with_3_on_a_halt() {
    let answer = run(&["call", "log_metric", HALTING]).ends(3).json();
    assert_eq!(answer["halt"], true);
    assert_eq!(answer["code"], "INCIDENT_NOT_CLOSED");
    let answer = run(&["call", "log_metric"]).ends(3).json();
    assert_eq!(answer["code"], "INVALID_INPUT");
    assert!(answer["problems"].as_array().unwrap().len() >= 3, "all problems at once: {answer}");
}

#[test]
fn call_reads_standard_input() {
    let answer = run_with(&["call", "log_metric", "-"], METRIC).ends(0).json();
    assert_eq!(answer["metric_id"], "28");
    run_with(&["call", "log_metric", "-"], "").ends(1).complains(&["not a JSON object"]);
}

#[test]
fn call_needs_a_tool_and_an_object() {
    run(&["call", "log_metrics", "{}"]).ends(1).complains(&["log_metrics", "log_metric"]);
    for text in ["[]", "12", "{", "nonsense", r#"{"a": 1} {"b": 2}"#] {
        run(&["call", "log_metric", text]).ends(1).complains(&["the arguments are not a JSON object"]);
    }
}

#[test]
fn the_session_has_a_user() {
    let find = |actor| run(&["call", "--actor", actor, "find_users", r#"{"user_id": "6"}"#]);
    for actor in ["6", "amara.osei@harbourlight.example"] {
        assert_eq!(find(actor).ends(0).json()["count"], 1);
    }
    for actor in ["999", "nobody@nowhere.example", ""] {
        find(actor).ends(1).complains(&["there is no user", "find_users"]);
    }
    // Inactive: the episode begins, its calls halt.
    assert_eq!(find("11").ends(3).json()["code"], "ACTOR_INACTIVE");
}

#[test]
fn a_wrong_policy_is_told_with_a_hint() {
    run(&["tools", "--policy", "problem-to-revue"]).ends(1).complains(&[
        "problem-to-revue",
        "problem-to-review",
        "available: all, change-and-resolution",
    ]);
    for command in [&["policy", "show"][..], &["policy", "coverage"], &["call", "find_users"], &["serve"]] {
        run(&[command, &["--policy", "nonsense"]].concat()).ends(1).complains(&["there is no policy", "available:"]);
    }
}

#[test]
fn an_episode_goes_on_in_another_process() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("episode.db");
    let file = file.to_str().unwrap();
    let with_state = |arguments: &[&str]| run(&[arguments, &["--state", file]].concat());
    let before = run(&["state", "hash"]).ends(0).stdout;

    let first = with_state(&["call", "log_metric", METRIC]).ends(0).json();
    assert_eq!(first["metric_id"], "28");
    let audit = r#"{"action": "create", "entity_type": "performance_metric", "entity_id": "28", "acting_user": "6"}"#;
    with_state(&["call", "log_audit", audit]).ends(0);
    let second = with_state(&["call", "log_metric", &METRIC.replace("resolution_time", "response_time")]);
    assert_eq!(second.ends(0).json()["metric_id"], "29");
    with_state(&["call", "log_metric", HALTING]).ends(3);

    let after = with_state(&["state", "hash"]).ends(0).stdout;
    assert_ne!(before, after);
    let dump = with_state(&["state", "dump", "--journal"]).ends(0).json();
    let outcomes: Vec<&str> =
        dump["journal"].as_array().unwrap().iter().map(|call| call["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["ok", "ok", "ok", "INCIDENT_NOT_CLOSED"]);
    let paid: Vec<&Value> = dump["obligations"].as_array().unwrap().iter().map(|duty| &duty["paid_by"]).collect();
    assert_eq!(paid, [&json!(2), &Value::Null]);

    // The server resumes it as well, and says what is owed.
    let served = with_state(&["serve"]).ends(0);
    assert!(served.stderr.contains("episode ended: 4 calls, 1 halted"), "{}", served.stderr);
    assert!(served.stderr.contains("1 audit entries unpaid"), "{}", served.stderr);

    // It does not go on as something else.
    with_state(&["call", "--policy", "problem-to-review", "find_users"])
        .ends(1)
        .complains(&["was begun with policy all", "problem-to-review"]);
    with_state(&["call", "--mode", "off", "find_users"]).ends(1).complains(&["was begun with mode enforce"]);
    with_state(&["call", "--audit", "automatic", "find_users"]).ends(1).complains(&["was begun with audit explicit"]);
    assert_eq!(with_state(&["state", "hash"]).ends(0).stdout, after);
}

#[test]
fn a_file_that_is_no_state_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "not a database, but long enough to look like something\n".repeat(20)).unwrap();
    let name = file.to_str().unwrap();
    run(&["call", "find_users", "--state", name]).ends(1).complains(&["notes.txt", "is not a state file"]);
    run(&["state", "hash", "--state", name]).ends(1).complains(&["notes.txt"]);
    assert!(fs::read_to_string(&file).unwrap().starts_with("not a database"), "the file is left alone");
    let missing = folder.path().join("missing.db");
    run(&["state", "hash", "--state", missing.to_str().unwrap()]).ends(1).complains(&["there is no state file"]);
    assert!(!missing.exists(), "asking for a hash makes no file");
    let nowhere = folder.path().join("no/such/folder/episode.db");
    run(&["call", "find_users", "--state", nowhere.to_str().unwrap()]).ends(1).complains(&["episode.db"]);
}

#[test]
fn state_hash_and_dump() {
    let ran = run(&["state", "hash"]).ends(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].len() > 66 && lines[0][..64].chars().all(|c| c.is_ascii_hexdigit()), "{}", lines[0]);
    assert!(lines.iter().any(|line| line.ends_with("  incidents")), "{}", ran.stdout);
    assert_eq!(run(&["state", "hash"]).stdout, ran.stdout, "a hash does not change by itself");
    let everything = run(&["state", "hash", "--everything"]).ends(0).stdout;
    assert!(everything.contains("  audit_logs") && !ran.stdout.contains("  audit_logs"));
    let dump = run(&["state", "dump"]).ends(0).json();
    assert_eq!(dump["tables"]["incidents"].as_array().unwrap().len(), 33);
    assert!(dump.get("journal").is_none());
    assert_eq!(run(&["state", "dump", "--journal"]).ends(0).json()["journal"], json!([]));
}

#[test]
fn policies_are_checked_and_shown() {
    let ran = run(&["policy", "check"]).ends(0);
    let ids = [
        "all",
        "change-and-resolution",
        "client-user-vendor",
        "incident-operations",
        "it-incident-management",
        "problem-to-review",
    ];
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), ids.len(), "{}", ran.stdout);
    for (line, id) in lines.iter().zip(ids) {
        assert!(line.starts_with(&format!("ok {id} ")), "{line}");
        assert!(run(&["policy", "show", "--policy", id]).ends(0).stdout.starts_with("# "), "{id}");
    }
    assert_eq!(run(&["policy", "check", "all"]).ends(0).stdout.lines().count(), 1);
    let coverage = run(&["policy", "coverage", "--policy", "problem-to-review"]).ends(0).stdout;
    for line in coverage.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        assert!(cells.len() == 4 && cells.iter().all(|cell| !cell.is_empty()), "{line}");
    }
    assert!(coverage.lines().any(|line| line.starts_with("metric.2\t") && line.contains("metric.incident-closed")));
}

#[test]
fn a_broken_policy_is_told_by_file_and_line() {
    let folder = TempDir::new().unwrap();
    support::copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policy"), folder.path());
    let policies = folder.path().to_str().unwrap();
    let sound = run(&["policy", "check", "--policies", policies]).ends(0).stdout;
    assert_eq!(sound, run(&["policy", "check"]).stdout, "the folder is what the program ships");

    let file = folder.path().join("problem-to-review/policy.toml");
    let text = fs::read_to_string(&file).unwrap();
    let line = text.lines().count() + 2;
    fs::write(&file, format!("{text}\n[[exempt]]\nclause = \"metric.999\"\nreason = \"Because.\"\n")).unwrap();
    let broken = run(&["policy", "check", "problem-to-review", "--policies", policies]).ends(3).stdout;
    assert!(broken.contains("problem-to-review/policy.toml:"), "{broken}");
    assert!(broken.contains("metric.999"), "{broken}");
    let told = (broken.split("policy.toml:").nth(1)).and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
    assert!(told.is_some_and(|told| told.abs_diff(line) <= 1), "near line {line}: {broken}");
    // Nothing can be done under it, and the same is said.
    let ran = run(&["call", "find_users", "--policy", "problem-to-review", "--policies", policies]).ends(1);
    assert!(ran.stderr.contains("metric.999"), "{}", ran.stderr);

    fs::write(&file, "id = \"problem-to-review\"\nclock = [\n").unwrap();
    let broken = run(&["policy", "check", "problem-to-review", "--policies", policies]).ends(3).stdout;
    assert!(broken.contains("problem-to-review/policy.toml:"), "{broken}");
}

#[test]
fn a_folder_without_policies_is_told() {
    let folder = TempDir::new().unwrap();
    run(&["policy", "check", "--policies", folder.path().to_str().unwrap()]).ends(1).complains(&["no policy here"]);
    let missing = folder.path().join("missing");
    run(&["policy", "check", "--policies", missing.to_str().unwrap()]).ends(1).complains(&["no policy here"]);
}

#[test]
fn fixtures_are_checked() {
    let ran = run(&["fixtures", "check"]).ends(0);
    assert!(ran.stdout.lines().any(|line| line == "incidents\t33"), "{}", ran.stdout);
    assert!(ran.stdout.lines().last().unwrap().starts_with("ok "), "{}", ran.stdout);

    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/default");
    let folder = TempDir::new().unwrap();
    support::copy_folder(&shipped, folder.path());
    let path = folder.path().to_str().unwrap();
    assert_eq!(run(&["fixtures", "check", path]).ends(0).stdout, ran.stdout);

    let file = folder.path().join("incidents.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replacen("\"resolved\"", "\"mended\"", 1).replacen("\"client_id\": \"", "\"client_id\": \"9", 1),
    )
    .unwrap();
    let broken = run(&["fixtures", "check", path]).ends(3).stdout;
    for part in ["incidents", "mended", "client_id", "problems"] {
        assert!(broken.contains(part), "no {part:?} in: {broken}");
    }
    run(&["call", "find_users", "--fixtures", path]).ends(1).complains(&["the fixtures have problems", "client_id"]);
}
