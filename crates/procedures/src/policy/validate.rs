//! Arguments against the very schema that was listed: every fault found in one pass, with what would be accepted.

use super::beyond::NO_EMAIL;
use super::{Tool, Work, times};
use crate::halt::Problem;
use jsonschema::error::{TypeKind, ValidationErrorKind as Wrong};
use jsonschema::{ValidationError, Validator};
use records::suggest::nearest;
use records::text::is_blank;
use serde_json::{Map, Value as Json};
use std::sync::LazyLock;
use store::fixtures::{brief, brief_text};

/// Most problems that one answer lists; the first faults of a hopeless call say enough.
pub const MOST: usize = 40;

impl Tool {
    /// The arguments with defaults filled in, or what is wrong with them: [`MOST`] problems and one more, which tells that
    /// there are more.
    ///
    /// What is looked at is bounded by what is answered, not by what was sent: see [`Tool::cut`].
    pub fn validate(&self, arguments: Map<String, Json>) -> Result<Map<String, Json>, Vec<Problem>> {
        self.validate_but(arguments, &|_| false)
    }

    /// The same, but what is wrong with a field that passes is let pass.
    pub fn validate_but(
        &self,
        mut arguments: Map<String, Json>,
        passes: &dyn Fn(&str) -> bool,
    ) -> Result<Map<String, Json>, Vec<Problem>> {
        let validator = self.validator.get_or_init(|| compile(&self.input_schema));
        self.cut(&mut arguments, "");
        let arguments = Json::Object(arguments);
        let mut problems = Vec::new();
        match validator {
            Some(validator) if validator.is_valid(&arguments) => {}
            Some(validator) => {
                for error in validator.iter_errors(&arguments) {
                    problems.extend(self.problems(&error, &arguments));
                }
            }
            // A schema of ours that does not compile would be a fault; a test compiles them all.
            None => problems.push(problem("", None, "this tool's schema cannot be compiled".to_owned())),
        }
        let Json::Object(mut arguments) = arguments else { return Err(problems) };
        self.beyond(&arguments, &mut problems);
        problems.retain(|problem| !passes(&problem.field));
        if !problems.is_empty() {
            problems.truncate(MOST + 1);
            return Err(problems);
        }
        self.whole(&mut arguments, "");
        for (name, default) in &self.defaults {
            if !arguments.contains_key(name) {
                arguments.insert(name.clone(), default.clone());
            }
        }
        if let Work::Act(act) = &self.work {
            times::canonical(act.operation.inputs, &mut arguments);
        }
        Ok(arguments)
    }

    /// Drop what no answer would come to: of the arguments that the tool does not have, and of the items of a list, all but
    /// one more than an answer shows.
    fn cut(&self, arguments: &mut Map<String, Json>, path: &str) {
        let properties = self.properties(path);
        let of = |name: &str, kind: &str| properties.get(name).is_some_and(|known| known["type"] == kind);
        let mut unknown = 0;
        arguments.retain(|name, _| {
            let known = properties.contains_key(name);
            unknown += usize::from(!known);
            known || unknown <= MOST + 1
        });
        for (name, value) in arguments {
            match value {
                Json::Object(set) if path.is_empty() && of(name, "object") => self.cut(set, name),
                Json::Array(items) if of(name, "array") => items.truncate(MOST + 1),
                _ => {}
            }
        }
    }

    /// JSON Schema takes 5.0 for an integer; what comes after takes 5.
    fn whole(&self, arguments: &mut Map<String, Json>, path: &str) {
        let properties = self.properties(path);
        for (name, value) in arguments {
            match value {
                Json::Object(set) => self.whole(set, name),
                value => {
                    let integer = properties.get(name).is_some_and(|of| of["type"] == "integer");
                    if let Some(n) = value.as_f64().filter(|_| integer && value.is_f64()) {
                        *value = (n as i64).into();
                    }
                }
            }
        }
    }

    /// Every problem that one fault of the schema stands for.
    fn problems(&self, error: &ValidationError<'_>, arguments: &Json) -> Vec<Problem> {
        let path = error.instance_path().as_str().trim_start_matches('/').replace('/', ".");
        let value = error.instance().as_ref();
        match error.kind() {
            Wrong::AdditionalProperties { unexpected } => {
                let known = self.properties(&path);
                let names = known.keys().map(String::as_str);
                let unexpected = unexpected.iter().map(|name| {
                    let field = join(&path, name);
                    let listed: Vec<&str> = names.clone().collect();
                    let text = format!("is not an argument; there are {}", listed.join(", "));
                    let given = at(arguments, &path).and_then(|object| object.get(name));
                    let mut problem = problem(&brief_text(&field), given, text);
                    // A name that is given already is not what was meant.
                    let present = |known: &&str| at(arguments, &path).is_none_or(|o| o.get(*known).is_none());
                    problem.did_you_mean = nearest(name, names.clone().filter(present)).map(str::to_owned);
                    problem
                });
                unexpected.collect()
            }
            Wrong::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let schema = self.properties(&path).get(name);
                let about = schema.and_then(|schema| schema["description"].as_str());
                let text = match about {
                    Some(about) => format!("is required: {}", lower_first(about)),
                    None => "is required".to_owned(),
                };
                let mut problem = problem(&join(&path, name), None, text);
                problem.allowed = schema.map(words).unwrap_or_default();
                vec![problem]
            }
            // That it is no text is said already.
            Wrong::Enum { .. } if !value.is_string() => Vec::new(),
            kind => {
                let mut problem = problem(&path, Some(value), describe(kind, value));
                if let Wrong::Type { .. } = kind {
                    let (parent, name) = path.rsplit_once('.').unwrap_or(("", &path));
                    problem.allowed = self.properties(parent).get(name).map(words).unwrap_or_default();
                }
                if let Wrong::Enum { options } = kind {
                    problem.allowed = options.as_array().cloned().unwrap_or_default();
                    let words = problem.allowed.iter().filter_map(Json::as_str);
                    problem.did_you_mean = value.as_str().and_then(|given| nearest(given, words)).map(str::to_owned);
                }
                vec![problem]
            }
        }
    }

    /// The properties of the object at that path: the tool's own, or those of a nested object.
    fn properties(&self, path: &str) -> &Map<String, Json> {
        static NONE: LazyLock<Map<String, Json>> = LazyLock::new(Map::new);
        let root = self.input_schema.get("properties").and_then(Json::as_object);
        let nested = match path {
            "" => root,
            path => root.and_then(|root| root.get(path)?.get("properties")?.as_object()),
        };
        nested.unwrap_or(&NONE)
    }
}

pub(super) const NO_WORD: &str = "is not one of the allowed words";

fn compile(schema: &Map<String, Json>) -> Option<Validator> {
    let schema = Json::Object(schema.clone());
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema).ok()
}

pub(super) fn problem(field: &str, value: Option<&Json>, problem: String) -> Problem {
    Problem { field: field.to_owned(), value: value.map(shown), problem, allowed: Vec::new(), did_you_mean: None }
}

/// The value as an answer repeats it: itself if short, else the beginning of its text.
fn shown(value: &Json) -> Json {
    const SHORT: usize = 80;
    match value {
        Json::String(text) if text.chars().count() <= SHORT => value.clone(),
        Json::String(_) | Json::Array(_) | Json::Object(_) => brief(value).into(),
        _ => value.clone(),
    }
}

pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn at<'a>(arguments: &'a Json, path: &str) -> Option<&'a Json> {
    if path.is_empty() { Some(arguments) } else { arguments.get(path) }
}

fn words(schema: &Json) -> Vec<Json> {
    schema["enum"].as_array().cloned().unwrap_or_default()
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

fn describe(kind: &Wrong, value: &Json) -> String {
    match kind {
        Wrong::Type { .. } if value.is_null() => "is null; leave an optional argument out instead".to_owned(),
        Wrong::Type { kind: TypeKind::Single(wanted) } => {
            let example = match (wanted.to_string().as_str(), value) {
                ("string", Json::Number(n)) => format!(", such as \"{n}\""),
                _ => String::new(),
            };
            format!("must be of type {wanted}{example}")
        }
        _ if value.as_str().is_some_and(is_blank) => "is empty".to_owned(),
        Wrong::Enum { .. } => NO_WORD.to_owned(),
        // The only pattern there is.
        Wrong::Pattern { .. } => NO_EMAIL.to_owned(),
        Wrong::MaxLength { limit } => {
            let length = value.as_str().map_or(0, |text| text.chars().count());
            format!("has {length} characters; at most {limit} are accepted")
        }
        Wrong::Minimum { limit } => format!("must be at least {limit}"),
        Wrong::Maximum { limit } => format!("must be at most {limit}"),
        Wrong::MinProperties { .. } => "is empty: give at least one field to change".to_owned(),
        other => format!("breaks the schema's {}", other.keyword()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{self, Source};
    use serde_json::json;

    /// However much was sent, what is looked at is what could be answered and one more.
    #[test]
    fn no_more_is_looked_at_than_is_answered() {
        let policy = policy::load(&Source::Embedded, "all").unwrap_or_else(|_| unreachable!());
        let many = |n: usize| (0..n).map(|n| (format!("argument{n}"), json!(""))).collect::<Map<_, _>>();
        for (name, sets) in [("find_clients", false), ("update_incident", true)] {
            let Some(tool) = policy.tool(name) else { unreachable!() };
            let known = tool.properties("").len();
            for sent in [MOST, MOST + 1, 280_000] {
                let mut arguments = many(sent);
                arguments.insert("acting_user".to_owned(), json!("6"));
                if sets {
                    let mut set = many(sent);
                    set.insert("clear".to_owned(), (0..sent).map(|n| json!(n.to_string())).collect());
                    arguments.insert("change_set".to_owned(), set.into());
                }
                let mut cut = arguments.clone();
                tool.cut(&mut cut, "");
                assert!(cut.len() <= known + MOST + 1, "{name}: {}", cut.len());
                assert!(cut.contains_key("acting_user"), "what the tool has is looked at in any case");
                if sets {
                    assert_eq!(cut["change_set"].as_object().map(Map::len), Some(MOST.max(sent.min(MOST + 1)) + 1));
                    assert_eq!(cut["change_set"]["clear"].as_array().map(Vec::len), Some(sent.min(MOST + 1)));
                }
                let problems = tool.validate(arguments).map_or_else(|problems| problems.len(), |_| 0);
                assert_eq!(problems > MOST, sent > MOST || sets, "{name}: {sent}");
                assert!(problems <= MOST + 1);
            }
        }
    }
}
