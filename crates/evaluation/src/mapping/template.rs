//! Answers as data: a JSON value whose texts have holes, `{name}`.

use serde_json::{Map, Value as Json};

/// A value with holes. A text that is one hole and nothing else becomes the value, of whatever type; in a longer text it is
/// written out.
#[derive(Clone, Debug)]
pub(super) enum Template {
    Plain(Json),
    Hole(String),
    Text(Vec<Part>),
    Object(Vec<(String, Template)>),
    List(Vec<Template>),
}

/// A part of a text.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Plain(String),
    Hole(String),
}

impl Template {
    /// Read a template; none where a brace of a text has no other.
    pub fn parse(json: &Json) -> Option<Template> {
        Some(match json {
            Json::String(text) => {
                let parts = parts(text)?;
                match parts.as_slice() {
                    [Part::Hole(name)] => Template::Hole(name.clone()),
                    _ if parts.iter().any(|part| matches!(part, Part::Hole(_))) => Template::Text(parts),
                    _ => Template::Plain(json.clone()),
                }
            }
            Json::Object(object) => {
                let entry = |(name, value): (&String, _)| Some((name.clone(), Template::parse(value)?));
                Template::Object(object.iter().map(entry).collect::<Option<_>>()?)
            }
            Json::Array(items) => Template::List(items.iter().map(Template::parse).collect::<Option<_>>()?),
            plain => Template::Plain(plain.clone()),
        })
    }

    /// The names of its holes.
    pub fn holes(&self) -> Vec<&str> {
        match self {
            Template::Plain(_) => Vec::new(),
            Template::Hole(name) => vec![name],
            Template::Text(parts) => parts.iter().filter_map(Part::hole).collect(),
            Template::Object(entries) => entries.iter().flat_map(|(_, value)| value.holes()).collect(),
            Template::List(items) => items.iter().flat_map(Template::holes).collect(),
        }
    }

    /// The value with its holes filled.
    pub fn render(&self, value: &dyn Fn(&str) -> Json) -> Json {
        match self {
            Template::Plain(json) => json.clone(),
            Template::Hole(name) => value(name),
            Template::Text(parts) => parts.iter().map(|part| part.render(value)).collect::<String>().into(),
            Template::Object(entries) => {
                let entries = entries.iter().map(|(name, of)| (name.clone(), of.render(value)));
                Json::Object(entries.collect::<Map<_, _>>())
            }
            Template::List(items) => items.iter().map(|item| item.render(value)).collect(),
        }
    }
}

impl Part {
    fn hole(&self) -> Option<&str> {
        match self {
            Part::Hole(name) => Some(name),
            Part::Plain(_) => None,
        }
    }

    fn render(&self, value: &dyn Fn(&str) -> Json) -> String {
        match self {
            Part::Plain(text) => text.clone(),
            Part::Hole(name) => match value(name) {
                Json::String(text) => text,
                other => other.to_string(),
            },
        }
    }
}

fn parts(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('{') {
        let (name, after) = from.split_once('}')?;
        if !before.is_empty() {
            parts.push(Part::Plain(before.to_owned()));
        }
        parts.push(Part::Hole(name.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Plain(rest.to_owned()));
    }
    (!parts.iter().any(|part| matches!(part, Part::Plain(text) if text.contains('}')))).then_some(parts)
}
