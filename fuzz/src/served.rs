//! What clients send: over the network, to a server in this process, and over standard input.

use crate::episode;
use calls::Episode;
use server::http::descriptors::Connections;
use server::http::{Access, Limits, Listener, Options, serve};
use server::mcp::{Server, stdio};
use procedures::policy::Source;
use server::registry::{self, Registry, Setup, Spec};
use store::fixtures::Fixtures;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{LazyLock, mpsc};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// How long an answer may take before that counts as a hang.
const PATIENCE: Duration = Duration::from_secs(20);

static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    let (told, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        runtime.block_on(async {
            let fixtures = Fixtures::shipped(&|_| None).expect("the shipped fixtures are right");
            let setup = Setup {
                source: Source::Embedded,
                fixtures: BTreeMap::from([("default".to_owned(), fixtures)]),
                defaults: Spec { policy: Some("all".to_owned()), ..Spec::default() },
                limits: registry::Limits::default(),
                durable: None,
                recorder: None,
            };
            let registry = Registry::open(setup).await.unwrap_or_else(|error| panic!("{error}"));
            registry.default_episode().await.unwrap_or_else(|error| panic!("{error}"));
            let listener = Listener::bind("127.0.0.1:0").await.expect("a port is free");
            told.send(listener.address()).expect("somebody waits for it");
            let options = Options {
                access: Access::default(),
                limits: Limits { time: PATIENCE / 2, ..Limits::default() },
                connections: Connections::of_process(),
                grace: Duration::ZERO,
                public_url: None,
            };
            serve(registry, options, listener, None, std::future::pending()).await.expect("it serves");
        });
    });
    address.recv().expect("the server starts")
});

/// Send bytes, say that there are no more, and read until the server has nothing to say.
fn send(bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(*SERVER).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
    // The server may have refused and closed before it read all.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return answer,
            Ok(n) => answer.extend_from_slice(&chunk[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("no answer in {PATIENCE:?}"),
            Err(_) => return answer,
        }
    }
}

/// A connection's bytes as they come. An answer, if there is one, is HTTP, and no failure of the server's.
pub fn http(data: &[u8]) {
    let answer = send(data);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", String::from_utf8_lossy(&answer));
    assert!(!answer.starts_with(b"HTTP/1.1 500"), "{}", String::from_utf8_lossy(&answer));
}

/// What a client writes to standard input, to its end. Each line of the answer is one JSON-RPC message, and none tells of a
/// failure of ours.
pub fn lines(data: &[u8]) {
    thread_local! {
        static EPISODE: Episode = episode();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let input = std::io::Cursor::new(data.to_vec());
    let answer = runtime.block_on(async move {
        let fork = EPISODE.with(|episode| episode.fork().expect("an episode on an image can be forked"));
        let (ours, theirs) = tokio::io::duplex(1 << 22);
        let served = tokio::time::timeout(PATIENCE, stdio::serve_over(Server::alone(fork, None), input, ours));
        let read = async {
            let mut answer = Vec::new();
            let mut theirs = theirs;
            theirs.read_to_end(&mut answer).await.expect("a pipe in memory can be read");
            answer
        };
        let (served, answer) = tokio::join!(served, read);
        let _ = served.expect("it ends with its input");
        answer
    });
    for line in answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let message: Json =
            serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)));
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        assert_ne!(message["result"]["structuredContent"]["code"], "FAULT", "{message}");
    }
}
