//! `call`: one tool call.

use super::setup::Setup;
use super::{Answer, Error};
use clap::Args;
use records::json::repeated;
use serde_json::{Map, Value as Json};
use std::io::Read;

/// Make one tool call and print its answer as JSON
///
/// The call goes to a new episode, which is gone afterwards, unless --state keeps it.
///
/// Example: incident-mcp call find_incidents '{"status": "closed", "limit": 3, "acting_user": "6"}'
#[derive(Args)]
pub struct Call {
    /// Name of the tool
    tool: String,
    /// The arguments, a JSON object; - reads them from standard input
    #[arg(default_value = "{}")]
    json: String,
    #[command(flatten)]
    setup: Setup,
}

impl Call {
    pub fn run(&self) -> Result<Answer, Error> {
        let mut text = self.json.clone();
        if text == "-" {
            text.clear();
            std::io::stdin().read_to_string(&mut text)?;
        }
        let arguments: Map<String, Json> =
            serde_json::from_str(&text).map_err(|error| format!("the arguments are not a JSON object: {error}"))?;
        if let Some(path) = repeated(text.as_bytes()) {
            return Err(format!("{path} is there twice in the arguments: an object names each member once").into());
        }
        let outcome = self.setup.episode()?.call(&self.tool, arguments)?;
        anstream::println!("{}", serde_json::to_string_pretty(&outcome.answer)?);
        Ok(if outcome.is_error() { Answer::No } else { Answer::Yes })
    }
}
