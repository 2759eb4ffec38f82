//! The control plane: every route, every refusal, and the document that describes them. No sockets, but for the command line.

use crate::registry::{add, named, note, object, permitted, registry, setup};
use crate::support::{closed, fixtures, validator, with};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use calls::Mode;
use http_body_util::BodyExt;
use procedures::policy::Audit;
use serde_json::{Value, json};
use server::http::control::{Addresses, router};
use server::registry::{Limits, Live, Registry, Setup, Spec};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use store::canonical::{Extent, VERSION};
use tower::ServiceExt;

/// A control plane, asked without a network.
struct Plane {
    registry: Arc<Registry>,
    router: Router,
    document: Value,
    /// The operations that were answered, other than with a refusal.
    answered: Mutex<BTreeSet<(String, String)>>,
}

/// What was answered.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
    json: Value,
}

impl Plane {
    async fn new() -> Plane {
        Plane::over(registry(Limits::default()).await, Addresses::default()).await
    }

    async fn over(registry: Arc<Registry>, addresses: Addresses) -> Plane {
        let router = router(registry.clone(), addresses);
        let mut plane = Plane { registry, router, document: Value::Null, answered: Mutex::default() };
        plane.document = plane.send("GET", "/openapi.json", "").await.json;
        plane
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Reply { status, headers, text, json }
    }

    /// Ask, and hold the answer against the document.
    async fn ask(&self, method: &str, path: &str, body: Value) -> Reply {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let reply = self.send(method, path, &text).await;
        let (template, operation) = self.operation(method, path);
        let responses = &operation["responses"];
        let described = responses.get(reply.status.as_str()).unwrap_or(&responses["default"]);
        match described["content"]["application/json"].get("schema") {
            Some(schema) => self.fits(schema, &reply.json),
            None => assert_eq!(reply.json, Value::Null, "{method} {path}: {reply:?}"),
        }
        if reply.status.is_success() {
            assert!(responses.get(reply.status.as_str()).is_some(), "{method} {path}: {reply:?}");
            self.answered.lock().unwrap().insert((method.to_lowercase(), template));
        }
        reply
    }

    /// Ask, and have the answer's body.
    async fn get(&self, path: &str) -> Value {
        self.done("GET", path, Value::Null).await
    }

    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let reply = self.ask(method, path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {reply:?}");
        reply.json
    }

    /// Ask, and be refused with that.
    async fn refused(&self, method: &str, path: &str, body: Value, status: u16, code: &str) -> String {
        let reply = self.ask(method, path, body).await;
        refusal(&reply, status, code)
    }

    fn operation(&self, method: &str, path: &str) -> (String, Value) {
        let path = path.split('?').next().unwrap();
        let fits = |template: &str| {
            let (one, other): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            one.len() == other.len()
                && one.iter().zip(other).all(|(part, found)| part.starts_with('{') || *part == found)
        };
        let paths = self.document["paths"].as_object().unwrap();
        let (template, item) = paths.iter().find(|(template, _)| fits(template)).expect(path);
        (template.clone(), item[&method.to_lowercase()].clone())
    }

    /// It is what the schema says, and nothing more.
    #[track_caller]
    fn fits(&self, schema: &Value, value: &Value) {
        let mut components = self.document["components"].clone();
        for (name, schema) in components["schemas"].as_object_mut().unwrap() {
            // These two are one object together, so neither is all of it.
            if !["Episode", "Detail"].contains(&name.as_str()) {
                *schema = closed(schema.take());
            }
        }
        let mut whole = schema.clone();
        whole["components"] = components;
        whole["unevaluatedProperties"] = false.into();
        let found: Vec<String> = validator(&whole).iter_errors(value).map(|error| error.to_string()).collect();
        assert!(found.is_empty(), "{found:?}\n{value}\n{schema}");
    }

    fn live(&self, id: &str) -> Arc<Live> {
        self.registry.get(id).unwrap()
    }
}

#[track_caller]
fn refusal(reply: &Reply, status: u16, code: &str) -> String {
    assert_eq!((reply.status.as_u16(), reply.json["error"]["code"].as_str()), (status, Some(code)), "{reply:?}");
    assert!(reply.json["error"]["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{reply:?}");
    reply.json["error"]["message"].as_str().unwrap().to_owned()
}

// ---- the document ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_document_is_as_committed() {
    let mut document = Plane::new().await.document;
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    document["info"]["version"] = "[version]".into();
    insta::assert_json_snapshot!(document);
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own() {
    let document = Plane::new().await.document;
    let items = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let names: Vec<&str> = items.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}

#[tokio::test]
async fn the_document_names_every_mode_and_way_of_auditing() {
    let schemas = Plane::new().await.document["components"]["schemas"].clone();
    let words = |name: &str| -> Vec<String> {
        schemas[name]["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(words("Mode"), Mode::ALL.map(Mode::name));
    assert_eq!(words("Audit"), Audit::NAMES.map(|(name, _)| name));
}

#[tokio::test]
async fn every_route_of_the_document_answers() {
    let plane = Plane::new().await;
    let made = plane
        .ask(
            "POST",
            "/episodes",
            json!({ "id": "a", "actor": "6", "ttl_seconds": 60, "clock_kind": "stepped", "as_role": "executive" }),
        )
        .await;
    assert_eq!((made.status, &made.headers["location"]), (StatusCode::CREATED, &"/episodes/a".parse().unwrap()));
    add(&plane.live("a"), "one").await;
    let moved = plane.done("POST", "/episodes/a/advance", json!({ "by": "PT2H" })).await;
    let shown = plane.get("/episodes/a").await;
    assert_eq!((&shown["summary"]["now"], &shown["as_role"]), (&moved["now"], &json!("executive")));
    let export = plane.get("/episodes/a/export?from=2").await;
    assert_eq!((&export["before"], &export["hash"]), (&shown["summary"]["hash"], &shown["summary"]["hash"]));
    assert_eq!(
        (&shown["calls"], &shown["summary"]["calls"], &shown["ttl_seconds"]),
        (&json!(1), &json!(1), &json!(60))
    );
    assert_eq!(shown["summary"]["unpaid"][0]["entity_type"], "incident_update");
    assert_eq!((&shown["mcp"], &shown["sse"]), (&json!("/e/a/mcp"), &json!("/e/a/sse")));
    assert!(shown.get("mcp_url").is_none());

    let forked = plane.ask("POST", "/episodes/a/fork", json!({ "id": "b" })).await;
    assert_eq!((forked.status, &forked.headers["location"]), (StatusCode::CREATED, &"/episodes/b".parse().unwrap()));
    assert_eq!(plane.get("/episodes").await["episodes"].as_array().unwrap().len(), 2);
    assert_eq!(plane.done("POST", "/episodes/a/checkpoints", Value::Null).await, json!({ "name": "1" }));
    assert_eq!(plane.done("POST", "/episodes/a/checkpoints", json!({ "name": "x" })).await, json!({ "name": "x" }));
    let kept = json!({ "checkpoints": [{ "name": "1" }, { "name": "x" }] });
    assert_eq!(plane.get("/episodes/a/checkpoints").await, kept);
    plane.done("POST", "/episodes/a/reset", Value::Null).await;
    assert_eq!(plane.get("/episodes/a/diff").await, json!({ "against": "image", "differences": [] }));
    plane.done("POST", "/episodes/a/restore", json!({ "checkpoint": "x" })).await;
    plane.done("DELETE", "/episodes/a/checkpoints/x", Value::Null).await;
    assert_eq!(plane.get("/episodes/a/hash").await["version"], VERSION);
    assert_eq!(plane.get("/episodes/a/journal").await["calls"][0]["arguments"], Value::Object(note("one")));
    let closed = plane.done("DELETE", "/episodes/a", Value::Null).await;
    assert_eq!(closed, shown["summary"]);

    // Two texts that are not JSON objects of episodes.
    let metrics = plane.ask("GET", "/metrics", Value::Null).await;
    assert_eq!(metrics.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(
        metrics.text.contains("incident_mcp_calls_total{policy=\"all\",tool=\"add_incident_update\",outcome=\"ok\"} 1")
    );
    assert!(metrics.text.contains("incident_mcp_live_episodes 1\n") && metrics.text.ends_with("# EOF\n"));

    let operations = plane.document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
    assert_eq!(*plane.answered.lock().unwrap(), operations.collect());
}

// ---- episodes --------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn an_episode_is_what_was_asked_for() {
    let limits = Limits::default();
    let set = fixtures().clone();
    let fixtures = BTreeMap::from([("default".to_owned(), set.clone()), ("other".to_owned(), set)]);
    let defaults = Spec { mode: Some(Mode::Observe), ..Spec::default() };
    let registry = Registry::open(Setup { fixtures, defaults, ..setup(limits, None) }).await.unwrap();
    let public = Some("https://agents.example/".to_owned());
    let plane = Plane::over(registry, Addresses { public }).await;

    let asked = json!({
        "id": "x.1", "policy": "problem-to-review", "fixtures": "other", "mode": "off", "audit": "automatic", "actor": "6",
        "ttl_seconds": 0,
    });
    let made = plane.done("POST", "/episodes", asked.clone()).await;
    for (name, value) in object(asked) {
        assert_eq!(made[&name], value, "{name}");
    }
    assert_eq!(made["mcp_url"], "https://agents.example/e/x.1/mcp");
    assert_eq!(made["sse_url"], "https://agents.example/e/x.1/sse");
    assert_eq!((&made["calls"], &made["idle_seconds"]), (&json!(0), &json!(0)));

    // What is left out is as the server was started; a body can be left out whole.
    for body in ["", "null", "{}", r#"{"policy": null}"#] {
        let made = plane.send("POST", "/episodes", body).await.json;
        assert_eq!(
            (&made["policy"], &made["mode"], &made["fixtures"]),
            (&json!("all"), &json!("observe"), &json!("default"))
        );
        assert_eq!((made["ttl_seconds"].as_u64(), made["id"].as_str().unwrap().len()), (Some(3_600), 36));
        assert!(made.get("actor").is_none());
    }
}

#[tokio::test]
async fn episodes_are_listed_page_by_page() {
    let plane = Plane::new().await;
    for number in 0..5 {
        plane.registry.create(named(&format!("e{number}"))).await.unwrap();
    }
    let mut seen: Vec<Vec<String>> = Vec::new();
    let mut path = "/episodes?limit=2".to_owned();
    loop {
        let page = plane.get(&path).await;
        assert_eq!(page["live"], 5);
        seen.push(page["episodes"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/episodes?limit=2&after={next}");
    }
    assert_eq!(
        seen,
        [vec!["e0", "e1"], vec!["e2", "e3"], vec!["e4"]]
            .map(|page| page.into_iter().map(str::to_owned).collect::<Vec<_>>())
    );
    // A full last page is the last.
    assert!(plane.get("/episodes?limit=5").await.get("next").is_none());
    for number in 5..103 {
        plane.registry.create(named(&format!("e{number}"))).await.unwrap();
    }
    assert_eq!(plane.get("/episodes").await["episodes"].as_array().unwrap().len(), 100);
    assert_eq!(plane.get("/episodes?limit=1000").await["episodes"].as_array().unwrap().len(), 103);
    for limit in ["0", "1001"] {
        plane.refused("GET", &format!("/episodes?limit={limit}"), Value::Null, 400, "INVALID_QUERY").await;
    }
}

#[tokio::test]
async fn a_close_that_nobody_waits_for_is_done_whole() {
    let plane = Plane::new().await;
    let live = plane.registry.create(named("a")).await.unwrap();
    let turn = live.turn().await.unwrap();
    let mut close = Box::pin(plane.send("DELETE", "/episodes/a", ""));
    assert!(futures::poll!(close.as_mut()).is_pending());
    drop(close);
    drop(turn);
    live.ended().cancelled().await;
    plane.refused("GET", "/episodes/a", Value::Null, 410, "EPISODE_ENDED").await;
    plane.registry.create(named("a")).await.unwrap();
}

// ---- inspection ------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn differences_are_told_cell_by_cell() {
    let plane = Plane::new().await;
    let live = plane.registry.create(named("a")).await.unwrap();
    let before = plane.get("/episodes/a/hash").await;
    live.checkpoint(Some("start")).await.unwrap();
    plane.registry.fork("a", Some("b"), None).await.unwrap();
    let outcome = live.call(live.queue(), "update_incident", object(permitted("update_incident")), None).await.unwrap();
    assert!(!outcome.is_error(), "{}", outcome.text);

    let since_image = plane.get("/episodes/a/diff").await;
    let found = since_image["differences"].as_array().unwrap();
    let status =
        json!({ "table": "incidents", "key": "30", "column": "status", "before": "in_progress", "after": "resolved" });
    assert!(found.contains(&status), "{since_image}");
    assert!(found.iter().all(|cell| cell["before"] != cell["after"]));
    for against in ["image", "checkpoint:start", "episode:b"] {
        let told = plane.get(&format!("/episodes/a/diff?against={against}")).await;
        assert_eq!(told, json!({ "against": against, "differences": found }));
    }
    let back = plane.get("/episodes/b/diff?against=episode:a").await;
    assert!(back["differences"].as_array().unwrap().iter().any(|cell| cell["after"] == "in_progress"));

    // Audit entries are records of diligence.
    let audit = with(permitted("log_audit"), json!({ "action": "update" }));
    let outcome = live.call(live.queue(), "log_audit", object(audit), None).await.unwrap();
    assert!(!outcome.is_error(), "{}", outcome.text);
    assert_eq!(plane.get("/episodes/a/diff").await["differences"], since_image["differences"]);
    let everything = plane.get("/episodes/a/diff?everything=true").await;
    let tables = everything["differences"].as_array().unwrap().iter().map(|cell| cell["table"].as_str().unwrap());
    assert_eq!(tables.collect::<BTreeSet<_>>(), BTreeSet::from(["audit_logs", "incident_updates", "incidents"]));

    let after = plane.get("/episodes/a/hash").await;
    assert_ne!(after["state"], before["state"]);
    assert_eq!(after["tables"]["users"], before["tables"]["users"]);
    assert_ne!(after["tables"]["incidents"], before["tables"]["incidents"]);
    assert!(after["tables"].get("audit_logs").is_none());
    assert!(plane.get("/episodes/a/hash?everything=true").await["tables"].get("audit_logs").is_some());
    assert_eq!(after["state"], live.hash(Extent::Result).await.unwrap().state);
    plane.done("POST", "/episodes/a/restore", json!({ "checkpoint": "start" })).await;
    assert_eq!(plane.get("/episodes/a/hash").await, before);
}

#[tokio::test]
async fn the_journal_shows_calls_as_they_went() {
    let plane = Plane::new().await;
    let live = plane.registry.create(named("a")).await.unwrap();
    add(&live, "one").await;
    let halting = object(
        json!({ "incident_id": "27", "metric_type": "resolution_time", "calculated_value_minutes": 5, "recorded_by_user": "6" }),
    );
    let halted = live.call(live.queue(), "log_metric", halting, None).await.unwrap();
    let journal = plane.get("/episodes/a/journal").await;
    // In pages, each with the duties that its calls left, it is the same.
    let (mut calls, mut obligations, mut page) = (Vec::new(), Vec::new(), json!({ "next": 0 }));
    while let Some(next) = page.get("next") {
        page = plane.get(&format!("/episodes/a/journal?limit=1&after={next}")).await;
        assert!(page["calls"].as_array().unwrap().len() == 1 || page.get("next").is_none());
        calls.extend(page["calls"].as_array().unwrap().clone());
        obligations.extend(page["obligations"].as_array().unwrap().clone());
    }
    assert_eq!(json!({ "calls": calls, "obligations": obligations }), journal);
    for limit in ["0", "1001", "many"] {
        plane.refused("GET", &format!("/episodes/a/journal?limit={limit}"), Value::Null, 400, "INVALID_QUERY").await;
    }
    assert_eq!(journal["calls"][1]["answer"], Value::Object(halted.answer));
    assert_eq!(journal["calls"][1]["outcome"], "INCIDENT_NOT_CLOSED");
    assert_eq!(journal["calls"][1]["rule"].as_str(), halted.rule.as_deref());
    assert_eq!((&journal["calls"][0]["rule"], &journal["calls"][0]["actor"]), (&Value::Null, &json!("6")));
    assert_eq!(journal["obligations"][0]["call"], 1);
    let halts = plane.done("DELETE", "/episodes/a", Value::Null).await["halts"].clone();
    assert_eq!(halts, json!({ halted.rule.unwrap(): 1 }));
}

// ---- refusals --------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn unknown_and_ended_episodes_are_told_apart_everywhere() {
    let plane = Plane::new().await;
    plane.registry.create(named("ended")).await.unwrap();
    plane.registry.close("ended").await.unwrap();
    plane.registry.create(named("live")).await.unwrap();
    for (method, rest, body) in [
        ("GET", "", Value::Null),
        ("DELETE", "", Value::Null),
        ("POST", "/fork", Value::Null),
        ("POST", "/reset", Value::Null),
        ("GET", "/checkpoints", Value::Null),
        ("POST", "/checkpoints", Value::Null),
        ("DELETE", "/checkpoints/x", Value::Null),
        ("POST", "/restore", json!({ "checkpoint": "x" })),
        ("GET", "/diff", Value::Null),
        ("GET", "/hash", Value::Null),
        ("GET", "/journal", Value::Null),
    ] {
        plane.refused(method, &format!("/episodes/ended{rest}"), body.clone(), 410, "EPISODE_ENDED").await;
        plane.refused(method, &format!("/episodes/nobody{rest}"), body, 404, "EPISODE_NOT_FOUND").await;
    }
    plane.refused("GET", "/episodes/live/diff?against=episode:ended", Value::Null, 410, "EPISODE_ENDED").await;
    plane.refused("GET", "/episodes/live/diff?against=episode:nobody", Value::Null, 404, "EPISODE_NOT_FOUND").await;
}

#[tokio::test]
async fn a_bad_request_is_told_what_is_wrong() {
    let plane = Plane::new().await;
    plane.registry.create(named("a")).await.unwrap();
    plane.registry.default_episode().await.unwrap();
    let cases = [
        (json!({ "id": "a" }), 409, "EPISODE_EXISTS", r#"there is an episode "a" already"#),
        (json!({ "id": "a/b" }), 400, "INVALID_NAME", r#""a/b" is not a name"#),
        (json!({ "policy": "al" }), 400, "POLICY_NOT_FOUND", r#"did you mean "all"?"#),
        (json!({ "fixtures": "x" }), 400, "FIXTURES_NOT_FOUND", "available: default"),
        (json!({ "actor": "0" }), 400, "ACTOR_NOT_FOUND", r#"there is no user with the id or e-mail address "0""#),
        (json!({ "policy": "incident-operations", "audit": "explicit" }), 400, "NO_AUDIT_TOOL", "incident-operations"),
        (json!({ "mode": "strict" }), 400, "INVALID_BODY", "mode"),
        (json!({ "modus": "off" }), 400, "INVALID_BODY", "unknown field `modus`"),
        (json!({ "ttl_seconds": -1 }), 400, "INVALID_BODY", "ttl_seconds"),
        (json!([]), 400, "INVALID_BODY", ""),
    ];
    for (body, status, code, part) in cases {
        let message = plane.refused("POST", "/episodes", body, status, code).await;
        assert!(message.contains(part), "{code}: {message}");
    }
    let none = Value::Null;
    for (method, path, body, status, code) in [
        ("POST", "/episodes/a/fork", json!({ "id": "a" }), 409, "EPISODE_EXISTS"),
        ("POST", "/episodes/a/fork", json!({ "policy": "all" }), 400, "INVALID_BODY"),
        ("DELETE", "/episodes/default", none.clone(), 409, "EPISODE_PERMANENT"),
        ("POST", "/episodes/a/checkpoints", json!({ "name": "" }), 400, "INVALID_NAME"),
        ("DELETE", "/episodes/a/checkpoints/x", none.clone(), 404, "CHECKPOINT_NOT_FOUND"),
        ("POST", "/episodes/a/restore", json!({ "checkpoint": "x" }), 404, "CHECKPOINT_NOT_FOUND"),
        ("POST", "/episodes/a/restore", none.clone(), 400, "INVALID_BODY"),
        ("GET", "/episodes/a/diff?against=checkpoint:x", none.clone(), 404, "CHECKPOINT_NOT_FOUND"),
        ("GET", "/episodes/a/diff?against=yesterday", none.clone(), 400, "INVALID_QUERY"),
        ("GET", "/episodes/a/diff?everything=perhaps", none.clone(), 400, "INVALID_QUERY"),
        ("GET", "/episodes/a/hash?all=true", none.clone(), 400, "INVALID_QUERY"),
        ("GET", "/episodes?limit=many", none.clone(), 400, "INVALID_QUERY"),
        ("GET", "/episodes/%FF", none, 400, "INVALID_PATH"),
    ] {
        plane.refused(method, path, body, status, code).await;
    }
    for _ in 0..server::registry::CHECKPOINTS {
        plane.live("a").checkpoint(None).await.unwrap();
    }
    plane.refused("POST", "/episodes/a/checkpoints", Value::Null, 409, "TOO_MANY_CHECKPOINTS").await;
}

#[tokio::test]
async fn what_is_not_json_is_refused_in_the_same_form() {
    refusal(&Plane::new().await.send("POST", "/episodes", "{").await, 400, "INVALID_BODY");
}

#[tokio::test]
async fn at_the_cap_a_client_is_told_to_come_back() {
    let plane =
        Plane::over(registry(Limits { episodes: 1, ttl: None, ..Limits::default() }).await, Addresses::default()).await;
    plane.done("POST", "/episodes", json!({ "id": "a" })).await;
    for path in ["/episodes", "/episodes/a/fork"] {
        let reply = plane.ask("POST", path, Value::Null).await;
        refusal(&reply, 503, "TOO_MANY_EPISODES");
        assert!(reply.headers.contains_key("retry-after"));
    }
    plane.done("DELETE", "/episodes/a", Value::Null).await;
    plane.done("POST", "/episodes", Value::Null).await;
}
