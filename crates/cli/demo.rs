//! `demo`: one episode through the real server, with a real MCP client, printed for people.

use super::print::{self, BAD, BOLD, DIM, GOOD, PLAIN};
use super::{Answer, Error};
use clap::Args;
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::TokioChildProcess;
use serde_json::{Value as Json, json};

/// Watch a whole episode, a halt and its repair included, go through the real server
///
/// The program starts itself as an MCP server, connects to it as a client would, and plays the calls of an agent that has
/// one request to fulfil. One call halts; the agent does what the halt says.
#[derive(Args)]
pub struct Demo {}

/// The request, as a user would make it.
const REQUEST: &str = "I am Amara Osei, incident manager (user 6). Wrap up incident 16, the lobby screens: \
     log how long its resolution took, 2940 minutes, against a target of 4320, and see that it ends up closed.";

/// The calls of the agent, each with what it is thinking.
fn script() -> [(&'static str, &'static str, Json); 7] {
    let metric = || {
        json!({
            "incident_id": "16",
            "metric_type": "resolution_time",
            "calculated_value_minutes": 2940,
            "target_minutes": 4320,
            "recorded_by_user": "6",
        })
    };
    [
        ("Look at the incident first.", "find_incidents", json!({ "incident_id": "16", "acting_user": "6" })),
        ("Record the metric.", "log_metric", metric()),
        (
            "It is only resolved, and the metric needs it closed; closing was asked for anyway.",
            "update_incident",
            json!({ "incident_id": "16", "change_set": { "status": "closed" }, "acting_user": "6" }),
        ),
        (
            "The change owes an audit entry.",
            "log_audit",
            json!({
                "action": "update",
                "entity_type": "incident",
                "entity_id": "16",
                "changed_fields": "status",
                "acting_user": "6",
            }),
        ),
        ("Now the metric again.", "log_metric", metric()),
        (
            "Pay that audit entry too.",
            "log_audit",
            json!({
                "action": "create",
                "entity_type": "performance_metric",
                "entity_id": "28",
                "acting_user": "6",
            }),
        ),
        (
            "Read it back.",
            "find_performance_metrics",
            json!({ "incident_id": "16", "detail": "detailed", "acting_user": "6" }),
        ),
    ]
}

impl Demo {
    pub fn run(&self) -> Result<Answer, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(play())
    }
}

async fn play() -> Result<Answer, Error> {
    let mut server = tokio::process::Command::new(std::env::current_exe()?);
    server.args(["serve", "--policy", "all"]);
    // The demo shows one fixed episode, whatever the shell is set up for.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INCIDENT_MCP_")) {
        server.env_remove(name);
    }
    let client = ().serve(TokioChildProcess::new(server)?).await?;
    if let Some(about) = client.peer_info().and_then(|info| info.server_info.clone()) {
        anstream::println!("{DIM}connected to {} {} over stdio{PLAIN}", about.name, about.version);
    }
    let tools = client.list_all_tools().await?;
    anstream::println!("{DIM}{} tools, policy all{PLAIN}\n", tools.len());
    anstream::println!("{BOLD}Request{PLAIN}  {REQUEST}\n");
    let (mut halts, mut owed, mut paid) = (0, 0, 0);
    for (number, (thought, tool, arguments)) in script().into_iter().enumerate() {
        anstream::println!("{DIM}{thought}{PLAIN}");
        anstream::println!("{BOLD}{}. {tool}{PLAIN}", number + 1);
        lines("   ", &arguments);
        let mut request = CallToolRequestParams::new(tool);
        request.arguments = arguments.as_object().cloned();
        let result = client.call_tool(request).await?;
        let answer = result.structured_content.unwrap_or_default();
        owed += usize::from(answer.get("owes").is_some());
        paid += usize::from(answer.get("audit_id").is_some());
        if result.is_error == Some(true) {
            halts += 1;
            let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
            anstream::println!("   {BAD}HALT {}{PLAIN}  {}", text("code"), text("message"));
            anstream::println!("   {DIM}rule{PLAIN} {}  {DIM}clause{PLAIN} {}", text("rule"), text("clause"));
            anstream::println!("   {DIM}remedy{PLAIN} {}", text("remedy"));
        } else {
            anstream::println!("   {GOOD}ok{PLAIN}");
            lines("   ", &answer);
        }
        anstream::println!();
    }
    client.cancel().await?;
    let halts = print::count(halts, "halt");
    anstream::println!("{GOOD}Done.{PLAIN} {halts}, repaired; audit entries: {owed} owed, {paid} paid.");
    anstream::println!(
        "{DIM}Next: `incident-mcp tools --format markdown`, `incident-mcp policy show`, or point your MCP client at this program.{PLAIN}"
    );
    Ok(Answer::Yes)
}

/// An object as a person would read it: a name and a value on each line, nulls left out.
fn lines(indent: &str, value: &Json) {
    for (name, value) in value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match value {
            Json::Object(_) => {
                anstream::println!("{indent}{DIM}{name}{PLAIN}");
                lines(&format!("{indent}  "), value);
            }
            Json::Array(items) if items.iter().any(Json::is_object) => {
                anstream::println!("{indent}{DIM}{name}{PLAIN}");
                items.iter().for_each(|item| lines(&format!("{indent}  "), item));
            }
            Json::String(text) => anstream::println!("{indent}{DIM}{name}{PLAIN} {text}"),
            other => anstream::println!("{indent}{DIM}{name}{PLAIN} {other}"),
        }
    }
}
