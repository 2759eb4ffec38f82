//! Resources, one template, and subscriptions of clients up to 2025-11-25.
//!
//! Scenarios: resources-read-text, resources-read-binary, resources-templates-read, resources-subscribe,
//! resources-unsubscribe.

use super::content::{PIXEL, PNG};
use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::json;

/// What the URIs of the suite begin with.
const SCHEME: &str = "test://";
const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
const WATCHED: &str = "test://watched-resource";
const PLAIN: &str = "text/plain";
const JSON: &str = "application/json";

/// The resources of the suite.
pub fn list() -> Vec<Resource> {
    vec![
        Resource::new(TEXT, "static-text").with_description("A text").with_mime_type(PLAIN),
        Resource::new(BINARY, "static-binary").with_description("A picture").with_mime_type(PNG),
        Resource::new(WATCHED, "watched-resource").with_description("To be subscribed to").with_mime_type(PLAIN),
    ]
}

/// The templates of the suite.
pub fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("test://template/{id}/data", "template")
            .with_description("Data by id")
            .with_mime_type(JSON),
    ]
}

/// Whether a URI is one of the suite's.
pub fn has(uri: &str) -> bool {
    uri.starts_with(SCHEME)
}

/// The content of a resource.
pub fn read(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let content = match uri {
        TEXT => ResourceContents::text("This is the content of the static text resource.", uri).with_mime_type(PLAIN),
        BINARY => ResourceContents::blob(PIXEL, uri).with_mime_type(PNG),
        WATCHED => ResourceContents::text("It never changes.", uri).with_mime_type(PLAIN),
        _ => {
            let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
            let id = id.ok_or_else(|| not_found(uri))?;
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            ResourceContents::text(data.to_string(), uri).with_mime_type(JSON)
        }
    };
    Ok(ReadResourceResult::new(vec![content]))
}

/// Subscribe to a resource, or leave it. Nothing here ever changes, so there is nothing to remember.
pub fn watch(uri: &str) -> Result<(), ErrorData> {
    read(uri).map(|_| ())
}

fn not_found(uri: &str) -> ErrorData {
    ErrorData::resource_not_found("there is no such resource", Some(json!({ "uri": uri })))
}
