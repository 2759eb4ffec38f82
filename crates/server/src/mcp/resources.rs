//! Resources: the policy, its clauses, words and tiers, and every record.

use super::{STATIC_TTL, fault};
use crate::registry::Description;
use calls::Outcome;
use procedures::policy::Policy;
use records::catalogue::{self, Table};
use rmcp::model::{CacheScope, ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::{Value as Json, json};
use store::parse_id;

/// The kind of texts.
pub const MARKDOWN: &str = "text/markdown";
const JSON: &str = "application/json";
/// The template of the resources of clauses, with the policy's id to be put in.
const CLAUSES: &str = "/clauses/";

/// The address of the resource that tells the time, where the clock moves.
pub const CLOCK: &str = "episode://clock";

/// The resources that can be listed; records are found by their template.
pub fn list(policy: &Policy, about: &Description) -> Vec<Resource> {
    let id = &policy.id;
    let mut list = vec![
        Resource::new(format!("policy://{id}"), id.clone())
            .with_title(policy.title.clone())
            .with_description("The policy's text, clause by clause")
            .with_mime_type(MARKDOWN),
        Resource::new(format!("policy://{id}/words"), "words")
            .with_title("Words")
            .with_description("The vocabularies: the values that each kind of field accepts")
            .with_mime_type(JSON),
    ];
    if !policy.tiers.0.is_empty() {
        list.push(
            Resource::new(format!("policy://{id}/tiers"), "tiers")
                .with_title("Subscription tiers")
                .with_description("Response and resolution targets by tier and severity")
                .with_mime_type(JSON),
        );
    }
    if about.clock_kind.moves() {
        list.push(
            Resource::new(CLOCK, "clock")
                .with_title("Clock")
                .with_description("What time it is now, UTC")
                .with_mime_type(JSON),
        );
    }
    list.extend(policy.clauses.iter().map(|clause| {
        let name = &clause.id.value;
        Resource::new(format!("policy://{id}{CLAUSES}{name}"), name.clone())
            .with_title(format!("Clause {name}"))
            .with_mime_type(JSON)
    }));
    list
}

/// The templates of resources.
pub fn templates(policy: &Policy) -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("record://{table}/{id}", "record")
            .with_title("Record")
            .with_description("Any record, with all of its fields")
            .with_mime_type(JSON),
        ResourceTemplate::new(format!("policy://{}{CLAUSES}{{clause}}", policy.id), "clause")
            .with_title("Clause")
            .with_description("One clause of the policy, and what carries it out")
            .with_mime_type(JSON),
    ]
}

/// What an address leads to.
pub enum Found {
    /// The content.
    Text(ReadResourceResult),
    /// A record, if there is one of that id.
    Record(&'static Table, i64),
    /// The time.
    Clock,
}

/// What is at that address.
pub fn find(policy: &Policy, about: &Description, uri: &str) -> Result<Found, ErrorData> {
    if uri == CLOCK && about.clock_kind.moves() {
        return Ok(Found::Clock);
    }
    if let Some(path) = uri.strip_prefix("record://") {
        let record = path.split_once('/').and_then(|(table, id)| Some((catalogue::table(table)?, parse_id(id)?)));
        return record.map(|(table, id)| Found::Record(table, id)).ok_or_else(|| not_found(uri));
    }
    let path = uri.strip_prefix("policy://").and_then(|path| path.strip_prefix(&policy.id));
    let (kind, text) = match path.ok_or_else(|| not_found(uri))? {
        "" => (MARKDOWN, policy.text.clone()),
        "/words" => (JSON, json!(policy.words.iter().map(words).collect::<serde_json::Map<_, _>>()).to_string()),
        "/tiers" if !policy.tiers.0.is_empty() => (JSON, serde_json::to_string(&policy.tiers).map_err(fault)?),
        path => {
            let clause = path.strip_prefix(CLAUSES).and_then(|id| policy.clause(id));
            (JSON, clause_text(policy, &clause.ok_or_else(|| not_found(uri))?.id.value))
        }
    };
    Ok(Found::Text(content(uri, kind, text).with_ttl_ms(STATIC_TTL).with_cache_scope(CacheScope::Public)))
}

/// The time. Nobody may keep it.
pub fn clock(uri: &str, now: &str) -> ReadResourceResult {
    let text = json!({ "now": now }).to_string();
    content(uri, JSON, text).with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

/// The content of a record, from the lookup of its id.
pub fn record(uri: &str, table: &Table, outcome: &Outcome) -> Result<ReadResourceResult, ErrorData> {
    if outcome.is_error() {
        return Err(refused(Json::Object(outcome.answer.clone())));
    }
    let row = outcome.answer.get(table.plural).and_then(|rows| rows.get(0)).ok_or_else(|| not_found(uri))?;
    Ok(content(uri, JSON, row.to_string()).with_ttl_ms(0).with_cache_scope(CacheScope::Private))
}

/// A halt, where there is no tool result to hold it.
pub fn refused(halt: Json) -> ErrorData {
    let message = halt["message"].as_str().unwrap_or("refused").to_owned();
    ErrorData::invalid_request(message, Some(halt))
}

fn words((name, words): (&String, &std::sync::Arc<[String]>)) -> (String, Json) {
    (name.clone(), json!(&words[..]))
}

fn clause_text(policy: &Policy, id: &str) -> String {
    let clause = policy.clause(id);
    let covers = policy.cover(id).iter().map(|cover| json!({ "kind": cover.kind(), "by": cover.to_string() }));
    json!({
        "clause": id,
        "section": clause.map(|clause| clause.section.title.as_str()),
        "text": clause.map(|clause| clause.text.as_str()),
        "carried_out": covers.collect::<Vec<_>>(),
    })
    .to_string()
}

/// The content of a resource.
pub fn content(uri: &str, kind: &str, text: String) -> ReadResourceResult {
    ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(kind)])
}

/// There is none of that address.
pub fn not_found(uri: &str) -> ErrorData {
    let message = "there is no such resource; see resources/list and resources/templates/list";
    ErrorData::resource_not_found(message, Some(json!({ "uri": uri })))
}
