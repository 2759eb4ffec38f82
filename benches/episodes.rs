//! What an episode costs: time to make, reset, fork and close one, memory, and how little a call minds how many other
//! episodes there are and how large the fixtures.
//!
//! `cargo bench --bench episodes` prints the table; with `-- --check` it also fails when a target is missed. Ratios are
//! medians over rounds in which both sides take turns, so that drift of the machine falls on both alike.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

#[path = "common/median.rs"]
mod median;

use calls::{Episode, Settings};
use median::median;
use procedures::policy::{self, Policy, Source};
use records::catalogue::{Kind, TABLES, Table, table};
use serde_json::{Map, Value, json};
use server::registry::{DEFAULT_FIXTURES, Limits, Live, Registry, Setup, Spec};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::fixtures::Fixtures;

/// Episodes that are live at the same time, and writes of each.
const MANY: usize = 10_000;
const FEW: usize = 10;
const WRITES: usize = 10;

/// How many times as large the fixtures become.
const TIMES: usize = 50;

/// Size of the image that the targets are stated for: 2.5 MB.
const IMAGE: usize = 2_500_000;

/// Rounds, and calls that are timed on each side in a round.
const ROUNDS: usize = 21;
const CALLS: usize = 400;

/// Episodes that are made, reset, forked and closed to time it.
const MADE: usize = 1_000;

const POLICY: &str = "all";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let check = std::env::args().any(|argument| argument == "--check");
    let mut table = Report::default();
    let fixtures = (1..).map(grown).find(|set| size(set) >= IMAGE).unwrap();
    println!(
        "image of {:.1} MB; at 1 and {TIMES} times the shipped fixtures {:.1} and {:.1} MB",
        mb(size(&fixtures)),
        mb(size(&grown(1))),
        mb(size(&grown(TIMES)))
    );

    life(&mut table, &fixtures).await;
    let few = registry(&fixtures).await;
    let few = written(&few, FEW).await;
    let before = resident();
    let server = registry(&fixtures).await;
    let many = written(&server, MANY).await;
    let used = resident() - before;
    let gib = used / 1024.0 / 1024.0;
    table.row(&format!("{MANY} episodes, {WRITES} writes each"), format!("{gib:.2} GiB"), "4 GiB", gib < 4.0);
    let bytes = many[0].turn().await.unwrap().episode().sheet().unwrap().bytes();
    table.fact(&format!("pages of an episode after {WRITES} writes"), format!("{:.0} kB", bytes as f64 / 1e3));
    for (what, call) in [("a write", write()), ("a lookup", lookup())] {
        // Here it is memory that no core has at hand that shows. The target is for what a client sees, in the bench of HTTP.
        let (ratio, micros) = compare(&few, &many, &call).await;
        table.fact(&format!("{what} among {MANY} live to among {FEW}, {micros:.1} us"), format!("{ratio:.2} x"));
    }
    drop((many, server));

    let (small, large) = (registry(&grown(1)).await, registry(&grown(TIMES)).await);
    let (small, large) = (written(&small, FEW).await, written(&large, FEW).await);
    for (what, call) in [("a write", write()), ("a lookup", lookup())] {
        let (ratio, micros) = compare(&small, &large, &call).await;
        table.row(
            &format!("{what} at {TIMES} times the fixtures to at 1, {micros:.1} us"),
            format!("{ratio:.2} x"),
            "1.3 x",
            ratio <= 1.3,
        );
    }
    plain(&mut table, &fixtures);
    if check && table.missed {
        std::process::exit(1);
    }
}

// ---- what is measured ------------------------------------------------------------------------------------------------

/// The verbs of an episode's life, without a transport.
async fn life(table: &mut Report, fixtures: &Fixtures) {
    let registry = registry(fixtures).await;
    let [mut create, mut reset, mut fork, mut close] = [const { Vec::new() }; 4];
    for _ in 0..MADE {
        let live = timed(&mut create, registry.create(spec())).await.unwrap();
        write_to(&live, WRITES).await;
        let copy = timed(&mut fork, registry.fork(live.id(), None, None)).await.unwrap();
        timed(&mut reset, live.reset()).await.unwrap();
        timed(&mut close, registry.close(copy.id())).await.unwrap();
    }
    for (what, times) in [("create", create), ("reset", reset), ("fork", fork)] {
        let micros = median(times);
        table.row(what, format!("{micros:.1} us"), "200 us", micros <= 200.0);
    }
    table.fact("close, with the hash", format!("{:.1} us", median(close)));
}

/// How much longer a call on the second set of episodes takes than on the first: each call on another episode, and each
/// in the same state. Also the time on the first, in microseconds.
async fn compare(one: &[Arc<Live>], other: &[Arc<Live>], call: &Call) -> (f64, f64) {
    let (mut ratios, mut micros) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let one = round_of(one, call, round).await;
        let other = round_of(other, call, round).await;
        ratios.push(other / one);
        micros.push(one);
    }
    (median(ratios), median(micros))
}

async fn round_of(episodes: &[Arc<Live>], call: &Call, round: usize) -> f64 {
    let mut times = Vec::with_capacity(CALLS);
    for at in 0..CALLS {
        // Episodes far apart, so that what the processor has at hand is of no use.
        let live = &episodes[(round * CALLS + at) * 7_919 % episodes.len()];
        timed(&mut times, run(live, call)).await;
        live.restore(BEGUN).await.unwrap();
    }
    median(times)
}

/// The same calls on an image and on an ordinary database in memory: on one episode, and on a few in turn.
fn plain(table: &mut Report, fixtures: &Fixtures) {
    let (policy, image) = (policy(), fixtures.image().unwrap());
    let settings = Settings { actor: Some(ACTOR.to_owned()), ..Settings::default() };
    let on_image = || Episode::on_image(policy.clone(), &image, &settings).unwrap();
    let on_its_own = || Episode::resume(policy.clone(), fixtures.store().unwrap(), &settings).unwrap();
    for (what, call) in [("a write", write()), ("a lookup", lookup())] {
        for episodes in [1, FEW] {
            let (mut ratios, mut micros) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let [image, own] = [
                    calls((0..episodes).map(|_| on_image()), &call),
                    calls((0..episodes).map(|_| on_its_own()), &call),
                ];
                ratios.push(image / own);
                micros.push(own);
            }
            let (ratio, micros) = (median(ratios), median(micros));
            let what = format!("{what}, {episodes} in turn, to an own database, {micros:.1} us");
            table.row(&what, format!("{ratio:.2} x"), "1.5 x", ratio <= 1.5);
        }
    }
}

fn calls(episodes: impl Iterator<Item = Episode>, (tool, arguments): &Call) -> f64 {
    let mut episodes: Vec<Episode> = episodes.collect();
    let mut times = Vec::with_capacity(CALLS);
    for at in 0..CALLS {
        let count = episodes.len();
        let (episode, arguments) = (&mut episodes[at % count], arguments.clone());
        let start = Instant::now();
        let outcome = episode.call(tool, arguments).unwrap();
        times.push(micros(start.elapsed()));
        assert!(!outcome.is_error(), "{}", outcome.text);
    }
    median(times)
}

// ---- what is called --------------------------------------------------------------------------------------------------

type Call = (&'static str, Map<String, Value>);

const ACTOR: &str = "12";

fn write() -> Call {
    let arguments = json!({
        "incident_id": "20", "effectiveness_level": "partial_mitigation", "implemented_at": "2025-09-25T11:00:00"
    });
    ("record_workaround", object(arguments))
}

fn lookup() -> Call {
    ("find_incidents", object(json!({ "incident_id": "20" })))
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { unreachable!() };
    object
}

async fn run(live: &Arc<Live>, (tool, arguments): &Call) {
    let outcome = live.call(live.queue(), tool, arguments.clone(), None).await.unwrap();
    assert!(!outcome.is_error(), "{}", outcome.text);
}

/// The checkpoint at which every timed call begins.
const BEGUN: &str = "begun";

/// New episodes with some writes each.
async fn written(registry: &Arc<Registry>, count: usize) -> Vec<Arc<Live>> {
    let mut episodes = Vec::with_capacity(count);
    for _ in 0..count {
        let live = registry.create(spec()).await.unwrap();
        write_to(&live, WRITES).await;
        live.checkpoint(Some(BEGUN)).await.unwrap();
        episodes.push(live);
    }
    episodes
}

async fn write_to(live: &Arc<Live>, writes: usize) {
    let call = write();
    for _ in 0..writes {
        run(live, &call).await;
    }
}

fn policy() -> Arc<Policy> {
    Arc::new(policy::load(&Source::Embedded, POLICY).unwrap_or_else(|mistakes| panic!("{mistakes:?}")))
}

fn spec() -> Spec {
    Spec { actor: Some(ACTOR.to_owned()), ..Spec::default() }
}

async fn registry(fixtures: &Fixtures) -> Arc<Registry> {
    let setup = Setup {
        source: Source::Embedded,
        fixtures: BTreeMap::from([(DEFAULT_FIXTURES.to_owned(), fixtures.clone())]),
        defaults: Spec { policy: Some(POLICY.to_owned()), ..Spec::default() },
        limits: Limits { episodes: MANY, ttl: None, ..Limits::default() },
        durable: None,
        recorder: None,
    };
    Registry::open(setup).await.unwrap()
}

// ---- larger fixtures -------------------------------------------------------------------------------------------------

/// The shipped fixtures that many times over: each copy refers to its own rows only.
fn grown(times: usize) -> Fixtures {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/default");
    let read = |table: &Table| std::fs::read_to_string(folder.join(format!("{}.json", table.name)));
    let files: BTreeMap<String, Map<String, Value>> = (TABLES.iter())
        .filter_map(|table| Some((table.name.to_owned(), serde_json::from_str(&read(table).ok()?).unwrap())))
        .collect();
    let rows = |name: &str| files.get(name).map_or(0, Map::len);
    let shifted =
        |id: &str, table: &Table, copy: usize| (id.parse::<usize>().unwrap() + copy * rows(table.name)).to_string();
    let grow = |(name, original): (&String, &Map<String, Value>)| {
        let table = table(name).unwrap();
        let mut all = Map::new();
        for copy in 0..times {
            for (id, row) in original {
                let mut row = row.as_object().unwrap().clone();
                for column in table.columns {
                    let Some(Value::String(cell)) = row.get_mut(column.name) else { continue };
                    match column.kind {
                        Kind::Key => *cell = shifted(cell, table, copy),
                        Kind::Id(parent) => *cell = shifted(cell, parent, copy),
                        _ if copy > 0 && table.unique.contains(&column.name) => *cell = format!("{copy}{cell}"),
                        _ => {}
                    }
                }
                all.insert(shifted(id, table, copy), Value::Object(row));
            }
        }
        (format!("{name}.json"), Value::Object(all).to_string())
    };
    let files: Vec<(String, String)> = files.iter().map(grow).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Fixtures::from_files(&files, &|_| None).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

fn size(fixtures: &Fixtures) -> usize {
    fixtures.image().unwrap().bytes().len()
}

// ---- how it is measured ----------------------------------------------------------------------------------------------

#[derive(Default)]
struct Report {
    missed: bool,
}

impl Report {
    fn row(&mut self, what: &str, value: String, target: &str, ok: bool) {
        self.missed |= !ok;
        println!("{what:<58} {value:>10}   target {target:<8} {}", if ok { "ok" } else { "MISSED" });
    }

    fn fact(&mut self, what: &str, value: String) {
        println!("{what:<58} {value:>10}");
    }
}

async fn timed<T>(times: &mut Vec<f64>, work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let done = work.await;
    times.push(micros(start.elapsed()));
    done
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn mb(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// Resident memory of this process in KiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
