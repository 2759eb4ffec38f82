//! Clients that keep what others need: places, memory, connections, threads.

use super::wire::{Wire, serve};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::Method;
use axum::routing::{get, post};
use futures::{FutureExt, StreamExt, stream};
use http_body_util::BodyExt;
use serde_json::Value;
use server::http::connections::Connections;
use server::http::descriptors;
use server::http::drain::Drain;
use server::http::edge::{Edge, Limits};
use server::http::guard::Guard;
use server::http::places::Places;
use server::http::timed::Timed;
use server::http::{Peer, Workers};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_stream_like::channel_body;
use tower::ServiceExt;

/// A body whose pieces are sent by hand.
mod tokio_stream_like {
    use super::{Body, Bytes, StreamExt, mpsc, stream};

    pub fn channel_body() -> (mpsc::UnboundedSender<usize>, Body) {
        let (sender, pieces) = mpsc::unbounded_channel::<usize>();
        let pieces = stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
        (sender, Body::from_stream(pieces.map(|length| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; length])))))
    }
}

fn routes(limits: Limits) -> Router {
    let guard = Guard::new("127.0.0.1:80".parse().unwrap(), &[], &[], None);
    let length = post(async |body: Bytes| body.len().to_string());
    let edge = Edge::new(guard, limits, Arc::new(Drain::default()), Arc::new(Workers::here()));
    edge.around(Router::new().route("/", length).layer(DefaultBodyLimit::disable()))
}

/// A request from that address, on its way; gives the status and the text or code of its answer.
fn ask(routes: &Router, from: &str, body: Body) -> tokio::task::JoinHandle<(u16, String)> {
    let mut request = Request::builder().method(Method::POST).uri("/").header("host", "localhost").body(body).unwrap();
    request.extensions_mut().insert(Peer(from.parse::<IpAddr>().unwrap()));
    let answer = routes.clone().oneshot(request);
    tokio::spawn(async move {
        let response = answer.await.unwrap();
        let status = response.status().as_u16();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        let code = serde_json::from_slice::<Value>(&text)
            .ok()
            .and_then(|body| body["error"]["code"].as_str().map(str::to_owned));
        (status, code.unwrap_or_else(|| String::from_utf8_lossy(&text).into_owned()))
    })
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_body_that_is_not_there_takes_no_place() {
    let routes = routes(Limits { concurrency: 1, ..Limits::default() });
    let mut unfinished = Vec::new();
    for _ in 0..10 {
        let (pieces, body) = channel_body();
        pieces.send(1).unwrap();
        unfinished.push((pieces, ask(&routes, "192.0.2.1", body)));
    }
    settle().await;
    assert_eq!(ask(&routes, "192.0.2.2", Body::from("xx")).await.unwrap(), (200, "2".to_owned()));
    for (pieces, answer) in unfinished {
        drop(pieces);
        assert_eq!(answer.await.unwrap(), (200, "1".to_owned()));
    }
}

#[test]
fn no_address_takes_all_places() {
    let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Some(address.parse::<IpAddr>().unwrap()));
    for (most, share) in [(1, 1), (2, 2), (4, 3), (1_024, 768)] {
        let places = Places::of(most);
        let mut taken: Vec<_> = std::iter::from_fn(|| places.take(one)).collect();
        assert_eq!(taken.len(), share);
        let others: Vec<_> = std::iter::from_fn(|| places.take(other)).collect();
        assert_eq!(others.len(), most - share);
        taken.pop();
        assert!(places.take(one).is_some(), "what is given up can be taken again");
        drop((taken, others));
        assert_eq!(std::iter::from_fn(|| places.take(other)).collect::<Vec<_>>().len(), share);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_too_slowly_is_dropped() {
    let routes = routes(Limits { time: Duration::from_secs(3_600), ..Limits::default() });
    let (_pieces, body) = channel_body();
    assert_eq!(ask(&routes, "192.0.2.1", body).await.unwrap(), (408, "BODY_TOO_SLOW".to_owned()));
    // One that goes on coming, at twice the rate that is asked for, may take its time.
    let (pieces, body) = channel_body();
    let answer = ask(&routes, "192.0.2.1", body);
    for _ in 0..100 {
        pieces.send(32 * 1024).unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    drop(pieces);
    assert_eq!(answer.await.unwrap(), (200, (100 * 32 * 1024).to_string()));
}

/// Who sends much and does not finish loses the oldest of it, and takes no room from others or from short requests.
#[tokio::test(start_paused = true)]
async fn the_oldest_unfinished_bodies_give_way() {
    const MIB: usize = 1 << 20;
    let routes = routes(Limits::default());
    let begin = |from: &str| {
        let (pieces, body) = channel_body();
        for _ in 0..3 {
            pieces.send(MIB).unwrap();
        }
        (pieces, ask(&routes, from, body))
    };
    // 64 MiB are one address's share: 21 such bodies.
    let mut held = Vec::new();
    for _ in 0..22 {
        held.push(begin("192.0.2.1"));
        settle().await;
    }
    let (_, first) = held.remove(0);
    assert_eq!(first.await.unwrap(), (503, "BODY_CROWDED_OUT".to_owned()));
    assert!(held.iter().all(|(_, answer)| !answer.is_finished()));
    assert_eq!(ask(&routes, "192.0.2.1", Body::from("short")).await.unwrap(), (200, "5".to_owned()));
    // 256 MiB are the whole: of four addresses more, the one with most gives way, whoever comes last.
    let mut others = Vec::new();
    for address in 2..6 {
        for _ in 0..16 {
            others.push(begin(&format!("192.0.2.{address}")));
            settle().await;
        }
    }
    assert_eq!(ask(&routes, "192.0.2.9", Body::from(vec![b'x'; 2 * MIB])).await.unwrap(), (200, (2 * MIB).to_string()));
    let dropped = held.iter().filter(|(_, answer)| answer.is_finished()).count();
    assert!(dropped > 0, "the first address had most");
    assert!(others.iter().filter(|(_, answer)| !answer.is_finished()).count() >= 60);
}

/// Which of these connections is told to end where one more is wanted: each is an address and what it did.
async fn gives_way(connections: &[(&str, &str)]) -> Option<usize> {
    let all = Connections::of(connections.len());
    let mut held = Vec::new();
    for (address, deed) in connections {
        let open = all.open(address.parse().unwrap()).await.unwrap();
        let work = (*deed != "silent" && *deed != "new").then(|| open.connection.work());
        let work = work.filter(|_| *deed == "at work");
        held.push((open, work));
        // What comes after a second is new.
        tokio::time::sleep(Duration::from_millis(if *deed == "new" { 1 } else { 1_000 })).await;
    }
    let _ = tokio::time::timeout(Duration::from_millis(10), all.open("192.0.2.9".parse().unwrap())).await;
    let ended = held.iter().position(|(open, _)| open.connection.ended().now_or_never().is_some());
    drop(held);
    assert!(
        all.open("192.0.2.9".parse().unwrap()).now_or_never().flatten().is_some(),
        "a place that is given up is free"
    );
    ended
}

/// A body that is whole stays, and is counted, until its request is answered.
#[tokio::test(start_paused = true)]
async fn bodies_at_work_are_counted_and_do_not_give_way() {
    const MIB: usize = 1 << 20;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let guard = Guard::new("127.0.0.1:80".parse().unwrap(), &[], &[], None);
    let edge = Edge::new(guard, Limits::default(), Arc::new(Drain::default()), Arc::new(Workers::here()));
    let waits = post({
        let gate = gate.clone();
        async move || gate.acquire().await.unwrap().forget()
    });
    let routes = edge.around(Router::new().route("/", waits));
    let long = |from: &str| ask(&routes, from, Body::from(vec![b'x'; 4 * MIB]));
    let mut at_work = Vec::new();
    for _ in 0..16 {
        at_work.push(long("192.0.2.1"));
        settle().await;
    }
    assert_eq!(long("192.0.2.1").await.unwrap(), (503, "BODY_CROWDED_OUT".to_owned()));
    let other = long("192.0.2.2");
    let short = ask(&routes, "192.0.2.1", Body::from("short"));
    settle().await;
    gate.add_permits(18);
    for answer in at_work.into_iter().chain([other, short]) {
        assert_eq!(answer.await.unwrap().0, 200);
    }
    gate.add_permits(1);
    assert_eq!(long("192.0.2.1").await.unwrap().0, 200, "what was answered is counted no more");
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_is_needed_least_gives_way() {
    let (a, b) = ("192.0.2.1", "192.0.2.2");
    for (connections, expected) in [
        (vec![(a, "asked"), (a, "silent"), (a, "silent")], Some(1)),
        (vec![(a, "at work"), (a, "asked"), (a, "asked")], Some(1)),
        (vec![(a, "at work"), (b, "at work")], None),
        (vec![(a, "asked"), (b, "asked"), (b, "asked")], Some(1)),
        (vec![(a, "asked"), (b, "silent"), (a, "silent"), (b, "silent")], Some(1)),
        (vec![(a, "asked"), (a, "new")], None),
        (vec![("2001:db8::1", "asked"), (a, "asked"), ("2001:db8::2", "asked")], Some(0)),
    ] {
        assert_eq!(gives_way(&connections).await, expected, "{connections:?}");
    }
}

#[tokio::test]
async fn a_connection_that_asked_for_health_may_ask_for_more() {
    let served = serve(Limits::default(), |_| Router::new().route("/", get(async || "done"))).await;
    let mut wire = Wire::to(served.address).await;
    for (path, body) in [("/healthz", "ok\n"), ("/", "done"), ("/readyz", "ready\n"), ("/", "done")] {
        wire.get(path).await;
        assert_eq!(wire.reply().await.body, body, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_off() {
    let (near, mut far) = tokio::io::duplex(1_024);
    let mut near = Timed::new(near);
    near.write_all(&[0; 1_024]).await.unwrap();
    assert_eq!(near.write_all(&[0; 1]).await.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    // Reading a little now and then is not enough.
    let (near, mut slow) = tokio::io::duplex(1_024);
    let sent = tokio::spawn(async move { Timed::new(near).write_all(&[0; 1 << 20]).await });
    let mut byte = [0];
    for _ in 0..10 {
        let _ = slow.read(&mut byte).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(sent.await.unwrap().unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    // Who reads steadily gets all of it, however long that takes.
    let (near, mut steady) = tokio::io::duplex(32 * 1024);
    let sent = tokio::spawn(async move { Timed::new(near).write_all(&[0; 1 << 20]).await });
    let mut some = vec![0; 32 * 1024];
    for _ in 0..32 {
        steady.read_exact(&mut some).await.unwrap();
        tokio::time::sleep(Duration::from_secs(12)).await;
    }
    sent.await.unwrap().unwrap();
    far.read_exact(&mut [0; 1_024]).await.unwrap();
}

#[test]
fn connections_follow_the_limit_of_descriptors() {
    for (limit, agents, evaluators) in
        [(0, 4, 4), (64, 19, 4), (1_024, 808, 115), (20_000, 16_384, 1_024), (1 << 20, 16_384, 1_024)]
    {
        assert_eq!(descriptors::Connections::of(limit), descriptors::Connections { agents, evaluators }, "{limit}");
    }
}

/// A client that waits for the answer to a request finds out which one was turned away.
#[tokio::test(start_paused = true)]
async fn what_is_turned_away_after_it_was_read_is_answered_under_its_id() {
    let never = Router::new().route("/e/{name}/mcp", post(std::future::pending::<()>));
    let guard = Guard::new("127.0.0.1:80".parse().unwrap(), &[], &[], None);
    let limits = Limits { concurrency: 1, ..Limits::default() };
    let routes = Edge::new(guard, limits, Arc::default(), Arc::new(Workers::here())).around(never);
    let ask = |body: &'static str| {
        let request = Request::builder().method(Method::POST).uri("/e/one/mcp").header("host", "localhost");
        let answer = routes.clone().oneshot(request.body(Body::from(body)).unwrap());
        tokio::spawn(async move {
            let answer = answer.await.unwrap();
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice::<Value>(&body).unwrap())
        })
    };
    let first = ask(r#"{"jsonrpc": "2.0", "id": "a", "method": "ping"}"#);
    settle().await;
    let (second, third) = (ask(r#"{"jsonrpc": "2.0", "id": 7, "method": "ping"}"#), ask("nonsense"));
    for (answer, expected, id, code) in [
        (second, 503, Value::from(7), "OVERLOADED"),
        (third, 503, Value::Null, "OVERLOADED"),
        (first, 504, Value::from("a"), "TIMED_OUT"),
    ] {
        let (status, body) = answer.await.unwrap();
        assert_eq!(
            (status, &body["id"], &body["error"]["data"]["code"]),
            (expected, &id, &Value::from(code)),
            "{body}"
        );
        assert_eq!(body["jsonrpc"], "2.0");
    }
}
