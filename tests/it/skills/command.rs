//! Skills on the command line: a draft from a skill, what is left to cover, and a skill beside a policy; and what a report
//! tells of the skills that an agent had read.

use crate::cli::{program, ran};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn run(folder: &Path, arguments: &[&str]) -> crate::cli::Ran {
    ran(program().args(arguments).current_dir(folder).output().unwrap())
}

const SKILL: &str =
    "---\nname: triage\nallowed-tools: create_incident\n---\n# Triage\n\nNever page twice. Write it down.\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("triage")).unwrap();
    fs::write(folder.path().join("triage/SKILL.md"), SKILL).unwrap();
    folder
}

#[test]
fn a_skill_becomes_a_draft_that_checks_as_one_and_whose_coverage_is_what_it_hopes_for() {
    let folder = folder();
    let said = run(folder.path(), &["policy", "new", "triage-desk", "--from-skill", "triage"]).ends(0).stdout;
    assert_eq!(said, "./triage-desk: 1 clause to cover, 1 to do, 1 tool\n");
    assert_eq!(fs::read_to_string(folder.path().join("triage-desk/SKILL.md")).unwrap(), SKILL);
    let said = run(folder.path(), &["policy", "check", "--draft", "triage-desk", "--policies", "."]).ends(0).stdout;
    assert!(said.contains("  clause triage.1 is covered by nothing, and looks like: prohibition\n"), "{said}");
    let said = run(folder.path(), &["policy", "check", "--draft", "--policies", "."]).ends(0).stdout;
    assert!(said.starts_with("ok triage-desk "), "{said}");
    run(folder.path(), &["policy", "check", "--policies", "."]).ends(3);
    let coverage =
        run(folder.path(), &["policy", "coverage", "--policies", ".", "--policy", "triage-desk"]).ends(0).stdout;
    assert!(coverage.contains("triage.1\tNever page twice. (SKILL.md:7)\tnothing\tprohibition\n"), "{coverage}");
    assert!(coverage.contains("triage.2\tWrite it down. (SKILL.md:7)\texempt\tto do\n"), "{coverage}");
    // A draft is not served.
    let call = ["call", "create_incident", "--policies", ".", "--policy", "triage-desk"];
    assert!(run(folder.path(), &call).ends(1).stderr.contains("covered by nothing"));
}

#[test]
fn a_new_policy_takes_the_place_of_nothing_and_follows_no_link() {
    let folder = folder();
    let new = |id: &str, skill: &str| run(folder.path(), &["policy", "new", id, "--from-skill", skill]);
    assert!(new("triage", "triage").ends(1).stderr.contains("is there already"));
    for id in ["", "Desk", "a/b", "..", "-a", "con"] {
        let arguments = ["policy", "new", "--from-skill", "triage", "--", id];
        assert!(run(folder.path(), &arguments).ends(1).stderr.contains("no id of a policy"), "{id}");
    }
    assert!(new("desk", "nothing").ends(1).stderr.contains("SKILL.md is missing"));
    fs::create_dir(folder.path().join("long")).unwrap();
    fs::write(folder.path().join("long/SKILL.md"), "x".repeat((1 << 20) + 1)).unwrap();
    assert!(new("desk", "long").ends(1).stderr.contains("more than 1024 KiB"));
    fs::write(folder.path().join("long/SKILL.md"), b"\xff").unwrap();
    assert!(new("desk", "long").ends(1).stderr.contains("not UTF-8"));
    #[cfg(unix)]
    {
        fs::create_dir(folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink("../triage/SKILL.md", folder.path().join("link/SKILL.md")).unwrap();
        assert!(new("desk", "link").ends(1).stderr.contains("links are not followed"));
        std::os::unix::fs::symlink("nowhere", folder.path().join("gone")).unwrap();
        assert!(new("gone", "triage").ends(1).stderr.contains("is no id") || !folder.path().join("nowhere").exists());
    }
    assert!(!folder.path().join("desk").exists());
}

#[test]
fn coverage_puts_a_skill_beside_a_policy() {
    let folder = folder();
    let body = "---\nname: m\n---\nThe incident must be closed (metric.2). Never guess.\n";
    fs::write(folder.path().join("triage/SKILL.md"), body).unwrap();
    let digest = skills::digest(b"Never guess.");
    let coverage = |more: &[&str]| {
        let arguments = [&["policy", "coverage", "--policy", "problem-to-review", "--skill", "triage"], more].concat();
        run(folder.path(), &arguments)
    };
    let said = coverage(&[]).ends(0).stdout;
    assert!(said.contains("line 4\tenforced\tmetric.2\tprecondition, status\t\tsha256:"), "{said}");
    assert!(said.contains(&format!("line 4\thoped for\t\tprohibition\t\t{digest}\tNever guess.\n")), "{said}");
    assert!(said.contains("\tnot told\tmetric.1\tlog_metric\t"), "{said}");
    let write = |sentence: &str, clause: &str| {
        let text = format!("[[align]]\nsentence = \"{sentence}\"\nclause = \"{clause}\"\n");
        fs::write(folder.path().join("align.toml"), text).unwrap();
    };
    write(&digest, "metric.1");
    let said = coverage(&["--alignment", "align.toml"]).ends(0).stdout;
    assert!(
        said.contains("line 4\tenforced\tmetric.1\tprohibition\t") && !said.contains("\tnot told\tmetric.1\t"),
        "{said}"
    );
    write("sha256:0", "metric.1");
    let ran = coverage(&["--alignment", "align.toml"]).ends(3);
    assert!(ran.stderr.contains("no sentence of the skill has the digest sha256:0"), "{}", ran.stderr);
    fs::write(folder.path().join("align.toml"), "x = 1").unwrap();
    assert!(coverage(&["--alignment", "align.toml"]).ends(1).stderr.contains("no key \"x\""));
}

#[test]
fn a_report_tells_which_broken_rules_a_skill_had_told() {
    let policy = crate::support::policy("problem-to-review");
    let skills = skills::Skills::of(&policy, policy.audit);
    let metrics = skills.get("skill://problem-to-review/performance-metrics/SKILL.md").unwrap();
    let tickets = skills.get("skill://problem-to-review/problem-tickets/SKILL.md").unwrap();
    let replayed = |read: Value| -> (Value, String) {
        let folder = tempfile::tempdir().unwrap();
        let header =
            json!({ "format": "incident-mcp/journal/1", "name": "t", "policy": "problem-to-review", "skills": read });
        // Incident 16 is not closed.
        let call = json!({ "call": 1, "tool": "log_metric", "arguments": {
            "incident_id": "16", "metric_type": "resolution_time", "calculated_value_minutes": 5, "recorded_by_user": "6" } });
        fs::write(folder.path().join("t.ndjson"), format!("{header}\n{call}\n")).unwrap();
        let table = run(folder.path(), &["replay", "t.ndjson"]).stdout;
        run(folder.path(), &["replay", "t.ndjson", "--json", "out.json"]);
        let json = fs::read_to_string(folder.path().join("out.json")).unwrap();
        (serde_json::from_str::<Value>(&json).unwrap()["traces"][0]["replay"].clone(), table)
    };
    let (replay, _) = replayed(json!([]));
    assert!(replay.get("skills").is_none(), "{replay}");
    let broken = replay["calls"][0]["halt"]["clause"].as_str().unwrap().to_owned();
    assert_eq!(broken, "metric.2", "{replay}");
    let read = |skill: &skills::Skill, digest: &str| json!([{ "uri": skill.uri(), "digest": digest }]);
    for (read, known, told, untold, words) in [
        (
            read(metrics, metrics.digest()),
            true,
            json!(["metric.2"]),
            json!([]),
            "which tells what was broken: metric.2",
        ),
        (
            read(tickets, tickets.digest()),
            true,
            json!([]),
            json!(["metric.2"]),
            "which does not tell what was broken: metric.2",
        ),
        (read(metrics, "sha256:0"), false, json!([]), json!([]), "of another policy or edition"),
    ] {
        let (replay, table) = replayed(read);
        let skill = &replay["skills"][0];
        assert_eq!((&skill["known"], &skill["told"], &skill["untold"]), (&json!(known), &told, &untold), "{replay}");
        assert!(table.contains(words), "{table}");
    }
}
