//! The JSON Schemas of tools: flat, without references or type lists, every word listed.
//!
//! The schema that is listed is the one that is enforced ([`super::validate`]).

use crate::action::input::{Input, Kind, most};
use crate::expression::Vocabularies;
use records::catalogue::{Column, Filter, Kind as ColumnKind, Table};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// Most rows that a lookup returns.
pub const MOST_ROWS: u32 = 100;
/// Rows that a lookup returns where it does not say how many.
pub const ROWS: u32 = 20;
/// The argument that names the acting user of a tool whose procedure names none.
pub const ACTING_USER: &str = "acting_user";

/// What the policy makes of an action's inputs.
pub struct Offer<'a> {
    /// The policy's vocabularies.
    pub words: &'a Vocabularies,
    /// Inputs that it demands although the action does not.
    pub require: BTreeSet<&'a str>,
    /// Columns that a change set can clear.
    pub clear: Vec<&'a str>,
    /// Inputs that it does not offer; those of a change set by their path, `change_set.name`.
    pub hide: BTreeSet<&'a str>,
    /// Values of inputs that are left out.
    pub defaults: &'a Map<String, Json>,
}

impl Offer<'_> {
    /// Whether a call must give this input.
    pub fn requires(&self, input: &Input) -> bool {
        (input.required || self.require.contains(input.name)) && !self.defaults.contains_key(input.name)
    }

    /// The schema of an action's arguments.
    pub fn schema(&self, inputs: &[Input], actor: &str) -> Map<String, Json> {
        let offered = || inputs.iter().filter(|input| !self.hide.contains(input.name));
        let mut properties: Map<String, Json> =
            offered().map(|input| (input.name.to_owned(), self.property(input))).collect();
        let mut acting = json!({ "type": "string" });
        if actor != ACTING_USER {
            acting["description"] = "Acting user".into();
        }
        properties.insert(actor.to_owned(), acting);
        let required: Vec<&str> = offered().filter(|input| self.requires(input)).map(|input| input.name).collect();
        object(properties, &required)
    }

    fn property(&self, input: &Input) -> Json {
        let mut schema = match input.kind {
            Kind::Id(_) | Kind::RecordOf(_) => json!({ "type": "string" }),
            Kind::Word(vocabulary) => {
                let words = self.words.get(vocabulary).map_or(&[][..], |words| words);
                json!({ "type": "string", "enum": words })
            }
            Kind::Line | Kind::Phone => json!({ "type": "string", "maxLength": most::LINE }),
            Kind::Text => json!({ "type": "string", "maxLength": most::TEXT }),
            Kind::Email => {
                json!({ "type": "string", "pattern": "^\\s*\\S+@\\S+\\s*$", "maxLength": most::LINE })
            }
            Kind::Timestamp | Kind::Day => json!({ "type": "string" }),
            Kind::Minutes => {
                json!({ "type": "integer", "minimum": 0, "maximum": most::MINUTES })
            }
            Kind::Count => json!({ "type": "integer", "minimum": 0, "maximum": most::COUNT }),
            Kind::Percentage => json!({ "type": "number", "minimum": 0, "maximum": most::PERCENTAGE }),
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Clear => json!({ "type": "array", "items": { "type": "string", "enum": self.clear } }),
            Kind::ChangeSet(columns) => {
                let offered = columns.iter().filter(|column| match column.kind {
                    Kind::Clear => !self.clear.is_empty(),
                    _ => !self.hide.contains(&*column_path(input, column)),
                });
                let properties = offered.map(|column| (column.name.to_owned(), self.property(column))).collect();
                let mut schema = object(properties, &[]);
                schema.insert("minProperties".to_owned(), 1.into());
                Json::Object(schema)
            }
        };
        if let Some(default) = self.defaults.get(input.name) {
            schema["default"] = default.clone();
        }
        // A name that says it all costs no second word: the tool list has a budget.
        if !input.about.is_empty() {
            schema["description"] = input.about.into();
        }
        schema
    }
}

/// What a policy calls a column of a change set.
pub fn column_path(set: &Input, column: &Input) -> String {
    format!("{}.{}", set.name, column.name)
}

/// The schema of a lookup's arguments.
///
/// A vocabulary is listed once in a tool list: `listed` are those that tools before this one have listed. A word of such
/// a vocabulary is checked all the same ([`super::validate`]).
pub fn find_schema(table: &'static Table, words: &Vocabularies, listed: &BTreeSet<&'static str>) -> Map<String, Json> {
    let mut properties = Map::new();
    for column in table.columns {
        match column.filter {
            Filter::None => {}
            Filter::Exact => {
                let schema = match column.kind {
                    ColumnKind::Word(name) if !listed.contains(name) => match words.get(name) {
                        Some(words) => json!({ "type": "string", "enum": &words[..] }),
                        None => json!({ "type": "string" }),
                    },
                    ColumnKind::Integer => json!({ "type": "integer" }),
                    ColumnKind::Bool => json!({ "type": "boolean" }),
                    _ => json!({ "type": "string" }),
                };
                properties.insert(column.name.to_owned(), schema);
            }
            Filter::Contains => {
                let name = format!("{}{CONTAINS}", column.name);
                properties.insert(name, json!({ "type": "string" }));
            }
            Filter::Time => {
                for name in [SINCE, UNTIL] {
                    properties.insert(name.to_owned(), json!({ "type": "string" }));
                }
            }
        }
    }
    properties.insert(LIMIT.to_owned(), json!({ "type": "integer", "minimum": 1, "maximum": MOST_ROWS }));
    properties.insert(CURSOR.to_owned(), json!({ "type": "string" }));
    properties.insert(DETAIL.to_owned(), json!({ "type": "string", "enum": [CONCISE, DETAILED] }));
    properties.insert(ACTING_USER.to_owned(), json!({ "type": "string" }));
    object(properties, &[])
}

/// The name of the lookup tool of a table.
pub fn finder_name(table: &Table) -> String {
    format!("find_{}", table.plural)
}

/// Ending of the filter that finds a part of a text.
pub const CONTAINS: &str = "_contains";
/// The filter by the earliest time.
pub const SINCE: &str = "since";
/// The filter by the latest time.
pub const UNTIL: &str = "until";
/// How many rows.
pub const LIMIT: &str = "limit";
/// Where the page before ended.
pub const CURSOR: &str = "cursor";
/// How much of each row.
pub const DETAIL: &str = "detail";
/// The columns that tell rows apart.
pub const CONCISE: &str = "concise";
/// All columns.
pub const DETAILED: &str = "detailed";

/// The schema of a lookup's answer.
pub fn find_answer(table: &'static Table) -> Map<String, Json> {
    let row: Map<String, Json> =
        table.columns.iter().map(|column| (column.name.to_owned(), column_schema(column))).collect();
    let properties = [
        ("count", json!({ "type": "integer" })),
        (table.plural, json!({ "type": "array", "items": { "type": "object", "properties": row } })),
        ("next_cursor", json!({ "type": "string" })),
    ];
    let properties = properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    answer(properties)
}

/// The schema of an answer. It demands and forbids nothing: there are clients that hold a halt against it too, and a halt
/// that does not fit would never reach the agent.
fn answer(properties: Map<String, Json>) -> Map<String, Json> {
    let mut schema = object(properties, &[]);
    schema.remove("additionalProperties");
    schema
}

fn column_schema(column: &Column) -> Json {
    // A nullable column may hold anything of its type or null; type lists are not portable, so it says nothing.
    if column.nullable {
        return json!({});
    }
    json!({ "type": match column.kind {
        ColumnKind::Integer => "integer",
        ColumnKind::Real => "number",
        ColumnKind::Bool => "boolean",
        _ => "string",
    }})
}

/// The schema of an action's answer, with what it owes where it can owe something.
pub fn answer_schema(mut schema: Map<String, Json>, owes: bool) -> Map<String, Json> {
    for key in ["title", "description", "required"] {
        schema.remove(key);
    }
    for value in schema.values_mut() {
        never_null(value);
    }
    if owes && let Some(Json::Object(properties)) = schema.get_mut("properties") {
        let text = json!({ "type": "string" });
        // One or the other, as the episode has it: the entry that is owed, or the one that the program wrote.
        properties.insert("audit_id".to_owned(), text.clone());
        properties.insert(
            "owes".to_owned(),
            json!({
                "type": "object",
                "description": "The audit entry that this write owes",
                "properties": { "tool": text, "action": text, "entity_type": text, "entity_id": text },
            }),
        );
    }
    schema
}

/// An optional field of an answer is left out, never null, so its schema need not say "or null": lists of types and
/// alternatives are not portable.
fn never_null(schema: &mut Json) {
    if let Json::Object(object) = schema {
        if let Some(Json::Array(types)) = object.get("type")
            && let [of, null] = &types[..]
            && null == "null"
        {
            let of = of.clone();
            object.insert("type".to_owned(), of);
        }
        if let Some(Json::Array(options)) = object.get("anyOf")
            && let [Json::Object(of), null] = &options[..]
            && null["type"] == "null"
        {
            let of = of.clone();
            object.shift_remove("anyOf");
            object.extend(of);
        }
        object.values_mut().for_each(never_null);
    }
}

fn object(properties: Map<String, Json>, required: &[&str]) -> Map<String, Json> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), Json::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    schema
}
