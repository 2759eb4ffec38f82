//! `serve`: an episode over standard input and output, or many over HTTP.

use super::http::Http;
use super::setup::Setup;
use super::signals::Signals;
use super::{Answer, Error};
use calls::Budget;
use clap::Args;
use server::mcp::{Server, stdio};
use server::registry::{Recorder, Spec, check_role};
use std::path::PathBuf;

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    setup: Setup,
    /// Write each episode's calls to <DIR>/<episode>.ndjson as they are made
    #[arg(long, value_name = "DIR", env = "INCIDENT_MCP_JOURNAL")]
    journal: Option<PathBuf>,
    /// Most calls of one episode; beyond, its calls are refused
    #[arg(long, value_name = "N", default_value_t = Budget::default().calls, env = "INCIDENT_MCP_MAX_CALLS")]
    max_calls: usize,
    /// Most bytes of one episode's journal; beyond, its calls are refused
    #[arg(long, value_name = "BYTES", default_value_t = Budget::default().journal, env = "INCIDENT_MCP_MAX_JOURNAL")]
    max_journal: usize,
    /// List only the tools that this role may use [default: all tools of the policy]
    #[arg(long, value_name = "ROLE", env = "INCIDENT_MCP_AS_ROLE")]
    as_role: Option<String>,
    #[command(flatten)]
    http: Http,
}

/// Most unpaid duties that are logged one by one; the summary counts them all.
const LISTED: usize = 20;

impl Serve {
    pub fn run(&self) -> Result<Answer, Error> {
        let recorder = self.journal.as_deref().map(Recorder::open).transpose()?;
        let budget = Budget { calls: self.max_calls, journal: self.max_journal };
        if let Some(address) = &self.http.address {
            let spec = Spec { as_role: self.as_role.clone(), ..self.setup.spec() };
            return self.http.serve(address, &self.setup, spec, budget, recorder);
        }
        let mut episode = self.setup.episode()?;
        if let Some(role) = &self.as_role {
            check_role(episode.policy(), role)?;
        }
        episode.limit(budget);
        let server = Server::alone_as(episode, self.as_role.clone(), recorder.as_ref());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let summary = runtime.block_on(async {
            let mut signals = Signals::hear()?;
            // Told to end, it ends as if its client had left: a state file is closed, not left behind.
            tokio::select! {
                served = stdio::serve(server.clone()) => served?,
                () = signals.next() => {}
            }
            Ok::<_, Error>(server.live().summary().await?)
        })?;
        // Input that is being waited for is not worth waiting for.
        runtime.shutdown_background();
        tracing::info!("episode ended: {summary}");
        for duty in summary.unpaid.iter().take(LISTED) {
            tracing::warn!("unpaid: {duty}");
        }
        Ok(Answer::Yes)
    }
}
