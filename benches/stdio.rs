//! What a call costs over stdio, as a ratio to an empty rmcp tool on the same transport in the same run; and start-up
//! time, binary size and idle memory.
//!
//! `cargo bench` prints the table; `cargo bench -- --check` also fails when a target is missed. The empty server is this
//! program itself, started again with `--empty-server`. The client is hand-written and parses nothing, so that it weighs
//! little on either side.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

#[path = "common/empty.rs"]
mod empty;
#[path = "common/median.rs"]
mod median;

use empty::Empty;
use median::median;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{RoleServer, ServiceExt};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Rounds; each starts every server anew, so that drift of the machine falls on all alike.
const ROUNDS: usize = 9;
/// Calls that are timed in a round, and calls before them that are not.
const CALLS: usize = 2_000;
const WARM_UP: usize = 200;

fn main() {
    if std::env::args().any(|argument| argument == "--empty-server") {
        return empty_server();
    }
    let check = std::env::args().any(|argument| argument == "--check");
    let write = r#""record_workaround","arguments":{"incident_id":"20","effectiveness_level":"partial_mitigation","implemented_at":"2025-09-25T11:00:00","implemented_by_user":"12"}"#;
    let lookup = r#""find_incidents","arguments":{"incident_id":"20","acting_user":"12"}"#;
    let empty = r#""noop","arguments":{"n":7}"#;
    let (mut base, mut writes, mut lookups) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        base.push(Client::empty().time(empty));
        writes.push(Client::ours().time(write));
        lookups.push(Client::ours().time(lookup));
    }
    let mut missed = false;
    let mut row = |what: &str, value: String, target: String, ok: bool| {
        missed |= !ok;
        println!("{what:<44} {value:>12}   target {target:<10} {}", if ok { "ok" } else { "MISSED" });
    };
    println!("an empty rmcp tool: {:.1} us a call (median of {ROUNDS} rounds)", micros(&base));
    let of = |times: &[Duration]| {
        let ratios = times.iter().zip(&base).map(|(time, base)| time.as_secs_f64() / base.as_secs_f64());
        median(ratios.collect())
    };
    for (what, times, most) in
        [("a write (record_workaround)", &writes, 3.0), ("a lookup by id (find_incidents)", &lookups, 2.0)]
    {
        let ratio = of(times);
        let what = format!("{what}, {:.1} us", micros(times));
        row(&what, format!("{ratio:.2} x"), format!("{most} x"), ratio <= most);
    }
    let start = median((0..21).map(|_| Client::ours().started.as_secs_f64() * 1e3).collect());
    row("process start to the answer of tools/list", format!("{start:.1} ms"), "20 ms".into(), start <= 20.0);
    let size = std::fs::metadata(OURS).unwrap().len() as f64 / 1e6;
    row("release binary", format!("{size:.1} MB"), "15 MB".into(), size <= 15.0);
    let idle = Client::ours().resident();
    row("idle memory", format!("{idle:.1} MiB"), "20 MiB".into(), idle <= 20.0);
    if check && missed {
        std::process::exit(1);
    }
}

const OURS: &str = env!("CARGO_BIN_EXE_incident-mcp");

fn micros(times: &[Duration]) -> f64 {
    median(times.iter().map(|time| time.as_secs_f64() * 1e6 / CALLS as f64).collect())
}

/// A server in a child process, and the pipes to it.
struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// From the start of the process to the answer of tools/list.
    started: Duration,
}

impl Client {
    fn ours() -> Client {
        let mut command = Command::new(OURS);
        command.arg("serve");
        Client::start(command)
    }

    fn empty() -> Client {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--empty-server");
        Client::start(command)
    }

    fn start(mut command: Command) -> Client {
        let start = Instant::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let output = BufReader::with_capacity(1 << 16, output);
        let mut client = Client { child, input, output, started: Duration::ZERO };
        client.ask(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"0"}}}"#);
        client.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        client.ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
        client.started = start.elapsed();
        client
    }

    fn say(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer
    }

    /// The time of [`CALLS`] calls, one after the other.
    fn time(mut self, call: &str) -> Duration {
        let line = format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":{call}}}}}"#);
        let first = self.ask(&line);
        assert!(first.contains(r#""isError":false"#), "{first}");
        for _ in 0..WARM_UP {
            self.ask(&line);
        }
        let start = Instant::now();
        for _ in 0..CALLS {
            self.ask(&line);
        }
        start.elapsed()
    }

    /// Resident memory in MiB, once the server has listed its tools.
    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn empty_server() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (input, output) = rmcp::transport::io::stdio_pipes();
        let transport = AsyncRwTransport::<RoleServer, _, _>::new_server(input, output);
        let running = Empty::new().serve(transport).await.unwrap();
        running.waiting().await.unwrap();
    });
}
