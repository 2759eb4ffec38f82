//! What harnesses write, odd and honest: what is read of it, and what is said of what is not.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::path::Path;
use std::{env, fs};
use traces::format;
use traces::{Document, Item, Mistake, Role, Step, Trace};

/// A file, and what is read of it line by line.
#[derive(Deserialize, Serialize)]
struct Case {
    about: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Json>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lines: Vec<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    expect: Vec<String>,
}

fn text(case: &Case) -> String {
    let lines = || case.lines.iter().map(|line| format!("{line}\n")).collect();
    case.text.clone().or(case.value.as_ref().map(Json::to_string)).unwrap_or_else(lines)
}

/// All of a file, a line each.
fn show(read: Result<Document, Mistake>) -> Vec<String> {
    let document = match read {
        Ok(document) => document,
        Err(mistake) => return vec![format!("mistake {mistake}")],
    };
    let mut lines = vec![document.format.to_string()];
    for item in &document.items {
        lines.push(match item {
            Item::Task(task) => format!("task {} setup {} outputs {:?}", task.gold.name, task.setup, task.gold.outputs),
            Item::Trace(trace) => format!("run {}", trace.name),
        });
        lines.extend(trace(item.trace()));
    }
    lines.extend(document.mistakes.iter().map(|mistake| format!("mistake {mistake}")));
    lines
}

fn trace(trace: &Trace) -> Vec<String> {
    let mut lines: Vec<String> = trace.unfinished.iter().map(|why| format!("  unfinished {why}")).collect();
    lines.extend(trace.tokens.map(|tokens| format!("  tokens {tokens}")));
    lines.extend(trace.steps().into_iter().map(|step| match step {
        Step::Message(message) => {
            let who = match message.role {
                Role::System => "system",
                Role::User => "user",
                Role::Agent => "agent",
            };
            format!("  {who}: {}", message.text)
        }
        Step::Call(call) => {
            let arguments = call.malformed.clone().unwrap_or_else(|| Json::from(call.arguments.clone()).to_string());
            let answer = call.answer.as_ref().map_or("-".to_owned(), |answer| answer.value.to_string());
            let error = call.answer.as_ref().and_then(|answer| answer.is_error).is_some_and(|error| error);
            format!("  {} {} {arguments} -> {answer}{}", call.id, call.tool, if error { " (error)" } else { "" })
        }
    }));
    lines.extend(trace.notes.iter().map(|note| format!("  note {note}")));
    lines
}

#[test]
fn what_harnesses_write_is_read() {
    is_read_as_expected("harnesses.json");
}

#[test]
fn what_hosts_and_logs_of_apis_write_is_read() {
    is_read_as_expected("logs.json");
}

fn is_read_as_expected(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data").join(name);
    let mut cases: Vec<Case> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let found: Vec<Vec<String>> = cases.iter().map(|case| show(format::read(&text(case), "f"))).collect();
    if env::var_os("UPDATE_HARNESSES").is_some() {
        cases.iter_mut().zip(found).for_each(|(case, found)| case.expect = found);
        fs::write(&file, serde_json::to_string_pretty(&cases).unwrap() + "\n").unwrap();
        return;
    }
    for (case, found) in cases.iter().zip(found) {
        assert_eq!(found, case.expect, "{}", case.about);
    }
}
