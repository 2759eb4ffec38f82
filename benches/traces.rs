//! How many traces a second are replayed and graded, with the records loaded once, on all cores.
//!
//! `cargo bench --bench traces` measures the trials of `examples/grading` and, where `../shared` or `$INCIDENT_MCP_SHARED`
//! holds it, the foreign environment of 23,000 rows with its 24 traces; with `-- --check` it also fails when the target
//! is missed. The reference of the ratio is reading the traces, by the same parser and on one core.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

#[path = "common/median.rs"]
mod median;

use evaluation::compare::Closeness;
use evaluation::mapping;
use evaluation::model::{Command, Report};
use evaluation::stages::Choice;
use evaluation::{Request, run};
use median::median;
use procedures::policy;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Instant;
use traces::{Document, format};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Traces in a round.
const TRACES: usize = 2_000;

/// Rounds, of which the median counts.
const ROUNDS: usize = 7;

/// Traces a second that are aimed at, on two cores.
const TARGET: f64 = 2_000.0;

fn main() {
    let check = env::args().any(|argument| argument == "--check");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = env::var_os("INCIDENT_MCP_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let cores = std::thread::available_parallelism().unwrap();
    println!("{TRACES} traces, {cores} cores, median of {ROUNDS} rounds");
    let own = root.join("examples/grading");
    let mut missed =
        measure("trials of examples/grading", None, &[own.join("trials.json")], Some(own.join("tasks.json")));
    let upstream = shared.join("upstream");
    if upstream.is_dir() {
        let mut files: Vec<PathBuf> =
            upstream.join("traces").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        missed |= measure("traces of 23,000 rows", Some(upstream.join("it_incident_management")), &files, None);
    }
    if check && missed {
        std::process::exit(1);
    }
}

/// Print a table; true where the target was missed.
fn measure(what: &str, fixtures: Option<PathBuf>, files: &[PathBuf], gold: Option<PathBuf>) -> bool {
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let read = || -> Vec<Document> {
        let mut documents: Vec<Document> = Vec::new();
        let mut traces = 0;
        // The last document may hold a few too many.
        while traces < TRACES {
            let document = format::read(&texts[documents.len() % texts.len()], "bench").unwrap();
            traces += document.items.len();
            documents.push(document);
        }
        documents
    };
    let gold = gold.map(|file| vec![format::read(&std::fs::read_to_string(file).unwrap(), "gold").unwrap()]);
    let choice = Choice {
        policies: policy::Source::Embedded,
        mappings: mapping::Source::Embedded,
        policy: None,
        mapping: None,
        fixtures,
        mode: None,
        audit: None,
        actor: None,
        answers: Closeness::Canonical,
        prefix: None,
    };
    let start = Instant::now();
    let documents = read();
    let reading = start.elapsed().as_secs_f64();
    println!("\n{what}: read in {:.0} ms on one core", reading * 1e3);
    let mut missed = false;
    for command in [Command::Replay, Command::Grade] {
        let request = Request { command, choice: choice.clone(), gold: gold.clone(), strict: false };
        let mut rounds = Vec::new();
        let mut calls = 0;
        let mut loading = 0.0;
        for _ in 0..ROUNDS {
            // Records, policy and mapping are loaded before the first trace begins, which is told.
            let mut begun = None;
            let start = Instant::now();
            let report: Report = run(&request, &documents, Vec::new(), |_| begun = Some(Instant::now()), || {});
            let begun = begun.unwrap();
            loading = (begun - start).as_secs_f64();
            assert_eq!(report.mistakes, []);
            calls = report.totals.calls;
            rounds.push(report.totals.traces as f64 / begun.elapsed().as_secs_f64());
        }
        let rate = median(rounds);
        missed |= rate < TARGET;
        let verdict = if rate < TARGET { "MISSED" } else { "ok" };
        let ratio = documents.iter().map(|document| document.items.len()).sum::<usize>() as f64 / rate / reading;
        println!(
            "  {command:?}: {rate:.0} traces a second, target {TARGET:.0} {verdict}; {calls} calls, {ratio:.2} times reading, loaded in {:.0} ms",
            loading * 1e3
        );
    }
    missed
}
