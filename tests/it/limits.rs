//! What one episode may hold, and how long its answers may be.

use crate::registry::{add, journal, named, note, object, permitted, registry};
use crate::support::{call, episode, with};
use calls::{ANSWER, Budget};
use records::catalogue::table;
use serde_json::{Value, json};
use server::registry::Limits;
use std::task::Poll;

fn limits(calls: usize, journal: usize) -> Limits {
    Limits { budget: Budget { calls, journal }, ..Limits::default() }
}

/// A workaround with a text of that length.
fn workaround(length: usize) -> Value {
    with(permitted("record_workaround"), json!({"description": "x".repeat(length)}))
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_and_leave_nothing() {
    let registry = registry(limits(2, usize::MAX)).await;
    let live = registry.create(named("a")).await.unwrap();
    let first = live.call(live.queue(), "add_incident_update", note("one"), Some("k")).await.unwrap();
    add(&live, "two").await;
    let (kept, state) = (journal(&live).await, live.summary().await.unwrap());
    let refused = live.call(live.queue(), "add_incident_update", note("three"), None).await.unwrap();
    assert!(refused.is_error());
    assert_eq!(refused.answer["code"], "TOO_MANY_CALLS");
    assert!(
        ["message", "remedy"].iter().all(|field| refused.answer[*field].as_str().is_some_and(|text| !text.is_empty()))
    );
    assert_eq!((journal(&live).await, live.summary().await.unwrap()), (kept, state));
    let again = live.call(live.queue(), "add_incident_update", note("one"), Some("k")).await.unwrap();
    assert_eq!((again.repeated, &again.text), (true, &first.text), "an answer that was given is given again");
    // A fork brings its calls along; a reset forgets them.
    let fork = registry.fork("a", Some("b"), None).await.unwrap();
    let outcome = fork.call(fork.queue(), "add_incident_update", note("three"), None).await.unwrap();
    assert_eq!(outcome.answer["code"], "TOO_MANY_CALLS");
    live.reset().await.unwrap();
    add(&live, "one again").await;
}

#[tokio::test]
async fn a_journal_has_no_more_bytes_than_its_limit() {
    const ROOM: usize = 64 * 1024;
    let registry = registry(limits(usize::MAX, ROOM)).await;
    let live = registry.create(named("a")).await.unwrap();
    let mut made = 0;
    let refused = loop {
        let outcome = live.call(live.queue(), "record_workaround", object(workaround(4_000)), None).await.unwrap();
        if outcome.is_error() {
            break outcome;
        }
        made += 1;
    };
    assert_eq!(refused.answer["code"], "JOURNAL_FULL");
    let bytes: usize = journal(&live).await.0.iter().map(|entry| entry.bytes()).sum();
    assert!((ROOM - 12_000..ROOM + 12_000).contains(&bytes), "{bytes} after {made} calls");
    // A call that does not fit is refused before it is looked at, and a smaller one may still fit.
    let small = registry.create(named("b")).await.unwrap();
    let outcome = small.call(small.queue(), "record_workaround", object(workaround(ROOM)), None).await.unwrap();
    assert_eq!(outcome.answer["code"], "JOURNAL_FULL");
    add(&small, "fits").await;
}

/// What takes long is not done where connections are served: this thread could not go on meanwhile.
#[tokio::test]
async fn a_call_with_long_arguments_runs_on_a_thread_of_its_own() {
    let registry = registry(Limits::default()).await;
    let live = registry.create(named("a")).await.unwrap();
    for (length, here) in [(10, true), (8_000, true), (20_000, false)] {
        let call = live.call(live.queue(), "record_workaround", object(workaround(length)), None);
        let mut call = std::pin::pin!(call);
        // What runs on another thread may be done before it is asked for; what runs here is.
        match futures::poll!(call.as_mut()) {
            Poll::Ready(outcome) => assert!(here || outcome.unwrap().answer["code"] == "INVALID_INPUT", "{length}"),
            Poll::Pending => {
                assert!(!here, "{length}");
                assert_eq!(call.await.unwrap().answer["code"], "INVALID_INPUT");
            }
        }
    }
    // Arguments of any shape count, and nobody has to wait for the call once it runs.
    let many: serde_json::Map<_, _> = (0..4_000).map(|number| (format!("a{number}"), json!([[], {}]))).collect();
    {
        let mut call = std::pin::pin!(live.call(live.queue(), "record_workaround", many, None));
        drop(futures::poll!(call.as_mut()));
    }
    assert_eq!(journal(&live).await.0.len(), 4);
}

/// The numbers that go along with the calls are those that the journal gives.
#[test]
fn a_journal_is_counted_as_it_grows() {
    let mut episode = episode("all");
    call(&mut episode, "add_incident_update", with(permitted("add_incident_update"), json!({"note": "ü"})));
    call(&mut episode, "add_incident_update", json!({}));
    call(&mut episode, "find_users", json!({"acting_user": "6"}));
    let halted = with(permitted("add_incident_update"), json!({"incident_id": "999999"}));
    call(&mut episode, "add_incident_update", halted);
    let counted = episode.tally().clone();
    assert_eq!(counted.calls, 4);
    assert_eq!(counted.halts.values().sum::<usize>(), 2);
    assert_eq!(episode.store().transaction().unwrap().tally().unwrap(), counted);
    assert_eq!(episode.fork().unwrap().tally(), &counted);
    assert!(episode.reset());
    assert_eq!(episode.tally(), &Default::default());
}

#[test]
fn a_page_of_long_rows_ends_early_and_the_rest_follows() {
    let mut episode = episode("all");
    for _ in 0..40 {
        call(&mut episode, "record_workaround", workaround(10_000));
    }
    let filter = |more: Value| with(json!({"limit": 100, "detail": "detailed", "acting_user": "6"}), more);
    let (mut seen, mut page) = (Vec::new(), call(&mut episode, "find_workarounds", filter(json!({}))));
    loop {
        assert!(page.text.len() <= ANSWER / 2, "{} bytes", page.text.len());
        let rows = page.answer["workarounds"].as_array().unwrap();
        assert_eq!(page.answer["count"], rows.len());
        seen.extend(rows.iter().map(|row| row["workaround_id"].as_str().unwrap().parse::<u64>().unwrap()));
        let Some(next) = page.answer.get("next_cursor") else { break };
        page = call(&mut episode, "find_workarounds", filter(json!({"cursor": next})));
    }
    assert!(seen.len() > 40 && seen.is_sorted_by(|one, next| one < next), "{seen:?}");
    let concise = call(&mut episode, "find_workarounds", with(filter(json!({})), json!({"detail": "concise"})));
    assert_eq!(concise.answer["count"], seen.len(), "what is not shown takes no room");
}

/// A text that no call can write, but that a set of fixtures may hold.
#[test]
fn an_answer_that_is_too_long_is_refused_by_name() {
    let mut episode = episode("all");
    let tx = episode.store().transaction().unwrap();
    let table = table("workarounds").unwrap();
    let row = tx.all(table).unwrap().remove(0);
    tx.update(&row, vec![("description", "x".repeat(ANSWER).into())]).unwrap();
    tx.commit().unwrap();
    let find = |detail: &str| json!({"acting_user": "6", "detail": detail});
    let refused = call(&mut episode, "find_workarounds", find("detailed"));
    assert_eq!((refused.is_error(), &refused.answer["code"]), (true, &json!("ANSWER_TOO_LONG")));
    let entry = episode.journal().unwrap().pop().unwrap();
    assert_eq!((entry.outcome.as_str(), entry.rule), ("ANSWER_TOO_LONG", None));
    assert!(!call(&mut episode, "find_workarounds", find("concise")).is_error());
}
