//! The tool lists that are served: committed as `tools/<policy>.json`, within a budget, complete, and shown in the documents.
//!
//! `UPDATE_TOOLS=1 cargo test --test it tools::` writes the committed lists and the page docs/tools.md anew.

use crate::support::{call, episode, policies, policy, validator};
use rmcp::model::Tool;
use serde_json::{Value, json};
use server::mcp::tools::list;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const UPDATE: &str = "UPDATE_TOOLS=1 cargo test --test it tools::";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn updating() -> bool {
    std::env::var_os("UPDATE_TOOLS").is_some_and(|value| value == "1")
}

/// Every tool of every policy, as it is listed.
fn listed() -> impl Iterator<Item = (&'static str, Tool)> {
    policies().flat_map(|id| list(&policy(id)).into_iter().map(move |tool| (id, tool)))
}

/// The committed tool list of a policy.
pub fn committed(policy_id: &str) -> Value {
    let path = file(policy_id);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; run {UPDATE}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn file(policy_id: &str) -> PathBuf {
    root().join("tools").join(format!("{policy_id}.json"))
}

#[test]
fn tool_lists_are_as_committed() {
    let mut wrong = Vec::new();
    for id in policies() {
        let now = serde_json::to_string_pretty(&json!({ "tools": list(&policy(id)) })).unwrap() + "\n";
        if updating() {
            fs::create_dir_all(root().join("tools")).unwrap();
            fs::write(file(id), &now).unwrap();
        }
        // A checkout may have the line ends of another system.
        let then = fs::read_to_string(file(id)).unwrap_or_default().replace("\r\n", "\n");
        if then != now {
            let line = then.lines().zip(now.lines()).position(|(then, now)| then != now);
            let line = line.unwrap_or_else(|| then.lines().count().min(now.lines().count())) + 1;
            wrong.push(format!("tools/{id}.json, from line {line}"));
        }
    }
    assert!(wrong.is_empty(), "tool lists changed; if that is wanted, run {UPDATE} and review:\n{}", wrong.join("\n"));
}

#[test]
fn no_other_tool_list_is_committed() {
    let expected: BTreeSet<String> = policies().map(|id| format!("{id}.json")).collect();
    let names = fs::read_dir(root().join("tools")).unwrap().map(|entry| entry.unwrap().file_name());
    let found: BTreeSet<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    assert_eq!(found, expected);
}

/// What a policy's tools cost a model: bytes of name, description and input schema as compact JSON, divided by four.
fn tokens(policy_id: &str) -> usize {
    let bytes = list(&policy(policy_id)).into_iter().map(|tool| {
        let seen = json!({
            "name": tool.name,
            "description": tool.description,
            "inputSchema": *tool.input_schema,
        });
        seen.to_string().len()
    });
    bytes.sum::<usize>().div_ceil(4)
}

#[test]
fn tool_lists_keep_within_their_budget() {
    let budgets = [
        ("all", 8_000),
        ("change-and-resolution", 3_500),
        ("client-user-vendor", 3_500),
        ("incident-operations", 3_500),
        // 37 procedures, one a kind of record and verb, and 19 lookups: measured, and rounded up to the next 50.
        ("it-incident-management", 10_250),
        // Its 14 procedures and 13 lookups do not fit into 3,500: measured, and rounded up to the next 50.
        ("problem-to-review", 4_500),
    ];
    assert!(policies().eq(budgets.map(|(id, _)| id)), "every policy has a budget");
    let over: Vec<String> = (budgets.iter())
        .map(|(id, budget)| (id, tokens(id), budget))
        .filter(|(_, tokens, budget)| tokens > budget)
        .map(|(id, tokens, budget)| format!("{id}: {tokens} tokens of {budget}"))
        .collect();
    assert!(over.is_empty(), "shorten descriptions:\n{}", over.join("\n"));
}

#[test]
fn names_are_unique_and_plain() {
    for id in policies() {
        let mut seen = BTreeSet::new();
        for tool in list(&policy(id)) {
            let plain = tool.name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(plain && tool.name.len() <= 64, "{id}: {}", tool.name);
            assert!(seen.insert(tool.name.clone()), "{id} lists {} twice", tool.name);
        }
    }
}

#[test]
fn every_tool_says_what_it_is() {
    for (id, tool) in listed() {
        let name = format!("{} of {id}", tool.name);
        let said = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
        assert!(said(tool.title.as_deref()), "{name} has no title");
        assert!(said(tool.description.as_deref()), "{name} has no description");
        let hints = tool.annotations.unwrap_or_else(|| panic!("{name} has no annotations"));
        assert_eq!(hints.title, tool.title, "{name} has two titles");
        let all = [hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint];
        assert!(all.iter().all(Option::is_some), "{name} leaves a hint open: {all:?}");
        let lookup = tool.name.starts_with("find_");
        assert_eq!(hints.read_only_hint, Some(lookup), "{name}: lookups read, the rest writes");
        assert!(!lookup || hints.destructive_hint == Some(false), "{name} is a lookup");
        assert_eq!(hints.open_world_hint, Some(false), "{name} acts on this episode alone");
    }
}

#[test]
fn schemas_are_objects_that_every_model_api_takes() {
    for (id, tool) in listed() {
        let name = format!("{} of {id}", tool.name);
        let input = Value::Object((*tool.input_schema).clone());
        assert_eq!(input["type"], "object", "{name}");
        assert_eq!(input["additionalProperties"], false, "{name} takes arguments that nobody reads");
        let output = tool.output_schema.unwrap_or_else(|| panic!("{name} has no output schema"));
        let output = Value::Object((*output).clone());
        assert_eq!(output["type"], "object", "{name}");
        validator(&input);
        validator(&output);
        flat(&name, &input);
        closed(&name, &input);
    }
}

/// No references, no alternatives, no lists of types, at any depth: some model APIs refuse them. Output schemas, which no
/// model API takes, may have them.
fn flat(name: &str, schema: &Value) {
    match schema {
        Value::Object(object) => {
            for word in ["$ref", "$defs", "anyOf", "oneOf", "allOf", "not"] {
                assert!(!object.contains_key(word), "{name} uses {word}");
            }
            assert!(!object.get("type").is_some_and(Value::is_array), "{name} lists types");
            object.values().for_each(|inner| flat(name, inner));
        }
        Value::Array(items) => items.iter().for_each(|inner| flat(name, inner)),
        _ => {}
    }
}

/// What is required exists, and objects within take what they name alone. An argument says what it is where its name does
/// not: that is the budget's.
fn closed(name: &str, schema: &Value) {
    let properties = schema["properties"].as_object().unwrap_or_else(|| panic!("{name} names no properties"));
    for (argument, schema) in properties {
        assert_ne!(schema["description"], "", "{name}.{argument}");
        if schema["type"] == "object" {
            assert_eq!(schema["additionalProperties"], false, "{name}.{argument}");
            closed(&format!("{name}.{argument}"), schema);
        }
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(properties.contains_key(required.as_str().unwrap()), "{name} requires {required}, which it has not");
    }
}

/// Clients check what is structured against the output schema, and several of them halts too: one that does not fit never
/// reaches the agent. A success is checked wherever a test makes a call.
#[test]
fn halts_fit_the_output_schema() {
    for id in policies() {
        let mut episode = episode(id);
        for tool in list(&policy(id)) {
            let schema = validator(&Value::Object((*tool.output_schema.unwrap()).clone()));
            for arguments in [json!({}), json!({ "nonsense": 1, "acting_user": "6" }), json!({ "acting_user": "999" })]
            {
                let halt = call(&mut episode, &tool.name, arguments);
                assert!(halt.is_error(), "{} of {id} takes anything", tool.name);
                let misfits: Vec<String> =
                    schema.iter_errors(&Value::Object(halt.answer)).map(|error| error.to_string()).collect();
                assert!(misfits.is_empty(), "{} of {id}: {misfits:?}\n{}", tool.name, halt.text);
            }
        }
    }
}

#[test]
fn the_documents_show_the_tools() {
    let (start, end) = ("<!-- tools -->", "<!-- /tools -->");
    let path = root().join("docs/tools.md");
    let text = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let program = Command::new(env!("CARGO_BIN_EXE_incident-mcp"))
        .args(["tools", "--policy", "all", "--format", "markdown"])
        .output()
        .unwrap();
    let table = String::from_utf8(program.stdout).unwrap();
    let inner = |text: &str| {
        let from = text.find(start)? + start.len();
        let to = from + text[from..].find(end)?;
        Some((from, to))
    };
    let Some((from, to)) = inner(&text) else { panic!("docs/tools.md has no {start} ... {end}") };
    if text[from..to].trim() == table.trim() {
        return;
    }
    assert!(updating(), "the table in docs/tools.md is not what the program prints; run {UPDATE}");
    fs::write(&path, format!("{}\n{}\n{}", &text[..from], table.trim(), &text[to..])).unwrap();
}
