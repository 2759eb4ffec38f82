//! The tools of a policy as MCP lists them.

use procedures::action::Effect;
use procedures::policy::{self, Policy, Work};
use rmcp::model::{Tool, ToolAnnotations};

/// All tools of a policy, on one page, in the policy's order.
pub fn list(policy: &Policy) -> Vec<Tool> {
    policy.tools.iter().map(tool).collect()
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
