//! Live episodes below HTTP: the cap and the time-to-live, turns in order, copies, and the state directory.

use crate::policies::Copy;
use crate::support::{fixtures, permitted_call, policy, tables, with};
use calls::{CallError, Episode, Outcome, Settings, StartError};
use procedures::policy::Source;
use serde_json::{Map, Value, json};
use server::registry::{
    DEFAULT, DEFAULT_FIXTURES, Durable, Limits, Live, LiveError, Registry, RegistryError, Setup, Spec,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::canonical::Extent;
use store::{Entry, Obligation};

/// A registry over the shipped policies and fixtures.
pub async fn registry(limits: Limits) -> Arc<Registry> {
    Registry::open(setup(limits, None)).await.unwrap()
}

pub fn setup(limits: Limits, durable: Option<Durable>) -> Setup {
    let fixtures = BTreeMap::from([(DEFAULT_FIXTURES.to_owned(), fixtures().clone())]);
    Setup { source: Source::Embedded, fixtures, defaults: Spec::default(), limits, durable, recorder: None }
}

pub fn named(id: &str) -> Spec {
    Spec { id: Some(id.to_owned()), ..Spec::default() }
}

/// A note on an open incident, which writes one row.
pub fn note(text: &str) -> Map<String, Value> {
    object(with(permitted("add_incident_update"), json!({ "note": text })))
}

/// Arguments with which a tool of `all` succeeds.
pub fn permitted(tool: &str) -> Value {
    permitted_call("all", policy("all").tool(tool).unwrap())
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other}"),
    }
}

/// Add a note, and nothing goes wrong.
pub async fn add(live: &Arc<Live>, text: &str) -> Outcome {
    let outcome = live.call(live.queue(), "add_incident_update", note(text), None).await.unwrap();
    assert!(!outcome.is_error(), "{}", outcome.text);
    outcome
}

/// All calls of an episode, and the duties that they left.
pub async fn journal(live: &Live) -> (Vec<Entry>, Vec<Obligation>) {
    let page = live.journal(0, usize::MAX).await.unwrap();
    assert_eq!(page.next, None);
    (page.calls, page.obligations)
}

/// The notes that the journal has, in order.
async fn notes(live: &Live) -> Vec<String> {
    let (calls, _) = journal(live).await;
    let note = |arguments: &str| serde_json::from_str::<Value>(arguments).unwrap()["note"].as_str().unwrap().to_owned();
    calls.iter().map(|entry| note(&entry.arguments)).collect()
}

async fn hash(live: &Live) -> String {
    live.hash(Extent::Result).await.unwrap().state
}

#[track_caller]
fn refused<T>(result: Result<T, RegistryError>) -> RegistryError {
    result.err().expect("it is refused")
}

// ---- the cap and the time-to-live ------------------------------------------------------------------------------------

#[tokio::test]
async fn the_cap_counts_all_but_the_default_episode() {
    let registry = registry(Limits { episodes: 2, ttl: None, ..Limits::default() }).await;
    registry.default_episode().await.unwrap();
    registry.create(named("a")).await.unwrap();
    registry.create(named("b")).await.unwrap();
    assert!(matches!(refused(registry.create(named("c")).await), RegistryError::Full(2)));
    assert!(matches!(refused(registry.fork("a", None, None).await), RegistryError::Full(2)));
    // A name that is in use is said to be, full or not.
    assert!(matches!(refused(registry.create(named("a")).await), RegistryError::Taken(name) if name == "a"));
    assert_eq!(registry.count(), 3);
    registry.close("a").await.unwrap();
    registry.create(named("c")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_episode_ends_when_it_was_not_called_for_its_time() {
    let registry = registry(Limits { episodes: 9, ttl: Some(Duration::from_secs(60)), ..Limits::default() }).await;
    registry.default_episode().await.unwrap();
    let idle = registry.create(named("idle")).await.unwrap();
    let busy = registry.create(named("busy")).await.unwrap();
    let own = registry.create(Spec { ttl_seconds: Some(600), ..named("own") }).await.unwrap();
    registry.create(Spec { ttl_seconds: Some(0), ..named("for-ever") }).await.unwrap();
    assert_eq!((idle.description().ttl_seconds, own.description().ttl_seconds), (60, 600));

    tokio::time::advance(Duration::from_secs(50)).await;
    assert!(registry.sweep().await.is_empty());
    add(&busy, "still at work").await;
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(registry.sweep().await, ["idle"]);
    assert!(idle.ended().is_cancelled());
    assert!(matches!(refused(registry.get("idle")), RegistryError::Ended(_)));
    assert!(matches!(refused(registry.get("nobody")), RegistryError::NotFound(_)));
    assert!(matches!(refused(idle.reset().await), RegistryError::Ended(_)));

    tokio::time::advance(Duration::from_secs(600)).await;
    let mut swept = registry.sweep().await;
    swept.sort();
    assert_eq!(swept, ["busy", "own"]);
    tokio::time::advance(Duration::from_secs(86_400)).await;
    assert!(registry.sweep().await.is_empty());
    let left: Vec<String> = registry.list("", 9).iter().map(|live| live.id().to_owned()).collect();
    assert_eq!(left, [DEFAULT, "for-ever"]);
    // The name is free again.
    registry.create(named("idle")).await.unwrap();
    assert!(registry.get("idle").is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_episode_at_work_does_not_expire() {
    let registry = registry(Limits { episodes: 9, ttl: Some(Duration::from_secs(60)), ..Limits::default() }).await;
    let live = registry.create(named("a")).await.unwrap();
    let turn = live.turn().await.unwrap();
    tokio::time::advance(Duration::from_secs(90)).await;
    assert!(registry.sweep().await.is_empty());
    drop(turn);
    assert_eq!(registry.sweep().await, ["a"]);
}

#[tokio::test]
async fn the_default_episode_is_one_and_stays() {
    let registry = registry(Limits::default()).await;
    let first = registry.default_episode().await.unwrap();
    assert!(Arc::ptr_eq(&first, &registry.default_episode().await.unwrap()));
    assert_eq!(first.description().ttl_seconds, 0);
    assert!(matches!(refused(registry.close(DEFAULT).await), RegistryError::Permanent));
    // A copy of it lives as long as any other.
    assert_eq!(registry.fork(DEFAULT, None, None).await.unwrap().description().ttl_seconds, 3_600);
}

#[tokio::test]
async fn what_cannot_begin_leaves_nothing() {
    let registry = registry(Limits::default()).await;
    let with = |change: fn(&mut Spec)| {
        let mut spec = Spec::default();
        change(&mut spec);
        registry.create(spec)
    };
    let error = refused(with(|spec| spec.policy = Some("al".to_owned())).await).to_string();
    assert!(error.starts_with(r#"there is no policy "al"; did you mean "all"?"#), "{error}");
    let error = refused(with(|spec| spec.fixtures = Some("defualt".to_owned())).await).to_string();
    assert_eq!(error, r#"there are no fixtures "defualt"; did you mean "default"?; available: default"#);
    let error = refused(with(|spec| spec.actor = Some("nobody@nowhere.example".to_owned())).await);
    assert!(matches!(error, RegistryError::Start(StartError::NoSuchUser(_))), "{error}");
    for name in ["", ".hidden", "a/b", "a b", "ä", &"x".repeat(129)] {
        assert!(matches!(refused(registry.create(named(name)).await), RegistryError::Name(_)), "{name:?}");
    }
    assert_eq!(registry.count(), 0);
    // The longest name, and each kind of character.
    registry.create(named(&format!("aZ9-_.{}", "x".repeat(122)))).await.unwrap();
}

// ---- turns -----------------------------------------------------------------------------------------------------------

/// Places are taken one after the other, each on a thread of its own; the calls are then begun in another order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_run_in_the_order_in_which_places_were_taken() {
    const CALLS: usize = 200;
    let registry = registry(Limits::default()).await;
    let live = registry.create(named("a")).await.unwrap();
    let turn = live.turn().await.unwrap();
    let mut places = Vec::new();
    for number in 0..CALLS {
        let live = live.clone();
        let place = std::thread::spawn(move || live.queue()).join().unwrap();
        assert!(place.must_wait());
        places.push((number, place));
    }
    let calls: Vec<_> = places
        .into_iter()
        .rev()
        .map(|(number, place)| {
            let live = live.clone();
            tokio::spawn(async move {
                let arguments = note(&number.to_string());
                live.call(place, "add_incident_update", arguments, None).await.unwrap().is_error()
            })
        })
        .collect();
    drop(turn);
    for call in calls {
        assert!(!call.await.unwrap());
    }
    let expected: Vec<String> = (0..CALLS).map(|number| number.to_string()).collect();
    assert_eq!(notes(&live).await, expected);
}

#[tokio::test]
async fn a_place_that_is_dropped_is_given_up() {
    let registry = registry(Limits::default()).await;
    let live = registry.create(named("a")).await.unwrap();
    let turn = live.turn().await.unwrap();
    let (first, second, third) = (live.queue(), live.queue(), live.queue());
    drop(second);
    drop(turn);
    live.call(first, "add_incident_update", note("first"), None).await.unwrap();
    live.call(third, "add_incident_update", note("third"), None).await.unwrap();
    assert_eq!(notes(&live).await, ["first", "third"]);
    // A turn that came before anybody waited for it is given up too.
    drop(live.queue());
    assert!(!live.queue().must_wait());
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_does_not_run() {
    let registry = registry(Limits::default()).await;
    let live = registry.create(named("a")).await.unwrap();
    let turn = live.turn().await.unwrap();
    let mut call = Box::pin(live.call(live.queue(), "add_incident_update", note("given up"), None));
    assert!(futures::poll!(call.as_mut()).is_pending());
    drop(call);
    drop(turn);
    assert!(notes(&live).await.is_empty());
}

#[tokio::test]
async fn closing_answers_what_came_before_and_nothing_after() {
    let registry = registry(Limits::default()).await;
    let live = registry.create(named("a")).await.unwrap();
    let turn = live.turn().await.unwrap();
    let before = live.call(live.queue(), "add_incident_update", note("before"), None);
    let closing = registry.close("a");
    tokio::pin!(closing);
    assert!(futures::poll!(closing.as_mut()).is_pending());
    let after = live.call(live.queue(), "add_incident_update", note("after"), None);
    drop(turn);
    let (before, summary, after) = tokio::join!(before, closing, after);
    assert!(!before.unwrap().is_error());
    assert_eq!(summary.unwrap().calls, 1);
    assert!(matches!(after, Err(LiveError::Ended(_))));
    assert!(matches!(refused(registry.close("a").await), RegistryError::Ended(_)));
}

#[tokio::test]
async fn a_repeated_key_gets_the_first_answer_and_writes_nothing() {
    let registry = registry(Limits::default()).await;
    let live = registry.create(named("a")).await.unwrap();
    let call = |text: &'static str| live.call(live.queue(), "add_incident_update", note(text), Some("k-1"));
    let first = call("once").await.unwrap();
    let state = hash(&live).await;
    let again = call("once").await.unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!((&again.answer, &again.text, again.is_error()), (&first.answer, &first.text, first.is_error()));
    let other = call("another").await;
    assert!(matches!(other, Err(LiveError::Call(CallError::KeyTaken { .. }))), "{other:?}");
    assert_eq!((notes(&live).await, hash(&live).await), (vec!["once".to_owned()], state));
    // The key is the episode's own.
    let other = registry.create(named("b")).await.unwrap();
    assert!(!other.call(other.queue(), "add_incident_update", note("x"), Some("k-1")).await.unwrap().repeated);
}

// ---- copies ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_fork_begins_where_the_other_is_and_goes_its_own_way() {
    let registry = registry(Limits::default()).await;
    let first = registry.create(Spec { actor: Some("6".to_owned()), ..named("a") }).await.unwrap();
    add(&first, "shared").await;
    let fork = registry.fork("a", Some("b"), Some(7)).await.unwrap();
    assert_eq!(fork.description().ttl_seconds, 7);
    assert_eq!((fork.description().actor.as_deref(), fork.id()), (Some("6"), "b"));
    assert_eq!(hash(&fork).await, hash(&first).await);
    let tables_of = async |live: &Live| tables(live.turn().await.unwrap().episode_mut());
    assert_eq!(tables_of(&fork).await, tables_of(&first).await);

    let before = tables_of(&first).await;
    add(&fork, "only in b").await;
    assert_eq!(tables_of(&first).await, before);
    add(&first, "only in a").await;
    assert_eq!(notes(&first).await, ["shared", "only in a"]);
    assert_eq!(notes(&fork).await, ["shared", "only in b"]);
    let found = fork.since_episode(&first, Extent::Result).await.unwrap();
    let cells: Vec<_> =
        found.iter().map(|cell| (cell.table, &*cell.column, cell.before.clone(), cell.after.clone())).collect();
    assert!(cells.contains(&("incident_updates", "note", json!("only in a"), json!("only in b"))), "{cells:?}");
    // The first may end; the copy goes on.
    registry.close("a").await.unwrap();
    add(&fork, "alone").await;
}

#[tokio::test]
async fn comparing_two_episodes_both_ways_at_once_ends() {
    let registry = registry(Limits::default()).await;
    let (a, b) = (registry.create(named("a")).await.unwrap(), registry.create(named("b")).await.unwrap());
    add(&a, "x").await;
    let (there, back) = tokio::join!(a.since_episode(&b, Extent::Result), b.since_episode(&a, Extent::Result));
    let turned: Vec<_> =
        back.unwrap().into_iter().map(|cell| (cell.key, cell.column, cell.after, cell.before)).collect();
    let there: Vec<_> =
        there.unwrap().into_iter().map(|cell| (cell.key, cell.column, cell.before, cell.after)).collect();
    assert!(!there.is_empty());
    assert_eq!(there, turned);
    assert!(a.since_episode(&a, Extent::Everything).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_episode_goes_back_to_a_checkpoint_and_to_its_beginning_with_its_journal() {
    let registry = registry(Limits::default()).await;
    let live = registry.create(named("a")).await.unwrap();
    let beginning = hash(&live).await;
    add(&live, "one").await;
    let kept = hash(&live).await;
    assert_eq!(live.checkpoint(None).await.unwrap(), "1");
    assert_eq!(live.checkpoint(Some("mine")).await.unwrap(), "mine");
    add(&live, "two").await;
    assert_eq!(live.checkpoint(None).await.unwrap(), "2");
    assert_eq!(live.checkpoints().await.unwrap(), ["1", "2", "mine"]);

    for _ in 0..2 {
        // The checkpoint stays.
        live.restore("mine").await.unwrap();
        assert_eq!((hash(&live).await, notes(&live).await), (kept.clone(), vec!["one".to_owned()]));
        assert!(live.since_checkpoint("1", Extent::Everything).await.unwrap().is_empty());
        add(&live, "another two").await;
        assert!(!live.since_checkpoint("mine", Extent::Result).await.unwrap().is_empty());
    }
    // A checkpoint of that name is replaced.
    live.checkpoint(Some("mine")).await.unwrap();
    live.reset().await.unwrap();
    assert_eq!((hash(&live).await, notes(&live).await.len()), (beginning, 0));
    assert!(live.since_image(Extent::Everything).await.unwrap().is_empty());
    live.restore("mine").await.unwrap();
    assert_eq!(notes(&live).await, ["one", "another two"]);

    live.drop_checkpoint("1").await.unwrap();
    let error = refused(live.restore("1").await).to_string();
    assert_eq!(error, r#"the episode has no checkpoint "1"; it has: 2, mine"#);
    assert!(matches!(refused(live.drop_checkpoint("1").await), RegistryError::NoCheckpoint { .. }));
    // The least number that is free.
    assert_eq!(live.checkpoint(None).await.unwrap(), "1");
}

#[tokio::test]
async fn checkpoints_are_limited() {
    let registry = registry(Limits::default()).await;
    let live = registry.create(named("a")).await.unwrap();
    for _ in 0..server::registry::CHECKPOINTS {
        live.checkpoint(None).await.unwrap();
    }
    assert!(matches!(refused(live.checkpoint(None).await), RegistryError::Checkpoints));
    live.checkpoint(Some("7")).await.unwrap();
}

#[tokio::test]
async fn a_state_in_its_own_file_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let episode = Episode::in_file(policy("all"), fixtures(), &Settings::default(), &folder.path().join("s"));
    let live = Live::alone(episode.unwrap(), None);
    for error in [
        refused(live.reset().await),
        refused(live.checkpoint(None).await.map(drop)),
        refused(live.since_image(Extent::Result).await.map(drop)),
    ] {
        assert!(matches!(error, RegistryError::OwnFile), "{error}");
    }
}

// ---- the state directory ---------------------------------------------------------------------------------------------

/// Open a directory whose last user has just ended: its thread may need a moment to let go of it.
fn open(directory: &Path) -> Durable {
    loop {
        match Durable::open(directory) {
            Ok(durable) => return durable,
            Err(_) => std::thread::yield_now(),
        }
    }
}

async fn durable(directory: &Path) -> Arc<Registry> {
    Registry::open(setup(Limits::default(), Some(open(directory)))).await.unwrap()
}

#[tokio::test]
async fn a_state_directory_holds_episodes_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let (state, kept, at_checkpoint, description);
    {
        let registry = durable(folder.path()).await;
        let live = registry.create(Spec { actor: Some("6".to_owned()), ..named("a") }).await.unwrap();
        add(&live, "one").await;
        live.checkpoint(Some("early")).await.unwrap();
        live.checkpoint(Some("gone")).await.unwrap();
        live.drop_checkpoint("gone").await.unwrap();
        at_checkpoint = hash(&live).await;
        let call = live.call(live.queue(), "add_incident_update", note("keyed"), Some("k")).await.unwrap();
        assert!(!call.is_error());
        (state, kept, description) = (hash(&live).await, journal(&live).await, live.description().clone());

        let reset = registry.create(named("reset")).await.unwrap();
        add(&reset, "forgotten").await;
        reset.reset().await.unwrap();
        let restored = registry.fork("a", Some("restored"), None).await.unwrap();
        restored.checkpoint(Some("c")).await.unwrap();
        add(&restored, "forgotten").await;
        restored.restore("c").await.unwrap();
        registry.create(named("closed")).await.unwrap();
        registry.close("closed").await.unwrap();
    }
    let registry = durable(folder.path()).await;
    let ids: Vec<String> = registry.list("", 9).iter().map(|live| live.id().to_owned()).collect();
    assert_eq!(ids, ["a", "reset", "restored"]);
    let live = registry.get("a").unwrap();
    assert_eq!((hash(&live).await, journal(&live).await), (state.clone(), kept));
    assert_eq!(*live.description(), description);
    assert_eq!(hash(&registry.get("restored").unwrap()).await, state);
    assert!(registry.get("reset").unwrap().since_image(Extent::Everything).await.unwrap().is_empty());
    // Keys outlive the process.
    assert!(live.call(live.queue(), "add_incident_update", note("keyed"), Some("k")).await.unwrap().repeated);
    assert_eq!(live.checkpoints().await.unwrap(), ["early"]);
    live.restore("early").await.unwrap();
    assert_eq!((hash(&live).await, notes(&live).await), (at_checkpoint, vec!["one".to_owned()]));
}

#[tokio::test]
async fn a_state_directory_of_another_edition_of_the_policy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let copy = Copy::new();
    let open = |durable| Registry::open(Setup { source: copy.source(), ..setup(Limits::default(), Some(durable)) });
    open(self::open(folder.path())).await.unwrap().create(named("a")).await.unwrap();
    let text = copy.read("all/policy.md");
    copy.write("all/policy.md", &format!("{text}\nOne more sentence.\n"));
    let error = refused(open(self::open(folder.path())).await);
    assert!(
        matches!(error, RegistryError::Start(StartError::OtherState { name: "policy fingerprint", .. })),
        "{error}"
    );
}

#[tokio::test]
async fn a_state_directory_that_is_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let registry = durable(folder.path()).await;
    assert!(Durable::open(folder.path()).is_err());
    registry.create(named("a")).await.unwrap();
}
