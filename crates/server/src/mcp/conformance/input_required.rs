//! Tools that ask in their result and are called again with the answers, as since 2026-07-28 (SEP-2322).
//!
//! Scenarios: all of input-required-result-*, but for the prompt of -non-tool-request; of server-stateless the checks on
//! missing capabilities, and that no request of the server's own comes on a call's stream.

use super::fixture::{Call, Fixture, Outcome, nothing, now, said};
use super::questions::{declared, elicitation, filled, must_declare, name, roots, sampling};
use rmcp::model::{
    ErrorData, InputRequest, InputRequests, InputRequiredResult, InputResponses, RequestStateCodec, SealOptions,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::json;
use std::time::Duration;

/// What seals the state between two calls. No secret: the state is worth nothing, and the suite only wants to see that a
/// changed one is refused.
const KEY: &[u8] = b"the key of the fixtures, which is no secret";
/// How long a state can be used: the suite comes back at once.
const STATE_TTL: Duration = Duration::from_secs(60);

/// The tools of this file.
pub const TOOLS: &[Fixture] = &[
    Fixture {
        name: "test_input_required_result_elicitation",
        about: "Asks the user's name and greets",
        input: nothing,
        run: |call| now(greeting(&call)),
    },
    Fixture {
        name: "test_streaming_elicitation",
        about: "Asks the user's name and greets, on a stream",
        input: nothing,
        run: |call| now(greeting(&call)),
    },
    Fixture {
        name: "test_input_required_result_sampling",
        about: "Asks the client's model for a capital",
        input: nothing,
        run: |call| now(capital(&call)),
    },
    Fixture {
        name: "test_missing_capability",
        about: "Works only for a client that has a model",
        input: nothing,
        run: |call| now(capital(&call)),
    },
    Fixture {
        name: "test_input_required_result_list_roots",
        about: "Asks for the client's roots and repeats them",
        input: nothing,
        run: |call| now(known_roots(&call)),
    },
    Fixture {
        name: "test_input_required_result_request_state",
        about: "Asks for a confirmation, and checks the state that comes back with it",
        input: nothing,
        run: |call| now(confirmation(&call)),
    },
    Fixture {
        name: "test_input_required_result_tampered_state",
        about: "Asks for a confirmation, and refuses a changed state",
        input: nothing,
        run: |call| now(confirmation(&call)),
    },
    Fixture {
        name: "test_input_required_result_multiple_inputs",
        about: "Asks user, model and roots at once",
        input: nothing,
        run: |call| now(all_at_once(&call)),
    },
    Fixture {
        name: "test_input_required_result_multi_round",
        about: "Asks the user's name, then a colour",
        input: nothing,
        run: |call| now(one_by_one(&call)),
    },
    Fixture {
        name: "test_input_required_result_capabilities",
        about: "Asks whichever of user and model the client has",
        input: nothing,
        run: |call| now(whom_it_can(&call)),
    },
];

/// Ask what the client has not answered yet. Once nothing is open, go on with the answers.
pub fn ask<const N: usize, T: From<InputRequiredResult>>(
    context: &RequestContext<RoleServer>,
    given: Option<&InputResponses>,
    questions: [(&str, InputRequest); N],
    state: Option<String>,
    then: impl FnOnce(InputResponses) -> Result<T, ErrorData>,
) -> Result<T, ErrorData> {
    let mut answers = InputResponses::new();
    let mut open = InputRequests::new();
    for (key, question) in questions {
        must_declare(context, &question)?;
        // Whatever an answer holds, it is an object.
        match given.and_then(|given| given.get(key)).filter(|answer| answer.is_object()) {
            Some(answer) => _ = answers.insert(key.to_owned(), answer.clone()),
            None => _ = open.insert(key.to_owned(), question),
        }
    }
    match open.is_empty() {
        true => then(answers),
        false => Ok(InputRequiredResult::new(Some(open), state).into()),
    }
}

fn greeting(call: &Call) -> Outcome {
    ask(&call.context, given(call), [("user_name", name()?)], None, |answers| {
        said(format!("Hello, {}!", filled(&answers, "user_name", "name")))
    })
}

fn capital(call: &Call) -> Outcome {
    let question = sampling("What is the capital of France?", 100)?;
    ask(&call.context, given(call), [("capital_question", question)], None, |answers| said(json!(answers).to_string()))
}

fn known_roots(call: &Call) -> Outcome {
    ask(&call.context, given(call), [("client_roots", roots()?)], None, |answers| said(json!(answers).to_string()))
}

fn confirmation(call: &Call) -> Outcome {
    let question = elicitation("Please confirm", json!({ "ok": { "type": "boolean" } }), &["ok"])?;
    let given = opened(call)?.and(given(call));
    ask(&call.context, given, [("confirm", question)], Some(sealed(call, "")), |_| said("state-ok"))
}

fn all_at_once(call: &Call) -> Outcome {
    let questions = [("user_name", name()?), ("greeting", hello()?), ("client_roots", roots()?)];
    let given = opened(call)?.and(given(call));
    ask(&call.context, given, questions, Some(sealed(call, "")), |answers| said(json!(answers).to_string()))
}

/// The state is the user's name, empty until it is known.
fn one_by_one(call: &Call) -> Outcome {
    let first = elicitation("Step 1: What is your name?", json!({ "name": { "type": "string" } }), &["name"])?;
    let second =
        elicitation("Step 2: What is your favorite color?", json!({ "color": { "type": "string" } }), &["color"])?;
    let colour = |name: &str, given| {
        ask(&call.context, given, [("step2", second)], Some(sealed(call, name)), |answers| {
            said(format!("{name} likes {}.", filled(&answers, "step2", "color")))
        })
    };
    let state = opened(call)?;
    match state.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => colour(name, given(call)),
        None => {
            let given = state.and(given(call));
            ask(&call.context, given, [("step1", first)], Some(sealed(call, "")), |answers| {
                colour(filled(&answers, "step1", "name"), None)
            })
        }
    }
}

fn whom_it_can(call: &Call) -> Outcome {
    let questions = [("user_name", name()?), ("greeting", hello()?)];
    let open = questions.into_iter().filter(|(_, question)| declared(&call.context, question));
    let open: InputRequests = open.map(|(key, question)| (key.to_owned(), question)).collect();
    match open.is_empty() || given(call).is_some() {
        true => said("There is nobody left to ask."),
        false => Ok(InputRequiredResult::from_input_requests(open).into()),
    }
}

fn hello() -> Result<InputRequest, ErrorData> {
    sampling("Generate a greeting", 50)
}

/// The answers that came with a call.
fn given(call: &Call) -> Option<&InputResponses> {
    call.request.input_responses.as_ref()
}

/// A state that only this tool can open again.
fn sealed(call: &Call, state: &str) -> String {
    let options = SealOptions::new().associated_data(call.request.name.as_bytes()).ttl(STATE_TTL);
    RequestStateCodec::new_unchecked(KEY).seal_with(state.as_bytes(), &options)
}

/// The state that came back with a call. Why one cannot be opened is nothing that a client is told.
fn opened(call: &Call) -> Result<Option<String>, ErrorData> {
    let Some(state) = &call.request.request_state else { return Ok(None) };
    let opened = RequestStateCodec::new_unchecked(KEY).open_with(state, call.request.name.as_bytes()).ok();
    match opened.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(state) => Ok(Some(state)),
        None => Err(ErrorData::invalid_params("the request state is not one that this tool gave", None)),
    }
}
