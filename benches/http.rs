//! What a call costs over Streamable HTTP, as a ratio to an empty rmcp tool on the same transport in the same run; what
//! parallel episodes gain; what an episode costs over the control plane; and whether latency stays flat.
//!
//! `cargo bench --bench http` prints the table; with `-- --check` it also fails when a target is missed. The empty server is
//! this program itself, started again with `--empty-server`. The clients are hand-written and parse next to nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

#[path = "common/empty.rs"]
mod empty;
#[path = "common/median.rs"]
mod median;

use empty::Empty;
use median::median;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

/// Rounds; each starts every server anew, so that drift of the machine falls on all alike.
const ROUNDS: usize = 7;
/// Calls that are timed in a round, over all connections, and calls of each connection before them that are not.
const CALLS: usize = 6_000;
const WARM_UP: usize = 100;
/// Agents at once, where there are many.
const MANY: usize = 16;
/// Episodes that are created, used and closed.
const EPISODES: usize = 1_000;

const WRITE: &str = r#""record_workaround","arguments":{"incident_id":"20","effectiveness_level":"partial_mitigation","implemented_at":"2025-09-25T11:00:00","implemented_by_user":"12"}"#;
const EMPTY: &str = r#""noop","arguments":{"n":7}"#;

fn main() {
    if std::env::args().any(|argument| argument == "--empty-server") {
        return empty_server();
    }
    if std::env::args().any(|argument| argument == "--spin") {
        loop {
            std::hint::spin_loop();
        }
    }
    let check = std::env::args().any(|argument| argument == "--check");
    let mut missed = false;
    let mut row = |what: &str, value: f64, unit: &str, target: f64, least: bool| {
        let ok = if least { value >= target } else { value <= target };
        missed |= !ok;
        let bound = if least { "at least" } else { "at most" };
        println!("{what:<60} {value:>9.2} {unit:<4} {bound} {target:<6} {}", if ok { "ok" } else { "MISSED" });
    };
    let (mut one, mut many, mut parallel) = (Vec::new(), Vec::new(), Vec::new());
    let (mut empties, mut writes) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let awake = Awake::keep();
        let (empty, ours) = (Server::empty(), Server::ours(&[]));
        let default = ["/mcp".to_owned()];
        let (base, write) = (empty.time(&default, 1, EMPTY), ours.time(&default, 1, WRITE));
        one.push(ratio(write, base));
        empties.push(micros(base));
        writes.push(micros(write));
        let (empty, ours) = (Server::empty(), Server::ours(&[]));
        many.push(ratio(ours.time(&default, MANY, WRITE), empty.time(&default, MANY, EMPTY)));
        drop(awake);
        let ours = Server::ours(&[]);
        let episodes = ours.create(MANY);
        let alone = ours.time(&episodes[..1], 1, WRITE);
        parallel.push(ratio(alone, ours.time(&episodes, MANY, WRITE)));
    }
    println!(
        "an empty rmcp tool over HTTP: {:.1} us a call, a write: {:.1} us (medians)",
        median(empties),
        median(writes)
    );
    row("a write, 1 connection, to an empty tool", median(one), "x", 2.0, false);
    row("a write, 16 connections to one episode, to an empty tool", median(many), "x", 2.0, false);
    row("16 episodes at once to one episode, throughput", median(parallel), "x", 1.6, true);
    row("episodes created, used (8 calls) and closed", median((0..3).map(|_| lives()).collect()), "/s", 500.0, true);
    let awake = Awake::keep();
    row("latency with 10,000 live episodes to that with 10", flatness(), "x", 1.3, false);
    drop(awake);
    if check && missed {
        std::process::exit(1);
    }
}

/// Processes of the lowest priority that keep the cores from sleeping. With one connection, client and server wait for each
/// other in turn; on a virtual machine a core that sleeps takes longer to wake than an empty tool takes to answer, and the
/// ratio would be one of waking times.
struct Awake(Vec<Child>);

impl Awake {
    fn keep() -> Awake {
        let spin =
            || Command::new("nice").args(["-n", "19"]).arg(std::env::current_exe().unwrap()).arg("--spin").spawn();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Awake((0..cores).filter_map(|_| spin().ok()).collect())
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whole lives of episodes a second, by two evaluators at once.
fn lives() -> f64 {
    let server = Server::ours(&[]);
    let start = Instant::now();
    let evaluators: Vec<_> = (0..2)
        .map(|_| {
            let (public, control) = (server.address.clone(), server.control.clone());
            std::thread::spawn(move || {
                let (mut public, mut control) = (Connection::open(&public), Connection::open(&control));
                for _ in 0..EPISODES / 2 {
                    let created = control.ask("POST", "/episodes", "", "{}");
                    let id = id(&created);
                    let path = format!("/e/{id}/mcp");
                    for _ in 0..8 {
                        assert!(public.call(&path, WRITE).contains(r#""isError":false"#));
                    }
                    let closed = control.ask("DELETE", &format!("/episodes/{id}"), "", "");
                    assert!(closed.contains("hash"), "{closed}");
                }
            })
        })
        .collect();
    evaluators.into_iter().for_each(|evaluator| evaluator.join().unwrap());
    EPISODES as f64 / start.elapsed().as_secs_f64()
}

/// The median latency of a call that goes around 10,000 episodes, to that of one that goes around 10.
fn flatness() -> f64 {
    let server = Server::ours(&["--max-episodes", "10000"]);
    let few = server.create(10);
    let round = |paths: &[String]| {
        let mut connection = Connection::open(&server.address);
        let times = (0..20_000).map(|n| {
            let path = &paths[n % paths.len()];
            let start = Instant::now();
            connection.call(path, WRITE);
            start.elapsed().as_secs_f64()
        });
        median(times.collect())
    };
    let before = round(&few);
    let mut all = few;
    all.extend(server.create(9_990));
    // Once around, so that every episode has something of its own.
    round(&all);
    round(&all) / before
}

fn id(created: &str) -> String {
    let at = created.find(r#""id":""#).unwrap_or_else(|| panic!("{created}")) + 6;
    created[at..].split('"').next().unwrap().to_owned()
}

fn ratio(time: Duration, base: Duration) -> f64 {
    time.as_secs_f64() / base.as_secs_f64()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / CALLS as f64
}

/// A server in a child process.
struct Server {
    child: Child,
    address: String,
    control: String,
}

impl Server {
    fn ours(options: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_incident-mcp"));
        command.args(["serve", "--http", "127.0.0.1:0", "--control", "127.0.0.1:0"]).args(options);
        Server::start(command, true)
    }

    fn empty() -> Server {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--empty-server");
        Server::start(command, false)
    }

    fn start(mut command: Command, has_control: bool) -> Server {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut after = |text: &str| {
            let line = lines.find(|line| line.contains(text)).unwrap();
            line.split(text).nth(1).unwrap().trim_end_matches("/mcp").to_owned()
        };
        let address = after("listening on http://");
        let control = if has_control { after("control plane on http://") } else { String::new() };
        // Whatever it says further is read and forgotten, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, address, control }
    }

    /// New episodes, as the paths of their endpoints.
    fn create(&self, count: usize) -> Vec<String> {
        let mut control = Connection::open(&self.control);
        (0..count).map(|_| format!("/e/{}/mcp", id(&control.ask("POST", "/episodes", "", "{}")))).collect()
    }

    /// The time of [`CALLS`] calls over that many connections, each with a path of its own where there are as many.
    fn time(&self, paths: &[String], connections: usize, call: &'static str) -> Duration {
        let barrier = Arc::new(Barrier::new(connections + 1));
        let threads: Vec<_> = (0..connections)
            .map(|n| {
                let (barrier, path) = (barrier.clone(), paths[n % paths.len()].clone());
                let mut connection = Connection::open(&self.address);
                std::thread::spawn(move || {
                    let first = connection.call(&path, call);
                    assert!(first.contains(r#""isError":false"#), "{first}");
                    (0..WARM_UP).for_each(|_| drop(connection.call(&path, call)));
                    barrier.wait();
                    (0..CALLS / connections).for_each(|_| drop(connection.call(&path, call)));
                })
            })
            .collect();
        barrier.wait();
        let start = Instant::now();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        start.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection that is kept open.
struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    fn open(address: &str) -> Connection {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream: BufReader::new(stream), host: address.to_owned() }
    }

    /// A call as a client of 2026-07-28 makes it, without a session.
    fn call(&mut self, path: &str, call: &str) -> String {
        let name = call.split('"').nth(1).unwrap();
        let headers = format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {name}\r\n");
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}},"name":{call}}}}}"#
        );
        self.ask("POST", path, &headers, &body)
    }

    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\naccept: application/json, text/event-stream\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }
}

#[allow(clippy::print_stderr)]
fn empty_server() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = StreamableHttpServerConfig::default().with_legacy_session_mode(true).with_json_response(true);
        let empty = Empty::new();
        let sessions = Arc::new(LocalSessionManager::default());
        let service = StreamableHttpService::new(move || Ok(empty.clone()), sessions, config);
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("listening on http://{}/mcp", socket.local_addr().unwrap());
        let socket = axum::serve::ListenerExt::tap_io(socket, |stream| stream.set_nodelay(true).unwrap());
        axum::serve(socket, axum::Router::new().nest_service("/mcp", service)).await.unwrap();
    });
}
