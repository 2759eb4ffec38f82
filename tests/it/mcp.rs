//! The protocol, with rmcp's own client in the same process: what an agent is told, in which order calls run, and what
//! is asked wrongly. The program itself is met by other clients in `tests/e2e/`.

use crate::registry::journal;
use crate::support::{episode, policies, policy, someone_who_may};
use crate::tools::committed;
use procedures::policy::Work;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest, CompletionContext, ErrorCode,
    GetPromptRequestParams, ProtocolVersion, ReadResourceRequestParams, ResourceContents, ServerResult,
};
use rmcp::service::{PeerRequestOptions, RunningService, ServiceError};
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient, ServiceExt};
use serde_json::{Map, Value, json};
use server::mcp::Server;
use std::collections::{BTreeSet, HashMap};
use store::canonical::Extent;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

type Client = RunningService<RoleClient, ()>;

/// Both eras of the protocol: with the handshake, and with everything in each request.
const ERAS: [ProtocolVersion; 2] = [ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2026_07_28];

fn lifecycle(version: &ProtocolVersion) -> ClientLifecycleMode {
    match *version == ProtocolVersion::V_2026_07_28 {
        true => ClientLifecycleMode::Discover { preferred_versions: vec![version.clone()] },
        false => ClientLifecycleMode::Initialize,
    }
}

async fn serve(server: Server, transport: DuplexStream) {
    // A client of the second era that asks for nothing never begins.
    if let Ok(running) = server.serve(transport).await {
        running.waiting().await.unwrap();
    }
}

/// Play with a client and the server of a fresh episode, on one thread as the program does.
fn connected(policy_id: &str, version: &ProtocolVersion, play: impl AsyncFnOnce(&Client, &Server)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = Server::alone(episode(policy_id), None);
        let serving = tokio::spawn(serve(server.clone(), theirs));
        let client = ().serve_with_lifecycle(ours, lifecycle(version)).await.unwrap();
        play(&client, &server).await;
        client.cancel().await.unwrap();
        serving.await.unwrap();
    });
}

fn arguments(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("arguments are an object: {other}"),
    }
}

fn request(tool: &str, value: Value) -> CallToolRequestParams {
    CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments(value))
}

/// The answer of a call, of which text and structure say the same.
fn answer(result: &CallToolResult) -> Value {
    let structure = result.structured_content.clone().expect("every answer is structured");
    let text = result.content[0].as_text().expect("and said as text");
    assert_eq!(serde_json::from_str::<Value>(&text.text).unwrap(), structure);
    assert_eq!(result.content.len(), 1);
    structure
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, ServiceError>, code: ErrorCode) -> String {
    match result {
        Err(ServiceError::McpError(error)) if error.code == code => error.message.into_owned(),
        other => panic!("not refused with {code:?}: {other:?}"),
    }
}

async fn state(server: &Server) -> (usize, String) {
    let mut turn = server.live().turn().await.unwrap();
    let episode = turn.episode_mut();
    (episode.journal().unwrap().len(), episode.hash(Extent::Everything).unwrap().state)
}

#[test]
fn the_server_says_who_it_is() {
    for version in &ERAS {
        connected("problem-to-review", version, async |client, _| {
            let info = client.peer_info().unwrap();
            let about = info.server_info.as_ref().expect("the server names itself");
            assert_eq!((about.name.as_str(), about.version.as_str()), ("incident-mcp", env!("CARGO_PKG_VERSION")));
            let capabilities = serde_json::to_value(&info.capabilities).unwrap();
            let mut expected = json!({ "tools": {}, "resources": {}, "prompts": {}, "completions": {} });
            if *version == ProtocolVersion::V_2026_07_28 {
                expected["extensions"] = json!({ "io.modelcontextprotocol/skills": { "directoryRead": true } });
            }
            assert_eq!(capabilities, expected);
            insta::allow_duplicates! {
                insta::assert_snapshot!("instructions", info.instructions.as_deref().unwrap());
            }
        });
    }
}

#[test]
fn all_tools_are_on_one_page_as_committed() {
    for version in &ERAS {
        for id in policies() {
            connected(id, version, async |client, _| {
                let page = client.list_tools(None).await.unwrap();
                assert_eq!(page.next_cursor, None);
                let listed = json!({ "tools": page.tools });
                assert!(listed == committed(id), "the list of {id} is not the committed one; see tests/it/tools.rs");
            });
        }
    }
}

/// What a client may keep, and for how long: asked for by 2026-07-28 and unknown before.
#[test]
fn lists_and_contents_say_how_long_they_hold() {
    connected("all", &ProtocolVersion::V_2026_07_28, async |client, _| {
        let held = |result: Value| (result["ttlMs"].as_u64(), result["cacheScope"].as_str().map(str::to_owned));
        let fixed = (Some(3_600_000), Some("public".to_owned()));
        let lists = [
            json!(client.list_tools(None).await.unwrap()),
            json!(client.list_resources(None).await.unwrap()),
            json!(client.list_resource_templates(None).await.unwrap()),
            json!(client.list_prompts(None).await.unwrap()),
            json!(client.read_resource(ReadResourceRequestParams::new("policy://all")).await.unwrap()),
            json!(client.read_resource(ReadResourceRequestParams::new("policy://all/words")).await.unwrap()),
        ];
        for list in lists {
            assert_eq!(held(list), fixed);
        }
        let record = client.read_resource(ReadResourceRequestParams::new("record://incidents/16")).await.unwrap();
        assert_eq!(held(json!(record)), (Some(0), Some("private".to_owned())), "records change");
    });
}

#[test]
fn calls_answer_and_halt() {
    for version in &ERAS {
        connected("all", version, async |client, server| {
            let metric = json!({
                "incident_id": "15",
                "metric_type": "resolution_time",
                "calculated_value_minutes": 12,
                "recorded_by_user": "6",
            });
            let result = client.call_tool(request("log_metric", metric.clone())).await.unwrap();
            assert_eq!(result.is_error, Some(false));
            assert_eq!(answer(&result)["metric_id"], "28");

            let before = state(server).await.1;
            let mut open = metric.clone();
            open["incident_id"] = "27".into();
            let result = client.call_tool(request("log_metric", open)).await.unwrap();
            assert_eq!(result.is_error, Some(true));
            let halt = answer(&result);
            assert_eq!(halt["code"], "INCIDENT_NOT_CLOSED");
            assert_eq!(halt["rule"], "metric.incident-closed");
            assert!(halt["remedy"].is_string());

            let wrong = json!({ "incident": "15", "metric_type": "resolutiontime", "calculated_value_minutes": "12" });
            let result = client.call_tool(request("log_metric", wrong)).await.unwrap();
            assert_eq!(result.is_error, Some(true));
            let halt = answer(&result);
            let fields: BTreeSet<&str> =
                halt["problems"].as_array().unwrap().iter().map(|problem| problem["field"].as_str().unwrap()).collect();
            let expected = ["calculated_value_minutes", "incident", "incident_id", "metric_type"];
            assert_eq!(fields, BTreeSet::from(expected), "all problems at once");

            // No arguments at all are no arguments.
            let result = client.call_tool(CallToolRequestParams::new("log_metric")).await.unwrap();
            assert_eq!(answer(&result)["code"], "INVALID_INPUT");

            let (calls, after) = state(server).await;
            assert_eq!(before, after, "halts write nothing");
            let unknown = client.call_tool(request("log_metrics", metric)).await;
            let message = refused(unknown, ErrorCode::INVALID_PARAMS);
            assert!(message.contains("log_metrics") && message.contains("\"log_metric\""), "{message}");
            assert_eq!(state(server).await, (calls, after), "an unknown tool is no call");
        });
    }
}

#[test]
fn pipelined_calls_run_in_the_order_in_which_they_came() {
    connected("all", &ProtocolVersion::V_2025_11_25, async |client, server| {
        let mut waiting = Vec::new();
        for number in 0..300 {
            let note = json!({ "incident_id": "30", "note": format!("note {number}"), "acting_user": "8" });
            let request = ClientRequest::CallToolRequest(CallToolRequest::new(request("add_incident_update", note)));
            let handle = client.send_cancellable_request(request, PeerRequestOptions::no_options()).await.unwrap();
            waiting.push(handle);
        }
        let mut ids = Vec::new();
        for handle in waiting {
            let ServerResult::CallToolResult(result) = handle.await_response().await.unwrap() else { panic!() };
            let id = answer(&result)["update_id"].as_str().unwrap().parse::<u32>().unwrap();
            ids.push(id);
        }
        assert!(ids.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{ids:?}");
        let (journal, _) = journal(server.live()).await;
        for (number, entry) in journal.iter().enumerate() {
            assert!(entry.arguments.contains(&format!("\"note {number}\"")), "call {}", entry.call);
        }
        assert_eq!(journal.len(), 300);
    });
}

/// A client that writes its lines by itself.
struct Wire {
    reader: BufReader<DuplexStream>,
}

impl Wire {
    async fn send(&mut self, messages: &[Value]) {
        let lines: String = messages.iter().map(|message| format!("{message}\n")).collect();
        self.reader.write_all(lines.as_bytes()).await.unwrap();
    }

    async fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

fn wired(policy_id: &str, play: impl AsyncFnOnce(&mut Wire, &Server)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = Server::alone(episode(policy_id), None);
        let serving = tokio::spawn(serve(server.clone(), theirs));
        let mut wire = Wire { reader: BufReader::new(ours) };
        let client = json!({ "name": "wire", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        wire.send(&[
            json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        ])
        .await;
        assert_eq!(wire.receive().await["result"]["protocolVersion"], "2025-11-25");
        play(&mut wire, &server).await;
        drop(wire);
        serving.await.unwrap();
    });
}

fn note(id: u32) -> Value {
    let arguments = json!({ "incident_id": "30", "note": "seen", "acting_user": "8" });
    let params = json!({ "name": "add_incident_update", "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

fn cancelled(id: u32) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } })
}

#[test]
fn a_call_that_is_cancelled_before_it_runs_does_not_run() {
    wired("all", async |wire, server| {
        let before = state(server).await;
        wire.send(&[note(1), cancelled(1), json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" })]).await;
        // A cancelled request has no answer: the next one is the ping's.
        assert_eq!(wire.receive().await["id"], 2);
        assert_eq!(state(server).await, before);
        // The id of a call that has gone through, or of none, is nothing to cancel.
        wire.send(&[note(3)]).await;
        assert_eq!(wire.receive().await["id"], 3);
        wire.send(&[cancelled(3), cancelled(77), note(4)]).await;
        assert_eq!(wire.receive().await["id"], 4);
        assert_eq!(state(server).await.0, 2);
    });
}

#[test]
fn malformed_parameters_are_told_from_unknown_methods() {
    wired("all", async |wire, server| {
        let before = state(server).await;
        let cases = [
            ("tools/call", json!({}), -32602),
            ("tools/call", json!({ "name": 5 }), -32602),
            ("tools/call", json!({ "name": "find_users", "arguments": [] }), -32602),
            ("tools/call", Value::Null, -32602),
            ("resources/read", json!({}), -32602),
            ("resources/read", json!({ "uri": 1 }), -32602),
            ("prompts/get", json!({ "name": ["x"] }), -32602),
            ("completion/complete", json!({ "ref": {}, "argument": {} }), -32602),
            ("resources/subscribe", json!({ "uri": "policy://all" }), -32601),
            ("nonsense", json!({}), -32601),
        ];
        for (id, (method, params, code)) in cases.into_iter().enumerate() {
            wire.send(&[json!({ "jsonrpc": "2.0", "id": id + 1, "method": method, "params": params })]).await;
            let answer = wire.receive().await;
            assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id + 1), &json!(code)), "{method}: {answer}");
        }
        assert_eq!(state(server).await, before);
    });
}

fn text(contents: &[ResourceContents]) -> (String, String) {
    let [ResourceContents::TextResourceContents { text, mime_type, .. }] = contents else {
        panic!("one text: {contents:?}")
    };
    (mime_type.clone().unwrap(), text.clone())
}

#[test]
fn every_resource_that_is_listed_can_be_read() {
    for id in policies() {
        connected(id, &ProtocolVersion::V_2025_11_25, async |client, _| {
            let listed = client.list_all_resources().await.unwrap();
            let policy = policy(id);
            let uris: BTreeSet<&str> = listed.iter().map(|resource| resource.uri.as_str()).collect();
            assert_eq!(uris.len(), listed.len(), "each once");
            let of_skills = listed.iter().filter(|resource| resource.uri.starts_with("skill://")).count();
            let of_policy = 2 + usize::from(!policy.tiers.0.is_empty()) + policy.clauses.len();
            assert_eq!(listed.len(), of_policy + of_skills);
            for resource in &listed {
                let read = client.read_resource(ReadResourceRequestParams::new(&resource.uri)).await.unwrap();
                let (kind, text) = text(&read.contents);
                assert_eq!(Some(&kind), resource.mime_type.as_ref(), "{}", resource.uri);
                match kind.as_str() {
                    "text/markdown" if resource.uri.starts_with("skill://") => assert!(text.starts_with("---\n")),
                    "text/markdown" => assert_eq!(text, policy.text),
                    _ => assert!(serde_json::from_str::<Value>(&text).unwrap().is_object(), "{}", resource.uri),
                }
            }
        });
    }
}

#[test]
fn clauses_words_tiers_and_records() {
    connected("all", &ProtocolVersion::V_2025_11_25, async |client, _| {
        let read = async |uri: &str| -> Value {
            let read = client.read_resource(ReadResourceRequestParams::new(uri)).await.unwrap();
            serde_json::from_str(&text(&read.contents).1).unwrap()
        };
        let clause = read("policy://all/clauses/metric.2").await;
        assert_eq!(clause["clause"], "metric.2");
        assert!(clause["text"].as_str().unwrap().len() > 10 && clause["section"].is_string());
        let covers = clause["carried_out"].as_array().unwrap();
        assert!(
            covers.iter().any(|cover| cover["by"].as_str().unwrap().contains("metric.incident-closed")),
            "{clause}"
        );
        assert_eq!(read("policy://all/words").await["severity"], json!(["P1", "P2", "P3", "P4"]));
        assert!(read("policy://all/tiers").await["premium"].is_object());

        // A record is what a detailed lookup shows of it, as it is now.
        let find = request("find_incidents", json!({ "incident_id": "16", "detail": "detailed", "acting_user": "6" }));
        let found = answer(&client.call_tool(find).await.unwrap());
        assert_eq!(read("record://incidents/16").await, found["incidents"][0]);
        let close = json!({ "incident_id": "16", "change_set": { "status": "closed" }, "acting_user": "6" });
        assert_eq!(client.call_tool(request("update_incident", close)).await.unwrap().is_error, Some(false));
        assert_eq!(read("record://incidents/16").await["status"], "closed");

        let templates = client.list_all_resource_templates().await.unwrap();
        let templates: Vec<&str> = templates.iter().map(|template| template.uri_template.as_str()).collect();
        assert_eq!(
            templates,
            ["record://{table}/{id}", "policy://all/clauses/{clause}", "skill://all/{skill}/{+file}"]
        );
    });
}

#[test]
fn what_is_no_resource_is_not_found() {
    let nowhere = [
        "policy://other",
        "policy://allx",
        "policy://all/",
        "policy://all/clauses/",
        "policy://all/clauses/metric.999",
        "policy://all/words/severity",
        "policy:///all",
        "record://incidents/999",
        "record://incidents/0",
        "record://incidents/-1",
        "record://incidents/016",
        "record://incidents/16/title",
        "record://incidents/99999999999999999999999",
        "record://incidents",
        "record://sqlite_master/1",
        "file:///etc/passwd",
        "",
    ];
    for (version, code) in [(&ERAS[0], ErrorCode::RESOURCE_NOT_FOUND), (&ERAS[1], ErrorCode::INVALID_PARAMS)] {
        connected("all", version, async |client, _| {
            for uri in nowhere {
                let message = refused(client.read_resource(ReadResourceRequestParams::new(uri)).await, code);
                assert!(message.contains("no such resource"), "{uri}: {message}");
            }
        });
    }
}

#[test]
fn every_procedure_is_a_prompt() {
    for id in policies() {
        connected(id, &ProtocolVersion::V_2025_11_25, async |client, _| {
            let policy = policy(id);
            let prompts = client.list_all_prompts().await.unwrap();
            let procedures: Vec<&str> = policy
                .tools
                .iter()
                .filter(|tool| matches!(tool.work, Work::Act(_)))
                .map(|tool| tool.name.as_str())
                .collect();
            let names: Vec<&str> = prompts.iter().map(|prompt| prompt.name.as_str()).collect();
            assert_eq!(names, procedures);
            for prompt in &prompts {
                let required = prompt.arguments.iter().flatten().filter(|argument| argument.required == Some(true));
                let given = required.map(|argument| (argument.name.clone(), json!("1"))).collect::<Map<_, _>>();
                let mut params = GetPromptRequestParams::new(prompt.name.clone());
                params.arguments = Some(given.clone());
                let got = client.get_prompt(params).await.unwrap();
                let message = json!(got.messages)[0]["content"]["text"].as_str().unwrap().to_owned();
                assert!(message.contains(&format!("`{}`", prompt.name)), "{message}");
                assert!(given.keys().all(|name| message.contains(&format!("- {name}: 1"))), "{message}");
                let clauses = policy.clauses.iter().filter(|clause| message.contains(&clause.text));
                assert!(clauses.count() >= 3, "{}: the clauses that govern it:\n{message}", prompt.name);
            }
        });
    }
}

#[test]
fn a_prompt_says_what_the_policy_says() {
    connected("all", &ProtocolVersion::V_2025_11_25, async |client, _| {
        let get = async |name: &str, given: Value| {
            let mut params = GetPromptRequestParams::new(name);
            params.arguments = Some(arguments(given));
            client.get_prompt(params).await
        };
        let full = json!({
            "incident_id": "15",
            "metric_type": "resolution_time",
            "calculated_value_minutes": "12",
            "recorded_by_user": "6",
        });
        let got = get("log_metric", full.clone()).await.unwrap();
        insta::assert_snapshot!("prompt", json!(got.messages)[0]["content"]["text"].as_str().unwrap());

        let message = refused(get("log_metric", json!({ "incident_id": "15" })).await, ErrorCode::INVALID_PARAMS);
        assert!(message.contains("needs the argument"), "{message}");
        let mut more = full;
        more["colour"] = "blue".into();
        let message = refused(get("log_metric", more).await, ErrorCode::INVALID_PARAMS);
        assert!(message.contains("colour"), "{message}");
        for name in ["find_incidents", "nonsense", ""] {
            let message = refused(get(name, json!({})).await, ErrorCode::INVALID_PARAMS);
            assert!(message.contains("there is no prompt"), "{message}");
        }
    });
}

#[test]
fn completions() {
    connected("all", &ProtocolVersion::V_2025_11_25, async |client, _| {
        let prompt = async |prompt: &str, argument: &str, typed: &str| {
            client.complete_prompt_simple(prompt, argument, typed).await.unwrap()
        };
        assert_eq!(prompt("log_metric", "metric_type", "res").await, ["response_time", "resolution_time"]);
        assert_eq!(prompt("log_metric", "incident_id", "3").await, ["3", "30", "31", "32", "33"]);
        assert_eq!(prompt("log_metric", "recorded_by_user", "56").await, ["56"]);
        assert_eq!(prompt("update_incident", "acting_user", "5").await[0], "5");
        assert_eq!(prompt("log_metric", "metric_type", "x").await, Vec::<String>::new());
        // Nothing to offer is an empty list, not an error.
        for (name, argument) in [
            ("log_metric", "calculated_value_minutes"),
            ("log_metric", "nonsense"),
            ("find_incidents", "status"),
            ("nonsense", "incident_id"),
        ] {
            assert_eq!(prompt(name, argument, "").await, Vec::<String>::new(), "{name} {argument}");
        }

        let record = "record://{table}/{id}";
        let tables = client.complete_resource_simple(record, "table", "incident").await.unwrap();
        assert_eq!(tables, ["incidents", "incident_updates", "incident_escalations", "incident_reports"]);
        let of = |table: &str| {
            let known = HashMap::from([("table".to_owned(), table.to_owned())]);
            Some(CompletionContext::with_arguments(known))
        };
        let ids = client.complete_resource_argument(record, "id", "1", of("vendors")).await.unwrap();
        assert_eq!((ids.values, ids.has_more), (vec!["1".to_owned()], Some(false)));
        let ids = client.complete_resource_argument(record, "id", "", of("incident_updates")).await.unwrap();
        assert_eq!((ids.values.len(), ids.has_more), (100, Some(true)), "at most 100 at a time");
        let ids = client.complete_resource_argument(record, "id", "'; --", of("vendors")).await.unwrap();
        assert_eq!(ids.values, Vec::<String>::new());
        for context in [None, of("sqlite_master")] {
            let ids = client.complete_resource_argument(record, "id", "1", context).await.unwrap();
            assert_eq!(ids.values, Vec::<String>::new());
        }
        let clause = "policy://all/clauses/{clause}";
        let clauses = client.complete_resource_simple(clause, "clause", "metric.").await.unwrap();
        assert!(clauses.len() >= 2 && clauses.iter().all(|id| id.starts_with("metric.")), "{clauses:?}");
    });
}

/// Every lookup of every policy answers, and says in its structure what its schema promises.
#[test]
fn every_lookup_answers() {
    for id in policies() {
        connected(id, &ProtocolVersion::V_2026_07_28, async |client, server| {
            let before = state(server).await.1;
            for tool in policy(id).tools.iter().filter(|tool| matches!(tool.work, Work::Find(_))) {
                let arguments = json!({ "limit": 2, "acting_user": someone_who_may(tool) });
                let result = client.call_tool(request(&tool.name, arguments)).await.unwrap();
                assert_eq!(result.is_error, Some(false), "{}", tool.name);
                assert!(answer(&result)["count"].as_u64().unwrap() <= 2, "{}", tool.name);
            }
            assert_eq!(state(server).await.1, before, "lookups write nothing");
        });
    }
}
