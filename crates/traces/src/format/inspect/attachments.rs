//! Long texts of a sample that stand elsewhere in it, and are referred to where they belong.

use super::super::Node;
use super::events;
use crate::Mistake;
use serde_json::{Map, Value as Json};

/// How a text refers to an attachment, today and in the first logs.
const REFERENCES: [&str; 2] = ["attachment://", "tc://"];

/// The messages and events of a sample with their attachments in place; none where it has no reference to any.
pub fn resolve(node: &Node<'_>) -> Result<Option<Json>, Mistake> {
    if !["messages", "events", "events_data"].iter().any(|key| node.json.get(key).is_some_and(refers)) {
        return Ok(None);
    }
    let events = node.json.get("events").and_then(Json::as_array);
    let has_tools = events.into_iter().flatten().any(|event| event.get("event").is_some_and(|kind| kind == "tool"));
    let mut resolver = Resolver { attachments: node.json.get("attachments"), missing: None };
    let mut whole = Map::new();
    for (key, value) in node.json.as_object().into_iter().flatten() {
        let value = match (key.as_str(), value) {
            // Of the events only those of calls are read; the others hold the whole conversation again and again.
            ("events", Json::Array(events)) => {
                let is_read = |event: &Json| events::is_read(event, !has_tools);
                let event = |event| if is_read(event) { resolver.resolve(event) } else { Json::Null };
                events.iter().map(event).collect()
            }
            ("events_data", pool) if !has_tools => resolver.resolve(pool),
            ("messages", messages) => resolver.resolve(messages),
            ("attachments" | "events_data" | "store", _) => continue,
            (_, other) => other.clone(),
        };
        whole.insert(key.clone(), value);
    }
    match resolver.missing {
        Some(reference) => {
            Err(node.source.mistake(format!("refers to {reference:?}, which is not among its attachments")))
        }
        None => Ok(Some(whole.into())),
    }
}

fn id(text: &str) -> Option<&str> {
    REFERENCES.iter().find_map(|reference| text.strip_prefix(reference))
}

fn refers(value: &Json) -> bool {
    match value {
        Json::String(text) => id(text).is_some(),
        Json::Array(items) => items.iter().any(refers),
        Json::Object(entries) => entries.values().any(refers),
        _ => false,
    }
}

struct Resolver<'a> {
    /// By id; or in their order, where a sample is in pieces.
    attachments: Option<&'a Json>,
    /// The first reference that leads nowhere.
    missing: Option<String>,
}

impl Resolver<'_> {
    fn resolve(&mut self, value: &Json) -> Json {
        match value {
            Json::String(text) => match id(text) {
                Some(id) => self.find(id).cloned().unwrap_or_else(|| {
                    self.missing.get_or_insert_with(|| text.clone());
                    value.clone()
                }),
                None => value.clone(),
            },
            Json::Array(items) => items.iter().map(|item| self.resolve(item)).collect(),
            Json::Object(entries) => {
                entries.iter().map(|(key, entry)| (key.clone(), self.resolve(entry))).collect::<Map<_, _>>().into()
            }
            _ => value.clone(),
        }
    }

    fn find(&self, id: &str) -> Option<&Json> {
        match self.attachments? {
            Json::Array(items) => items.get(id.parse::<usize>().ok()?),
            named => named.get(id),
        }
    }
}
