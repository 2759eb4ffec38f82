//! `incident-mcp episode`, as a shell sees it, with a real server at the other end.

use crate::cli::{Ran, program, ran};
use crate::registry::{add, registry};
use serde_json::Value;
use server::http::descriptors::Connections;
use server::http::guard::Secret;
use server::http::{Access, Limits, Listener, Options};
use server::registry::{self, Registry};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A server, for as long as this lives.
struct Served {
    runtime: Runtime,
    registry: Arc<Registry>,
    public: String,
    control: String,
}

fn served(token: Option<&str>) -> Served {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (registry, public, control) = runtime.block_on(async {
        let registry = registry(registry::Limits { episodes: 3, ttl: None, ..registry::Limits::default() }).await;
        let public = Listener::bind("127.0.0.1:0").await.unwrap();
        let control = Listener::bind("127.0.0.1:0").await.unwrap();
        let addresses = (format!("http://{}", public.address()), format!("http://{}", control.address()));
        let access = Access { token: token.map(|token| Secret::new(token).unwrap()), ..Access::default() };
        let options = Options {
            access: Access::default(),
            limits: Limits::default(),
            connections: Connections::of(1_024),
            grace: Duration::ZERO,
            public_url: None,
        };
        let serve = server::http::serve(
            registry.clone(),
            options,
            public,
            Some((control, access)),
            std::future::pending::<()>(),
        );
        tokio::spawn(serve);
        (registry, addresses.0, addresses.1)
    });
    Served { runtime, registry, public, control }
}

impl Served {
    fn run(&self, arguments: &[&str]) -> Ran {
        let all = [&["episode", "--control", &self.control], arguments].concat();
        ran(program().args(all).output().unwrap())
    }

    fn lines(&self, arguments: &[&str]) -> Vec<Vec<String>> {
        let ran = self.run(arguments).ends(0);
        assert_eq!(ran.stderr, "");
        ran.stdout.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_life_of_an_episode() {
    let served = served(None);
    let address = |id: &str| format!("{}/e/{id}/mcp", served.public);
    let made = served.lines(&["create", "--id", "a", "--mode", "observe", "--actor", "6", "--ttl", "60"]);
    assert_eq!(made, [["a", "all", "observe", "0", "0", &address("a")]]);
    served.runtime.block_on(async { add(&served.registry.get("a").unwrap(), "seen from a shell").await });

    let forked = served.lines(&["fork", "a", "--id", "b"]);
    assert_eq!(forked, [["b", "all", "observe", "0", "0", &address("b")]]);
    let listed = served.lines(&["list"]);
    assert_eq!(listed.iter().map(|row| (&*row[0], &*row[3])).collect::<Vec<_>>(), [("a", "1"), ("b", "0")]);
    let shown = served.lines(&["show", "a"]);
    let field = |name: &str| shown.iter().find(|row| row[0] == name).map(|row| row[1].as_str());
    assert_eq!((field("ttl seconds"), field("actor"), field("calls")), (Some("60"), Some("6"), Some("1")));
    assert!(field("unpaid").unwrap().ends_with("by call 1 has no audit entry"), "{shown:?}");

    let calls = json_lines(&served.run(&["journal", "a"]).ends(0).stdout);
    assert_eq!((calls.len(), &calls[0]["arguments"]["note"]), (1, &"seen from a shell".into()));
    let cells = served.lines(&["diff", "a"]);
    assert!(cells.iter().any(|cell| cell[0] == "incident_updates" && cell[4] == "\"seen from a shell\""), "{cells:?}");
    assert_eq!(served.run(&["diff", "a", "--against", "episode:b"]).ends(0).stdout, "");
    let hashes = served.run(&["hash", "a"]).ends(0).stdout;
    assert_eq!(hashes, served.run(&["hash", "b"]).ends(0).stdout);
    assert_eq!(hashes.lines().next().and_then(|line| line.split("  ").next()), field("hash"));

    assert_eq!(served.run(&["checkpoint", "a"]).ends(0).stdout, "1\n");
    assert_eq!(served.run(&["checkpoint", "a", "mine"]).ends(0).stdout, "mine\n");
    assert_eq!(served.run(&["checkpoint", "a", "--list"]).ends(0).stdout, "1\nmine\n");
    assert_eq!(served.run(&["checkpoint", "a", "--drop", "1"]).ends(0).stdout, "");
    assert_eq!(served.run(&["reset", "a"]).ends(0).stdout, "");
    assert_eq!(served.run(&["journal", "a"]).ends(0).stdout, "");
    assert_eq!(served.run(&["restore", "a", "mine"]).ends(0).stdout, "");
    assert_eq!(served.run(&["hash", "a"]).ends(0).stdout, hashes);
    let closed = served.lines(&["close", "a"]);
    assert_eq!((&*closed[0][0], &*closed[0][1]), ("calls", "1"));
    assert_eq!(served.lines(&["list"]).len(), 1);
}

#[test]
fn json_is_printed_as_it_came() {
    let served = served(None);
    let made = served.run(&["create", "--id", "a", "--json"]).ends(0).json();
    assert_eq!(made["mcp_url"], format!("{}/e/a/mcp", served.public));
    let pages = json_lines(&served.run(&["--json", "list"]).ends(0).stdout);
    assert_eq!(pages[0]["episodes"][0]["id"], "a");
    assert_eq!(served.run(&["diff", "a", "--json"]).ends(0).json()["differences"], Value::Array(Vec::new()));
    assert_eq!(served.run(&["reset", "a", "--json"]).ends(0).stdout, "");
}

#[test]
fn a_refusal_says_what_is_wrong_and_what_to_do() {
    let served = served(None);
    served.run(&["show", "nobody"]).ends(1).complains(&[r#"there is no episode "nobody""#, "GET /episodes"]);
    // A name that is none cannot lead elsewhere.
    served.run(&["show", "../metrics"]).ends(1).complains(&["there is no episode \"../metrics\""]);
    served.run(&["create", "--policy", "al"]).ends(1).complains(&[r#"did you mean "all"?"#]);
    served.run(&["create", "--mode", "strict"]).ends(2).complains(&["enforce"]);
    for _ in 0..3 {
        served.run(&["create"]).ends(0);
    }
    served.run(&["create"]).ends(1).complains(&["3 episodes are live", "close episodes"]);
    let other = ran(program().args(["episode", "list", "--control", &served.public]).output().unwrap());
    other.ends(1).complains(&["there is nothing at this address"]);
}

#[test]
fn a_control_plane_that_is_not_there_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let ran = ran(program().args(["episode", "list"]).env("INCIDENT_MCP_CONTROL_URL", &address).output().unwrap());
    ran.ends(1).complains(&["no answer from the control plane", &address]);
}

#[test]
fn the_token_comes_from_the_environment_or_a_file() {
    const TOKEN: &str = "a-token-for-this-test-alone";
    let served = served(Some(TOKEN));
    served.run(&["list"]).ends(1).complains(&["token"]);
    let with = |token: &str| {
        let mut command = program();
        command.args(["episode", "list", "--control", &served.control]).env("INCIDENT_MCP_CONTROL_TOKEN", token);
        ran(command.output().unwrap())
    };
    with(TOKEN).ends(0);
    with("another-token-of-that-length").ends(1).complains(&["token"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    served.run(&["list", "--control-token-file", file.to_str().unwrap()]).ends(0);
    served.run(&["list", "--control-token-file", "not-there"]).ends(1).complains(&["not-there"]);
}
