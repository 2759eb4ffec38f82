//! Writing simulations. What the format has no place for stands where its readers look past it.

use super::super::{chat, extra, header, text};
use super::ENDINGS;
use crate::{Call, Step, Trace};
use serde_json::{Value as Json, json};

/// When a simulation began and ended: the format wants to know, and a trace does not.
const NO_TIME: &str = "1970-01-01T00:00:00";

/// How the harness's own runs end that did not come to their end. It reads no other words.
const BREAKS: [&str; 8] = [
    "max_steps",
    "timeout",
    "too_many_errors",
    "agent_error",
    "user_error",
    "infrastructure_error",
    "context_window_exceeded",
    "unexpected_error",
];

/// A list of simulations.
pub fn write(traces: &[Trace]) -> String {
    let simulations: Vec<Json> = traces.iter().map(simulation).collect();
    format!("{}\n", Json::Array(simulations))
}

fn simulation(trace: &Trace) -> Json {
    let messages: Vec<Json> = trace.steps().into_iter().flat_map(messages).collect();
    let ending = match trace.unfinished.as_deref() {
        None => ENDINGS[0],
        Some(word) => BREAKS.into_iter().find(|it| *it == word).unwrap_or("unexpected_error"),
    };
    let mut simulation = json!({
        "id": trace.name,
        "task_id": trace.task.as_ref().unwrap_or(&trace.name),
        "start_time": NO_TIME,
        "end_time": NO_TIME,
        "duration": 0.0,
        "termination_reason": ending,
        "messages": messages,
        "info": {extra::KEY: header::write(trace)},
    });
    if let Some(trial) = trace.trial {
        simulation["trial"] = trial.into();
    }
    simulation
}

fn messages(step: Step<'_>) -> Vec<Json> {
    let call = match step {
        Step::Message(message) => return vec![json!({"role": chat::role(message.role), "content": message.text})],
        Step::Call(call) => call,
    };
    let made = json!({"id": call.id, "name": call.tool, "arguments": call.arguments, "requestor": "assistant"});
    let mut asked = json!({"role": "assistant", "tool_calls": [made]});
    if let Some(written) = extra::write(call) {
        asked["raw_data"] = json!({extra::KEY: written});
    }
    [asked].into_iter().chain(answer(call)).collect()
}

fn answer(call: &Call) -> Option<Json> {
    let answer = call.answer.as_ref()?;
    let content = text::encode(&answer.value);
    let mut message = json!({"id": call.id, "role": "tool", "content": content, "requestor": "assistant"});
    if let Some(is_error) = answer.is_error {
        message["error"] = is_error.into();
    }
    Some(message)
}
