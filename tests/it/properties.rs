//! What holds whatever is called: sequences of calls with plausible and broken arguments, made from the listed schemas.

use crate::support;
use calls::{Episode, Mode, Settings};
use procedures::policy::{Audit, Policy, Tool, Work};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use records::catalogue::TABLES;
use serde_json::{Map, Value, json};
use store::canonical::Extent;
use store::{Page, Query, Row};

/// A tool and its arguments.
pub type Made = (String, Map<String, Value>);

// ---- what is called --------------------------------------------------------------------------------------------------

/// Sequences of calls of a policy's tools, writes more often than lookups.
fn calls(policy: &Policy, most: usize) -> BoxedStrategy<Vec<Made>> {
    prop::collection::vec(call(policy), 1..most).boxed()
}

/// One such call.
pub fn call(policy: &Policy) -> BoxedStrategy<Made> {
    let tools = policy.tools.iter().map(|tool| {
        let weight = if matches!(tool.work, Work::Act(_)) { 3 } else { 1 };
        let name = tool.name.clone();
        (weight, arguments(tool).prop_map(move |arguments| (name.clone(), arguments)).boxed())
    });
    Union::new_weighted(tools.collect()).boxed()
}

fn arguments(tool: &Tool) -> BoxedStrategy<Map<String, Value>> {
    let listed = object(tool, &tool.input_schema, support::actor_argument(tool));
    let unknown = prop_oneof![24 => Just(None), 1 => broken().prop_map(Some)];
    let made = (listed, unknown).prop_map(|(mut arguments, unknown)| {
        arguments.extend(unknown.map(|value| ("surprise".to_owned(), value)));
        arguments
    });
    made.boxed()
}

fn object(tool: &Tool, schema: &Map<String, Value>, actor: &str) -> BoxedStrategy<Map<String, Value>> {
    let required = schema.get("required").and_then(Value::as_array);
    let properties = schema["properties"].as_object().unwrap().iter().map(|(name, schema)| {
        let often = match required.is_some_and(|names| names.contains(&name.as_str().into())) {
            true => 0.98,
            false if name == actor => 0.7,
            false => 0.3,
        };
        let value = prop_oneof![30 => plausible(tool, name, schema, actor), 1 => broken()];
        let name = name.clone();
        prop::option::weighted(often, value).prop_map(move |value| value.map(|value| (name.clone(), value))).boxed()
    });
    let properties: Vec<_> = properties.collect();
    properties.prop_map(|pairs| pairs.into_iter().flatten().collect()).boxed()
}

/// A value of the kind that the argument asks for; references mostly to what is there.
fn plausible(tool: &Tool, name: &str, schema: &Value, actor: &str) -> BoxedStrategy<Value> {
    let words = |words: Vec<Value>| select(words).boxed();
    if let Some(listed) = schema["enum"].as_array() {
        return words(listed.clone());
    }
    if let Some(known) = tool.words.get(name) {
        return words(known.iter().map(|word| word.as_str().into()).collect());
    }
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    match schema["type"].as_str() {
        Some("object") => object(tool, schema.as_object().unwrap(), "").prop_map(Value::Object).boxed(),
        Some("boolean") => any::<bool>().prop_map(Value::Bool).boxed(),
        Some("integer") => (1..100_i64).prop_map(Value::from).boxed(),
        _ if name == actor => select(vec!["6", "6", "1", "12", "20", "25", "31", "41", "45", "35", "11", "42"])
            .prop_map(Value::from)
            .boxed(),
        _ if ends(&["_at", "timestamp", "_date", "since", "until"]) => times().prop_map(Value::from).boxed(),
        _ if ends(&["_id", "_user", "cursor"]) => (1..34_i64).prop_map(|id| id.to_string().into()).boxed(),
        _ if ends(&["email"]) => select(vec![
            "office@calderwray.example",
            " NEW@new.example",
            "new@new.example",
            "amara.osei@harbourlight.example",
        ])
        .prop_map(Value::from)
        .boxed(),
        _ if ends(&["phone"]) => select(vec!["+1-555-0100", "15550100", "+1 (555) 0199"]).prop_map(Value::from).boxed(),
        _ => text().prop_map(Value::from).boxed(),
    }
}

fn times() -> impl Strategy<Value = String> {
    let times = [
        "2025-09-25T12:00:00",
        "2025-09-25T12:00:00Z",
        "2025-09-25",
        "2025-09-25T12:00:00.5",
        "2025-09-01T08:30:00",
        "2024-02-29",
        "2025-09-25T12:00:01",
        "2030-01-01",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59.999999999",
    ];
    select(times.to_vec()).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "Network",
        "repair",
        "CA-4410-7725",
        "Copperline Networks",
        "{incident.title}",
        "'; DROP TABLE users; --",
        "%",
    ]);
    prop_oneof![3 => "[a-zA-Z ,.'-]{1,30}", 1 => "\\PC{1,40}", 1 => known.prop_map(str::to_owned)]
}

/// A value that most arguments do not take.
fn broken() -> impl Strategy<Value = Value> {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!([]),
        json!({}),
        json!([["x"]]),
        json!({ "status": "open" }),
        json!(""),
        json!("  "),
        json!("0"),
        json!("01"),
        json!("999"),
        json!("-1"),
        json!("1.0"),
        json!("9223372036854775807"),
        json!("9223372036854775808"),
        json!("\u{0}"),
        json!("a\u{0}b"),
        json!("x".repeat(10_001)),
        json!("galaxy"),
        json!("2025-13-01"),
        json!("2025-09-25 12:00:00"),
        json!("2025-09-25T12:00:00+02:00"),
        json!("١٢"),
        json!("\u{202e}"),
    ];
    select(values.to_vec())
}

/// Settings of an episode.
pub fn settings() -> impl Strategy<Value = Settings> {
    let mode = prop_oneof![4 => Just(Mode::Enforce), 2 => Just(Mode::Observe), 1 => Just(Mode::Off)];
    let audit = prop_oneof![2 => Just(None), 1 => Just(Some(Audit::Automatic)), 1 => Just(Some(Audit::None))];
    let actor = prop_oneof![3 => Just(None), 1 => Just(Some("6")), 1 => Just(Some("1")), 1 => Just(Some("45"))];
    (mode, audit, actor).prop_map(|(mode, audit, actor)| Settings {
        mode,
        audit,
        actor: actor.map(str::to_owned),
        clock: None,
    })
}

// ---- what holds ------------------------------------------------------------------------------------------------------

/// The checks that need the whole episode.
fn sound(episode: &mut Episode) {
    assert_eq!(episode.store().integrity().unwrap(), Vec::<String>::new());
    let tx = episode.store().transaction().unwrap();
    for table in TABLES {
        let page = Page { after: 0, limit: u32::MAX };
        let rows = tx.find(&Query { table, predicates: Vec::new(), page }).unwrap();
        let keys: Vec<i64> = rows.iter().map(Row::key).collect();
        assert!(gapless(&keys), "{}: {keys:?}", table.name);
    }
}

fn gapless(keys: &[i64]) -> bool {
    keys.iter().zip(1..).all(|(key, at)| *key == at)
}

/// Whether types or references alone refuse the call, whatever the policy says.
fn refused_in_every_mode(code: &str) -> bool {
    code == "INVALID_INPUT" || code == "UNAUTHENTICATED" || code.ends_with("_NOT_FOUND")
}

/// Make the calls, check each of them, and return the answers.
fn run(policy_id: &str, settings: &Settings, calls: &[Made], thorough: bool) -> (Vec<String>, Episode) {
    let mut episode = support::episode_with(policy_id, settings.clone());
    let policy = support::policy(policy_id);
    let mut answers = Vec::new();
    let mut before = episode.hash(Extent::Everything).unwrap();
    let mut duties = episode.obligations().unwrap();
    for (tool, arguments) in calls {
        // `support::call` checks that the text is the answer and that a success fits its schema.
        let outcome = support::call(&mut episode, tool, Value::Object(arguments.clone()));
        answers.push(outcome.text.clone());
        if !thorough {
            continue;
        }
        let (after, owed) = (episode.hash(Extent::Everything).unwrap(), episode.obligations().unwrap());
        if outcome.is_error() {
            let code = outcome.answer["code"].as_str().unwrap();
            assert_ne!(code, "FAULT", "{tool} {arguments:?}");
            assert!(policy.halts.contains_key(code) || code.ends_with("_NOT_FOUND"), "{code} is declared");
            assert!(settings.mode == Mode::Enforce || refused_in_every_mode(code), "{tool}: {code}");
            for part in ["message", "rule", "clause", "remedy"] {
                assert!(outcome.answer[part].as_str().is_some_and(|text| !text.is_empty()), "{part}: {}", outcome.text);
            }
            assert!(policy.clause(outcome.answer["clause"].as_str().unwrap()).is_some(), "{}", outcome.text);
            assert!(outcome.text.len() < 20_000, "{tool}: a halt of {} bytes", outcome.text.len());
            assert_eq!(after, before, "{tool}: a halt changes nothing: {}", outcome.text);
            assert_eq!(owed, duties, "{tool}: a halt owes and pays nothing");
        }
        (before, duties) = (after, owed);
    }
    (answers, episode)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn whatever_is_called_the_state_stays_sound(settings in settings(), calls in calls(&support::policy("all"), 24)) {
        let (answers, mut episode) = run("all", &settings, &calls, true);
        sound(&mut episode);
        let journal = episode.journal().unwrap();
        prop_assert_eq!(journal.len(), calls.len());
        for (at, (entry, (tool, arguments))) in journal.iter().zip(&calls).enumerate() {
            prop_assert_eq!(entry.call, at as i64 + 1);
            prop_assert_eq!(&entry.tool, tool);
            prop_assert_eq!(&entry.answer, &answers[at]);
            prop_assert_eq!(&entry.arguments, &Value::Object(arguments.clone()).to_string());
            for text in [&entry.violations, &entry.changes] {
                prop_assert!(serde_json::from_str::<Value>(text).is_ok());
            }
        }
        // The same calls again: the same answers to the byte, the same state, the same journal.
        let (again, mut other) = run("all", &settings, &calls, false);
        prop_assert_eq!(again, answers);
        prop_assert_eq!(other.hash(Extent::Everything).unwrap(), episode.hash(Extent::Everything).unwrap());
        prop_assert_eq!(other.journal().unwrap(), journal);
    }

    #[test]
    fn the_smaller_policies_are_as_sound(
        settings in settings(),
        (id, calls) in select(support::policies().collect::<Vec<_>>())
            .prop_flat_map(|id| (Just(id), calls(&support::policy(id), 16))),
    ) {
        let (_, mut episode) = run(id, &settings, &calls, true);
        sound(&mut episode);
    }

    /// Up to the first call that a rule halts, the three modes agree; then observe journals that very halt.
    #[test]
    fn the_modes_differ_by_the_rules_alone(calls in calls(&support::policy("all"), 12)) {
        let [mut enforce, mut observe, mut off] = [Mode::Enforce, Mode::Observe, Mode::Off]
            .map(|mode| support::episode_with("all", Settings { mode, ..Settings::default() }));
        for (tool, arguments) in calls {
            let [enforced, observed, free] = [&mut enforce, &mut observe, &mut off]
                .map(|episode| support::call(episode, &tool, Value::Object(arguments.clone())));
            let violations = observe.journal().unwrap().pop().unwrap().violations;
            let violations: Vec<Value> = serde_json::from_str(&violations).unwrap();
            let by_rule = enforced.is_error() && enforced.answer["rule"] != "input.schema" && enforced.answer["rule"] != "input.reference";
            if !by_rule {
                prop_assert_eq!(&observed.text, &enforced.text);
                prop_assert_eq!(&free.text, &enforced.text);
                prop_assert!(violations.is_empty());
                continue;
            }
            prop_assert_eq!(&violations[0], &Value::Object(enforced.answer));
            break;
        }
    }
}
