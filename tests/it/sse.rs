//! HTTP+SSE, the transport of old clients.

use super::wire::{Served, Wire, serve};
use axum::http::StatusCode;
use rmcp::ServerHandler;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, JsonRpcMessage};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};
use server::http::Refusal;
use server::http::edge::Limits;
use server::http::sse::{Opened, router};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// A server whose calls wait at a gate.
#[derive(Clone)]
struct Gated {
    gate: Arc<Semaphore>,
    seen: UnboundedSender<String>,
}

impl ServerHandler for Gated {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let _ = self.seen.send(format!("called {}", request.name));
        tokio::select! {
            gate = self.gate.acquire() => gate.unwrap().forget(),
            () = context.ct.cancelled() => {
                let _ = self.seen.send(format!("cancelled {}", request.name));
                return Err(ErrorData::invalid_request("cancelled", None));
            }
        }
        Ok(CallToolResult::success(vec![ContentBlock::text(request.name)]).into())
    }
}

struct Bench {
    served: Served,
    gate: Arc<Semaphore>,
    seen: UnboundedReceiver<String>,
    arrived: Arc<Mutex<Vec<String>>>,
    ended: CancellationToken,
}

async fn bench() -> Bench {
    let (sender, seen) = unbounded_channel();
    let (gate, ended) = (Arc::new(Semaphore::new(0)), CancellationToken::new());
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let server = Gated { gate: gate.clone(), seen: sender };
    let open = {
        let (ended, arrived) = (ended.clone(), arrived.clone());
        move |episode: Option<&str>| match episode {
            Some("unknown") => Err(Refusal::new(StatusCode::NOT_FOUND, "EPISODE_NOT_FOUND", "no such episode", "-")),
            _ => Ok(Opened {
                server: server.clone(),
                ended: ended.clone(),
                arrived: Box::new({
                    let arrived = arrived.clone();
                    move |message| {
                        if let JsonRpcMessage::Request(request) = message {
                            arrived.lock().unwrap().push(request.id.to_string());
                        }
                    }
                }),
            }),
        }
    };
    let served = serve(Limits::default(), |drain| router(drain.clone(), open)).await;
    Bench { served, gate, seen, arrived, ended }
}

/// A client that listens, and where its messages go.
struct Client {
    down: Wire,
    up: Wire,
    endpoint: String,
}

impl Bench {
    async fn listen(&self, path: &str) -> Client {
        let mut down = Wire::to(self.served.address).await;
        down.get(path).await;
        let (name, endpoint) = down.event().await.unwrap();
        assert_eq!(name, "endpoint");
        Client { down, up: Wire::to(self.served.address).await, endpoint }
    }

    /// A client that has shaken hands.
    async fn client(&self, path: &str) -> Client {
        self.client_of(path, "2024-11-05").await
    }

    /// A client that has agreed on that revision.
    async fn client_of(&self, path: &str, revision: &str) -> Client {
        let mut client = self.listen(path).await;
        let about =
            json!({ "protocolVersion": revision, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        client.send(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": about })).await;
        assert_eq!(client.next().await["result"]["protocolVersion"], revision);
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        client
    }
}

impl Client {
    async fn post(&mut self, body: &str) -> (u16, String) {
        let reply = self.up.post(&self.endpoint, body).await;
        (reply.status, reply.body)
    }

    async fn send(&mut self, message: &Value) {
        assert_eq!(self.post(&message.to_string()).await.0, 202);
    }

    async fn next(&mut self) -> Value {
        let (name, data) = self.down.event().await.unwrap();
        assert_eq!(name, "message");
        serde_json::from_str(&data).unwrap()
    }
}

fn call(id: usize) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": format!("tool-{id}") } })
}

#[tokio::test]
async fn a_call_is_answered_on_the_stream() {
    let mut bench = bench().await;
    bench.gate.add_permits(2);
    for (path, prefix) in [("/sse", "/messages?sessionId="), ("/e/one/sse", "/e/one/messages?sessionId=")] {
        let mut client = bench.client(path).await;
        assert!(client.endpoint.starts_with(prefix), "{}", client.endpoint);
        client.send(&call(1)).await;
        assert_eq!(bench.seen.recv().await.unwrap(), "called tool-1");
        assert_eq!(client.next().await["result"]["content"][0]["text"], "tool-1");
    }
}

#[tokio::test]
async fn messages_are_seen_in_the_order_in_which_they_come() {
    let bench = bench().await;
    let mut client = bench.client("/sse").await;
    for id in 1..100 {
        client.send(&call(id)).await;
    }
    let expected: Vec<_> = (0..100).map(|id| id.to_string()).collect();
    assert_eq!(*bench.arrived.lock().unwrap(), expected);
}

#[tokio::test]
async fn what_is_no_message_of_a_session_is_refused() {
    let bench = bench().await;
    let mut client = bench.client("/e/one/sse").await;
    for (body, expected) in [
        ("", json!([null, -32700])),
        ("{", json!([null, -32700])),
        ("[]", json!([null, -32600])),
        ("{}", json!([null, -32600])),
        (r#"{"id": 7}"#, json!([7, -32600])),
        (r#"{"jsonrpc": "1.0", "id": "a", "method": "ping"}"#, json!(["a", -32600])),
    ] {
        let (status, reply) = client.post(body).await;
        let reply: Value = serde_json::from_str(&reply).unwrap();
        assert_eq!((status, json!([reply["id"], reply["error"]["code"]])), (400, expected), "{body}");
    }
    let elsewhere = client.endpoint.replace("/e/one", "/e/two");
    let defaults = client.endpoint.replace("/e/one", "");
    for endpoint in ["/messages", "/messages?sessionId=x", "/messages?other=x", &elsewhere, &defaults] {
        client.endpoint = endpoint.to_owned();
        let (status, body) = client.post(&call(1).to_string()).await;
        assert_eq!(status, 404, "{endpoint}");
        assert!(body.contains("SESSION_NOT_FOUND"), "{body}");
    }
    let mut wire = Wire::to(bench.served.address).await;
    wire.get("/e/unknown/sse").await;
    assert!(wire.reply().await.body.contains("EPISODE_NOT_FOUND"));
}

/// The ids of the answers to a batch.
fn ids(answers: &Value) -> Vec<Value> {
    let mut ids: Vec<Value> = answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    ids.sort_by_key(Value::to_string);
    ids
}

#[tokio::test]
async fn a_batch_is_answered_as_one_where_its_revision_has_them() {
    let bench = bench().await;
    bench.gate.add_permits(6);
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/anything" });
    for revision in ["2024-11-05", "2025-03-26"] {
        let mut client = bench.client_of("/sse", revision).await;
        let start = json!({ "jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {} });
        client.send(&json!([call(1), told, { "jsonrpc": "2.0", "id": "odd" }, start, call(2)])).await;
        client.send(&json!([told])).await;
        client.send(&call(3)).await;
        let mut answers = [client.next().await, client.next().await];
        answers.sort_by_key(Value::is_object);
        assert_eq!(ids(&answers[0]), [json!("odd"), json!(1), json!(2), json!(7)]);
        assert_eq!(answers[0].as_array().unwrap().iter().filter(|answer| answer["error"]["code"] == -32600).count(), 1);
        assert_eq!(answers[1]["id"], 3);
    }
    for revision in ["2025-06-18", "2025-11-25"] {
        let mut client = bench.client_of("/sse", revision).await;
        let (status, reply) = client.post(&json!([call(1)]).to_string()).await;
        assert!(status == 400 && reply.contains("this is a batch"), "{reply}");
    }
}

#[tokio::test]
async fn a_batch_of_which_nothing_can_be_served_is_refused() {
    let bench = bench().await;
    let mut client = bench.client("/sse").await;
    let (status, reply) = client.post(r#"[1, {"jsonrpc": "2.0", "id": 5}]"#).await;
    let codes: Vec<Value> = serde_json::from_str::<Vec<Value>>(&reply)
        .unwrap()
        .iter()
        .map(|fault| fault["error"]["code"].clone())
        .collect();
    assert_eq!((status, codes), (400, vec![json!(-32600); 2]));
    for body in ["[]".to_owned(), Value::from(vec![call(1); 65]).to_string()] {
        let (status, reply) = client.post(&body).await;
        assert!(status == 400 && reply.contains("a batch has 1 to 64 messages"), "{status} {reply}");
    }
}

/// It is passed on whole or not at all.
#[tokio::test]
async fn a_batch_beyond_the_backlog_is_turned_away_whole() {
    let mut bench = bench().await;
    let mut client = bench.client("/sse").await;
    for first in (0..256).step_by(64) {
        client.send(&(first + 1..first + 65).map(call).collect()).await;
    }
    bench.gate.add_permits(1);
    while bench.seen.recv().await.unwrap() != "called tool-256" {}
    let (status, body) = client.post(&json!([call(998), call(999)]).to_string()).await;
    assert!(status == 503 && body.contains("BACKLOG"), "{status} {body}");
    bench.gate.add_permits(255);
    let mut answered = 0;
    while answered < 256 {
        answered += ids(&client.next().await).len();
    }
    assert!(bench.seen.try_recv().is_err(), "nothing more was called");
}

#[tokio::test]
async fn a_batch_does_not_wait_for_what_is_cancelled() {
    let mut bench = bench().await;
    let mut client = bench.client("/sse").await;
    client.send(&json!([call(1), call(2)])).await;
    for _ in 0..2 {
        bench.seen.recv().await.unwrap();
    }
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } })).await;
    assert_eq!(bench.seen.recv().await.unwrap(), "cancelled tool-1");
    bench.gate.add_permits(1);
    assert_eq!(ids(&client.next().await), [json!(2)]);
}

/// Each is answered, one after the other.
#[tokio::test]
async fn of_two_requests_with_one_id_the_second_waits() {
    let mut bench = bench().await;
    let mut client = bench.client("/sse").await;
    for number in [1, 2] {
        let mut message = call(number);
        message["id"] = json!(1);
        client.send(&message).await;
    }
    for number in [1, 2] {
        assert_eq!(bench.seen.recv().await.unwrap(), format!("called tool-{number}"));
        assert!(bench.seen.try_recv().is_err());
        bench.gate.add_permits(1);
        let answer = client.next().await;
        assert_eq!(
            (&answer["id"], &answer["result"]["content"][0]["text"]),
            (&json!(1), &json!(format!("tool-{number}")))
        );
    }
}

#[tokio::test]
async fn a_message_that_says_two_things_is_refused() {
    let bench = bench().await;
    let mut client = bench.client("/sse").await;
    let twice = r#"{"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "a", "arguments": {"x": 1, "x": 2}}}"#;
    for body in [twice.to_owned(), format!("[{twice}]")] {
        let (status, reply) = client.post(&body).await;
        let reply: Value = serde_json::from_str(&reply).unwrap();
        let reply = reply.get(0).unwrap_or(&reply);
        assert_eq!((status, &reply["id"], &reply["error"]["code"]), (400, &json!(5), &json!(-32602)));
        assert!(
            reply["error"]["message"].as_str().unwrap().starts_with("params.arguments.x is there twice"),
            "{reply}"
        );
    }
}

#[tokio::test]
async fn calls_of_a_client_that_leaves_are_cancelled() {
    let mut bench = bench().await;
    let Client { down, mut up, endpoint } = {
        let mut client = bench.client("/sse").await;
        client.send(&call(1)).await;
        client
    };
    assert_eq!(bench.seen.recv().await.unwrap(), "called tool-1");
    drop(down);
    assert_eq!(bench.seen.recv().await.unwrap(), "cancelled tool-1");
    assert_eq!(up.post(&endpoint, &call(2).to_string()).await.status, 404);
}

#[tokio::test]
async fn a_client_that_leaves_before_it_begins_leaves_nothing() {
    let mut bench = bench().await;
    let Client { down, mut up, endpoint } = bench.listen("/sse").await;
    drop(down);
    while up.post(&endpoint, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}").await.status != 404 {
        tokio::task::yield_now().await;
    }
    // The routes hold one server, which makes all others: when they are gone, so is whoever could be called.
    bench.served.drain.run(Duration::ZERO).await;
    bench.served.serving.await.unwrap();
    assert_eq!(bench.seen.recv().await, None);
}

#[tokio::test]
async fn a_session_ends_with_its_episode() {
    let bench = bench().await;
    let mut client = bench.client("/sse").await;
    bench.ended.cancel();
    assert_eq!(client.down.event().await, None);
    assert_eq!(client.post(&call(1).to_string()).await.0, 404);
}

#[tokio::test]
async fn more_waiting_calls_than_the_backlog_are_turned_away() {
    const BACKLOG: usize = 256;
    let mut bench = bench().await;
    let mut client = bench.client("/sse").await;
    for id in 1..=BACKLOG {
        client.send(&call(id)).await;
        bench.seen.recv().await.unwrap();
    }
    let (status, body) = client.post(&call(999).to_string()).await;
    assert_eq!(status, 503);
    assert!(body.contains("BACKLOG"), "{body}");
    bench.gate.add_permits(BACKLOG);
    for _ in 0..BACKLOG {
        client.next().await;
    }
    client.send(&call(1_000)).await;
}

/// Its session ends, and its connection with all that it was still to be sent.
#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    const MOST: usize = 64;
    let mut bench = bench().await;
    bench.gate.add_permits(MOST);
    let mut client = bench.client("/sse").await;
    let long = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "x".repeat(1 << 20) } });
    let mut sent = 0;
    while client.post(&long.to_string()).await.0 == 202 {
        sent += 1;
        assert!(sent < MOST, "more than sockets and the limit hold");
        bench.seen.recv().await;
    }
    assert!(sent >= 8, "{sent}");
    client.down.closed().await;
    let mut next = bench.client("/sse").await;
    next.send(&call(1)).await;
    assert_eq!(next.next().await["result"]["content"][0]["text"], "tool-1");
}

#[tokio::test]
async fn a_drain_answers_the_calls_of_a_session() {
    let mut bench = bench().await;
    let mut client = bench.client("/sse").await;
    client.send(&call(1)).await;
    assert_eq!(bench.seen.recv().await.unwrap(), "called tool-1");
    let drain = bench.served.drain.clone();
    let draining = tokio::spawn(async move { drain.run(Duration::from_secs(60)).await });
    bench.served.drain.begun().await;
    let (status, body) = client.post(&call(2).to_string()).await;
    assert_eq!(status, 503, "{body}");
    bench.gate.add_permits(1);
    assert_eq!(client.next().await["result"]["content"][0]["text"], "tool-1");
    assert_eq!(client.down.event().await, None);
    draining.await.unwrap();
    bench.served.serving.await.unwrap();
}
