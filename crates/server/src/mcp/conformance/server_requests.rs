//! Tools that ask the client in requests of the server's own, as up to 2025-11-25.
//!
//! Scenarios: tools-call-sampling, tools-call-elicitation, elicitation-sep1034-defaults, elicitation-sep1330-enums.

use super::fixture::{Call, Fixture, Outcome, nothing, said, texts};
use super::gone;
use super::questions::{elicitation, must_declare, sampling};
use rmcp::model::{ErrorData, InputRequest, ServerRequest};
use serde_json::{Value as Json, json};

/// The tools of this file.
pub const TOOLS: &[Fixture] = &[
    Fixture {
        name: "test_sampling",
        about: "Asks the client's model",
        input: || texts(&["prompt"]),
        run: |call| {
            Box::pin(async move {
                let answer = ask(&call, sampling(call.text("prompt")?, 100)?).await?;
                said(format!("LLM response: {}", answer["content"]["text"].as_str().unwrap_or_default()))
            })
        },
    },
    Fixture {
        name: "test_elicitation",
        about: "Asks the user for a name and an address",
        input: || texts(&["message"]),
        run: |call| {
            Box::pin(async move {
                let form = json!({
                    "username": { "type": "string", "description": "User's response" },
                    "email": { "type": "string", "description": "User's email address" },
                });
                let question = elicitation(call.text("message")?, form, &["username", "email"])?;
                said(format!("User response: {}", ask(&call, question).await?))
            })
        },
    },
    Fixture {
        name: "test_elicitation_sep1034_defaults",
        about: "Asks with a default for every primitive type",
        input: nothing,
        run: |call| Box::pin(show(call, defaults())),
    },
    Fixture {
        name: "test_elicitation_sep1330_enums",
        about: "Asks with every form of choice",
        input: nothing,
        run: |call| Box::pin(show(call, choices())),
    },
];

fn defaults() -> Json {
    json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
        "verified": { "type": "boolean", "default": true },
    })
}

fn choices() -> Json {
    let titled = json!([
        { "const": "value1", "title": "First Option" },
        { "const": "value2", "title": "Second Option" },
    ]);
    json!({
        "untitledSingle": { "type": "string", "enum": ["option1", "option2", "option3"] },
        "titledSingle": { "type": "string", "oneOf": titled },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {
            "type": "array",
            "items": { "type": "string", "enum": ["option1", "option2", "option3"] },
        },
        "titledMulti": { "type": "array", "items": { "anyOf": titled } },
    })
}

/// Show the user a form, and repeat what came back.
async fn show(call: Call, form: Json) -> Outcome {
    let answer = ask(&call, elicitation("Please fill in this form.", form, &[])?).await?;
    said(format!("Elicitation completed: {answer}"))
}

/// Ask, and wait for the answer.
async fn ask(call: &Call, question: InputRequest) -> Result<Json, ErrorData> {
    must_declare(&call.context, &question)?;
    let request = match question {
        InputRequest::Elicitation(request) => ServerRequest::ElicitRequest(request),
        InputRequest::CreateMessage(request) => ServerRequest::CreateMessageRequest(request),
        InputRequest::ListRoots(request) => ServerRequest::ListRootsRequest(request),
        _ => return Err(ErrorData::internal_error("there is no such question", None)),
    };
    let answer = call.context.peer.send_request(request).await.map_err(gone)?;
    serde_json::to_value(answer).map_err(gone)
}
