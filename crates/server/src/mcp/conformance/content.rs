//! Tools that answer at once, with every kind of content.
//!
//! Scenarios: tools-call-simple-text, -image, -audio, -embedded-resource, -mixed-content, -error; json-schema-2020-12;
//! http-custom-header-server-validation.

use super::fixture::{Fixture, done, nothing, now, said};
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::{Value as Json, json};

/// The media type of the picture.
pub const PNG: &str = "image/png";
/// One red pixel, in base64.
pub const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";
/// Eight samples of silence as a wave file, in base64.
const SILENCE: &str = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==";

/// The tools of this file.
pub const TOOLS: &[Fixture] = &[
    Fixture {
        name: "test_simple_text",
        about: "Answers a text",
        input: nothing,
        run: |_| now(said("This is a simple text response for testing.")),
    },
    Fixture {
        name: "test_image_content",
        about: "Answers a picture",
        input: nothing,
        run: |_| now(done(vec![ContentBlock::image(PIXEL, PNG)])),
    },
    Fixture {
        name: "test_audio_content",
        about: "Answers a sound",
        input: nothing,
        run: |_| now(done(vec![ContentBlock::audio(SILENCE, "audio/wav")])),
    },
    Fixture {
        name: "test_embedded_resource",
        about: "Answers a resource",
        input: nothing,
        run: |_| {
            let text = "This is an embedded resource content.";
            now(done(vec![embedded(text, "test://embedded-resource", "text/plain")]))
        },
    },
    Fixture {
        name: "test_multiple_content_types",
        about: "Answers a text, a picture and a resource",
        input: nothing,
        run: |_| {
            let data = json!({ "test": "data", "value": 123 }).to_string();
            now(done(vec![
                ContentBlock::text("Multiple content types test:"),
                ContentBlock::image(PIXEL, PNG),
                embedded(data, "test://mixed-content-resource", "application/json"),
            ]))
        },
    },
    Fixture {
        name: "test_error_handling",
        about: "Always fails",
        input: nothing,
        run: |_| {
            let content = vec![ContentBlock::text("This tool intentionally returns an error for testing")];
            now(Ok(CallToolResult::error(content).into()))
        },
    },
    Fixture {
        name: "json_schema_2020_12_tool",
        about: "Lists a schema with the keywords of JSON Schema 2020-12",
        input: rich_schema,
        run: |call| now(said(json!(call.request.arguments).to_string())),
    },
    Fixture {
        name: "test_mirrored_header",
        about: "Takes an argument that a header of the request mirrors",
        input: || {
            json!({
                "type": "object",
                "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
                "required": ["region"],
                "additionalProperties": false,
            })
        },
        run: |call| now(call.text("region").map(str::to_owned).and_then(said)),
    },
];

/// A resource within an answer.
pub fn embedded(text: impl Into<String>, uri: &str, media_type: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(media_type))
}

/// The keywords that a server must list as they were written.
fn rich_schema() -> Json {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}
