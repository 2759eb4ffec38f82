//! Clocks that move: who moves them, what tells the time, and what carries it along.

use crate::policies::Copy;
use crate::registry::{add, journal, named, object, registry, setup};
use crate::support::{acting, call, episode_with, fixtures, policy, success};
use calls::{Episode, Settings, StartError, StuckError, Summary};
use procedures::policy::{self, Clock, Pace};
use serde_json::{Value, json};
use server::registry::{Durable, Limits, Live, RegistryError, Spec};
use std::path::Path;
use std::sync::Arc;
use store::canonical::Extent;

const START: &str = "2025-09-25T12:00:00";

fn stepped() -> Settings {
    let clock = Clock { start: START.to_owned(), pace: Pace::Stepped };
    Settings { clock: Some(clock), ..acting("6") }
}

fn note(text: &str) -> Value {
    json!({ "incident_id": "27", "note": text })
}

fn live_spec(name: &str) -> Spec {
    Spec { clock: Some(START.to_owned()), clock_kind: Some(Pace::Stepped), actor: Some("6".to_owned()), ..named(name) }
}

async fn now(live: &Live) -> Option<String> {
    live.summary().await.unwrap().now
}

async fn hash(live: &Live) -> String {
    live.hash(Extent::Result).await.unwrap().state
}

#[test]
fn every_answer_tells_the_time_where_it_passes() {
    let mut episode = episode_with("all", stepped());
    let first = success(&call(&mut episode, "add_incident_update", note("One.")));
    assert_eq!(first["now"], START);
    let before = episode.hash(Extent::Everything).unwrap();
    assert_eq!(episode.advance("PT2H").unwrap(), "2025-09-25T14:00:00");
    assert_eq!(episode.hash(Extent::Everything).unwrap(), before, "the time is no part of the hash");
    let answers = [
        call(&mut episode, "add_incident_update", note("Two.")),
        call(&mut episode, "find_incident_updates", json!({ "incident_id": "27", "detail": "detailed", "limit": 100 })),
        call(&mut episode, "add_incident_update", json!({})),
        call(&mut episode, "log_metric", json!({ "incident_id": "27" })),
    ];
    for answer in &answers {
        assert_eq!(answer.answer["now"], "2025-09-25T14:00:00", "{}", answer.text);
    }
    // Rows are dated by it, and so is each entry of the journal.
    let rows = answers[1].answer["incident_updates"].as_array().unwrap();
    let dates: Vec<&str> = rows.iter().rev().take(2).map(|row| row["created_at"].as_str().unwrap()).collect();
    assert_eq!(dates, ["2025-09-25T14:00:00", START]);
    let times: Vec<String> = episode.journal().unwrap().into_iter().map(|entry| entry.now.unwrap()).collect();
    assert_eq!(times[0], START);
    assert!(times[1..].iter().all(|time| time == "2025-09-25T14:00:00"), "{times:?}");
    let marks = episode.advances(0).unwrap();
    assert_eq!(marks.iter().map(|mark| (mark.after, mark.by.as_deref())).collect::<Vec<_>>(), [(1, Some("PT2H"))]);
}

#[test]
fn a_clock_that_stands_still_is_told_by_nobody_and_moved_by_nobody() {
    let mut episode = episode_with("all", acting("6"));
    let answer = success(&call(&mut episode, "add_incident_update", note("One.")));
    assert!(answer.get("now").is_none());
    assert!(matches!(episode.advance("PT2H"), Err(StuckError::Fixed)));
    assert!(matches!(episode.summary().unwrap(), Summary { now: None, .. }));
    let entries = episode.journal().unwrap();
    assert_eq!(entries[0].now.as_ref(), Some(&policy("all").clock.start));
    assert_eq!(entries[0].edition.as_ref(), Some(&policy("all").fingerprint));
}

#[test]
fn a_clock_goes_forward_only_and_not_beyond_its_end() {
    let mut episode = episode_with("all", stepped());
    for by in ["PT0S", "-PT2H", "P0D"] {
        assert!(matches!(episode.advance(by), Err(StuckError::NotForward(_))), "{by}");
    }
    for by in ["", "two hours", "2h", "PT", "2025-09-26", &"P1D".repeat(100)] {
        assert!(matches!(episode.advance(by), Err(StuckError::NoDuration(_))), "{by}");
    }
    for by in ["P8000Y", "PT999999999999999999H"] {
        assert!(matches!(episode.advance(by), Err(StuckError::Beyond(_))), "{by}");
    }
    assert_eq!(episode.advances(0).unwrap(), [], "nothing was moved");
    assert_eq!(episode.now(), START);
    assert_eq!(episode.advance("P7974Y").unwrap(), "9999-09-25T12:00:00");
    assert!(matches!(episode.advance("P1Y"), Err(StuckError::Beyond(_))));
    let answer = success(&call(&mut episode, "add_incident_update", note("Late.")));
    assert_eq!(answer["now"], "9999-09-25T12:00:00");
}

#[tokio::test]
async fn forks_checkpoints_and_resets_carry_the_clock() {
    let registry = registry(Limits::default()).await;
    let live = registry.create(live_spec("a")).await.unwrap();
    live.advance("PT2H").await.unwrap();
    add(&live, "one").await;
    live.checkpoint(Some("two-hours")).await.unwrap();
    let fork = registry.fork("a", Some("b"), None).await.unwrap();
    assert_eq!(live.advance("P1D").await.unwrap(), "2025-09-26T14:00:00");
    assert_eq!(now(&fork).await.as_deref(), Some("2025-09-25T14:00:00"));
    assert_eq!(fork.advance("PT1H").await.unwrap(), "2025-09-25T15:00:00");
    assert_eq!(now(&live).await.as_deref(), Some("2025-09-26T14:00:00"));
    live.restore("two-hours").await.unwrap();
    assert_eq!(now(&live).await.as_deref(), Some("2025-09-25T14:00:00"));
    assert_eq!(live.advance("PT1S").await.unwrap(), "2025-09-25T14:00:01");
    live.reset().await.unwrap();
    assert_eq!(now(&live).await.as_deref(), Some(START));
    assert_eq!(live.advance("PT1S").await.unwrap(), "2025-09-25T12:00:01");
    let page = live.journal(0, 10).await.unwrap();
    assert_eq!((page.calls.len(), page.advances.len()), (0, 1), "a reset begins a new journal");
}

#[tokio::test]
async fn an_advance_takes_its_turn_among_the_calls() {
    let registry = registry(Limits::default()).await;
    let live = registry.create(live_spec("a")).await.unwrap();
    // Places are taken in this order, and while the first is held nothing runs.
    let held = live.turn().await.unwrap();
    let before = live.queue();
    let moved = tokio::spawn({
        let live = live.clone();
        async move { live.advance("PT2H").await }
    });
    tokio::task::yield_now().await;
    let after = live.queue();
    drop(held);
    let arguments = || object(json!({ "incident_id": "27", "note": "Seen." }));
    let first = live.call(before, "add_incident_update", arguments(), None).await.unwrap();
    let second = live.call(after, "add_incident_update", arguments(), None).await.unwrap();
    assert_eq!((&first.answer["now"], &second.answer["now"]), (&json!(START), &json!("2025-09-25T14:00:00")));
    assert_eq!(moved.await.unwrap().unwrap(), "2025-09-25T14:00:00");
}

#[tokio::test]
async fn an_episode_that_has_ended_or_whose_clock_stands_still_is_not_moved() {
    let registry = registry(Limits::default()).await;
    let still = registry.create(named("still")).await.unwrap();
    assert!(matches!(still.advance("PT2H").await, Err(RegistryError::Stuck(StuckError::Fixed))));
    let live = registry.create(live_spec("a")).await.unwrap();
    registry.close("a").await.unwrap();
    assert!(matches!(live.advance("PT2H").await, Err(RegistryError::Ended(_))));
    let wrong = Spec { clock: Some("noon".to_owned()), ..named("b") };
    assert!(matches!(registry.create(wrong).await, Err(RegistryError::NoTime(_))));
}

async fn open(directory: &Path) -> Arc<server::registry::Registry> {
    server::registry::Registry::open(setup(Limits::default(), Some(Durable::open(directory).unwrap()))).await.unwrap()
}

#[tokio::test]
async fn a_state_directory_keeps_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let before = {
        let registry = open(folder.path()).await;
        let live = registry.create(live_spec("a")).await.unwrap();
        live.advance("PT2H").await.unwrap();
        add(&live, "one").await;
        live.checkpoint(Some("early")).await.unwrap();
        live.advance("PT30M").await.unwrap();
        let before = (now(&live).await, hash(&live).await, journal(&live).await);
        registry.finish().await;
        before
    };
    let registry = open(folder.path()).await;
    let live = registry.get("a").unwrap();
    assert_eq!((now(&live).await, hash(&live).await, journal(&live).await), before);
    assert_eq!(live.advance("PT1M").await.unwrap(), "2025-09-25T14:31:00");
    live.restore("early").await.unwrap();
    assert_eq!(now(&live).await.as_deref(), Some("2025-09-25T14:00:00"));
    registry.finish().await;
}

#[test]
fn a_state_file_keeps_the_clock_and_refuses_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let begin = |settings: &Settings| Episode::in_file(policy("all"), fixtures(), settings, &file);
    let mut episode = begin(&stepped()).unwrap();
    call(&mut episode, "add_incident_update", note("One."));
    episode.advance("PT2H").unwrap();
    drop(episode);
    // Nobody has to ask for it again.
    for settings in [acting("6"), stepped()] {
        let mut episode = begin(&settings).unwrap();
        assert_eq!((episode.now(), episode.clock().pace), ("2025-09-25T14:00:00", Pace::Stepped));
        let entries = episode.journal().unwrap();
        assert_eq!(entries.iter().map(|entry| entry.now.as_deref()).collect::<Vec<_>>(), [Some(START)]);
    }
    let other = Clock { start: START.to_owned(), pace: Pace::Fixed };
    let refused = begin(&Settings { clock: Some(other), ..acting("6") });
    assert!(matches!(refused, Err(StartError::OtherState { name: "clock", .. })));
    // A file of before says nothing of a clock: it has the policy's.
    let old = folder.path().join("old.db");
    drop(Episode::in_file(policy("all"), fixtures(), &acting("6"), &old).unwrap());
    let connection = rusqlite::Connection::open(&old).unwrap();
    connection.execute_batch("DELETE FROM episode WHERE name = 'clock'; PRAGMA user_version = 0").unwrap();
    drop(connection);
    let episode = Episode::in_file(policy("all"), fixtures(), &acting("6"), &old).unwrap();
    assert_eq!(episode.clock(), &policy("all").clock);
}

#[test]
fn a_policy_states_its_clock() {
    let copy = Copy::new();
    let file = "incident-operations/policy.toml";
    let text = copy.read(file);
    let line = text.lines().find(|line| line.starts_with("clock")).unwrap();
    copy.write(file, &text.replace(line, &format!("clock = {{ start = \"{START}\", kind = \"stepped\" }}")));
    let loaded = policy::load(&copy.source(), "incident-operations").unwrap();
    assert_eq!(loaded.clock, Clock { start: START.to_owned(), pace: Pace::Stepped });
    let mut episode = Episode::on_image(loaded.into(), crate::support::image(), &acting("6")).unwrap();
    assert_eq!(episode.advance("PT1H").unwrap(), "2025-09-25T13:00:00");
    for (clock, says) in [
        (format!("{{ start = \"{START}\", kind = \"runing\" }}"), "no kind of clock"),
        ("{ start = \"noon\" }".to_owned(), "is not a time"),
        ("{ kind = \"stepped\" }".to_owned(), "start is missing"),
        (format!("{{ start = \"{START}\", pace = \"stepped\" }}"), "there is no key \"pace\""),
        ("12".to_owned(), "clock must be a text"),
    ] {
        copy.write(file, &text.replace(line, &format!("clock = {clock}")));
        let mistakes = policy::load(&copy.source(), "incident-operations").unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.message.contains(says)), "{clock}: {mistakes:?}");
    }
}
