//! A skill of somebody else's made into the draft of a policy.

use procedures::domain::service_management;
use procedures::policy::coverage::Cover;
use procedures::policy::{self, Policy};
use proptest::prelude::*;
use skills::{Draft, Source, draft};
use std::fs;

/// The draft as a policy, loaded from a folder.
fn loaded(drafted: &Draft) -> Result<Policy, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("new")).unwrap();
    fs::write(folder.path().join("new/policy.md"), &drafted.text).unwrap();
    fs::write(folder.path().join("new/policy.toml"), &drafted.toml).unwrap();
    let source = policy::Source::Directory(folder.path().to_owned());
    policy::load_draft(&source, "new").map_err(|mistakes| format!("{mistakes:#?}\n{}\n{}", drafted.text, drafted.toml))
}

fn of(text: &str) -> (Draft, Policy) {
    let drafted = draft("new", &Source::of(text.to_owned(), "folder"));
    let policy = loaded(&drafted).unwrap_or_else(|why| panic!("{why}"));
    (drafted, policy)
}

const SKILL: &str = "---\nname: triage\ndescription: Triage an alert. Use it when one comes in.\nallowed-tools: Read, mcp__desk__create_incident, find_clients\n---\n\
# Triage\n\nRead the alert. Never page twice.\n\n## Before you start\n\n1. Verify that the client is active.\n2. Take notes\n   - at most 3 of them\n\n\
| a | b |\n|---|---|\n| Never. | x |\n\n## Before you start\n\nOnly an incident manager closes it.\n\n```\nrun\n```\n";

#[test]
fn sentences_are_clauses_with_ids_in_their_order_and_their_lines() {
    let (drafted, policy) = of(SKILL);
    let own: Vec<(&str, &str, &str)> = (policy.clauses.iter())
        .filter(|clause| clause.id.place.file.ends_with("new/policy.md"))
        .map(|clause| (clause.id.value.as_str(), clause.text.as_str(), clause.section.title.as_str()))
        .collect();
    let expected = [
        ("triage.1", "Read the alert. (SKILL.md:8)", "Triage"),
        ("triage.2", "Never page twice. (SKILL.md:8)", "Triage"),
        ("before_you_start.1", "Verify that the client is active. (SKILL.md:12)", "Before you start"),
        ("before_you_start.2", "Take notes (SKILL.md:13)", "Before you start"),
        ("before_you_start.3", "at most 3 of them (SKILL.md:14)", "Before you start"),
        ("before_you_start.2.1", "Only an incident manager closes it. (SKILL.md:22)", "Before you start"),
        ("allowed_tools.1", "The tool `Read` may be used. (SKILL.md:4)", "Allowed tools"),
        ("allowed_tools.2", "The tool `mcp__desk__create_incident` may be used. (SKILL.md:4)", "Allowed tools"),
        ("allowed_tools.3", "The tool `find_clients` may be used. (SKILL.md:4)", "Allowed tools"),
    ];
    assert_eq!(own, expected);
    for (line, part) in [(16, "table"), (24, "code")] {
        assert!(drafted.text.contains(&format!("There is {part} in SKILL.md, line {line}.")), "{}", drafted.text);
    }
}

#[test]
fn what_looks_like_a_rule_is_uncovered_and_the_rest_is_to_do() {
    let (drafted, policy) = of(SKILL);
    let uncovered: Vec<(&str, &str)> =
        policy.uncovered.iter().map(|(id, looks)| (id.as_str(), looks.as_str())).collect();
    let expected = [
        ("triage.2", "prohibition"),
        ("before_you_start.1", "precondition, status"),
        ("before_you_start.3", "limit"),
        ("before_you_start.2.1", "role"),
    ];
    assert_eq!(uncovered, expected);
    assert_eq!((drafted.uncovered, drafted.to_do), (4, 4));
    for clause in ["triage.1", "before_you_start.2", "allowed_tools.1", "allowed_tools.3"] {
        assert_eq!(policy.cover(clause), [Cover::Exempt("to do".to_owned())], "{clause}");
    }
    assert_eq!(policy.cover("allowed_tools.2"), [Cover::Roles("create_incident".to_owned())]);
    let tools: Vec<&str> = policy.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(tools, ["create_incident", "find_clients"]);
    assert_eq!(drafted.tools, ["create_incident", "find_clients"]);
}

#[test]
fn every_action_can_be_a_tool_of_a_draft() {
    let names: Vec<&str> = service_management().operations.iter().map(|operation| operation.name).collect();
    let (drafted, policy) = of(&format!("---\nname: a\nallowed-tools: {}\n---\n", names.join(" ")));
    assert_eq!(drafted.tools, names);
    assert_eq!(policy.tools.len(), names.len());
}

#[test]
fn a_skill_that_does_not_read_well_is_drafted_all_the_same() {
    for (text, notes) in [
        ("", 1),
        ("Just text. Never more.", 1),
        ("---\nname: a\n", 1),
        ("---\nname: : [\n---\nText.\n", 1),
        ("---\nname: a\n---\n", 0),
        ("---\nname: 7\nallowed-tools: [1, {a: b}, Bash(*)]\n---\n# 手順\n\n一。二。\n", 0),
        (
            "---\nname: a\n---\n## step.1 do\n\n### **a.1** Bold\n\n• dot\n\n- [ ] box. **a.2** Bold.\n\na.1 No list.\n\n`b.1` code.\n",
            0,
        ),
        ("---\nname: a\n---\n# \n\n##\n\n- **x** | y\n- ---\n- <li>z</li>\n- \\* a\n- ` b\n- ** c\n", 0),
        ("---\r\nname: a\r\n---\r\n# T\r\n\r\nOne.\r\nTwo.\r\n\r\n* Three\r\n", 0),
    ] {
        let source = Source::of(text.to_owned(), "folder");
        assert_eq!(source.notes.len(), notes, "{text}: {:?}", source.notes);
        let drafted = draft("new", &source);
        loaded(&drafted).unwrap_or_else(|why| panic!("{text}: {why}"));
    }
}

#[test]
fn a_draft_is_no_policy_until_it_is_covered() {
    let drafted = draft("new", &Source::of("---\nname: a\n---\nNever do it. Write.\n".to_owned(), "folder"));
    let folder = tempfile::tempdir().unwrap();
    let source = policy::Source::Directory(folder.path().to_owned());
    fs::create_dir(folder.path().join("new")).unwrap();
    let write = |text: &str, toml: &str| {
        fs::write(folder.path().join("new/policy.md"), text).unwrap();
        fs::write(folder.path().join("new/policy.toml"), toml).unwrap();
    };
    write(&drafted.text, &drafted.toml);
    let mistakes: Vec<String> = policy::load(&source, "new").unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(mistakes.iter().any(|mistake| mistake.contains("clause a.1 is covered by nothing")), "{mistakes:?}");
    assert!(mistakes.iter().any(|mistake| mistake.contains("clause a.2 is exempt \"to do\"")), "{mistakes:?}");
    // What is covered is marked no more, also in a draft.
    let covered = format!("{}\n[[exempt]]\nclause = \"a.1\"\nreason = \"nobody can\"\n", drafted.toml);
    write(&drafted.text, &covered);
    let mistakes: Vec<String> =
        policy::load_draft(&source, "new").unwrap_err().iter().map(ToString::to_string).collect();
    assert!(
        mistakes[0].contains("clause a.1 is uncovered no more, nobody can carries it out")
            || mistakes[0].contains("take this out"),
        "{mistakes:?}"
    );
    let done = covered
        .replace("\"to do\"", "\"only words\"")
        .replace("[[uncovered]]\nclause     = \"a.1\"\nlooks_like = \"prohibition\"\n", "");
    write(&drafted.text, &done);
    policy::load(&source, "new").unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_a_skill_holds_its_draft_loads(lines in prop::collection::vec(
        prop_oneof![
            "[ -~]{0,40}",
            "[#>*+0-9.) -]{1,6}[ a-z.|`*_<>\\[\\]()!?\\\\]{0,30}",
            Just("---".to_owned()), Just("```".to_owned()), Just("| a | b |".to_owned()), Just("|---|---|".to_owned()),
            Just("- **a.1** x".to_owned()), Just("    - a.1".to_owned()), Just("• x".to_owned()), Just("===".to_owned()),
            Just("<ul><li>".to_owned()), Just("<!-- a.1".to_owned()), Just(String::new()), "\\PC{0,20}",
        ], 0..14,
    ), fenced in any::<bool>()) {
        let head = if fenced { "---\nname: a\nallowed-tools: create_incident Read\n---\n" } else { "" };
        let drafted = draft("new", &Source::of(format!("{head}{}", lines.join("\n")), "folder"));
        let loaded = loaded(&drafted);
        prop_assert!(loaded.is_ok(), "{}", loaded.err().unwrap_or_default());
    }
}
