//! Serving over streams of lines: what is read, and when.

use super::support::episode;
use serde_json::{Value, json};
use server::mcp::Server;
use server::mcp::stdio::serve_over;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, DuplexStream, ReadBuf, duplex};

const BEGIN: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;

fn server() -> Server {
    Server::alone(episode("all"), None)
}

/// A client that asks without end, and does not read.
struct Endless {
    rest: VecDeque<u8>,
    asked: usize,
    read: Arc<AtomicUsize>,
}

impl AsyncRead for Endless {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.rest.len() < out.remaining() {
            self.asked += 1;
            let ping = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}}\n", self.asked);
            self.rest.extend(ping.bytes());
        }
        let taken = out.remaining();
        out.put_slice(&self.rest.drain(..taken).collect::<Vec<_>>());
        self.read.fetch_add(taken, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn no_more_is_read_than_can_be_answered() {
    let (output, _unread) = duplex(1024);
    let read = Arc::<AtomicUsize>::default();
    let rest = format!("{BEGIN}\n").bytes().collect();
    let input = Endless { rest, asked: 0, read: read.clone() };
    let serving = tokio::spawn(serve_over(server(), input, output));
    for _ in 0..20_000 {
        tokio::task::yield_now().await;
    }
    let bytes = read.load(Ordering::Relaxed);
    assert!((1..64 * 1024).contains(&bytes), "{bytes} bytes were read for a client that reads none");
    serving.abort();
}

/// A client at the other ends.
struct Client {
    input: DuplexStream,
    output: tokio::io::Lines<BufReader<DuplexStream>>,
}

impl Client {
    fn begin() -> Client {
        let ((input, served_input), (served_output, output)) = (duplex(1 << 20), duplex(1 << 20));
        tokio::spawn(serve_over(server(), served_input, served_output));
        Client { input, output: BufReader::new(output).lines() }
    }

    async fn send(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Option<Value> {
        self.output.next_line().await.unwrap().map(|line| serde_json::from_str(&line).unwrap())
    }
}

#[tokio::test]
async fn whatever_comes_first_the_session_begins() {
    let mut client = Client::begin();
    for line in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":5,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"list","method":"tools/list"}"#,
        "nonsense",
        BEGIN,
    ] {
        client.send(line).await;
    }
    let refused = client.next().await.unwrap();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!("list"), &json!(-32602)));
    assert!(refused["error"]["message"].as_str().unwrap().contains("initialize"), "{refused}");
    assert_eq!(client.next().await.unwrap()["error"]["code"], -32700);
    assert_eq!(client.next().await.unwrap()["result"]["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn what_was_read_is_answered_after_the_end_of_input() {
    let mut client = Client::begin();
    client.send(BEGIN).await;
    for id in 1..=500 {
        client.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)).await;
    }
    client.input.shutdown().await.unwrap();
    for id in 0..=500 {
        assert_eq!(client.next().await.unwrap()["id"], id);
    }
    assert_eq!(client.next().await, None);
}
