//! What it costs to refuse the arguments of a call, as a ratio to parsing the same body.
//!
//! `cargo bench --bench arguments` measures the largest bodies that a line can bring; with `-- --check` it also fails when
//! refusing one costs more than the target, that is, when the work follows what was sent rather than what is answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

#[path = "common/median.rs"]
mod median;

use median::median;
use procedures::policy;
use serde_json::{Map, Value};
use std::env;
use std::hint::black_box;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of a body: those that a line may have, 4 MiB, with something left for the rest of the message.
const BYTES: usize = 4_000_000;

/// Rounds, of which the median counts.
const ROUNDS: usize = 7;

/// Refusing may cost this share of parsing; freeing the arguments is most of it.
const TARGET: f64 = 0.5;

fn main() {
    let check = env::args().any(|argument| argument == "--check");
    let policy = policy::load(&policy::Source::Embedded, "all").unwrap();
    let bodies = [
        ("unknown arguments", "create_incident", fill("", |n| format!("\"argument{n}\":1"), "")),
        ("blank values", "find_clients", fill("", |n| format!("\"k{n}\":\"\""), "")),
        (
            "unknown fields of a change set",
            "update_incident",
            fill("\"change_set\":{", |n| format!("\"k{n}\":\"\""), "}"),
        ),
        ("items of a list", "update_incident", fill("\"clear\":[", |n| format!("\"k{n}\""), "]")),
        ("a long text", "create_incident", format!("{{\"title\":\"{}\"}}", "x".repeat(BYTES))),
    ];
    println!("{BYTES} bytes of arguments, median of {ROUNDS} rounds");
    let mut missed = false;
    for (what, tool, body) in bodies {
        let tool = policy.tool(tool).unwrap();
        let mut parsing = Vec::new();
        let mut refusing = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let Value::Object(arguments) = serde_json::from_str(&body).unwrap() else { unreachable!() };
            parsing.push(start.elapsed().as_secs_f64());
            let start = Instant::now();
            assert!(black_box(tool.validate(arguments as Map<String, Value>)).is_err());
            refusing.push(start.elapsed().as_secs_f64());
        }
        let (parsing, refusing) = (median(parsing), median(refusing));
        let ratio = refusing / parsing;
        println!("{what:32} parsing {:8.2} ms, refusing {:8.2} ms, ratio {ratio:.2}", parsing * 1e3, refusing * 1e3);
        missed |= ratio > TARGET;
    }
    if check && missed {
        println!("refusing costs more than {TARGET} of parsing");
        std::process::exit(1);
    }
}

/// A body of that size, of parts by number.
fn fill(begin: &str, part: impl Fn(usize) -> String, end: &str) -> String {
    let mut body = format!("{{{begin}");
    let mut n = 0;
    while body.len() < BYTES {
        if n > 0 {
            body.push(',');
        }
        body.push_str(&part(n));
        n += 1;
    }
    body + end + "}"
}
