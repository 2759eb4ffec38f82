//! Episodes on an image are what they would be in databases of their own, whatever happens on the desks that they share.
//!
//! Programs of random steps run at the same time, each on a few episodes of one image and on as many ordinary databases.
//! The answers, every table, the journal and the duties must be the same. `PROPTEST_CASES` sets how many rounds there are,
//! `STEPS` how many steps a program may have: under valgrind, which `scripts/test memory` runs, fewer.

use crate::properties::{Made, call, settings};
use crate::support;
use calls::{Episode, Settings};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use records::catalogue::{INCIDENT_UPDATES, INCIDENTS};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use store::canonical::Extent;
use store::{Entry, Store, Transaction};

/// Programs that run at the same time, and episodes of each.
const PROGRAMS: usize = 3;
const EPISODES: usize = 3;

/// Steps of a program, at most, unless `STEPS` says otherwise; and after how many the states are compared.
const STEPS: usize = 28;
const COMPARED: usize = 5;

/// Rows that a bulk write adds, of [`LONG`] characters each. The greatest number is twice what SQLite's page cache holds,
/// so that it writes pages before the end of the transaction; and it grows the file by over a thousand pages.
const BULKS: [usize; 4] = [1, 12, 40, 480];
const LONG: usize = 8_000;

/// A step of a program; numbers are episodes.
#[derive(Clone, Debug)]
enum Step {
    Call(usize, Made),
    Bulk(usize, Bulk),
    Fork { from: usize, to: usize },
    Checkpoint(usize),
    Restore(usize),
    Reset(usize),
}

/// Many rows written in one transaction.
#[derive(Clone, Copy, Debug)]
struct Bulk {
    rows: usize,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Commit,
    Rollback,
    Panic,
}

/// What made a state: done again, it must make the same.
#[derive(Clone)]
enum Deed {
    Call(Made),
    Bulk(Bulk),
}

fn step() -> BoxedStrategy<Step> {
    let policy = support::policy("all");
    let valid: Vec<Made> = (policy.tools.iter())
        .map(|tool| (tool.name.clone(), support::permitted_call("all", tool).as_object().unwrap().clone()))
        .collect();
    let slot = 0..EPISODES;
    let end = prop_oneof![2 => Just(End::Commit), 3 => Just(End::Rollback), 1 => Just(End::Panic)];
    let rows = prop_oneof![6 => select(&BULKS[..3]), 1 => Just(BULKS[3])];
    let bulk = (rows, end).prop_map(|(rows, end)| Bulk { rows, end });
    prop_oneof![
        8 => (slot.clone(), select(valid)).prop_map(|(at, made)| Step::Call(at, made)),
        8 => (slot.clone(), call(&policy)).prop_map(|(at, made)| Step::Call(at, made)),
        4 => (slot.clone(), bulk).prop_map(|(at, bulk)| Step::Bulk(at, bulk)),
        2 => (slot.clone(), slot.clone()).prop_map(|(from, to)| Step::Fork { from, to }),
        1 => slot.clone().prop_map(Step::Checkpoint),
        2 => slot.clone().prop_map(Step::Restore),
        1 => slot.prop_map(Step::Reset),
    ]
    .boxed()
}

/// Write that many rows, and change one that was there, as a call would: with an entry in the journal.
fn write(store: &mut Store, bulk: Bulk) {
    let tx = store.transaction().unwrap();
    let call = tx.next_call().unwrap();
    for at in 0..bulk.rows {
        let text = format!("{at:>width$}", width = LONG);
        let cells = vec![
            ("incident_id", 20.into()),
            ("updated_by_user", 6.into()),
            ("update_type", "note".into()),
            ("note", text.as_str().into()),
            ("created_at", "2025-09-25T12:00:00".into()),
        ];
        tx.insert(&INCIDENT_UPDATES, cells).unwrap();
    }
    let incident = tx.get(&INCIDENTS, 1 + call % 20).unwrap().unwrap();
    tx.update(&incident, vec![("title", format!("Changed by call {call}").as_str().into())]).unwrap();
    tx.append(&entry(&tx, call)).unwrap();
    match bulk.end {
        End::Commit => tx.commit().unwrap(),
        End::Rollback => tx.rollback().unwrap(),
        End::Panic => resume_unwind(Box::new("in a transaction")),
    }
}

fn entry(tx: &Transaction<'_>, call: i64) -> Entry {
    let changes = Value::Array(tx.changes().iter().map(|change| change.to_json()).collect());
    let text = String::new;
    Entry {
        call,
        key: None,
        tool: "bulk".to_owned(),
        actor: None,
        arguments: text(),
        answer: text(),
        outcome: "ok".to_owned(),
        rule: None,
        violations: "[]".to_owned(),
        changes: changes.to_string(),
        now: None,
        edition: None,
    }
}

/// Do it, and say what was answered.
fn act(episode: &mut Episode, deed: &Deed) -> String {
    match deed {
        Deed::Call((tool, arguments)) => support::call(episode, tool, Value::Object(arguments.clone())).text,
        Deed::Bulk(bulk) => {
            let done = catch_unwind(AssertUnwindSafe(|| write(episode.store(), *bulk)));
            assert_eq!(done.is_err(), bulk.end == End::Panic);
            String::new()
        }
    }
}

/// An episode in a database of its own.
fn plain(settings: &Settings) -> Episode {
    let store = support::fixtures().store().unwrap();
    Episode::resume(support::policy("all"), store, settings).unwrap()
}

/// One episode twice.
struct Pair {
    image: Episode,
    plain: Episode,
    /// What made the present state.
    deeds: Vec<Deed>,
    checkpoint: Option<(Episode, Vec<Deed>)>,
}

impl Pair {
    fn new(settings: &Settings) -> Pair {
        let image = support::episode_with("all", settings.clone());
        Pair { image, plain: plain(settings), deeds: Vec::new(), checkpoint: None }
    }

    fn act(&mut self, deed: Deed) {
        let (image, plain) = (act(&mut self.image, &deed), act(&mut self.plain, &deed));
        assert_eq!(image, plain, "the answers");
        self.deeds.push(deed);
    }

    /// Make the ordinary database anew: it can neither be forked nor go back.
    fn again(&mut self, settings: &Settings, deeds: &[Deed]) {
        self.plain = plain(settings);
        self.deeds = deeds.to_vec();
        for deed in deeds {
            act(&mut self.plain, deed);
        }
    }
}

/// Everything that is in an episode.
fn content(episode: &mut Episode) -> Vec<(String, Value)> {
    let journal = episode.journal().unwrap().into_iter().map(|entry| json!(format!("{entry:?}"))).collect();
    let tables = support::tables(episode).into_iter().map(|(name, rows)| (name.to_owned(), rows));
    tables.chain([("journal".to_owned(), journal)]).collect()
}

#[track_caller]
fn assert_same(image: &mut Episode, plain: &mut Episode) {
    for (image, plain) in content(image).into_iter().zip(content(plain)) {
        assert_eq!(image, plain);
    }
    for extent in [Extent::Result, Extent::Everything] {
        assert_eq!(image.hash(extent).unwrap(), plain.hash(extent).unwrap(), "from scratch it is another hash");
    }
    assert_eq!(image.store().integrity().unwrap(), Vec::<String>::new());
}

/// All that must hold of the episodes of a program.
fn compare(pairs: &mut [Pair], settings: &Settings, pristine: &mut Episode) {
    for pair in &mut *pairs {
        assert_same(&mut pair.image, &mut pair.plain);
        if let Some((earlier, _)) = &mut pair.checkpoint {
            assert_eq!(earlier.store().integrity().unwrap(), Vec::<String>::new());
        }
        // From the image on, and from what a durable episode keeps.
        let sheet = pair.image.sheet().unwrap().clone();
        let mut kept =
            Episode::resume(support::policy("all"), sheet.image().store_with(sheet.delta()), settings).unwrap();
        assert_eq!(content(&mut kept), content(&mut pair.image));
        let mut image = support::episode_with("all", settings.clone());
        assert_eq!(image.sheet().unwrap().bytes(), 0, "a new episode costs nothing");
        let found = image.difference(&mut pair.image, Extent::Everything).unwrap();
        assert_eq!(found, pristine.difference(&mut pair.plain, Extent::Everything).unwrap(), "since the image");
    }
    if let [one, other, ..] = pairs {
        let found = one.image.difference(&mut other.image, Extent::Everything).unwrap();
        assert_eq!(found, one.plain.difference(&mut other.plain, Extent::Everything).unwrap(), "between two episodes");
    }
}

fn run(settings: &Settings, steps: Vec<Step>) {
    let mut pairs: Vec<Pair> = (0..EPISODES).map(|_| Pair::new(settings)).collect();
    let mut pristine = plain(settings);
    for (at, step) in steps.into_iter().enumerate() {
        match step {
            Step::Call(at, made) => pairs[at].act(Deed::Call(made)),
            Step::Bulk(at, bulk) => pairs[at].act(Deed::Bulk(bulk)),
            Step::Fork { from, to } => {
                let (image, deeds) = (pairs[from].image.fork().unwrap(), pairs[from].deeds.clone());
                assert_eq!(
                    image.sheet().unwrap().since(pairs[from].image.sheet().unwrap()).pages.len(),
                    0,
                    "all shared"
                );
                pairs[to].image = image;
                pairs[to].again(settings, &deeds);
            }
            Step::Checkpoint(at) => {
                let pair = &mut pairs[at];
                pair.checkpoint = Some((pair.image.fork().unwrap(), pair.deeds.clone()));
            }
            Step::Restore(at) => {
                let pair = &mut pairs[at];
                if let Some((earlier, deeds)) = pair.checkpoint.take() {
                    assert!(pair.image.restore(&earlier));
                    pair.again(settings, &deeds);
                    pair.checkpoint = Some((earlier, deeds));
                }
            }
            Step::Reset(at) => {
                assert!(pairs[at].image.reset());
                assert_eq!(pairs[at].image.sheet().unwrap().bytes(), 0, "a reset costs nothing");
                pairs[at].again(settings, &[]);
            }
        }
        if at % COMPARED == COMPARED - 1 {
            compare(&mut pairs, settings, &mut pristine);
        }
    }
    compare(&mut pairs, settings, &mut pristine);
}

fn most_steps() -> usize {
    std::env::var("STEPS").map_or(STEPS, |steps| steps.parse().unwrap())
}

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    // Each round is dear: it compares some sixty states whole.
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { 12 };
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 64,
        // The same steps in every run; what differs is which of them meet on a desk.
        rng_seed: RngSeed::Fixed(3),
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_episode_on_an_image_is_what_it_would_be_in_a_database_of_its_own(
        programs in prop::collection::vec((settings(), prop::collection::vec(step(), 1..most_steps())), PROGRAMS),
    ) {
        std::thread::scope(|scope| {
            let running = programs.into_iter().map(|(settings, steps)| scope.spawn(move || run(&settings, steps)));
            for program in running.collect::<Vec<_>>() {
                program.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
        });
    }
}

/// SQLite's cache is full, and it writes pages early: neither a rollback nor another episode on the desk sees them later.
#[test]
fn what_was_written_early_is_undone() {
    let bulk = |end| Deed::Bulk(Bulk { rows: BULKS[3], end });
    let settings = Settings::default();
    let (mut one, mut other) = (Pair::new(&settings), Pair::new(&settings));
    for end in [End::Rollback, End::Panic] {
        one.act(bulk(end));
        assert_eq!(one.image.sheet().unwrap().bytes(), 0, "nothing is left");
        assert_same(&mut one.image, &mut one.plain);
        assert_same(&mut other.image, &mut other.plain);
    }
    one.act(bulk(End::Commit));
    let grown = one.image.sheet().unwrap().bytes();
    // The rows, and the rows again in the journal.
    let rows = BULKS[3] * LONG;
    assert!((2 * rows..3 * rows).contains(&grown), "{grown} bytes");
    one.act(bulk(End::Rollback));
    assert_eq!(one.image.sheet().unwrap().bytes(), grown, "what was there is still there, and no more");
    assert_same(&mut one.image, &mut one.plain);
    assert_same(&mut other.image, &mut other.plain);
}

/// An episode costs the pages that its calls wrote: some for the row and its indexes, and one of the journal.
#[test]
fn an_episode_costs_what_it_changed() {
    const CALLS: usize = 10;
    let mut episode = support::episode_with("all", support::acting("12"));
    let note = json!({ "incident_id": "20", "note": "Still looking." });
    let (mut before, mut most) = (0, 0);
    for _ in 0..CALLS {
        support::success(&support::call(&mut episode, "add_incident_update", note.clone()));
        let bytes = episode.sheet().unwrap().bytes();
        most = most.max(bytes - before);
        before = bytes;
    }
    assert!(most <= 32 * 1024, "one call cost {most} bytes");
    assert!(before <= 64 * 1024, "{CALLS} calls cost {before} bytes");
    let fork = episode.fork().unwrap();
    assert_eq!(fork.sheet().unwrap().delta(), episode.sheet().unwrap().delta());
    assert!(episode.reset());
    assert_eq!(episode.sheet().unwrap().bytes(), 0);
    assert_eq!(fork.sheet().unwrap().bytes(), before, "a fork keeps what it shared");
}
