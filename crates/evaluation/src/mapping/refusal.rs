//! What the environment says where it refuses: wordings of the mapping, each with the holes that it can have.

use super::template::Template;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Every wording: its name, its holes, and what is said where the mapping has none.
pub(super) const WORDINGS: [(&str, &[&str], &str); 13] = [
    ("unknown_tool", &["tool"], "There is no tool {tool}"),
    ("unknown_argument", &["tool", "Tool", "argument"], "{tool} takes no {argument}"),
    ("missing_one", &["tool", "Tool", "arguments", "count"], "{tool} lacks {arguments}"),
    ("missing_many", &["tool", "Tool", "arguments", "count"], "{tool} lacks {arguments}"),
    ("word", &["argument", "value", "words"], "{argument} must be one of {words}"),
    ("integer", &["argument", "value"], "{argument} must be a whole number"),
    ("count", &["argument", "value"], "{argument} must not be negative"),
    ("time", &["argument", "value"], "{argument} must be a time"),
    ("bound", &["argument", "value"], "{argument} must be a time"),
    ("not_found", &["record", "id"], "{record} {id} not found"),
    ("says", &["says"], "{says}"),
    ("halt", &["message", "code", "clause"], "{message} ({code}, {clause})"),
    ("outside", &["tool"], "{tool} is outside the policy"),
];

/// The wordings of an operation.
#[derive(Clone, Debug)]
pub(super) struct Refusals {
    wordings: BTreeMap<&'static str, Template>,
}

impl Default for Refusals {
    fn default() -> Refusals {
        let wording = |(name, _, says): (&'static str, &[&str], &str)| {
            Some((name, Template::parse(&serde_json::json!({ "error": says }))?))
        };
        Refusals { wordings: WORDINGS.into_iter().filter_map(wording).collect() }
    }
}

impl Refusals {
    /// Word one otherwise.
    pub fn set(&mut self, name: &'static str, wording: Template) {
        self.wordings.insert(name, wording);
    }

    /// Say it.
    pub fn say(&self, name: &str, holes: &[(&str, &str)]) -> Json {
        let fill = |hole: &str| {
            let found = holes.iter().find(|(name, _)| *name == hole);
            found.map_or(Json::Null, |(_, text)| (*text).into())
        };
        self.wordings.get(name).map_or(Json::Null, |wording| wording.render(&fill))
    }
}

/// Words as the environment's language prints a list of them.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("'{word}'")).collect();
    format!("[{}]", quoted.join(", "))
}

/// Names as a sentence has them: `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`.
pub(super) fn enumerated(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
    }
}
