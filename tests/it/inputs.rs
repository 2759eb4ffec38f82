//! Arguments that do not fit, one fault at a time, for every argument of every tool. What they are is read from the schema
//! that is listed; what they refer to, from the action.

use crate::support::{
    actor_argument, audits, call, episode, episode_with, permitted_call, policies, policy, tables, tools, validator,
    with,
};
use calls::{Episode, Settings};
use procedures::action::input::{Input, Kind};
use procedures::policy::{Audit, Tool, Work};
use records::catalogue::{Table, USERS};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One argument of a tool, or one field of its change set.
pub(crate) struct Property {
    /// With a dot into the change set.
    pub(crate) field: String,
    pub(crate) schema: Value,
    pub(crate) required: bool,
    pub(crate) refers: Refers,
    pub(crate) is_time: bool,
    pub(crate) words: Vec<String>,
}

/// What an argument refers to.
pub(crate) enum Refers {
    Nothing,
    Row(&'static Table),
    /// The row of a table that another argument names.
    Named(&'static str),
}

pub(crate) fn properties(tool: &Tool) -> Vec<Property> {
    let mut found = Vec::new();
    let inputs = match &tool.work {
        Work::Act(act) => act.operation.inputs,
        Work::Find(_) => &[],
    };
    collect(tool, &tool.input_schema, inputs, "", &mut found);
    assert!(found.iter().any(|property| property.field == actor_argument(tool)), "{}", tool.name);
    found
}

fn collect(tool: &Tool, schema: &Map<String, Value>, inputs: &[Input], path: &str, found: &mut Vec<Property>) {
    for (name, schema_of) in schema["properties"].as_object().unwrap() {
        let input = inputs.iter().find(|input| input.name == name);
        let refers = match input.map(|input| input.kind) {
            Some(Kind::Id(table)) => Refers::Row(table),
            Some(Kind::RecordOf(entity)) => Refers::Named(entity),
            None if path.is_empty() && name == actor_argument(tool) => Refers::Row(&USERS),
            _ => Refers::Nothing,
        };
        let filters_time = matches!(tool.work, Work::Find(_)) && ["since", "until"].contains(&name.as_str());
        let listed =
            schema_of["enum"].as_array().map(|words| words.iter().map(|word| word.as_str().unwrap().to_owned()));
        let words = listed.map(Iterator::collect).or(tool.words.get(name.as_str()).map(|words| words.to_vec()));
        found.push(Property {
            field: format!("{path}{name}"),
            schema: schema_of.clone(),
            required: schema
                .get("required")
                .is_some_and(|names| names.as_array().unwrap().contains(&name.as_str().into())),
            refers,
            is_time: filters_time || matches!(input.map(|input| input.kind), Some(Kind::Timestamp | Kind::Day)),
            words: words.unwrap_or_default(),
        });
        if let Some(Kind::ChangeSet(columns)) = input.map(|input| input.kind) {
            collect(tool, schema_of.as_object().unwrap(), columns, &format!("{path}{name}."), found);
        }
    }
}

impl Property {
    pub(crate) fn is(&self, kind: &str) -> bool {
        self.schema["type"] == kind
    }

    /// The arguments with this one replaced; without it where the value is none.
    pub(crate) fn put(&self, mut arguments: Value, value: Option<Value>) -> Value {
        let (parent, name) = match self.field.split_once('.') {
            Some((parent, name)) => (&mut arguments[parent], name),
            None => (&mut arguments, self.field.as_str()),
        };
        let parent = parent.as_object_mut().unwrap();
        match value {
            Some(value) => parent.insert(name.to_owned(), value),
            None => parent.shift_remove(name),
        };
        arguments
    }
}

/// One episode a policy, in which nothing may ever be written, and what went wrong there.
pub(crate) struct Bench {
    policy: &'static str,
    episode: Episode,
    wrong: Vec<String>,
}

impl Bench {
    /// Call every tool of every policy with every fault of every argument; nothing is written and nobody is to blame.
    pub(crate) fn run(faults: impl Fn(&mut Bench, &Tool, &Value, &Property)) {
        let mut calls = 0;
        let mut wrong = Vec::new();
        for id in policies() {
            let mut bench = Bench { policy: id, episode: episode(id), wrong: Vec::new() };
            let before = tables(&mut bench.episode);
            for tool in &policy(id).tools {
                let valid = permitted_call(id, tool);
                for property in properties(tool) {
                    faults(&mut bench, tool, &valid, &property);
                }
            }
            let journal = bench.episode.journal().unwrap();
            calls += journal.len();
            let marked = journal.iter().filter(|entry| entry.changes != "[]" || entry.outcome == "FAULT");
            bench.wrong.extend(
                marked.map(|entry| format!("{id}: wrote or failed: {} {}", entry.tool, brief(&entry.arguments))),
            );
            if tables(&mut bench.episode) != before {
                bench.wrong.push(format!("{id}: the records have changed"));
            }
            wrong.extend(bench.wrong);
        }
        assert!(calls > policies().count(), "the test tests something");
        let shown: Vec<&str> = wrong.iter().take(20).map(String::as_str).collect();
        assert!(wrong.is_empty(), "{} in {calls} calls:\n{}", wrong.len(), shown.join("\n"));
    }

    /// The call halts with `INVALID_INPUT` for this one field, and the problem is as it should be.
    pub(crate) fn refuses(&mut self, tool: &Tool, arguments: Value, field: &str, fits: impl Fn(&Value) -> bool) {
        let shown = brief(&arguments.to_string());
        let outcome = call(&mut self.episode, &tool.name, arguments);
        let problems = outcome.answer.get("problems").and_then(Value::as_array).cloned().unwrap_or_default();
        let all_right = outcome.is_error()
            && outcome.answer["code"] == "INVALID_INPUT"
            && outcome.answer["rule"] == "input.schema"
            && matches!(&problems[..], [problem] if problem["field"] == field && fits(problem))
            && outcome.text.len() < 4_000;
        if !all_right {
            let answer = outcome.answer.get("problems").map_or(outcome.text.clone(), Value::to_string);
            self.wrong.push(format!("{}: {} {field}: {shown}\n  {}", self.policy, tool.name, brief(&answer)));
        }
    }
}

fn brief(text: &str) -> String {
    text.chars().take(300).collect()
}

/// Whether the problem says so.
pub(crate) fn says(part: &str) -> impl Fn(&Value) -> bool + '_ {
    move |problem| problem["problem"].as_str().unwrap().contains(part)
}

#[test]
fn a_required_argument_that_is_missing_is_named() {
    Bench::run(|bench, tool, valid, property| {
        if property.required {
            let words = property.words.len();
            bench.refuses(tool, property.put(valid.clone(), None), &property.field, |problem| {
                says("is required")(problem)
                    && problem.get("value").is_none()
                    && problem["allowed"].as_array().map_or(0, Vec::len) == words
            });
        }
    });
}

#[test]
fn a_value_of_another_type_is_refused() {
    let values = [json!(7), json!(7.5), json!("seven"), json!(true), json!([]), json!(["7"]), json!({ "id": "7" })];
    Bench::run(|bench, tool, valid, property| {
        let wanted = property.schema["type"].as_str().unwrap();
        let nested = property.field.contains('.');
        for value in &values {
            let fits = match value {
                Value::Number(number) => wanted == "number" || wanted == "integer" && number.is_i64(),
                Value::String(_) => wanted == "string",
                Value::Bool(_) => wanted == "boolean",
                Value::Object(_) => wanted == "object",
                _ => false,
            };
            // What is wrong with an item is named at the item.
            let fits = fits || wanted == "array" && value.is_array();
            if !fits {
                let arguments = property.put(valid.clone(), Some(value.clone()));
                let wanted = format!("must be of type {wanted}");
                bench.refuses(tool, arguments, &property.field, |problem| {
                    says(&wanted)(problem) && (nested || problem.get("value").is_some())
                });
            }
        }
    });
}

#[test]
fn null_is_no_way_to_leave_an_argument_out() {
    Bench::run(|bench, tool, valid, property| {
        let arguments = property.put(valid.clone(), Some(Value::Null));
        bench.refuses(tool, arguments, &property.field, says("leave an optional argument out"));
    });
}

#[test]
fn a_word_of_no_vocabulary_is_refused_with_the_words_and_the_nearest_one() {
    Bench::run(|bench, tool, valid, property| {
        let Some(word) = property.words.first() else { return };
        let words = json!(property.words);
        let mistyped = [
            (format!("{word}s"), Some(word)),
            (word.to_uppercase() + "_", Some(word)),
            (format!(" {}", word.replace('_', "-")), Some(word)),
            ("qqqqqqqqqqqqqqqqqq".to_owned(), None),
        ];
        for (given, meant) in mistyped {
            let arguments = property.put(valid.clone(), Some(given.as_str().into()));
            bench.refuses(tool, arguments, &property.field, |problem| {
                says("allowed words")(problem)
                    && problem["value"] == given.as_str()
                    && problem["allowed"] == words
                    && problem["did_you_mean"].as_str() == meant.map(String::as_str)
            });
        }
    });
}

#[test]
fn an_unknown_argument_is_refused_and_the_nearest_one_named() {
    Bench::run(|bench, tool, valid, property| {
        if property.required {
            // It would be missing as well; see the test of all problems at once.
            return;
        }
        let (parent, name) = property.field.rsplit_once('.').map_or(("", property.field.as_str()), |(a, b)| (a, b));
        let misspelt = Property { field: format!("{}x", property.field), ..nothing() };
        let mut arguments = misspelt.put(property.put(valid.clone(), None), Some(json!("x")));
        if !parent.is_empty() && arguments[parent].as_object().unwrap().len() > 1 {
            // Beside a field that is right, too.
            arguments[parent] = json!({ (format!("{name}x")): "x" });
        }
        bench.refuses(tool, arguments, &misspelt.field, |problem| {
            says("is not an argument")(problem) && problem["did_you_mean"] == name && problem["value"] == "x"
        });
        let strange = Property { field: "colour".to_owned(), ..nothing() };
        bench.refuses(tool, strange.put(valid.clone(), Some(json!(1))), "colour", |problem| {
            says("is not an argument")(problem) && problem.get("did_you_mean").is_none()
        });
    });
}

fn nothing() -> Property {
    Property {
        field: String::new(),
        schema: Value::Null,
        required: false,
        refers: Refers::Nothing,
        is_time: false,
        words: Vec::new(),
    }
}

#[test]
fn a_blank_text_is_refused() {
    Bench::run(|bench, tool, valid, property| {
        if property.is("string") {
            for blank in ["", " ", "\n\t ", "\u{a0}\u{2003}", "\u{200b}", "\u{3164}", "\u{2800}\u{feff}", "\0"] {
                let arguments = property.put(valid.clone(), Some(blank.into()));
                bench.refuses(tool, arguments, &property.field, says("is empty"));
            }
        }
    });
}

#[test]
fn a_text_over_its_limit_is_refused() {
    Bench::run(|bench, tool, valid, property| {
        let Some(most) = property.schema["maxLength"].as_u64() else { return };
        let most = usize::try_from(most).unwrap();
        // It fits the pattern of a telephone number and of an e-mail address.
        let text = format!("{}@5{}", "ä".repeat(most / 2), "ü".repeat(most - most / 2 - 1));
        let arguments = property.put(valid.clone(), Some(text.into()));
        let wanted = format!("has {} characters; at most {most}", most + 1);
        bench.refuses(tool, arguments, &property.field, says(&wanted));
    });
}

#[test]
fn a_text_at_its_limit_is_accepted() {
    for (id, tool) in tools() {
        for property in properties(tool) {
            let Some(most) = property.schema["maxLength"].as_u64() else { continue };
            let most = usize::try_from(most).unwrap();
            let text = match property.field.as_str() {
                // Names of fields, and nothing else.
                "changed_fields" => format!("{:,<most$}", "status"),
                _ => format!("{}@5{}", "ä".repeat(most / 2), "ü".repeat(most - most / 2 - 2)),
            };
            assert_eq!(text.chars().count(), most);
            let mut episode = episode(id);
            let arguments = property.put(permitted_call(id, tool), Some(text.into()));
            let outcome = call(&mut episode, &tool.name, arguments);
            assert!(!outcome.is_error(), "{id}: {} {}: {}", tool.name, property.field, outcome.text);
        }
    }
}

#[test]
fn a_text_of_a_megabyte_gets_a_short_answer() {
    let long = "7".repeat(1 << 20);
    for tool in &policy("all").tools {
        let mut episode = episode("all");
        for property in properties(tool) {
            let arguments = property.put(permitted_call("all", tool), Some(long.as_str().into()));
            let outcome = call(&mut episode, &tool.name, arguments);
            let fine = outcome.is_error() && outcome.answer.get("code").is_none_or(|code| code != "FAULT");
            assert!(fine && outcome.text.len() < 4_000, "{} {}: {}", tool.name, property.field, brief(&outcome.text));
        }
    }
}

#[test]
fn a_name_of_a_megabyte_gets_a_short_answer() {
    let name = "n".repeat(1 << 20);
    for tool in &policy("all").tools {
        let arguments = with(permitted_call("all", tool), json!({ (name.as_str()): 1 }));
        let outcome = call(&mut episode("all"), &tool.name, arguments);
        assert!(outcome.is_error() && outcome.text.len() < 4_000, "{}: {}", tool.name, brief(&outcome.text));
    }
}

/// Deeper than any text of JSON is read.
const DEPTH: usize = 300;

#[test]
fn a_value_nested_hundreds_deep_is_refused() {
    let lists = (0..DEPTH).fold(json!(1), |inner, _| json!([inner]));
    Bench::run(|bench, tool, valid, property| {
        // Under another policy the same tool would only take its time again.
        if bench.policy != "all" && policy("all").tool(&tool.name).is_some() {
            return;
        }
        // What is wrong with an item of a list is named at the item.
        if property.is("array") {
            return;
        }
        // Into a change set, by one of its texts.
        let fields = property.schema["properties"].as_object().into_iter().flatten();
        let field = fields.filter(|(_, field)| field["type"] == "string").map(|(name, _)| name.as_str()).next();
        let field = field.unwrap_or("status");
        let objects = (0..DEPTH).fold(json!(1), |inner, _| json!({ field: inner }));
        for value in [&lists, &objects] {
            if property.is("object") && value.is_object() {
                let nested = format!("{}.{field}", property.field);
                let arguments = property.put(valid.clone(), Some(value.clone()));
                bench.refuses(tool, arguments, &nested, says("must be of type string"));
            } else {
                let arguments = property.put(valid.clone(), Some(value.clone()));
                bench.refuses(tool, arguments, &property.field, says("must be of type"));
            }
        }
    });
}

#[test]
fn an_id_of_no_record_is_not_found() {
    const IDS: [&str; 14] = [
        "999999",
        "0",
        "-1",
        "+1",
        "01",
        "1.0",
        "1e0",
        " 1",
        "1 ",
        "0x1",
        "١",
        "9223372036854775808",
        "1; DROP TABLE users",
        "P1",
    ];
    Bench::run(|bench, tool, valid, property| {
        let entity = match property.refers {
            Refers::Nothing => return,
            Refers::Row(table) => table.entity,
            Refers::Named(argument) => valid[argument].as_str().unwrap(),
        };
        for id in IDS {
            let arguments = property.put(valid.clone(), Some(id.into()));
            let outcome = call(&mut bench.episode, &tool.name, arguments);
            let code = format!("{}_NOT_FOUND", entity.to_uppercase());
            let all_right = outcome.is_error()
                && outcome.answer["code"] == code
                && outcome.answer["rule"] == "input.reference"
                && outcome.answer["evidence"] == json!({ property.field.as_str(): id })
                && outcome.answer["message"].as_str().unwrap().starts_with(&format!("{}: ", property.field));
            if !all_right {
                bench.wrong.push(format!("{}: {} {} {id}: {}", bench.policy, tool.name, property.field, outcome.text));
            }
        }
    });
}

#[test]
fn a_text_that_is_no_time_is_refused() {
    const TIMES: [&str; 11] = [
        "yesterday",
        "now",
        "2025-13-01",
        "2025-02-30",
        "2025-09-25 12:00:00",
        "2025-09-25T12:00",
        "2025-09-25T25:00:00",
        "2025-09-25T12:00:00+02:00",
        "25.09.2025",
        "1758801600",
        "٢٠٢٥-٠٩-٢٥",
    ];
    let mut tested = BTreeSet::new();
    Bench::run(|bench, tool, valid, property| {
        if property.is_time {
            for time in TIMES {
                let arguments = property.put(valid.clone(), Some(time.into()));
                bench.refuses(tool, arguments, &property.field, says("must be a time such as"));
            }
        }
    });
    for (_, tool) in tools() {
        tested.extend(properties(tool).into_iter().filter(|property| property.is_time).map(|property| property.field));
    }
    let wanted = [
        "acknowledged_at",
        "change_set.acknowledged_at",
        "change_set.actual_end_time",
        "change_set.actual_start_time",
        "change_set.completed_at",
        "change_set.end_date",
        "change_set.generated_at",
        "change_set.implemented_at",
        "change_set.recorded_at",
        "change_set.resolved_at",
        "change_set.scheduled_date",
        "change_set.scheduled_end_time",
        "change_set.scheduled_start_time",
        "change_set.sent_at",
        "change_set.start_date",
        "completed_at",
        "detection_timestamp",
        "end_date",
        "implemented_at",
        "resolved_at",
        "scheduled_date",
        "scheduled_end_time",
        "scheduled_start_time",
        "since",
        "start_date",
        "timestamp",
        "until",
    ];
    assert_eq!(tested, wanted.map(str::to_owned).into());
}

#[test]
fn a_number_out_of_range_is_refused() {
    Bench::run(|bench, tool, valid, property| {
        let integer = property.is("integer");
        if !integer && !property.is("number") {
            return;
        }
        let numbers = [
            (property.schema["minimum"].as_i64().map(|least| json!(least - 1)), "must be at least"),
            (property.schema["maximum"].as_i64().map(|most| json!(most + 1)), "must be at most"),
            (property.schema["maximum"].as_i64().map(|_| json!(u64::MAX)), "must be at most"),
            (property.schema["maximum"].as_i64().map(|_| json!(1e300)), "must be at most"),
            (integer.then(|| json!(1.5)), "must be of type integer"),
        ];
        for (number, text) in numbers {
            let Some(number) = number else { continue };
            bench.refuses(tool, property.put(valid.clone(), Some(number)), &property.field, says(text));
        }
    });
}

/// JSON Schema takes 5.0 for an integer, so a client may send it for one.
#[test]
fn a_whole_number_may_be_written_with_a_point() {
    for (id, tool) in tools() {
        for property in properties(tool).iter().filter(|property| property.is("integer")) {
            let mut episode = episode(id);
            let mut answers = [json!(5), json!(5.0)].map(|number| {
                let arguments = property.put(permitted_call(id, tool), Some(number));
                let outcome = call(&mut episode, &tool.name, arguments);
                assert!(!outcome.is_error(), "{id}: {} {}: {}", tool.name, property.field, outcome.text);
                outcome.answer
            });
            for answer in &mut answers {
                for id in ["metric_id", "component_id", "subscription_id", "sla_id", "owes"] {
                    answer.shift_remove(id);
                }
            }
            assert_eq!(answers[0], answers[1], "{id}: {} {}", tool.name, property.field);
        }
    }
}

#[test]
fn an_empty_change_set_is_refused() {
    Bench::run(|bench, tool, valid, property| {
        if property.is("object") {
            let arguments = property.put(valid.clone(), Some(json!({})));
            bench.refuses(tool, arguments, &property.field, says("give at least one field"));
        }
    });
}

#[test]
fn all_problems_of_a_call_are_in_one_answer() {
    for id in policies() {
        let mut episode = episode(id);
        for tool in &policy(id).tools {
            let properties = properties(tool);
            let mut arguments = json!({ "colour": "red" });
            let mut wanted = BTreeSet::from(["colour"]);
            // Each in a different way: missing, of another type, blank, null.
            for (at, property) in properties.iter().filter(|property| !property.is("object")).enumerate() {
                let value = match at % 3 {
                    _ if property.required => None,
                    0 if property.is("string") => Some(json!(" ")),
                    1 => Some(Value::Null),
                    _ => Some(json!(if property.is("array") { json!("") } else { json!([]) })),
                };
                wanted.insert(&property.field);
                if let Some((parent, _)) = property.field.split_once('.')
                    && arguments.get(parent).is_none()
                {
                    arguments[parent] = json!({});
                }
                arguments = property.put(arguments, value);
            }
            let outcome = call(&mut episode, &tool.name, arguments);
            assert_eq!(outcome.answer["code"], "INVALID_INPUT", "{}", outcome.text);
            let problems = outcome.answer["problems"].as_array().unwrap();
            let named: Vec<&str> = problems.iter().map(|problem| problem["field"].as_str().unwrap()).collect();
            let distinct: BTreeSet<&str> = named.iter().copied().collect();
            assert_eq!(distinct, wanted, "{id}: {}", tool.name);
            assert_eq!(named.len(), distinct.len(), "{id}: {} names one twice: {}", tool.name, outcome.text);
        }
    }
}

#[test]
fn a_hopeless_call_gets_forty_problems() {
    let mut episode = episode("all");
    let arguments: Map<String, Value> = (0..1_000).map(|n| (format!("colour_{n}"), json!(n))).collect();
    let outcome = call(&mut episode, "create_incident", arguments.into());
    assert_eq!(outcome.answer["problems"].as_array().unwrap().len(), 40);
    assert_eq!(outcome.answer["more_problems"], true);
    let arguments: Map<String, Value> = (0..30).map(|n| (format!("colour_{n}"), json!(n))).collect();
    let outcome = call(&mut episode, "find_users", arguments.into());
    assert_eq!(outcome.answer["problems"].as_array().unwrap().len(), 30);
    assert!(outcome.answer.get("more_problems").is_none());
}

#[test]
fn an_unknown_tool_is_named_with_the_nearest_one() {
    for id in policies() {
        let mut episode = episode(id);
        for tool in &policy(id).tools {
            let unknown = episode.call(&format!("{}s_", tool.name), Map::new()).unwrap_err();
            let hint = format!("; did you mean {:?}?", tool.name);
            assert!(unknown.to_string().ends_with(&hint), "{id}: {unknown}");
        }
        let unknown = episode.call("delete_everything", Map::new()).unwrap_err();
        assert_eq!(unknown.to_string(), "there is no tool \"delete_everything\"");
        let unknown = episode.call(&"x".repeat(1 << 20), Map::new()).unwrap_err();
        assert!(unknown.to_string().len() < 200);
        assert!(episode.journal().unwrap().is_empty(), "{id}: nothing was run");
    }
}

#[test]
fn every_schema_is_flat_and_compiles() {
    for (id, tool) in tools() {
        let name = format!("{id}: {}", tool.name);
        let input = Value::Object((*tool.input_schema).clone());
        let output = Value::Object((*tool.output_schema).clone());
        validator(&input);
        validator(&output);
        assert_eq!(input["type"], "object", "{name}");
        assert_eq!(output["type"], "object", "{name}");
        each(&input, &mut |schema| {
            for word in ["$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "if", "patternProperties", "format"] {
                assert!(!schema.contains_key(word), "{name}: {word}");
            }
            assert!(schema["type"].is_string(), "{name}: one type: {schema:?}");
            assert_eq!(schema["type"] == "object", schema.contains_key("properties"), "{name}");
            if schema["type"] == "object" {
                assert_eq!(schema["additionalProperties"], false, "{name}");
                let properties = schema["properties"].as_object().unwrap();
                for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
                    assert!(properties.contains_key(required.as_str().unwrap()), "{name}: {required}");
                }
            }
            if let Some(default) = schema.get("default") {
                let fits = validator(&Value::Object(schema.clone())).is_valid(default);
                assert!(fits, "{name}: the default {default} does not fit");
            }
        });
        each(&output, &mut |schema| {
            for word in ["$ref", "$defs", "anyOf", "oneOf", "allOf"] {
                assert!(!schema.contains_key(word), "{name}: {word} in the output");
            }
            assert!(schema.get("type").is_none_or(Value::is_string), "{name}: a list of types in the output");
        });
    }
}

/// Visit the schema and those of its properties and items.
fn each(schema: &Value, visit: &mut impl FnMut(&Map<String, Value>)) {
    let Some(object) = schema.as_object() else { return };
    visit(object);
    let properties = object.get("properties").and_then(Value::as_object).into_iter().flatten();
    for inner in properties.map(|(_, inner)| inner).chain(object.get("items")) {
        each(inner, visit);
    }
}

/// [`call`] holds every success to the output schema; here every tool has one, however audit entries are made, and every
/// lookup has one in both views.
#[test]
fn every_success_fits_its_output_schema() {
    for (id, tool) in tools() {
        let lookup = matches!(tool.work, Work::Find(_));
        let views = match lookup {
            false => vec![json!({})],
            true => vec![json!({ "detail": "detailed", "limit": 100 }), json!({ "detail": "concise", "limit": 1 })],
        };
        for (audit, view) in audits(id).into_iter().zip(views.iter().cycle()) {
            if tool.name == "log_audit" && audit == Audit::Automatic {
                continue;
            }
            let mut episode = episode_with(id, Settings { audit: Some(audit), ..Settings::default() });
            let outcome = call(&mut episode, &tool.name, with(permitted_call(id, tool), view.clone()));
            assert!(!outcome.is_error(), "{id}: {}: {}", tool.name, outcome.text);
            match &tool.work {
                Work::Find(_) => assert_ne!(outcome.answer["count"], 0, "{id}: {} finds something", tool.name),
                Work::Act(act) => {
                    let owing = act.audit.is_some();
                    let keys = ["owes", "audit_id"].map(|key| outcome.answer.contains_key(key));
                    let wanted = [owing && audit == Audit::Explicit, owing && audit == Audit::Automatic];
                    assert!(keys == wanted || tool.name == "log_audit", "{id}: {}: {}", tool.name, outcome.text);
                }
            }
        }
    }
}

#[test]
fn whatever_a_call_refers_to_can_be_looked_up() {
    for (id, tool) in tools() {
        for property in properties(tool) {
            let Refers::Row(table) = property.refers else { continue };
            assert!(
                policy(id).finder(table).is_some(),
                "{id}: {} needs {}, but no tool finds {}",
                tool.name,
                property.field,
                table.plural
            );
        }
    }
}
