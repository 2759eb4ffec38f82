//! Messages with holes.

use super::{Expression, Facts, Mistake, Scope, View, check};
use serde_json::Value as Json;
use std::fmt;

/// A message with `{path}` in place of values.
#[derive(Clone, Debug)]
pub struct Template {
    /// Text, and the path whose value follows it.
    parts: Vec<(String, Option<String>)>,
    paths: Vec<String>,
}

impl Template {
    /// Parses `text` and checks that each hole is a path that can be shown, with the names of `scope` and what `facts`
    /// tell where the message is.
    pub fn check(text: &str, scope: &Scope, facts: &Facts) -> Result<Template, Vec<Mistake>> {
        let (mut parts, mut paths, mut mistakes) = (vec![], vec![], vec![]);
        let (mut rest, mut offset) = (text, 0);
        loop {
            let end = rest.find(['{', '}']).unwrap_or(rest.len());
            let (plain, hole) = rest.split_at(end);
            offset += end;
            let Some((path, after)) = hole.strip_prefix('{').and_then(|hole| hole.split_once('}')) else {
                if !hole.is_empty() {
                    mistakes.push(Mistake { message: "holes are written as {path}".to_owned(), offset });
                }
                parts.push((plain.to_owned(), None));
                break;
            };
            let found = match Expression::parse(path) {
                Ok(hole) if hole.path.as_deref() == Some(path) => check::hidden(&hole.tree, scope, &facts.0),
                _ => vec![format!("`{path}` is no path")],
            };
            mistakes.extend(found.into_iter().map(|message| Mistake { message, offset }));
            parts.push((plain.to_owned(), Some(path.to_owned())));
            paths.push(path.to_owned());
            offset += path.len() + 2;
            rest = after;
        }
        if mistakes.is_empty() { Ok(Template { parts, paths }) } else { Err(mistakes) }
    }
    /// The dotted paths that it shows.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
    /// The message with the values of `view`.
    pub fn render(&self, view: &View) -> String {
        let mut message = String::new();
        for (text, path) in &self.parts {
            message.push_str(text);
            if let Some(path) = path {
                message.push_str(&shown(&view.get(path)));
            }
        }
        message
    }
}

/// As it was written.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (text, path) in &self.parts {
            f.write_str(text)?;
            if let Some(path) = path {
                write!(f, "{{{path}}}")?;
            }
        }
        Ok(())
    }
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        // A message that ends in nothing would look cut off.
        Json::Array(items) if items.is_empty() => "none".to_owned(),
        Json::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
