//! Skills over MCP: what the Skills extension asks for of each method, and what peers of older revisions see.

use crate::support::{episode, policies, policy};
use serde_json::{Value, json};
use server::mcp::{Server, stdio};
use skills::Skills;
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a server of that policy answers to requests, by their numbers from 0. Each is a line.
fn answers(policy_id: &str, requests: &[Value]) -> Vec<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let lines = requests.iter().enumerate().map(|(at, request)| {
            let mut request = request.clone();
            request["jsonrpc"] = "2.0".into();
            request["id"] = at.into();
            format!("{request}\n")
        });
        let lines: String = lines.collect();
        let (mut ours, theirs) = tokio::io::duplex(1 << 22);
        let (read, write) = tokio::io::split(theirs);
        let serving = tokio::spawn(stdio::serve_over(Server::alone(episode(policy_id), None), read, write));
        ours.write_all(lines.as_bytes()).await.unwrap();
        ours.shutdown().await.unwrap();
        let mut text = String::new();
        ours.read_to_string(&mut text).await.unwrap();
        serving.await.unwrap().unwrap();
        let mut found: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        found.sort_by_key(|answer| answer["id"].as_u64());
        assert_eq!(found.len(), requests.len(), "{text}");
        found
    })
}

/// A request of 2026-07-28.
fn request(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({ "method": method, "params": params })
}

fn ask(policy_id: &str, method: &str, params: Value) -> Value {
    answers(policy_id, &[request(method, params)]).remove(0)
}

#[test]
fn the_extension_is_declared_with_the_resources_that_it_rests_on() {
    let capabilities = &ask("all", "server/discover", json!({}))["result"]["capabilities"];
    assert_eq!(capabilities["extensions"], json!({ "io.modelcontextprotocol/skills": { "directoryRead": true } }));
    assert!(capabilities["resources"].is_object());
}

#[test]
fn the_list_has_every_skill_with_every_file_its_size_and_its_digest() {
    for id in policies() {
        let policy = policy(id);
        let skills = Skills::of(&policy, policy.audit);
        let result = ask(id, "skills/list", json!({}))["result"].clone();
        assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("public")));
        assert!(result["ttlMs"].as_u64().unwrap() > 0 && result.get("nextCursor").is_none());
        let listed = result["skills"].as_array().unwrap();
        assert_eq!(listed.len(), skills.skills.len());
        for (entry, skill) in listed.iter().zip(&skills.skills) {
            assert_eq!(entry["uri"], skill.uri());
            assert_eq!(entry["frontmatter"], json!(skill.front));
            let files = entry["resources"].as_array().unwrap();
            assert_eq!(files.len(), skill.files.len());
            for (file, own) in files.iter().zip(&skill.files) {
                let expected = json!({ "uri": skill.address(&own.path), "digest": own.digest, "size": own.text.len() });
                assert_eq!(*file, expected);
            }
        }
    }
}

#[test]
fn a_read_gives_the_bytes_that_the_digest_names() {
    let id = "client-user-vendor";
    let listed = ask(id, "skills/list", json!({}))["result"]["skills"].clone();
    let files: Vec<&Value> =
        listed.as_array().unwrap().iter().flat_map(|entry| entry["resources"].as_array().unwrap()).collect();
    let reads: Vec<Value> = files.iter().map(|file| request("resources/read", json!({ "uri": file["uri"] }))).collect();
    for (file, answer) in files.iter().zip(answers(id, &reads)) {
        let result = &answer["result"];
        let content = &result["contents"][0];
        let text = content["text"].as_str().unwrap();
        assert_eq!((&content["uri"], &content["mimeType"]), (&file["uri"], &json!("text/markdown")));
        assert_eq!(
            (skills::digest(text.as_bytes()), text.len()),
            (file["digest"].as_str().unwrap().to_owned(), file["size"].as_u64().unwrap() as usize)
        );
        assert!(result["ttlMs"].is_u64() && result["cacheScope"] == "public");
    }
}

#[test]
fn one_skill_is_got_by_its_address_as_the_list_has_it() {
    let listed = ask("all", "skills/list", json!({}))["result"]["skills"].clone();
    for entry in listed.as_array().unwrap() {
        let result = &ask("all", "skills/get", json!({ "uri": entry["uri"] }))["result"];
        assert_eq!(result["skill"], *entry);
        assert_eq!(result["resultType"], "complete");
        assert!(result["ttlMs"].is_u64() && result["cacheScope"] == "public");
    }
}

#[test]
fn directories_are_read_level_by_level() {
    let id = "client-user-vendor";
    let children = |uri: &str| -> Vec<(String, String, String)> {
        let answer = ask(id, "resources/directory/read", json!({ "uri": uri }));
        assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of = |child: &Value| (text(&child["uri"]), text(&child["name"]), text(&child["mimeType"]));
        answer["result"]["resources"].as_array().unwrap().iter().map(of).collect()
    };
    let policy = policy(id);
    let skills = Skills::of(&policy, policy.audit);
    let top = children("skill://client-user-vendor");
    let folders =
        skills.skills.iter().map(|skill| (skill.root.clone(), skill.name.clone(), "inode/directory".to_owned()));
    assert_eq!(top, folders.collect::<Vec<_>>());
    let root = "skill://client-user-vendor/registering-a-vendor";
    let at = |path: &str| format!("{root}/{path}");
    let [markdown, directory] = ["text/markdown", "inode/directory"].map(str::to_owned);
    assert_eq!(
        children(root),
        [
            (at("SKILL.md"), "registering-a-vendor".to_owned(), markdown.clone()),
            (at("references"), "references".to_owned(), directory),
        ]
    );
    assert_eq!(
        children(&at("references")),
        [
            (at("references/words.md"), "words.md".to_owned(), markdown.clone()),
            (at("references/policy.md"), "policy.md".to_owned(), markdown),
        ]
    );
}

#[test]
fn what_is_not_there_is_refused_with_invalid_params() {
    let skill = "skill://all/problem-tickets/SKILL.md";
    for (method, params) in [
        ("skills/get", json!({ "uri": "skill://all/nothing/SKILL.md" })),
        ("skills/get", json!({ "uri": "skill://other/problem-tickets/SKILL.md" })),
        ("skills/get", json!({ "uri": "skill://all/problem-tickets" })),
        ("skills/get", json!({ "uri": "skill://all/problem-tickets/references/words.md" })),
        ("skills/get", json!({ "uri": "skill://all/problem-tickets/../problem-tickets/SKILL.md" })),
        ("skills/get", json!({ "uri": "" })),
        ("skills/get", json!({ "uri": 7 })),
        ("skills/get", json!({})),
        ("skills/list", json!({ "cursor": "x" })),
        ("resources/directory/read", json!({ "uri": skill })),
        ("resources/directory/read", json!({ "uri": "skill://all/problem-tickets/" })),
        ("resources/directory/read", json!({ "uri": "skill://all/nothing" })),
        ("resources/directory/read", json!({ "uri": "skill://" })),
        ("resources/directory/read", json!({ "uri": "skill:/" })),
        ("resources/directory/read", json!({ "uri": "policy://all" })),
        ("resources/directory/read", json!({ "uri": "" })),
        ("resources/directory/read", json!({ "uri": "skill://all", "cursor": "x" })),
        ("resources/directory/read", json!({})),
        ("resources/read", json!({ "uri": "skill://all/nothing/SKILL.md" })),
        ("resources/read", json!({ "uri": "skill://all/problem-tickets" })),
        ("resources/read", json!({ "uri": "skill://all/problem-tickets/references/../SKILL.md" })),
    ] {
        let answer = ask("all", method, params.clone());
        assert_eq!(answer["error"]["code"], -32602, "{method} {params}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().len() > 10, "{answer}");
    }
}

/// A session of an older revision, and a request in it.
fn older(version: &str, method: &str, params: Value) -> (Value, Value) {
    let client = json!({ "name": "test", "version": "1" });
    let begin = json!({ "method": "initialize", "params": { "protocolVersion": version, "capabilities": {}, "clientInfo": client } });
    let answers = answers("all", &[begin, json!({ "method": method, "params": params })]);
    (answers[0]["result"].clone(), answers[1].clone())
}

#[test]
fn to_peers_of_older_revisions_skills_are_resources_and_the_methods_unknown() {
    let skill = "skill://all/problem-tickets/SKILL.md";
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        for (method, params) in [
            ("skills/list", json!({})),
            ("skills/list", json!({ "cursor": 7 })),
            ("skills/get", json!({ "uri": skill })),
            ("skills/get", json!({ "uri": "nothing" })),
            ("skills/get", json!({})),
            ("resources/directory/read", json!({ "uri": "skill://all" })),
            ("resources/directory/read", json!({})),
        ] {
            let (begun, answer) = older(version, method, params.clone());
            assert_eq!(begun["protocolVersion"], version);
            assert!(begun["capabilities"].get("extensions").is_none(), "{begun}");
            assert_eq!(answer["error"]["code"], -32601, "{version} {method} {params}: {answer}");
        }
        let (_, answer) = older(version, "resources/list", json!({}));
        let listed = answer["result"]["resources"].as_array().unwrap();
        let found = listed.iter().find(|resource| resource["uri"] == skill).unwrap();
        assert_eq!((&found["name"], &found["mimeType"]), (&json!("problem-tickets"), &json!("text/markdown")));
        let (_, answer) = older(version, "resources/read", json!({ "uri": skill }));
        assert!(answer["result"]["contents"][0]["text"].as_str().unwrap().starts_with("---\nname: "), "{answer}");
    }
}

#[test]
fn resources_list_the_main_file_of_each_skill() {
    for id in policies() {
        let policy = policy(id);
        let skills = Skills::of(&policy, policy.audit);
        let answer = ask(id, "resources/list", json!({}));
        let listed: BTreeSet<&str> = answer["result"]["resources"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|resource| resource["uri"].as_str())
            .collect();
        assert!(skills.skills.iter().all(|skill| listed.contains(&*skill.uri())));
        let templates = ask(id, "resources/templates/list", json!({}));
        let template = format!("skill://{id}/{{skill}}/{{+file}}");
        assert!(
            templates["result"]["resourceTemplates"]
                .as_array()
                .unwrap()
                .iter()
                .any(|known| known["uriTemplate"] == template)
        );
    }
}
