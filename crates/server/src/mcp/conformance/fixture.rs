//! What a fixture is: a tool that the suite calls by its name. And the plain forms of its answer.

use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Tool};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value as Json, json};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// How a call of a fixture ends.
pub type Outcome = Result<CallToolResponse, ErrorData>;

/// An outcome that is still to come.
pub type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A tool of the suite.
pub struct Fixture {
    /// Its name, which the suite prescribes.
    pub name: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    /// Its input schema.
    pub input: fn() -> Json,
    /// What a call of it does.
    pub run: fn(Call) -> Pending,
}

/// A call of a fixture.
pub struct Call {
    /// Name, arguments, and the client's answers to earlier questions.
    pub request: CallToolRequestParams,
    /// The client, and what it declared.
    pub context: RequestContext<RoleServer>,
}

impl Fixture {
    /// The fixture as MCP lists it.
    pub fn tool(&self) -> Tool {
        let schema = match (self.input)() {
            Json::Object(schema) => schema,
            _ => serde_json::Map::new(),
        };
        Tool::new(self.name, self.about, Arc::new(schema))
    }
}

impl Call {
    /// An argument that is a text.
    pub fn text(&self, name: &str) -> Result<&str, ErrorData> {
        let given = self.request.arguments.as_ref().and_then(|arguments| arguments.get(name)?.as_str());
        given.ok_or_else(|| ErrorData::invalid_params(format!("{name} must be a text"), None))
    }

    /// An argument that is a number of seconds; none if it was left out.
    pub fn seconds(&self, name: &str) -> u64 {
        self.request.arguments.as_ref().and_then(|arguments| arguments.get(name)?.as_u64()).unwrap_or_default()
    }
}

/// The input schema of a fixture without arguments.
pub fn nothing() -> Json {
    json!({ "type": "object", "properties": {}, "additionalProperties": false })
}

/// The input schema of a fixture whose arguments are all required texts.
pub fn texts(names: &[&str]) -> Json {
    let properties = names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" })));
    json!({
        "type": "object",
        "properties": properties.collect::<serde_json::Map<_, _>>(),
        "required": names,
        "additionalProperties": false,
    })
}

/// An outcome that is there at once.
pub fn now(outcome: Outcome) -> Pending {
    Box::pin(std::future::ready(outcome))
}

/// A successful result of these blocks.
pub fn done(content: Vec<ContentBlock>) -> Outcome {
    Ok(CallToolResult::success(content).into())
}

/// A successful result of one text.
pub fn said(text: impl Into<String>) -> Outcome {
    done(vec![ContentBlock::text(text)])
}
