//! What the tests share: policies, episodes over the shipped fixtures, calls, and the state that calls leave.

pub mod evaluation;

use calls::{Episode, Outcome, Settings};
use jsonschema::Validator;
use procedures::policy::{self, Audit, Policy, Source, Tool, Work};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use store::canonical::{self, Extent};
use store::fixtures::Fixtures;
use store::image::Image;

static POLICIES: LazyLock<BTreeMap<String, Arc<Policy>>> = LazyLock::new(|| {
    let source = Source::Embedded;
    let load = |id: String| match policy::load(&source, &id) {
        Ok(policy) => (id, Arc::new(policy)),
        Err(mistakes) => panic!("policy {id}:\n{}", lines(&mistakes)),
    };
    policy::ids(&source).into_iter().map(load).collect()
});

static FIXTURES: LazyLock<Fixtures> =
    LazyLock::new(|| Fixtures::shipped(&|_| None).unwrap_or_else(|problems| panic!("fixtures:\n{}", lines(&problems))));

static IMAGE: LazyLock<Arc<Image>> = LazyLock::new(|| FIXTURES.image().unwrap());

fn lines<T: ToString>(found: &[T]) -> String {
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The ids of the policies that are served.
pub fn policies() -> impl Iterator<Item = &'static str> {
    POLICIES.keys().map(String::as_str)
}

/// The ways in which audit entries can be made under a policy: the agent needs a tool for it.
pub fn audits(id: &str) -> Vec<Audit> {
    let possible = |audit: &Audit| *audit != Audit::Explicit || policy(id).audit_tool().is_some();
    Audit::NAMES.map(|(_, audit)| audit).into_iter().filter(possible).collect()
}

/// A shipped policy, loaded once a test run.
pub fn policy(id: &str) -> Arc<Policy> {
    POLICIES[id].clone()
}

/// The shipped fixtures, read once a test run.
pub fn fixtures() -> &'static Fixtures {
    &FIXTURES
}

/// The image of the shipped fixtures, which all episodes of a test run share.
pub fn image() -> &'static Arc<Image> {
    &IMAGE
}

/// Every tool of every policy, with the policy's id.
pub fn tools() -> impl Iterator<Item = (&'static str, &'static Tool)> {
    POLICIES.iter().flat_map(|(id, policy)| policy.tools.iter().map(|tool| (id.as_str(), tool)))
}

/// A fresh episode of that policy over the shipped fixtures, with no session user.
pub fn episode(policy_id: &str) -> Episode {
    episode_with(policy_id, Settings::default())
}

/// The same with settings.
pub fn episode_with(policy_id: &str, settings: Settings) -> Episode {
    Episode::on_image(policy(policy_id), &IMAGE, &settings).unwrap()
}

/// Settings with a session user.
pub fn acting(user: &str) -> Settings {
    Settings { actor: Some(user.to_owned()), ..Settings::default() }
}

/// Call a tool that the policy has. Whatever the test is about, an answer is what it promised to be: text and structure
/// agree, and a success fits the tool's output schema.
#[track_caller]
pub fn call(episode: &mut Episode, tool: &str, arguments: Value) -> Outcome {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object: {arguments}") };
    let policy = episode.policy().clone();
    let outcome = episode.call(tool, arguments).unwrap_or_else(|unknown| panic!("{unknown}"));
    let answer = Value::Object(outcome.answer.clone());
    assert_eq!(serde_json::from_str::<Value>(&outcome.text).unwrap(), answer, "{tool}: the text");
    if !outcome.is_error() {
        let mut told = answer.clone();
        // Where the clock moves the listed schema names it; the policy's own does not.
        if episode.clock().pace.moves() {
            assert!(told.as_object_mut().unwrap().remove("now").is_some(), "{tool} does not tell the time");
        }
        let misfits: Vec<String> = (output_validator(&policy, tool).iter_errors(&told))
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(misfits.is_empty(), "{tool}: {misfits:?}\n{}", outcome.text);
    }
    outcome
}

fn output_validator(policy: &Policy, tool: &str) -> Arc<Validator> {
    static VALIDATORS: Mutex<BTreeMap<(String, String), Arc<Validator>>> = Mutex::new(BTreeMap::new());
    let mut validators = VALIDATORS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let entry = validators.entry((policy.id.clone(), tool.to_owned())).or_insert_with(|| {
        // As strict as a careful client: every field of an answer is one that the schema names.
        let schema = closed(Value::Object((*policy.tool(tool).unwrap().output_schema).clone()));
        Arc::new(validator(&schema))
    });
    entry.clone()
}

/// The schema with no room for properties that it does not name, wherever it names any.
pub fn closed(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(object) => {
            for value in object.values_mut() {
                *value = closed(value.take());
            }
            if object.get("properties").is_some_and(Value::is_object) && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), false.into());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = closed(item.take());
            }
        }
        _ => {}
    }
    schema
}

/// A compiled schema.
pub fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
    options.build(schema).unwrap_or_else(|error| panic!("{error}: {schema}"))
}

/// The arguments with some replaced or added; `null` takes one out.
pub fn with(mut arguments: Value, changes: Value) -> Value {
    let (Some(all), Value::Object(changes)) = (arguments.as_object_mut(), changes) else {
        panic!("arguments and changes are objects")
    };
    for (name, value) in changes {
        match value {
            Value::Null => drop(all.shift_remove(&name)),
            value => drop(all.insert(name, value)),
        }
    }
    arguments
}

/// Everything that the episode holds but the journal: the rows of all tables, and the duties.
pub fn tables(episode: &mut Episode) -> BTreeMap<&'static str, Value> {
    let duties = episode
        .obligations()
        .unwrap()
        .into_iter()
        .map(|duty| json!([duty.call, duty.action, duty.entity_type, duty.entity_id, duty.paid_by]));
    let duties: Value = duties.collect();
    let tx = episode.store().transaction().unwrap();
    let dump = canonical::dump(&tx, Extent::Everything).unwrap();
    let rows = |rows: Vec<Map<String, Value>>| rows.into_iter().map(Value::Object).collect();
    let mut tables: BTreeMap<_, Value> = dump.into_iter().map(|(name, found)| (name, rows(found))).collect();
    tables.insert("obligations", duties);
    tables
}

/// The answer of a call that went through.
#[track_caller]
pub fn success(outcome: &Outcome) -> Value {
    assert!(!outcome.is_error(), "halted: {}", outcome.text);
    Value::Object(outcome.answer.clone())
}

/// The answer of a call that halted with that code.
#[track_caller]
pub fn halt(outcome: &Outcome, code: &str) -> Value {
    assert!(outcome.is_error(), "went through: {}", outcome.text);
    assert_eq!(outcome.answer["code"], code, "{}", outcome.text);
    assert_eq!(outcome.answer["halt"], true, "{}", outcome.text);
    Value::Object(outcome.answer.clone())
}

/// One person of each role and status.
pub struct Person {
    pub role: &'static str,
    pub active: &'static str,
    pub on_leave: &'static str,
    pub inactive: &'static str,
}

/// All seven roles. The active ones may do with [`valid_call`] whatever their role may do: those who are bound to a
/// client or vendor are bound to the one that these calls concern.
pub const PEOPLE: [Person; 7] = [
    Person { role: "incident_manager", active: "6", on_leave: "10", inactive: "11" },
    Person { role: "technical_support", active: "12", on_leave: "18", inactive: "19" },
    Person { role: "account_manager", active: "25", on_leave: "29", inactive: "30" },
    Person { role: "executive", active: "20", on_leave: "23", inactive: "24" },
    Person { role: "vendor_contact", active: "31", on_leave: "38", inactive: "37" },
    Person { role: "system_administrator", active: "1", on_leave: "4", inactive: "5" },
    Person { role: "client_contact", active: "42", on_leave: "43", inactive: "51" },
];

/// Arguments with which the tool succeeds, but for the acting user's.
pub fn valid_call(policy_id: &str, tool: &Tool) -> Value {
    static CALLS: LazyLock<Value> = LazyLock::new(|| data(include_str!("data/calls.json")));
    let Work::Act(act) = &tool.work else { return json!({}) };
    let name = act.operation.name;
    let differs =
        |entry: &&Value| entry["tool"] == name && entry["policies"].as_array().unwrap().contains(&policy_id.into());
    let call = CALLS["calls"][name].clone();
    assert!(call.is_object(), "data/calls.json has no call of {name}");
    match CALLS["differences"].as_array().unwrap().iter().find(differs) {
        Some(entry) => with(call, entry["changes"].clone()),
        None => call,
    }
}

/// The argument that names the acting user.
pub fn actor_argument(tool: &Tool) -> &'static str {
    match &tool.work {
        Work::Act(act) => act.operation.actor,
        Work::Find(_) => "acting_user",
    }
}

/// An active user who may call the tool.
pub fn someone_who_may(tool: &Tool) -> &'static str {
    let roles = match &tool.work {
        Work::Act(act) => act.roles.as_deref(),
        Work::Find(_) => None,
    };
    let may = |person: &&Person| roles.is_none_or(|roles| roles.iter().any(|role| role == person.role));
    PEOPLE.iter().find(may).map(|person| person.active).unwrap()
}

/// [`valid_call`] by somebody who may.
pub fn permitted_call(policy_id: &str, tool: &Tool) -> Value {
    with(valid_call(policy_id, tool), json!({ actor_argument(tool): someone_who_may(tool) }))
}

/// A JSON data file.
pub fn data(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Copy a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}
