//! `health`: whether a server takes requests, for containers, in which there is no other program to ask with.

use super::control::agent;
use super::{Answer, Error};
use clap::Args;
use std::time::Duration;
use ureq::http::Uri;

/// Ask a running server whether it takes requests: exit code 0 where it does, 1 where it does not
#[derive(Args)]
pub struct Health {
    /// The server, such as http://127.0.0.1:7330; /readyz is asked unless the address has a path
    #[arg(value_name = "URL")]
    url: String,
}

/// How long an answer may take. It takes a millisecond; whoever asks does so every few seconds.
const TIMEOUT: Duration = Duration::from_secs(3);

impl Health {
    pub fn run(&self) -> Result<Answer, Error> {
        let said = ask(&self.url)?;
        anstream::println!("{}", said.trim_end());
        Ok(Answer::Yes)
    }
}

/// What the server says of itself; an error where it takes no requests.
pub fn ask(url: &str) -> Result<String, Error> {
    let address: Uri = url.parse().map_err(|error| format!("{url:?} is no address: {error}"))?;
    if !matches!(address.scheme_str(), Some("http" | "https")) {
        return Err(format!("{url:?} is no address over HTTP, such as http://127.0.0.1:7330").into());
    }
    let url = if address.path() == "/" { format!("{}/readyz", url.trim_end_matches('/')) } else { url.to_owned() };
    let mut answer = agent(TIMEOUT).get(&url).call().map_err(|error| format!("no answer from {url}: {error}"))?;
    let said = answer.body_mut().read_to_string().unwrap_or_default();
    match answer.status() {
        status if status.is_success() => Ok(said),
        status => Err(format!("{url} answered with status {status}: {}", said.trim()).into()),
    }
}
