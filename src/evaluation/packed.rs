//! JSON that is kept until a report shows it: as its text, which takes a fifth of what the tree takes.

use schemars::JsonSchema;
use schemars::{Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// A JSON value as its compact text. It is serialized as the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed(Box<str>);

impl Packed {
    /// The value.
    pub fn value(&self) -> Json {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Its compact JSON.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<&Json> for Packed {
    fn from(value: &Json) -> Packed {
        Packed(value.to_string().into())
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
        Packed(serde_json::to_string(object).unwrap_or_default().into())
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
