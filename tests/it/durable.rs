//! Nothing that was acknowledged is lost, and no half of a call is seen, however often the process is killed.
//!
//! A child process, which is this test binary again, serves clients from a state directory, and says when something is
//! acknowledged. It is killed at a pseudo-random moment, most often within a write, and what is in the directory is held
//! against what it said. The next child goes on in the same directory. `KILLS` sets how often that happens.

use crate::registry::journal;
use crate::support;
use calls::{Episode, Settings};
use procedures::policy::Source;
use serde_json::{Map, Value, json};
use server::registry::{Durable, Limits, Live, LiveError, Registry, RegistryError, Setup, Spec};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use store::canonical::Extent;
use store::image::Delta;
use store::{Entry, Store};

/// Clients, each with an episode of its own, that call at the same time.
const CLIENTS: usize = 4;

/// How often children are killed, unless `KILLS` says otherwise; by how many threads; and how often in one directory: then
/// the episodes have grown old enough.
const KILLS: usize = 300;
const LANES: usize = 2;
const KILLS_IN_A_DIRECTORY: usize = 15;

/// Most lines that are read before the kill; and how long it takes until there are some, and from one to the next: the kill
/// is anywhere within.
const LINES: u64 = 64;
const OPENING: Duration = Duration::from_millis(200);
const CALL: Duration = Duration::from_millis(1);

/// In the environment of a child: the directory, and the number of each client's next deed.
const DIRECTORY: &str = "DURABLE_DIRECTORY";
const NEXT: &str = "DURABLE_NEXT";

// ---- what clients do -------------------------------------------------------------------------------------------------

/// The deeds of a client follow from its number and theirs, so that a child can go on where another ended.
#[derive(Clone, Debug)]
enum Deed {
    Create,
    Call(String, Map<String, Value>),
    Checkpoint(&'static str),
    DropCheckpoint(&'static str),
    Restore(&'static str),
    Reset,
    Fork,
    CloseFork,
}

/// A number that follows from another and looks like any (splitmix64).
fn scatter(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn deed(client: usize, number: usize) -> Deed {
    static CALLS: LazyLock<Vec<(String, Map<String, Value>)>> = LazyLock::new(|| {
        let policy = support::policy(POLICY);
        let made = |tool| (String::clone(&tool), support::permitted_call(POLICY, policy.tool(&tool).unwrap()));
        let calls = policy.tools.iter().map(|tool| made(tool.name.clone()));
        calls.map(|(tool, arguments)| (tool, arguments.as_object().unwrap().clone())).collect()
    });
    if number == 0 {
        return Deed::Create;
    }
    let chance = scatter((client as u64) << 32 | number as u64);
    let name = if chance & (1 << 20) == 0 { "a" } else { "b" };
    match chance % 40 {
        0 | 1 => Deed::Checkpoint(name),
        2 => Deed::DropCheckpoint(name),
        3 | 4 => Deed::Restore(name),
        5 => Deed::Reset,
        6 | 7 => Deed::Fork,
        8 => Deed::CloseFork,
        // Notes of different lengths, so that the file grows by more than a page now and then.
        9..18 => {
            let note = "So it went. ".repeat(1 + (chance >> 32) as usize % 600);
            let Value::Object(arguments) = json!({ "incident_id": "20", "note": note, "acting_user": "12" }) else {
                unreachable!()
            };
            Deed::Call("add_incident_update".to_owned(), arguments)
        }
        _ => {
            let (tool, arguments) = &CALLS[(chance >> 40) as usize % CALLS.len()];
            Deed::Call(tool.clone(), arguments.clone())
        }
    }
}

const POLICY: &str = "all";

fn name(client: usize) -> String {
    format!("client-{client}")
}

fn fork_name(client: usize) -> String {
    format!("client-{client}-fork")
}

fn key(number: usize) -> String {
    format!("key-{number}")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn open(directory: &Path) -> Arc<Registry> {
    let setup = Setup {
        source: Source::Embedded,
        fixtures: BTreeMap::from([("default".to_owned(), support::fixtures().clone())]),
        defaults: Spec { policy: Some(POLICY.to_owned()), ..Spec::default() },
        limits: Limits::default(),
        durable: Some(Durable::open(directory).unwrap()),
        recorder: None,
    };
    Registry::open(setup).await.unwrap()
}

// ---- the child -------------------------------------------------------------------------------------------------------

#[test]
#[ignore = "what the child of the test below does"]
fn serve_until_killed() {
    let (Some(directory), Ok(next)) = (std::env::var_os(DIRECTORY), std::env::var(NEXT)) else { return };
    let registry = runtime().block_on(open(Path::new(&directory)));
    std::thread::scope(|scope| {
        for (client, next) in next.split(',').enumerate() {
            let (registry, next) = (&registry, next.parse().unwrap());
            let serve = async move {
                for number in next.. {
                    let answer = act(registry, client, number).await;
                    // One write a line: lines of several clients do not mix.
                    let line = format!("{client} {number} {answer}\n");
                    std::io::stderr().lock().write_all(line.as_bytes()).unwrap();
                }
            };
            scope.spawn(|| runtime().block_on(serve));
        }
    });
}

/// Do it; the answer if it was a call.
async fn act(registry: &Arc<Registry>, client: usize, number: usize) -> String {
    let deed = deed(client, number);
    if let Deed::Create = deed {
        let made = registry.create(Spec { id: Some(name(client)), ..Spec::default() }).await;
        assert!(matches!(made, Ok(_) | Err(RegistryError::Taken(_))));
        return String::new();
    }
    let live = registry.get(&name(client)).unwrap();
    match deed {
        Deed::Call(tool, arguments) => return call(&live, &tool, arguments, &key(number)).await.unwrap(),
        Deed::Checkpoint(name) => drop(live.checkpoint(Some(name)).await.unwrap()),
        Deed::DropCheckpoint(name) => known(live.drop_checkpoint(name).await),
        Deed::Restore(name) => known(live.restore(name).await),
        Deed::Reset => live.reset().await.unwrap(),
        Deed::Fork => known(registry.fork(live.id(), Some(&fork_name(client)), None).await.map(drop)),
        Deed::CloseFork => known(registry.close(&fork_name(client)).await.map(drop)),
        Deed::Create => {}
    }
    String::new()
}

async fn call(live: &Arc<Live>, tool: &str, arguments: Map<String, Value>, key: &str) -> Result<String, LiveError> {
    live.call(live.queue(), tool, arguments, Some(key)).await.map(|outcome| outcome.text)
}

/// Whether there is something to restore or to close is a matter of chance.
fn known(result: Result<(), RegistryError>) {
    use RegistryError::{Ended, NoCheckpoint, NotFound, Taken};
    assert!(matches!(result, Ok(()) | Err(NoCheckpoint { .. } | NotFound(_) | Ended(_) | Taken(_))), "{result:?}");
}

// ---- the parent ------------------------------------------------------------------------------------------------------

/// The keys of a journal, with the answers where they are known.
type Journal = Vec<(String, Option<String>)>;

/// What a client's deeds come to.
#[derive(Clone, Debug, Default)]
struct Expected {
    /// None before the first deed.
    journal: Option<Journal>,
    checkpoints: BTreeMap<&'static str, Journal>,
    fork: Option<Journal>,
}

impl Expected {
    fn act(&mut self, client: usize, number: usize, answer: Option<&str>) {
        let deed = deed(client, number);
        if let Deed::Create = deed {
            self.journal.get_or_insert_default();
            return;
        }
        let journal = self.journal.as_mut().expect("created first");
        match deed {
            Deed::Call(..) => journal.push((key(number), answer.map(str::to_owned))),
            Deed::Checkpoint(name) => drop(self.checkpoints.insert(name, journal.clone())),
            Deed::DropCheckpoint(name) => drop(self.checkpoints.remove(name)),
            Deed::Restore(name) => journal.clone_from(self.checkpoints.get(name).unwrap_or(&journal.clone())),
            Deed::Reset => journal.clear(),
            Deed::Fork => drop(self.fork.get_or_insert_with(|| journal.clone())),
            Deed::CloseFork => self.fork = None,
            Deed::Create => {}
        }
    }

    /// Whether it may be what was found; and then the answers that were not known are.
    fn learn(&mut self, found: &Found) -> bool {
        agree(&mut self.journal, &found.journal)
            && agree(&mut self.fork, &found.fork)
            && self.checkpoints.keys().eq(&found.checkpoints)
    }
}

fn agree(expected: &mut Option<Journal>, found: &Option<Vec<Entry>>) -> bool {
    match (expected, found) {
        (None, None) => true,
        (Some(expected), Some(found)) if expected.len() == found.len() => {
            expected.iter_mut().zip(found).all(|((key, answer), entry)| {
                entry.key.as_ref() == Some(key) && *answer.get_or_insert_with(|| entry.answer.clone()) == entry.answer
            })
        }
        _ => false,
    }
}

/// What is in the directory.
struct Found {
    journal: Option<Vec<Entry>>,
    checkpoints: Vec<String>,
    fork: Option<Vec<Entry>>,
}

impl Found {
    async fn of(registry: &Arc<Registry>, client: usize) -> Found {
        let mut found = Found { journal: None, checkpoints: Vec::new(), fork: None };
        if let Ok(live) = registry.get(&name(client)) {
            found.journal = Some(journal(&live).await.0);
            found.checkpoints = live.checkpoints().await.unwrap();
        }
        if let Ok(fork) = registry.get(&fork_name(client)) {
            found.fork = Some(journal(&fork).await.0);
        }
        found
    }
}

/// The calls of a journal, made again in an ordinary database.
struct Again {
    episode: Episode,
    made: Vec<Entry>,
}

impl Again {
    fn new() -> Again {
        let store: Store = support::fixtures().store().unwrap();
        let episode = Episode::resume(support::policy(POLICY), store, &Settings::default()).unwrap();
        Again { episode, made: Vec::new() }
    }

    /// The journal is whole: every entry with all that the call wrote, and nothing else.
    async fn check(&mut self, live: &Live) {
        let (calls, duties) = journal(live).await;
        if !calls.starts_with(&self.made) {
            *self = Again::new();
        }
        for entry in &calls[self.made.len()..] {
            let Value::Object(arguments) = support::data(&entry.arguments) else { panic!("{}", entry.arguments) };
            self.episode.call_once(&entry.tool, arguments, entry.key.as_deref()).unwrap();
        }
        self.made = self.episode.journal().unwrap();
        assert_eq!(self.made, calls);
        assert_eq!(self.episode.obligations().unwrap(), duties);
        let hash = self.episode.hash(Extent::Everything).unwrap();
        assert_eq!(live.hash(Extent::Everything).await.unwrap(), hash, "as many changes as entries");
    }
}

/// One client of a directory.
struct Client {
    number: usize,
    /// The number of its next deed.
    next: usize,
    expected: Expected,
    again: Again,
}

impl Client {
    fn new(number: usize) -> Client {
        Client { number, next: 0, expected: Expected::default(), again: Again::new() }
    }

    /// A line of the child: something is acknowledged.
    fn acknowledged(&mut self, number: usize, answer: &str) {
        assert_eq!(number, self.next, "one after the other");
        self.expected.act(self.number, number, Some(answer));
        self.next += 1;
    }

    /// Everything acknowledged is there, and at most one deed more.
    async fn check(&mut self, registry: &Arc<Registry>) {
        let found = Found::of(registry, self.number).await;
        let mut more = self.expected.clone();
        more.act(self.number, self.next, None);
        if !self.expected.learn(&found) {
            assert!(
                more.learn(&found),
                "client {} after deed {}: {:#?}\nbut found {:?}",
                self.number,
                self.next,
                self.expected,
                found.journal.map(|found| found.into_iter().map(|entry| entry.key).collect::<Vec<_>>())
            );
            self.expected = more;
            self.next += 1;
        }
        let Ok(live) = registry.get(&name(self.number)) else { return };
        self.again.check(&live).await;
        let Some(last) = self.again.made.last().cloned() else { return };
        let Value::Object(arguments) = support::data(&last.arguments) else { panic!("{}", last.arguments) };
        let key = last.key.as_deref();
        let before = delta(&live).await;
        let repeated = live.call(live.queue(), &last.tool, arguments, key).await.unwrap();
        assert!(repeated.repeated && repeated.text == last.answer, "{key:?} again");
        assert_eq!(delta(&live).await, before, "the first answer, and nothing written");
    }
}

async fn delta(live: &Live) -> Delta {
    live.turn().await.unwrap().episode().sheet().unwrap().delta()
}

/// Start a child, kill it at a moment that follows from `chance`, and note what it acknowledged.
fn kill_one(directory: &Path, clients: &mut [Client], chance: u64) -> usize {
    let next: Vec<String> = clients.iter().map(|client| client.next.to_string()).collect();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["durable::serve_until_killed", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(NEXT, next.join(","))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut said = Vec::new();
    let most = match chance % 8 {
        // While the directory is opened, and recovered from the last kill.
        0 => OPENING,
        // While calls are served.
        _ => {
            for _ in 0..(chance >> 8) % LINES {
                lines.read_until(b'\n', &mut said).unwrap();
            }
            CALL
        }
    };
    std::thread::sleep(Duration::from_nanos(scatter(chance) % most.as_nanos() as u64));
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had said before the kill counts.
    while lines.read_until(b'\n', &mut said).unwrap() > 0 {}
    let said = String::from_utf8(said).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    // A line that was cut off acknowledged nothing.
    let whole = said.rfind('\n').map_or("", |end| &said[..end]);
    for line in whole.lines() {
        let mut parts = line.splitn(3, ' ');
        let mut number = || parts.next().unwrap().parse::<usize>().unwrap();
        let (client, number) = (number(), number());
        clients[client].acknowledged(number, parts.next().unwrap());
    }
    whole.lines().count()
}

fn lane(lane: usize, kills: usize) -> usize {
    let runtime = runtime();
    let mut acknowledged = 0;
    let rounds: Vec<usize> = (0..kills).collect();
    for rounds in rounds.chunks(KILLS_IN_A_DIRECTORY) {
        let directory = tempfile::tempdir().unwrap();
        let mut clients: Vec<Client> = (0..CLIENTS).map(Client::new).collect();
        for round in rounds {
            acknowledged += kill_one(directory.path(), &mut clients, scatter((lane << 32 | round) as u64));
            runtime.block_on(async {
                let registry = open(directory.path()).await;
                for client in &mut clients {
                    client.check(&registry).await;
                }
            });
        }
        runtime.block_on(async {
            let registry = open(directory.path()).await;
            for client in 0..CLIENTS {
                if let Ok(fork) = registry.get(&fork_name(client)) {
                    Again::new().check(&fork).await;
                }
            }
        });
    }
    acknowledged
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let acknowledged: usize = std::thread::scope(|scope| {
        let lanes = (0..LANES).map(|at| scope.spawn(move || lane(at, kills / LANES))).collect::<Vec<_>>();
        lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).sum()
    });
    println!("{kills} kills, {acknowledged} deeds acknowledged");
    assert!(acknowledged > kills, "the children hardly ran");
}
