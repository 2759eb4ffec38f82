//! Which host is asked, and by a page of which origin: requests as they come over a socket, since a library would not send these.

use super::wire::{Reply, Wire, serve};
use axum::Router;
use axum::routing::get;
use server::http::Limits;

async fn asked(target: &str, headers: &[&str]) -> Reply {
    asked_with("GET", target, headers).await
}

async fn asked_with(method: &str, target: &str, headers: &[&str]) -> Reply {
    let served = serve(Limits::default(), |_| Router::new().route("/mcp", get(async || "here"))).await;
    let port = served.address.port().to_string();
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!("{method} {target} HTTP/1.1\r\n{lines}\r\n").replace("PORT", &port);
    let mut wire = Wire::to(served.address).await;
    wire.send(&request).await;
    wire.reply().await
}

/// The code of a refusal, or nothing.
fn code(reply: &Reply) -> String {
    let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap_or_default();
    body["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn one_host_is_asked_and_that_of_the_target_before_that_of_the_header() {
    let (good, evil) = ("Host: localhost:PORT", "Host: evil.example");
    for (target, headers, status, expected) in [
        ("/mcp", &[good][..], 200, ""),
        ("/mcp", &["hOST: LOCALHOST"], 200, ""),
        ("/mcp", &[good, good], 400, "BAD_HOST"),
        ("/mcp", &[good, evil], 400, "BAD_HOST"),
        ("/mcp", &[evil, good], 400, "BAD_HOST"),
        ("/mcp", &[], 400, "BAD_HOST"),
        ("/mcp", &[evil], 403, "HOST_NOT_ALLOWED"),
        ("http://localhost:PORT/mcp", &[good], 200, ""),
        ("http://127.0.0.1:PORT/mcp", &[evil], 200, ""),
        ("http://[::1]:PORT/mcp", &[good], 200, ""),
        ("HTTP://LocalHost/mcp", &[good], 200, ""),
        ("http://evil.example/mcp", &[good], 403, "HOST_NOT_ALLOWED"),
        ("http://localhost@evil.example/mcp", &[good], 403, "HOST_NOT_ALLOWED"),
        ("http://localhost:PORT/mcp", &[good, good], 400, "BAD_HOST"),
    ] {
        let reply = asked(target, headers).await;
        assert_eq!((reply.status, code(&reply).as_str()), (status, expected), "{target} {headers:?}: {reply:?}");
    }
}

#[tokio::test]
async fn of_two_origins_each_is_looked_at() {
    let host = "Host: localhost";
    for origins in [["http://localhost:1", "http://evil.example"], ["http://evil.example", "http://localhost:1"]] {
        let [first, second] = origins.map(|origin| format!("Origin: {origin}"));
        assert_eq!(code(&asked("/mcp", &[host, &first, &second]).await), "ORIGIN_NOT_ALLOWED");
    }
}

#[tokio::test]
async fn a_page_of_this_machine_may_read_answers_and_what_it_needs_of_their_heads() {
    let (host, origin) = ("Host: localhost", "Origin: http://localhost:6274");
    let reply = asked("/mcp", &[host, origin]).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "here"));
    for line in [
        "access-control-allow-origin: http://localhost:6274",
        "access-control-expose-headers: mcp-session-id, retry-after, www-authenticate",
        "vary: origin",
    ] {
        assert!(reply.head.contains(line), "{}", reply.head);
    }
    // A refusal can be read, too.
    let reply = asked("/nowhere", &[host, origin]).await;
    assert_eq!(reply.status, 404);
    assert!(reply.head.contains("access-control-allow-origin"), "{}", reply.head);
    for headers in [&[host][..], &[host, "Origin: http://evil.example"]] {
        let reply = asked("/mcp", headers).await;
        assert!(!reply.head.contains("access-control"), "{}", reply.head);
    }
}

#[tokio::test]
async fn a_browser_that_asks_first_is_told_what_a_page_may_send() {
    let (host, origin) = ("Host: localhost", "Origin: http://127.0.0.1:6274");
    let wants = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: mcp-session-id,authorization"];
    let reply = asked_with("OPTIONS", "/mcp", &[host, origin, wants[0], wants[1]]).await;
    assert_eq!(reply.status, 204);
    for line in [
        "access-control-allow-origin: http://127.0.0.1:6274",
        "access-control-allow-methods: get, post, delete",
        "access-control-allow-headers: mcp-session-id,authorization",
    ] {
        assert!(reply.head.contains(line), "{}", reply.head);
    }
    assert!(!reply.head.contains("private-network"), "{}", reply.head);
    let local = "Access-Control-Request-Private-Network: true";
    let reply = asked_with("OPTIONS", "/mcp", &[host, origin, wants[0], local]).await;
    assert!(reply.head.contains("access-control-allow-private-network: true"), "{}", reply.head);
    let reply = asked_with("OPTIONS", "/mcp", &[host, "Origin: https://evil.example", wants[0]]).await;
    assert_eq!((reply.status, code(&reply).as_str()), (403, "ORIGIN_NOT_ALLOWED"));
    assert!(!reply.head.contains("access-control"), "{}", reply.head);
    // Without an origin, OPTIONS is a method like another.
    assert_eq!(asked_with("OPTIONS", "/mcp", &[host]).await.status, 405);
}
