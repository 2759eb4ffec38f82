//! ATIF, the Agent Trajectory Interchange Format: steps, each with what was said, called and observed.

use super::transcript::Transcript;
use super::{Node, header, json_lines, text};
use crate::trace::{Answer, Document, Mistake, Role, Step, Trace};
use serde_json::{Value as Json, json};

/// The version that is written; those before it are read as well.
const VERSION: &str = "ATIF-v1.8";

/// The extra that holds what the format has no place for.
const EXTRA: &str = "incident_mcp";

/// Whether the value is a trajectory.
pub fn fits(value: &Json) -> bool {
    value.get("schema_version").and_then(Json::as_str).is_some_and(|version| version.starts_with("ATIF"))
}

/// Read one trajectory.
pub fn read(node: &Node<'_>, document: &mut Document) {
    let mut transcript = Transcript::new(&node.source);
    let read = facts(&mut transcript.trace, node);
    transcript.note(read);
    transcript.each(node.need("steps").and_then(|steps| steps.items()), step);
    transcript.finish(document);
}

fn facts(trace: &mut Trace, node: &Node<'_>) -> Result<(), Mistake> {
    if let Some(name) = node.first(&["trajectory_id", "session_id"]) {
        trace.name = name.label()?;
    }
    node.path(&["extra", EXTRA]).map_or(Ok(()), |extra| header::read(&extra, trace))
}

fn step(transcript: &mut Transcript, node: &Node<'_>) -> Result<(), Mistake> {
    let source = node.need("source")?;
    let role = match source.text()? {
        "system" => Role::System,
        "user" => Role::User,
        "agent" => Role::Agent,
        other => {
            let reason = format!("is {other:?}; steps come from system, user or agent");
            return Err(source.source.mistake(reason));
        }
    };
    transcript.say(role, node.get("message").map(|message| text::said(&message)).unwrap_or_default());
    let calls = node.list("tool_calls")?;
    calls.iter().for_each(|call| transcript.read_call(call));
    let Some(results) = node.path(&["observation", "results"]) else { return Ok(()) };
    transcript.each(results.items(), |transcript, result| {
        let id = result.label_at("source_call_id")?;
        // An observation without a call, in a step without calls, is not a tool's answer.
        match id.is_none() && calls.is_empty() {
            true => Ok(()),
            false => transcript.answer(id.as_deref(), answer(result), &result.source),
        }
    });
    Ok(())
}

fn answer(result: &Node<'_>) -> Answer {
    let value = result.get("content").map_or(Json::Null, |content| text::answer(content.json));
    let is_error = result.path(&["extra", "is_error"]).and_then(|mark| mark.json.as_bool());
    Answer { value, is_error }
}

/// One trajectory a line.
pub fn write(traces: &[Trace]) -> String {
    json_lines(traces.iter().map(|trace| {
        let steps = trace.steps().into_iter().enumerate();
        let steps: Vec<Json> = steps.map(|(at, step)| write_step(at + 1, step)).collect();
        json!({
            "schema_version": VERSION,
            "session_id": trace.name,
            // No format says which agent it was, and this one must.
            "agent": {"name": "agent", "version": "unknown"},
            "steps": steps,
            "extra": {EXTRA: header::write(trace)},
        })
    }))
}

fn write_step(id: usize, step: Step<'_>) -> Json {
    let call = match step {
        Step::Message(message) => {
            let source = match message.role {
                Role::System => "system",
                Role::User => "user",
                Role::Agent => "agent",
            };
            return json!({"step_id": id, "source": source, "message": message.text});
        }
        Step::Call(call) => call,
    };
    let made = json!({"tool_call_id": call.id, "function_name": call.tool, "arguments": call.arguments});
    let mut step = json!({"step_id": id, "source": "agent", "message": "", "tool_calls": [made]});
    if let Some(answer) = &call.answer {
        let mut result = json!({"source_call_id": call.id, "content": text::encode(&answer.value)});
        if let Some(is_error) = answer.is_error {
            result["extra"] = json!({"is_error": is_error});
        }
        step["observation"] = json!({"results": [result]});
    }
    step
}
