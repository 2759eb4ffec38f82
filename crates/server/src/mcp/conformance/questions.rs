//! Questions to a client's user, to its model, and for its roots; and whether the client can answer them.

use rmcp::model::{ClientCapabilities, ErrorData, InputRequest, InputResponses};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value as Json, json};

/// A form for the user.
pub fn elicitation(message: &str, properties: Json, required: &[&str]) -> Result<InputRequest, ErrorData> {
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    question(json!({
        "method": "elicitation/create",
        "params": { "mode": "form", "message": message, "requestedSchema": schema },
    }))
}

/// The form for the user's name.
pub fn name() -> Result<InputRequest, ErrorData> {
    elicitation("What is your name?", json!({ "name": { "type": "string" } }), &["name"])
}

/// A prompt for the client's model.
pub fn sampling(prompt: &str, tokens: u32) -> Result<InputRequest, ErrorData> {
    let message = json!({ "role": "user", "content": { "type": "text", "text": prompt } });
    question(json!({
        "method": "sampling/createMessage",
        "params": { "messages": [message], "maxTokens": tokens },
    }))
}

/// The request for the client's roots.
pub fn roots() -> Result<InputRequest, ErrorData> {
    question(json!({ "method": "roots/list", "params": {} }))
}

/// Questions are written as they go over the wire, which is how the suite describes them.
fn question(wire: Json) -> Result<InputRequest, ErrorData> {
    serde_json::from_value(wire).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// A field of a form that the user filled in.
pub fn filled<'a>(answers: &'a InputResponses, key: &str, field: &str) -> &'a str {
    answers.get(key).and_then(|answer| answer["content"][field].as_str()).unwrap_or("nobody")
}

/// Whether the client said that it can answer such a question.
pub fn declared(context: &RequestContext<RoleServer>, question: &InputRequest) -> bool {
    let client = context.client_capabilities().unwrap_or_default();
    match question {
        InputRequest::Elicitation(_) => client.elicitation.is_some(),
        InputRequest::CreateMessage(_) => client.sampling.is_some(),
        InputRequest::ListRoots(_) => client.roots.is_some(),
        _ => false,
    }
}

/// A question that the client cannot answer is an error, which names the capability.
pub fn must_declare(context: &RequestContext<RoleServer>, question: &InputRequest) -> Result<(), ErrorData> {
    if declared(context, question) {
        return Ok(());
    }
    let mut missing = ClientCapabilities::default();
    match question {
        InputRequest::Elicitation(_) => missing.elicitation = Some(Default::default()),
        InputRequest::CreateMessage(_) => missing.sampling = Some(Default::default()),
        _ => missing.roots = Some(Default::default()),
    }
    Err(ErrorData::missing_required_client_capability(missing))
}
