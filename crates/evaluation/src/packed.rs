//! JSON that is kept until a report shows it: as its text, which takes a fifth of what the tree takes.

use schemars::JsonSchema;
use schemars::{Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A JSON value as its compact text, or a part of another's. It is serialized as the value.
#[derive(Clone, Debug)]
pub struct Packed {
    whole: Arc<str>,
    begin: u32,
    end: u32,
}

impl Packed {
    /// The value.
    pub fn value(&self) -> Json {
        serde_json::from_str(self.text()).unwrap_or_default()
    }

    /// Its compact JSON.
    pub fn text(&self) -> &str {
        self.whole.get(self.begin as usize..self.end as usize).unwrap_or(&self.whole)
    }

    /// The same value, kept in the text of one that holds it, if that one does.
    pub fn within(self, other: &Packed) -> Packed {
        let text = other.text();
        let begin = text.find(self.text()).and_then(|at| u32::try_from(at + other.begin as usize).ok());
        match begin {
            Some(begin) => Packed { whole: other.whole.clone(), begin, end: begin + (self.end - self.begin) },
            None => self,
        }
    }

    fn new(text: String) -> Packed {
        // Longer texts than files have are kept whole.
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Packed { whole: text.into(), begin: 0, end }
    }
}

/// Values of one trace, each kept once: an agent that looks the same thing up again gets the same answer.
#[derive(Default)]
pub struct Kept(BTreeSet<Arc<str>>);

impl Kept {
    /// The value, in the text of an equal one before it.
    pub fn once(&mut self, value: Packed) -> Packed {
        match self.0.get(&value.whole) {
            Some(whole) => Packed { whole: whole.clone(), ..value },
            None => {
                self.0.insert(value.whole.clone());
                value
            }
        }
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Packed) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Packed {}

impl From<&Json> for Packed {
    fn from(value: &Json) -> Packed {
        Packed::new(value.to_string())
    }
}

impl From<Json> for Packed {
    fn from(value: Json) -> Packed {
        Packed::from(&value)
    }
}

impl From<&Map<String, Json>> for Packed {
    fn from(object: &Map<String, Json>) -> Packed {
        // Keys are texts, so that there is nothing that could not be written.
        Packed::new(serde_json::to_string(object).unwrap_or_default())
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl JsonSchema for Packed {
    fn schema_name() -> Cow<'static, str> {
        Json::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Json::json_schema(generator)
    }
}
