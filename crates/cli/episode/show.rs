//! What the control plane answers, shown to people.

use super::super::print::table;
use serde_json::{Value as Json, json};

/// The entries of a list.
pub fn items(list: &Json) -> impl Iterator<Item = &Json> {
    list.as_array().into_iter().flatten()
}

/// A value in a table: a text without its quotes.
fn cell(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Nothing to show.
pub fn silent(_: &Json) {}

/// The name of a checkpoint.
pub fn named(checkpoint: &Json) {
    anstream::println!("{}", cell(&checkpoint["name"]));
}

/// The time.
pub fn time(moment: &Json) {
    anstream::println!("{}", cell(&moment["now"]));
}

/// An episode as it is listed.
pub fn one(episode: &Json) {
    list(&json!([episode]));
}

/// Episodes, a row each.
pub fn list(episodes: &Json) {
    let row = |episode: &Json| {
        let address = if episode["mcp_url"].is_null() { "mcp" } else { "mcp_url" };
        ["id", "policy", "mode", "calls", "idle_seconds", address].map(|name| cell(&episode[name])).to_vec()
    };
    let rows: Vec<Vec<String>> = items(episodes).map(row).collect();
    table(&["episode", "policy", "mode", "calls", "idle seconds", "address"], &rows);
}

/// All about an episode.
pub fn detail(episode: &Json) {
    let own = episode.as_object().into_iter().flatten().filter(|(name, _)| !["calls", "summary"].contains(&&***name));
    let own = own.map(|(name, value)| (name.replace('_', " "), cell(value)));
    fields(own.chain(happened(&episode["summary"])).collect());
}

/// Names and values, a row each.
fn fields(fields: Vec<(String, String)>) {
    let rows: Vec<Vec<String>> = fields.into_iter().map(|(name, value)| vec![name, value]).collect();
    table(&["", ""], &rows);
}

/// What happened in an episode that has ended.
pub fn summary(summary: &Json) {
    fields(happened(summary));
}

/// What happened in an episode, by name.
fn happened(summary: &Json) -> Vec<(String, String)> {
    let mut fields = vec![("calls".to_owned(), cell(&summary["calls"]))];
    for (rule, count) in summary["halts"].as_object().into_iter().flatten() {
        fields.push((format!("halted by {rule}"), cell(count)));
    }
    for duty in items(&summary["unpaid"]) {
        let [call, action, kind, id] = ["call", "action", "entity_type", "entity_id"].map(|name| cell(&duty[name]));
        fields.push(("unpaid".to_owned(), format!("the {action} of {kind} {id} by call {call} has no audit entry")));
    }
    if !summary["now"].is_null() {
        fields.push(("now".to_owned(), cell(&summary["now"])));
    }
    fields.push(("hash".to_owned(), cell(&summary["hash"])));
    fields
}

/// Cells that differ, a row each.
pub fn differences(answer: &Json) {
    let row = |cells: &Json| {
        let [table, key, column] = ["table", "key", "column"].map(|name| cell(&cells[name]));
        // With quotes, so that the text "null" is not taken for none.
        vec![table, key, column, cells["before"].to_string(), cells["after"].to_string()]
    };
    let rows: Vec<Vec<String>> = items(&answer["differences"]).map(row).collect();
    if !rows.is_empty() {
        table(&["table", "key", "column", "before", "after"], &rows);
    }
}

/// A hash, whole and by table.
pub fn hashes(hash: &Json) {
    anstream::println!("{}  {}", cell(&hash["state"]), cell(&hash["version"]));
    for (table, hash) in hash["tables"].as_object().into_iter().flatten() {
        anstream::println!("{}  {table}", cell(hash));
    }
}

/// Calls, a line of JSON each.
pub fn calls(journal: &Json) {
    let mut advances = items(&journal["advances"]).peekable();
    for call in items(&journal["calls"]) {
        while let Some(advance) = advances.next_if(|advance| advance["after"].as_i64() < call["call"].as_i64()) {
            moved(advance);
        }
        anstream::println!("{call}");
    }
    advances.for_each(moved);
}

/// A move of the clock, as traces write it.
fn moved(advance: &Json) {
    anstream::println!("{}", json!({ "advance": advance["by"], "now": advance["now"] }));
}
