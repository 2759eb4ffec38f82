//! A client of the control plane.

use super::Error;
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use std::path::PathBuf;
use std::time::Duration;
use ureq::http::{Method, Request};
use ureq::{Agent, SendBody};

/// How long an answer may take: much longer than the server itself lets a request take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Longest answer, in bytes: the journal of an episode with a million short calls.
const LONGEST: u64 = 1 << 30;

/// Where the token is, so that it stands in no list of processes.
const TOKEN: &str = "INCIDENT_MCP_CONTROL_TOKEN";

/// Which control plane, and how to be let in.
#[derive(Args)]
pub struct ControlChoice {
    /// The control plane of a running server
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:7331",
        env = "INCIDENT_MCP_CONTROL_URL"
    )]
    control: String,
    /// A file with the server's control token [default: what INCIDENT_MCP_CONTROL_TOKEN holds]
    #[arg(long, global = true, value_name = "FILE")]
    control_token_file: Option<PathBuf>,
}

impl ControlChoice {
    pub fn client(&self) -> Result<Client, Error> {
        let token = match &self.control_token_file {
            Some(file) => Some(std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?),
            None => std::env::var(TOKEN).ok(),
        };
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        Ok(Client { agent: agent(TIMEOUT), base: self.control.trim_end_matches('/').to_owned(), token })
    }
}

/// A client over HTTP of a server of ours. That one is asked and no other: what is sent, a token say, goes neither through a
/// proxy nor where a redirect points.
pub fn agent(timeout: Duration) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        .proxy(None)
        .max_redirects(0)
        .build()
        .into()
}

/// A connection to a control plane.
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

impl Client {
    /// Ask, and give the answer's text; a refusal is an error with what it says.
    pub fn ask(&self, method: &Method, path: &str, body: Option<&Json>) -> Result<String, Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(SendBody::from_json(body)?)?,
            None => request.body(SendBody::none())?,
        };
        let unreachable = |error: ureq::Error| format!("no answer from the control plane at {}: {error}", self.base);
        let mut response = self.agent.run(request).map_err(unreachable)?;
        let status = response.status();
        let text = response.body_mut().with_config().limit(LONGEST).read_to_string().map_err(unreachable)?;
        if status.is_success() { Ok(text) } else { Err(refusal(status.as_u16(), &text).into()) }
    }
}

/// What a refusal says.
fn refusal(status: u16, text: &str) -> String {
    let body: Json = serde_json::from_str(text).unwrap_or_default();
    match (body["error"]["message"].as_str(), body["error"]["remedy"].as_str()) {
        (Some(message), Some(remedy)) => format!("{message}\n  {remedy}"),
        _ => format!("the server answered with status {status}, and is perhaps no control plane of incident-mcp"),
    }
}

/// A text as it stands in an address.
pub fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
