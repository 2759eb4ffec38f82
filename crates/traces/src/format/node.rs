//! A JSON value that knows its place, so that whatever is wrong with it can be named.

use crate::{Mistake, Source};
use serde_json::{Map, Value as Json};

/// A key as it stands in a JSON pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The same value, of which no object has spare room: most of a trace is small objects.
pub fn lean(value: Json) -> Json {
    match value {
        Json::Object(entries) => Json::Object(lean_object(entries)),
        Json::Array(items) => items.into_iter().map(lean).collect(),
        value => value,
    }
}

/// The same object without spare room.
pub fn lean_object(entries: Map<String, Json>) -> Map<String, Json> {
    let mut lean_entries = Map::with_capacity(entries.len());
    lean_entries.extend(entries.into_iter().map(|(key, value)| (key, lean(value))));
    lean_entries
}

/// A JSON value and where it stands.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// The value.
    pub json: &'a Json,
    /// Where it stands.
    pub source: Source,
}

impl<'a> Node<'a> {
    /// A value at a place.
    pub fn new(json: &'a Json, source: Source) -> Node<'a> {
        Node { json, source }
    }

    fn child(&self, key: impl std::fmt::Display, json: &'a Json) -> Node<'a> {
        let pointer = format!("{}/{key}", self.source.pointer);
        Node { json, source: Source { pointer, ..self.source.clone() } }
    }

    /// The value under a key, also where it is null.
    pub fn entry(&self, key: &str) -> Option<Node<'a>> {
        self.json.get(key).map(|value| self.child(escape(key), value))
    }

    /// The value under a key, unless it is null.
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.entry(key).filter(|node| !node.json.is_null())
    }

    /// The value under the first of several keys that has one.
    pub fn first(&self, keys: &[&str]) -> Option<Node<'a>> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The value under a path of keys.
    pub fn path(&self, keys: &[&str]) -> Option<Node<'a>> {
        keys.iter().try_fold(self.clone(), |node, key| node.get(key))
    }

    /// The value under a key that must be there.
    pub fn need(&self, key: &str) -> Result<Node<'a>, Mistake> {
        self.get(key).ok_or_else(|| match self.json {
            Json::Object(_) => self.source.mistake(format!("{key:?} is missing")),
            _ => self.wrong("an object"),
        })
    }

    /// The items of a list.
    pub fn items(&self) -> Result<Vec<Node<'a>>, Mistake> {
        let items = self.json.as_array().ok_or_else(|| self.wrong("a list"))?;
        Ok(items.iter().enumerate().map(|(at, item)| self.child(at, item)).collect())
    }

    /// The items of the list under a key; none where there is no list.
    pub fn list(&self, key: &str) -> Result<Vec<Node<'a>>, Mistake> {
        self.get(key).map_or(Ok(Vec::new()), |list| list.items())
    }

    /// An object's entries.
    pub fn object(&self) -> Result<&'a Map<String, Json>, Mistake> {
        self.json.as_object().ok_or_else(|| self.wrong("an object"))
    }

    /// A text.
    pub fn text(&self) -> Result<&'a str, Mistake> {
        self.json.as_str().ok_or_else(|| self.wrong("a text"))
    }

    /// A name or an id, which may be written as a number.
    pub fn label(&self) -> Result<String, Mistake> {
        match self.json {
            Json::String(text) => Ok(text.clone()),
            Json::Number(number) => Ok(number.to_string()),
            _ => Err(self.wrong("a text or a number")),
        }
    }

    /// The text, or any other value as JSON.
    pub fn plain(&self) -> String {
        self.json.as_str().map_or_else(|| self.json.to_string(), str::to_owned)
    }

    /// What an agent must tell its user: a text, or any other value as JSON. Nothing is no such thing.
    pub fn output(&self) -> Result<String, Mistake> {
        if self.json.is_null() { Err(self.wrong("a text")) } else { Ok(self.plain()) }
    }

    /// The name or id under a key, where there is one.
    pub fn label_at(&self, key: &str) -> Result<Option<String>, Mistake> {
        self.get(key).map(|node| node.label()).transpose()
    }

    /// The count under a key, where there is one.
    pub fn count_at(&self, key: &str) -> Result<Option<u64>, Mistake> {
        self.get(key).map(|node| node.json.as_u64().ok_or_else(|| node.wrong("a whole number"))).transpose()
    }

    /// The sum of the counts under these keys, where there is any.
    pub fn sum(&self, keys: &[&str]) -> Option<u64> {
        keys.iter().filter_map(|key| self.json.get(key)?.as_u64()).reduce(u64::saturating_add)
    }

    /// The mistake of having written this instead of what is wanted.
    pub fn wrong(&self, wanted: &str) -> Mistake {
        let given = match self.json {
            Json::Null => "null",
            Json::Bool(_) => "true or false",
            Json::Number(_) => "a number",
            Json::String(_) => "a text",
            Json::Array(_) => "a list",
            Json::Object(_) => "an object",
        };
        self.source.mistake(format!("must be {wanted}, not {given}"))
    }
}
