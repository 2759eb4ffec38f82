//! What the tests share: policies, episodes over the shipped fixtures, calls, and the state that calls leave.

use incident_mcp::episode::{Episode, Outcome, Settings};
use incident_mcp::policy::{self, Policy, Source};
use incident_mcp::store::canonical::{self, Extent};
use incident_mcp::store::fixtures::Fixtures;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

static POLICIES: LazyLock<BTreeMap<String, Arc<Policy>>> = LazyLock::new(|| {
    let source = Source::Embedded;
    let load = |id: String| match policy::load(&source, &id) {
        Ok(policy) => (id, Arc::new(policy)),
        Err(mistakes) => {
            let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            panic!("policy {id}:\n{}", mistakes.join("\n"));
        }
    };
    policy::ids(&source).into_iter().map(load).collect()
});

static FIXTURES: LazyLock<Fixtures> = LazyLock::new(|| {
    Fixtures::shipped(&|_| None).unwrap_or_else(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("fixtures:\n{}", problems.join("\n"));
    })
});

/// The ids of the policies that are served.
pub fn policies() -> impl Iterator<Item = &'static str> {
    POLICIES.keys().map(String::as_str)
}

/// A shipped policy, loaded once a test run.
pub fn policy(id: &str) -> Arc<Policy> {
    POLICIES[id].clone()
}

/// The shipped fixtures, read once a test run.
pub fn fixtures() -> &'static Fixtures {
    &FIXTURES
}

/// A fresh episode of that policy over the shipped fixtures, with no session user.
pub fn episode(policy_id: &str) -> Episode {
    episode_with(policy_id, Settings::default())
}

/// The same with settings.
pub fn episode_with(policy_id: &str, settings: Settings) -> Episode {
    Episode::in_memory(policy(policy_id), fixtures(), &settings).unwrap()
}

/// Settings with a session user.
pub fn acting(user: &str) -> Settings {
    Settings { actor: Some(user.to_owned()), ..Settings::default() }
}

/// Call a tool that the policy has.
pub fn call(episode: &mut Episode, tool: &str, arguments: Value) -> Outcome {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object: {arguments}") };
    episode.call(tool, arguments).unwrap_or_else(|unknown| panic!("{unknown}"))
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
    let duties = episode.obligations().unwrap().into_iter().map(|duty| {
        json!([duty.call, duty.action, duty.entity_type, duty.entity_id, duty.paid_by])
    });
    let duties: Value = duties.collect();
    let tx = episode.store().transaction().unwrap();
    let dump = canonical::dump(&tx, Extent::Everything).unwrap();
    let mut tables: BTreeMap<_, Value> =
        dump.into_iter().map(|(name, rows)| (name, rows.into_iter().map(Value::Object).collect())).collect();
    tables.insert("obligations", duties);
    tables
}

/// The answer of a call that went through.
#[track_caller]
pub fn success(outcome: &Outcome) -> Value {
    assert!(!outcome.is_error, "halted: {}", outcome.text);
    Value::Object(outcome.answer.clone())
}

/// The answer of a call that halted with that code.
#[track_caller]
pub fn halt(outcome: &Outcome, code: &str) -> Value {
    assert!(outcome.is_error, "went through: {}", outcome.text);
    assert_eq!(outcome.answer["code"], code, "{}", outcome.text);
    assert_eq!(outcome.answer["halt"], true, "{}", outcome.text);
    Value::Object(outcome.answer.clone())
}
