//! `tools`: the tool list of a policy in several formats.

use super::setup::PolicyChoice;
use super::{Answer, Error};
use clap::{Args, ValueEnum};
use rmcp::model::Tool;
use serde_json::{Value as Json, json};
use server::mcp::tools::list;

/// Print the tool list of a policy, for MCP, OpenAI, Anthropic, or people
#[derive(Args)]
pub struct Tools {
    #[command(flatten)]
    policy: PolicyChoice,
    /// For whom
    #[arg(long, value_enum, default_value_t = Format::Mcp)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// As `tools/list` answers
    Mcp,
    /// The `tools` of an OpenAI chat request
    Openai,
    /// The `tools` of an Anthropic messages request
    Anthropic,
    /// A table for people
    Markdown,
}

impl Tools {
    pub fn run(&self) -> Result<Answer, Error> {
        let tools = list(&*self.policy.load()?);
        let json = match self.format {
            Format::Mcp => json!({ "tools": tools }),
            Format::Openai => tools.iter().map(openai).collect(),
            Format::Anthropic => tools.iter().map(anthropic).collect(),
            Format::Markdown => {
                anstream::print!("{}", markdown(&tools));
                return Ok(Answer::Yes);
            }
        };
        anstream::println!("{}", serde_json::to_string_pretty(&json)?);
        Ok(Answer::Yes)
    }
}

fn openai(tool: &Tool) -> Json {
    json!({
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": *tool.input_schema,
        },
    })
}

fn anthropic(tool: &Tool) -> Json {
    json!({
        "name": tool.name,
        "description": tool.description,
        "input_schema": *tool.input_schema,
    })
}

fn markdown(tools: &[Tool]) -> String {
    let mut text = "| tool | what it does | required arguments |\n|---|---|---|\n".to_owned();
    for tool in tools {
        let required = tool.input_schema.get("required").and_then(Json::as_array);
        let names: Vec<String> =
            required.into_iter().flatten().filter_map(Json::as_str).map(|name| format!("`{name}`")).collect();
        let about = tool.description.as_deref().unwrap_or_default().replace('|', "\\|");
        text.push_str(&format!("| `{}` | {about} | {} |\n", tool.name, names.join(", ")));
    }
    text
}
