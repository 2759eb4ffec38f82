//! The edge of a listener: who gets in, with how much, and what happens at the end.

use super::wire::{Wire, serve};
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use futures::{StreamExt, stream};
use http_body_util::BodyExt;
use serde_json::Value;
use server::http::drain::Drain;
use server::http::edge::{Edge, Limits};
use server::http::guard::{Guard, Secret};
use server::http::{Listener, Peer, Workers};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tower::ServiceExt;

const TOKEN: &str = "0123456789abcdef";

fn guard(token: Option<&str>, hosts: &[&str], origins: &[&str], address: &str) -> Guard {
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let token = token.map(|token| Secret::new(token).unwrap());
    Guard::new(address.parse().unwrap(), &texts(hosts), &texts(origins), token)
}

fn edge(guard: Guard, limits: Limits) -> Arc<Edge> {
    Edge::new(guard, limits, Arc::new(Drain::default()), Arc::new(Workers::here()))
}

fn open() -> Guard {
    guard(None, &[], &[], "127.0.0.1:80")
}

fn request(headers: &[(&str, &str)]) -> Request {
    let request = Request::builder().method(Method::POST).uri("/").header("host", "localhost");
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(Body::empty()).unwrap()
}

/// The status and the refusal's code, which is empty where there is none.
async fn ask(routes: &Router, request: Request) -> (u16, String) {
    let response = routes.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, code(response).await)
}

async fn code(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    body["error"]["code"].as_str().unwrap_or_default().to_owned()
}

fn reads_body() -> Router {
    Router::new().route("/", post(async |body: String| body))
}

#[tokio::test]
async fn hosts_and_origins_are_those_of_this_machine_and_those_allowed() {
    let all = guard(None, &["mcp.example.org"], &["https://app.example.org"], "192.0.2.1:80");
    let local = guard(None, &[], &[], "127.0.0.1:80");
    let any = guard(None, &["*"], &[], "127.0.0.1:80");
    let [all, local, any] = [all, local, any].map(|guard| edge(guard, Limits::default()).around(reads_body()));
    let ok = (200, "");
    let (host, origin) = ((403, "HOST_NOT_ALLOWED"), (403, "ORIGIN_NOT_ALLOWED"));
    for (routes, name, text, expected) in [
        (&local, "host", "localhost:9000", ok),
        (&local, "host", "LocalHost", ok),
        (&local, "host", "[::1]:80", ok),
        (&local, "host", "evil.example", host),
        (&local, "host", "localhost.evil.example", host),
        (&local, "host", "192.0.2.1", host),
        (&local, "host", "", host),
        (&any, "host", "evil.example", ok),
        (&all, "host", "MCP.example.org:443", ok),
        (&all, "host", "192.0.2.1:80", ok),
        (&all, "host", "192.0.2.7", ok),
        (&all, "host", "evil.example", host),
        (&local, "origin", "http://localhost:6274", ok),
        (&local, "origin", "http://[::1]:6274", ok),
        (&local, "origin", "http://evil.example", origin),
        (&local, "origin", "http://localhost.evil.example", origin),
        (&local, "origin", "http://localhost:80@evil.example", origin),
        (&local, "origin", "null", origin),
        (&all, "origin", "https://app.example.org", ok),
        (&all, "origin", "http://app.example.org", origin),
        (&all, "origin", "https://app.example.org:8443", origin),
    ] {
        let mut request = request(&[]);
        request.headers_mut().insert(header::HeaderName::from_static(name), text.parse().unwrap());
        let (status, code) = ask(routes, request).await;
        assert_eq!((status, code.as_str()), expected, "{name}: {text}");
    }
}

#[tokio::test]
async fn a_token_is_asked_for_where_one_is_set() {
    let routes = edge(guard(Some(TOKEN), &[], &[], "127.0.0.1:80"), Limits::default()).around(reads_body());
    let wrong = TOKEN.replace('f', "e");
    for (given, expected) in [
        (format!("Bearer {TOKEN}"), 200),
        (format!("bearer {TOKEN}"), 200),
        (format!("Bearer {wrong}"), 401),
        (format!("Bearer {TOKEN}0"), 401),
        (format!("Basic {TOKEN}"), 401),
        (TOKEN.to_owned(), 401),
        ("Bearer ".to_owned(), 401),
    ] {
        assert_eq!(ask(&routes, request(&[("authorization", &given)])).await.0, expected, "{given}");
    }
    let response = routes.clone().oneshot(request(&[])).await.unwrap();
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(code(response).await, "UNAUTHORIZED");
    let nowhere = Request::builder().uri("/nowhere").header("host", "localhost").body(Body::empty()).unwrap();
    assert_eq!(ask(&routes, nowhere).await.0, 401, "who has no token is not told what there is");
    for health in ["/healthz", "/readyz"] {
        let request = Request::builder().uri(health).body(Body::empty()).unwrap();
        assert_eq!(ask(&routes, request).await.0, 200, "{health}");
    }
}

#[test]
fn a_secret_is_long_enough_and_not_shown() {
    assert!(Secret::new(&TOKEN[1..]).is_err());
    assert!(Secret::new("").is_err());
    assert!(Secret::new("two words are no token").is_err());
    let secret = Secret::new(&format!(" {TOKEN}\n")).unwrap();
    assert_eq!(format!("{secret:?}"), "Secret");
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_named_as_such() {
    let routes = edge(open(), Limits::default()).around(reads_body());
    let to = |method: Method, path: &str| {
        Request::builder().method(method).uri(path).header("host", "localhost").body(Body::empty()).unwrap()
    };
    assert_eq!(ask(&routes, to(Method::POST, "/nowhere")).await, (404, "NO_SUCH_ADDRESS".to_owned()));
    assert_eq!(ask(&routes, to(Method::PUT, "/")).await, (405, "NO_SUCH_METHOD".to_owned()));
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit() {
    let routes = edge(open(), Limits { body: 8, ..Limits::default() }).around(reads_body());
    let pieces = |pieces: &[&str]| {
        let pieces: Vec<_> = pieces.iter().map(|&piece| Ok::<_, std::io::Error>(piece.to_owned())).collect();
        Body::from_stream(stream::iter(pieces))
    };
    for (body, expected) in [
        (Body::from("12345678"), 200),
        (Body::from("123456789"), 413),
        (pieces(&["1234", "5678"]), 200),
        (pieces(&["1234", "56789"]), 413),
    ] {
        let request = Request::builder().method(Method::POST).uri("/").header("host", "localhost").body(body).unwrap();
        assert_eq!(ask(&routes, request).await.0, expected);
    }
}

#[tokio::test]
async fn more_requests_than_may_be_at_work_are_turned_away() {
    let gate = Arc::new(Semaphore::new(0));
    let routes = Router::new().route(
        "/",
        post({
            let gate = gate.clone();
            async move || {
                let gate = gate.clone();
                // The answer begins at once, and ends when the gate opens.
                Body::from_stream(stream::once(async move {
                    gate.acquire().await.unwrap().forget();
                    Ok::<_, std::io::Error>("done")
                }))
            }
        }),
    );
    let routes = edge(open(), Limits { concurrency: 1, ..Limits::default() }).around(routes);
    let first = routes.clone().oneshot(request(&[])).await.unwrap();
    let refused = routes.clone().oneshot(request(&[])).await.unwrap();
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(code(refused).await, "OVERLOADED");
    let health = Request::builder().uri("/healthz").body(Body::empty()).unwrap();
    assert_eq!(ask(&routes, health).await.0, 200, "a busy server is alive");
    gate.add_permits(2);
    first.into_body().collect().await.unwrap();
    assert_eq!(ask(&routes, request(&[])).await.0, 200);
    drop(routes.clone().oneshot(request(&[])).await.unwrap());
    gate.add_permits(1);
    assert_eq!(ask(&routes, request(&[])).await.0, 200, "an answer that nobody reads gives up its place");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_dropped() {
    let dropped = Arc::new(Notify::new());
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let routes = Router::new()
        .route(
            "/",
            post({
                let dropped = dropped.clone();
                async move || {
                    let _dropped = Dropped(dropped.clone());
                    std::future::pending::<()>().await;
                }
            }),
        )
        .route("/events", post(hourly));
    let routes = edge(open(), Limits::default()).around(routes);
    assert_eq!(ask(&routes, request(&[])).await, (504, "TIMED_OUT".to_owned()));
    dropped.notified().await;

    let mut request = request(&[]);
    *request.uri_mut() = "/events".parse().unwrap();
    let response = routes.oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.as_ref(), b"tick tick tick ", "what has begun is not cut");
}

async fn hourly() -> Body {
    let ticks = stream::iter(0..3).then(async |_| {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        Ok::<_, std::io::Error>("tick ")
    });
    Body::from_stream(ticks.boxed())
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_slowed_down() {
    const RATE: u32 = 5;
    let limits = Limits { rate: NonZeroU32::new(RATE), ..Limits::default() };
    let routes = edge(open(), limits).around(reads_body());
    let from = async |address: &str| {
        let mut request = request(&[]);
        request.extensions_mut().insert(Peer(address.parse::<IpAddr>().unwrap()));
        routes.clone().oneshot(request).await.unwrap()
    };
    let mut statuses = Vec::new();
    for _ in 0..10 * RATE {
        statuses.push(from("2001:db8::1").await.status());
    }
    let (first, rest) = statuses.split_at(RATE as usize);
    assert!(first.iter().all(|&status| status == StatusCode::OK), "{first:?}");
    assert!(rest.contains(&StatusCode::TOO_MANY_REQUESTS), "{rest:?}");
    let mut refused = from("2001:db8::2").await;
    while refused.status() == StatusCode::OK {
        refused = from("2001:db8::2").await;
    }
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    assert_eq!(code(refused).await, "RATE_LIMITED", "a client has 2^64 addresses of its own");
    assert_eq!(from("2001:db8:0:1::1").await.status(), StatusCode::OK);
    assert_eq!(from("::ffff:192.0.2.1").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn heads_of_requests_are_limited() {
    let peer = get(async |Extension(Peer(peer)): Extension<Peer>| peer.to_string());
    let served = serve(Limits::default(), |_| Router::new().route("/", peer)).await;
    let mut wire = Wire::to(served.address).await;
    wire.get("/").await;
    assert_eq!(wire.reply().await.body, "127.0.0.1");

    let fields = |count: usize| (0..count).map(|i| format!("x-{i}: 1\r\n")).collect::<String>();
    for (fields, status) in [
        (fields(99), 200),
        (fields(100), 431),
        (format!("x: {}\r\n", "1".repeat(31 * 1024)), 200),
        (format!("x: {}\r\n", "1".repeat(33 * 1024)), 431),
    ] {
        let mut wire = Wire::to(served.address).await;
        wire.send(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")).await;
        assert_eq!(wire.reply().await.status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_its_head_is_cut_off() {
    let served = serve(Limits::default(), |_| reads_body()).await;
    let mut wire = Wire::to(served.address).await;
    wire.send("POST / HTTP/1.1\r\nHost: local").await;
    // Time is not ours here: it goes on as soon as all tasks wait.
    wire.closed().await;
}

#[tokio::test]
async fn a_drain_answers_what_was_accepted_and_refuses_what_comes_later() {
    let (entered, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let call = {
        let (entered, gate) = (entered.clone(), gate.clone());
        post(async move || {
            entered.notify_one();
            gate.notified().await;
            "answered"
        })
    };
    let served = serve(Limits::default(), |drain| {
        let end = drain.streams().clone();
        let listen = get(async move || {
            let ended = end.clone().cancelled_owned();
            let events = stream::iter(["data: begun\n\n"]).chain(stream::pending()).take_until(ended);
            Body::from_stream(events.map(Ok::<_, std::io::Error>))
        });
        Router::new().route("/call", call).route("/listen", listen)
    })
    .await;
    let mut calling = Wire::to(served.address).await;
    calling.begin("/call", "").await;
    entered.notified().await;
    let mut listening = Wire::to(served.address).await;
    listening.get("/listen").await;
    assert_eq!(listening.event().await.unwrap().1, "begun");
    let mut kept = Wire::to(served.address).await;
    kept.get("/readyz").await;
    assert_eq!(kept.reply().await.status, 200);
    let mut later = Wire::to(served.address).await;
    later.get("/healthz").await;
    assert_eq!(later.reply().await.status, 200);

    let drain = served.drain.clone();
    let draining = tokio::spawn(async move { drain.run(Duration::from_secs(60)).await });
    served.drain.begun().await;
    kept.get("/readyz").await;
    assert_eq!(kept.reply().await.status, 503);
    let refused = later.post("/call", "").await;
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("DRAINING"), "{refused:?}");
    assert!(refused.head.contains("connection: close"), "{refused:?}");
    assert_eq!(later.closed().await, "");
    assert!(!draining.is_finished());

    gate.notify_one();
    let reply = calling.reply().await;
    assert_eq!(reply.body, "answered");
    assert!(reply.head.contains("connection: close"), "{reply:?}");
    draining.await.unwrap();
    assert_eq!(listening.event().await, None);
    served.serving.await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_no_longer_than_its_grace() {
    let drain = Drain::default();
    let accepted = drain.accept().unwrap();
    drain.run(Duration::from_secs(3_600)).await;
    assert!(drain.streams().is_cancelled());
    assert!(drain.accept().is_none());
    drop(accepted);
}

#[tokio::test]
async fn a_drain_ends_a_listener_that_takes_no_more_connections() {
    let drain = Arc::new(Drain::default());
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let serving = tokio::spawn(listener.serve(1, Router::new(), drain.clone(), Arc::new(Workers::here())));
    drain.run(Duration::ZERO).await;
    serving.await.unwrap();
}
