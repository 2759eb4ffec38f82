//! The tools of a policy as MCP lists them.

use procedures::action::Effect;
use procedures::policy::{self, Pace, Policy, Work};
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// All tools of a policy, on one page, in the policy's order.
pub fn list(policy: &Policy) -> Vec<Tool> {
    of(policy, None, Pace::Fixed)
}

/// The tools that a role may use, or all of them, with what they answer under a clock of that kind.
pub fn of(policy: &Policy, role: Option<&str>, pace: Pace) -> Vec<Tool> {
    let open = policy.tools.iter().filter(|tool| role.is_none_or(|role| tool.is_open_to(role)));
    open.map(|tool| if pace.moves() { timed(self::tool(tool)) } else { self::tool(tool) }).collect()
}

/// A tool whose answers tell the time.
fn timed(mut tool: Tool) -> Tool {
    if let Some(schema) = &mut tool.output_schema
        && let Some(properties) = Arc::make_mut(schema).get_mut("properties").and_then(Json::as_object_mut)
    {
        let now = json!({ "type": "string", "description": "What time it is, UTC; time passes between calls" });
        properties.insert("now".to_owned(), now);
    }
    tool
}

fn tool(tool: &policy::Tool) -> Tool {
    let annotations = ToolAnnotations::with_title(tool.title.clone()).open_world(false);
    let annotations = match &tool.work {
        Work::Find(_) => annotations.read_only(true).destructive(false).idempotent(true),
        Work::Act(act) => match act.operation.effect {
            Effect::Create => annotations.read_only(false).destructive(false).idempotent(false),
            // It overwrites; the same change again changes nothing.
            Effect::Update => annotations.read_only(false).destructive(true).idempotent(true),
        },
    };
    Tool::new(tool.name.clone(), tool.description.clone(), tool.input_schema.clone())
        .with_title(tool.title.clone())
        .with_raw_output_schema(tool.output_schema.clone())
        .with_annotations(annotations)
}
