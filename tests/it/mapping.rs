//! Mappings: what their authors can get wrong, a small environment of our own, and the one whose data is beside the checkout.

use crate::support::{self, copy_folder, policy};
use calls::{Episode, Mode, Settings};
use evaluation::mapping::{Mapping, Source, Standing};
use procedures::policy::{self as policies, Policy};
use records::catalogue::{self, Table};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use store::fixtures::Fixtures;
use store::image::Image;
use store::{Page, Predicate, Query};
use tempfile::TempDir;
use traces::{Document, Item, Trace, format};

const POLICY: &str = "it-incident-management";

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/mapping").join(path)
}

fn loaded(source: &Source, id: &str, policy: &Policy) -> Mapping {
    Mapping::load(source, id, policy).unwrap_or_else(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{id}:\n{}", lines.join("\n"))
    })
}

fn episode(policy: Arc<Policy>, image: &Arc<Image>, mode: Mode, actor: Option<String>) -> Episode {
    Episode::on_image(policy, image, &Settings { mode, actor, ..Settings::default() }).unwrap()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

// ---- mistakes --------------------------------------------------------------------------------------------------------

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// See the head of the data file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default = "environment")]
    file: String,
    find: String,
    replace: String,
}

fn environment() -> String {
    "environment.toml".to_owned()
}

/// What is wrong with a mapping of a folder, one a line.
fn mistakes(folder: &TempDir, id: &str) -> String {
    let source = Source::Directory(folder.path().to_owned());
    let root = format!("{}/", folder.path().display());
    match Mapping::check(&source, id, &policies::Source::Embedded) {
        Ok(_) => "  nothing\n".to_owned(),
        Err(found) => found.iter().map(|mistake| format!("  {mistake}\n").replace(&root, "")).collect(),
    }
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let cases: Cases = toml::from_str(include_str!("data/mapping/mistakes.toml")).unwrap();
    let mut seen = String::new();
    for case in cases.case {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&data("harbour"), &folder.path().join("harbour"));
        let file = folder.path().join("harbour").join(&case.file);
        let before = fs::read_to_string(&file).unwrap();
        assert_eq!(before.matches(&case.find).count(), 1, "{}: {:?}", case.name, case.find);
        fs::write(&file, before.replace(&case.find, &case.replace)).unwrap();
        write!(seen, "{}\n{}", case.name, mistakes(&folder, "harbour/1")).unwrap();
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn what_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(mistakes(&folder, "desk/1"), "  desk/environment.toml:1: there is no such file, or it is not UTF-8\n");
    copy_folder(&data("harbour"), &folder.path().join("harbour"));
    assert_eq!(mistakes(&folder, "harbour/2"), "  harbour/2.toml:1: there is no such file, or it is not UTF-8\n");
}

#[test]
fn the_example_of_the_manual_is_right() {
    let manual = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mappings.md")).unwrap();
    let blocks: Vec<&str> = manual.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("night-desk")).unwrap();
    fs::write(folder.path().join("night-desk/environment.toml"), blocks[0]).unwrap();
    fs::write(folder.path().join("night-desk/1.toml"), blocks[1]).unwrap();
    assert_eq!(mistakes(&folder, "night-desk/1"), "  nothing\n");
}

#[test]
fn shipped_mappings_are_right_and_found_by_what_traces_call_them() {
    let source = Source::Embedded;
    let ids = Mapping::ids(&source);
    assert_eq!(ids, [1, 2, 3, 4, 5].map(|n| format!("it-incident-management/{n}")));
    let mut tools = 0;
    for id in &ids {
        assert_eq!(Mapping::policy_of(&source, id).as_deref(), Some(POLICY));
        let size = loaded(&source, id, &policy(POLICY)).size();
        assert_eq!((size.operations, size.tables), (55, 19));
        tools += size.tools;
        // Other policies have fewer tools, and no mapping is wrong for that.
        loaded(&source, id, &policy("incident-operations"));
    }
    assert_eq!(tools, 132);
    let of = |interface| Mapping::of(&source, "it_incident_management", interface);
    assert_eq!(of(Some("4")).as_deref(), Some("it-incident-management/4"));
    assert_eq!((of(Some("6")), of(None), Mapping::of(&source, "retail", None)), (None, None, None));
    let own = Source::Directory(data(""));
    assert_eq!(Mapping::of(&own, "harbour", None).as_deref(), Some("harbour/1"));
}

// ---- a small environment ---------------------------------------------------------------------------------------------

static HARBOUR: LazyLock<(Mapping, Arc<Image>)> = LazyLock::new(|| {
    let mapping = loaded(&Source::Directory(data("")), "harbour/1", &policy(POLICY));
    let image = rows(&mapping, &data("harbour/fixtures")).image().unwrap();
    (mapping, image)
});

fn rows(mapping: &Mapping, folder: &Path) -> Fixtures {
    mapping.fixtures(folder).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

#[test]
fn calls_are_translated_and_answered_in_the_words_of_the_environment() {
    let (mapping, image) = &*HARBOUR;
    let mut harbour = episode(policy(POLICY), image, Mode::Off, None);
    let mut seen = String::new();
    for case in support::data(include_str!("data/mapping/calls.json")).as_array().unwrap() {
        let answered = mapping.call(&mut harbour, case["tool"].as_str().unwrap(), object(&case["arguments"]));
        writeln!(seen, "{}: {} {}", case["of"].as_str().unwrap(), case["tool"], case["arguments"]).unwrap();
        if let Some((tool, arguments)) = &answered.made {
            writeln!(seen, "  {tool} {}", Value::Object(arguments.clone())).unwrap();
        }
        writeln!(seen, "  {:?} {}", answered.standing, answered.answer).unwrap();
        assert_eq!(answered.outcome.is_none(), answered.standing == Standing::UnknownTool, "{case}");
    }
    insta::assert_snapshot!(seen);
    let entries = harbour.journal().unwrap();
    let journal: Vec<(i64, &str, &str)> =
        entries.iter().map(|entry| (entry.call, entry.tool.as_str(), entry.outcome.as_str())).collect();
    assert_eq!(journal[0], (1, "look", "ok"));
    assert_eq!(entries[0].answer, r#"{"incidents":["2"]}"#);
    assert!(journal.contains(&(8, "look", "INVALID_INPUT")), "{journal:?}");
}

#[test]
fn rows_come_back_as_they_were() {
    let (mapping, image) = &*HARBOUR;
    let mut harbour = episode(policy(POLICY), image, Mode::Off, None);
    let answered = mapping.call(&mut harbour, "look", &Map::new());
    let mut written: Value =
        serde_json::from_str(&fs::read_to_string(data("harbour/fixtures/mishaps.json")).unwrap()).unwrap();
    written[1]["rto_breach"] = json!(false);
    written[1]["given_to"] = json!("nobody");
    assert_eq!(answered.answer, written);
    assert_eq!(answered.seen, [("incidents", 1), ("incidents", 2)]);
}

#[test]
fn fixtures_are_wrong_in_their_own_names() {
    let (mapping, _) = &*HARBOUR;
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&data("harbour/fixtures"), folder.path());
    let spoil = |file: &str, find: &str, replace: &str| {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(find), "{file}: {find}");
        fs::write(path, text.replacen(find, replace, 1)).unwrap();
    };
    spoil("mishaps.json", r#""seen_by": "2""#, r#""seen_by": "9""#);
    spoil("mishaps.json", r#""seen_at": "2025-09-01T00:00:00""#, r#""seen_at": "soon""#);
    spoil("crew.json", r#""mail": "ida@harbour.example""#, r#""post": "ida@harbour.example""#);
    let said = |problems: Vec<_>| problems.iter().map(ToString::to_string).collect::<Vec<String>>();
    insta::assert_snapshot!(said(mapping.fixtures(folder.path()).unwrap_err()).join("\n"));
    fs::write(folder.path().join("boats.json"), "[]").unwrap();
    let problems = said(mapping.fixtures(folder.path()).unwrap_err());
    assert_eq!(problems, [r#"boats.json: the mapping has no table "boats""#]);
}

#[test]
fn lookups_are_judged_as_the_policy_judges_its_own() {
    let (mapping, image) = &*HARBOUR;
    let look = |actor: Option<&str>, mode| {
        let mut harbour = episode(policy(POLICY), image, mode, actor.map(str::to_owned));
        let answered = mapping.call(&mut harbour, "look", &Map::new());
        (answered.answer, answered.outcome.unwrap().rule)
    };
    let (answer, rule) = look(None, Mode::Enforce);
    assert_eq!(rule.as_deref(), Some("actor.given"));
    assert!(answer["error"].as_str().unwrap().contains("UNAUTHENTICATED"), "{answer}");
    assert_eq!(look(Some("1"), Mode::Enforce).1, None);
    assert_eq!(look(None, Mode::Off).1, None);
}

#[test]
fn what_a_policy_does_not_offer_is_outside() {
    let (_, image) = &*HARBOUR;
    let other = policy("client-user-vendor");
    let mapping = loaded(&Source::Directory(data("")), "harbour/1", &other);
    let mut harbour = episode(other, image, Mode::Enforce, Some("1".to_owned()));
    let before = harbour.hash(store::canonical::Extent::Everything).unwrap();
    let answered = mapping.call(&mut harbour, "set", object(&json!({ "mishap_id": "2", "status": "closed" })));
    assert_eq!((answered.standing, answered.outcome), (Standing::Outside, None));
    assert_eq!(harbour.hash(store::canonical::Extent::Everything).unwrap(), before);
    assert_eq!(mapping.call(&mut harbour, "look", &Map::new()).standing, Standing::Made);
}

/// Where there is an index, a lookup to the letter uses it.
#[test]
fn exact_conditions_use_the_index() {
    let cases: [(&'static Table, &str, Value); 4] = [
        (&catalogue::USERS, "user_id", json!("1")),
        (&catalogue::USERS, "email", json!("ida@harbour.example")),
        (&catalogue::INCIDENTS, "client_id", json!("1")),
        (&catalogue::INCIDENTS, "category", json!("Rope")),
    ];
    let mut harbour = episode(policy(POLICY), &HARBOUR.1, Mode::Off, None);
    for (table, name, value) in cases {
        let column = table.column(name).unwrap();
        let predicates = vec![Predicate::Same(column, column.value(&value).unwrap())];
        let plan = harbour.store().plan(&Query { table, predicates, page: Page::WHOLE }).unwrap();
        assert!(plan.contains("SEARCH"), "{name}: {plan}");
    }
}

// ---- the environment beside the checkout -----------------------------------------------------------------------------

/// The calls of its sample traces.
const CALLS: usize = 167;

/// The folder of foreign data; none where this checkout has none.
fn upstream() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("INCIDENT_MCP_SHARED").map_or(beside, PathBuf::from).join("upstream");
    let there = folder.is_dir().then_some(folder);
    if there.is_none() {
        println!("skipped: there is no foreign data beside the checkout");
    }
    there
}

/// Its rows, read once a test run, and its sample traces by name.
struct Samples {
    image: Arc<Image>,
    traces: BTreeMap<String, Trace>,
}

static SAMPLES: LazyLock<Option<Samples>> = LazyLock::new(|| {
    let folder = upstream()?;
    let mapping = loaded(&Source::Embedded, "it-incident-management/1", &policy(POLICY));
    let rows = rows(&mapping, &folder.join("it_incident_management"));
    assert_eq!(rows.counts().iter().map(|(_, count)| count).sum::<usize>(), 23_294);
    let mut traces = BTreeMap::new();
    for path in fs::read_dir(folder.join("traces")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let document = format::read(&fs::read_to_string(&path).unwrap(), &name).unwrap();
        traces.insert(name, gold(&document));
    }
    assert_eq!(traces.len(), 24);
    Some(Samples { image: rows.image().unwrap(), traces })
});

/// The calls that a task's author holds to be right.
fn gold(document: &Document) -> Trace {
    match document.items.as_slice() {
        [Item::Task(task)] => task.gold.clone(),
        other => panic!("not one task: {other:?}"),
    }
}

impl Samples {
    /// Each trace with the mapping of its vocabulary under a policy.
    fn mapped<'a>(&'a self, policy: &'a Policy) -> impl Iterator<Item = (&'a str, &'a Trace, Mapping)> {
        self.traces.iter().map(|(name, trace)| {
            let settings = &trace.settings;
            let environment = settings.environment.as_deref().unwrap();
            let id = Mapping::of(&Source::Embedded, environment, settings.interface.as_deref()).unwrap();
            (name.as_str(), trace, loaded(&Source::Embedded, &id, policy))
        })
    }
}

/// Equal but for what says the same: null and absent, a day and its midnight, a trailing Z, 99 and 99.0.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.iter().filter(|(_, value)| !value.is_null());
            let mut kept: Vec<(String, Value)> = kept.map(|(name, value)| (name.clone(), canonical(value))).collect();
            kept.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(kept.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::String(text) if records::time::is_time(text) => records::time::canonical(text).into(),
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

#[test]
fn every_right_answer_of_the_samples_comes_back() {
    let Some(samples) = &*SAMPLES else { return };
    let own = policy(POLICY);
    let mut different = Vec::new();
    let mut calls = 0;
    for (name, trace, mapping) in samples.mapped(&own) {
        let mut episode = episode(own.clone(), &samples.image, Mode::Off, None);
        for (at, call) in trace.calls.iter().enumerate() {
            let answer = mapping.call(&mut episode, &call.tool, &call.arguments).answer;
            calls += 1;
            if canonical(&answer) != canonical(&call.answer.as_ref().unwrap().value) {
                different.push((name.to_owned(), at + 1));
            }
        }
    }
    let expected = support::data(include_str!("data/mapping/exceptions.json"));
    let expected: Vec<(String, usize)> = (expected.as_array().unwrap().iter())
        .map(|case| (case["trace"].as_str().unwrap().to_owned(), case["call"].as_u64().unwrap() as usize))
        .collect();
    assert_eq!(different, expected);
    assert_eq!(calls, CALLS);
}

/// The manual has every kind of difference, and how many there are.
#[test]
fn the_differences_of_the_samples_are_listed() {
    let manual = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mappings.md")).unwrap();
    let listed = support::data(include_str!("data/mapping/exceptions.json"));
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    listed.as_array().unwrap().iter().for_each(|case| *kinds.entry(case["kind"].as_str().unwrap()).or_default() += 1);
    for (kind, number) in kinds {
        let row = |line: &str| line.starts_with(&format!("| {kind} |")) && line.ends_with(&format!("| {number} |"));
        assert!(manual.lines().any(row), "{kind}: {number}");
    }
    let equal = format!("{} of {CALLS}", CALLS - listed.as_array().unwrap().len());
    assert!(manual.contains(&equal), "{equal}");
}

#[test]
fn exactly_the_calls_of_vocabulary_four_that_break_its_policy_halt() {
    let Some(samples) = &*SAMPLES else { return };
    let policy = policy("incident-operations");
    let (mut halts, mut outside) = (Vec::new(), 0);
    for (name, trace, mapping) in samples.mapped(&policy).filter(|(name, ..)| name.starts_with("i4-")) {
        let mut unread = episode(policy.clone(), &samples.image, Mode::Enforce, None);
        let actor = mapping.actor(&mut unread, &trace.calls).unwrap();
        assert!(actor.is_some() && unread.journal().unwrap().is_empty());
        let mut episode = episode(policy.clone(), &samples.image, Mode::Enforce, actor);
        for (at, call) in trace.calls.iter().enumerate() {
            let answered = mapping.call(&mut episode, &call.tool, &call.arguments);
            outside += usize::from(answered.standing == Standing::Outside);
            if let Some(halt) = answered.outcome.filter(|outcome| outcome.is_error()) {
                halts.push((name.to_owned(), at + 1, halt.answer["code"].as_str().unwrap().to_owned()));
            }
        }
    }
    let halts: Vec<(&str, usize, &str)> =
        halts.iter().map(|(name, at, code)| (name.as_str(), *at, code.as_str())).collect();
    let expected = [
        ("i4-003", 7, "ACTOR_MISMATCH"),
        ("i4-006", 6, "INVALID_INPUT"),
        ("i4-009", 8, "ROLE_NOT_ALLOWED"),
        ("i4-012", 6, "ACTOR_MISMATCH"),
    ];
    assert_eq!(halts, expected);
    assert_eq!(outside, 4);
}
