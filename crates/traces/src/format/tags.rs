//! By what a log tells its connections apart: fields of wrappers, the header of a session, tags before a message.

use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// How deep a wrapper may hide what it says of a message.
const DEPTH: usize = 3;

/// Fields that name a connection, in lower case and without hyphens and underscores.
const FIELDS: [&str; 10] = [
    "session",
    "sessionid",
    "mcpsessionid",
    "connection",
    "connectionid",
    "conn",
    "connid",
    "server",
    "servername",
    "serverid",
];

/// Words in brackets that say how a line came about, and not of which connection it is.
const WORDS: [&str; 46] = [
    "trace",
    "debug",
    "info",
    "information",
    "notice",
    "warn",
    "warning",
    "error",
    "err",
    "critical",
    "fatal",
    "verbose",
    "log",
    "stdin",
    "stdout",
    "stderr",
    "stdio",
    "http",
    "sse",
    "ws",
    "websocket",
    "mcp",
    "jsonrpc",
    "json-rpc",
    "rpc",
    "client",
    "server",
    "host",
    "editor",
    "from",
    "to",
    "in",
    "out",
    "incoming",
    "outgoing",
    "send",
    "sent",
    "recv",
    "received",
    "request",
    "response",
    "req",
    "res",
    "tx",
    "rx",
    "notification",
];

/// What is said of a line's connection, by the place in which it is said. A number stands for the tag of that number.
pub type Tags = BTreeMap<String, String>;

/// Whether the place is one before a message: what stands there need not be of connections.
pub fn is_in_text(place: &str) -> bool {
    place.starts_with(|c: char| c.is_ascii_digit())
}

/// What wrappers say.
pub fn of_value(value: &Json, tags: &mut Tags) {
    wrapped(value, DEPTH, tags);
}

fn wrapped(value: &Json, depth: usize, tags: &mut Tags) {
    let Json::Object(entries) = value else { return };
    let is_message = entries.contains_key("jsonrpc");
    for (key, entry) in entries {
        match field(key) {
            Some(place) => {
                if let Some(name) = name(entry) {
                    tags.entry(place).or_insert(name);
                }
            }
            None if key.eq_ignore_ascii_case("headers") => headers(entry, tags),
            // What a message holds is its own, but for what loggers put beside it.
            None if depth > 0 && (!is_message || key == "_meta") => wrapped(entry, depth - 1, tags),
            None => {}
        }
    }
}

fn field(key: &str) -> Option<String> {
    let key: String = key.to_lowercase().replace(['-', '_'], "");
    FIELDS.contains(&key.as_str()).then(|| key.trim_start_matches("mcp").to_owned())
}

/// A text or a number, or an object's name or id.
fn name(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Object(of) => {
            ["id", "name"].iter().find_map(|key| name(of.get(*key).filter(|value| !value.is_object())?))
        }
        Json::Array(one) if one.len() == 1 => name(&one[0]),
        _ => None,
    }
}

/// The header of a session, in an object or in a list of names and values.
fn headers(value: &Json, tags: &mut Tags) {
    let mut put = |key: &str, value: Option<&Json>| {
        if let (Some(place), Some(name)) = (field(key), value.and_then(name)) {
            tags.insert(place, name);
        }
    };
    match value {
        Json::Object(entries) => entries.iter().for_each(|(key, value)| put(key, Some(value))),
        Json::Array(list) => {
            for pair in list.iter().filter_map(Json::as_object) {
                let named = |pair: &Map<String, Json>| Some(pair.get("name")?.as_str()?.to_owned());
                put(&named(pair).unwrap_or_default(), pair.get("value"));
            }
        }
        _ => {}
    }
}

/// What stands before a message: words in brackets, `server=name`, and the `name |` of programs that put logs together.
pub fn of_text(before: &str, tags: &mut Tags) {
    let mut number = 0;
    let mut rest = before;
    while let Some((_, inside)) = rest.split_once('[') {
        let Some((tag, behind)) = inside.split_once(']') else { break };
        if let Some(name) = tag_name(tag) {
            tags.insert(number.to_string(), name);
            number += 1;
        }
        rest = behind;
    }
    for word in before.split_whitespace() {
        let pair = word.trim_matches(|c: char| "[](),;".contains(c)).split_once(['=', ':']);
        if let Some((place, value)) = pair.and_then(|(key, value)| Some((field(key)?, value)))
            && !value.is_empty()
        {
            tags.insert(place, value.to_owned());
        }
    }
    if let Some((name, _)) = before.split_once(" | ")
        && !name.trim().contains(char::is_whitespace)
    {
        tags.insert("0|".to_owned(), name.trim().to_owned());
    }
}

/// The name in a tag, without the words that say other things; none where it is a level, a time, a number or a direction.
fn tag_name(tag: &str) -> Option<String> {
    let arrows = ["->", "<-", "=>", "<=", "\u{2192}", "\u{2190}"];
    let is_time = |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains([':', '-']);
    let is_other = |word: &str| {
        !word.contains(char::is_alphabetic)
            || is_time(word)
            || WORDS.contains(&word.to_lowercase().as_str())
            || arrows.iter().any(|arrow| word.contains(arrow))
    };
    let words: Vec<&str> = tag.split_whitespace().filter(|word| !is_other(word)).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
