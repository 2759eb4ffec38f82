//! `serve`: an episode over standard input and output.

use super::setup::Setup;
use super::{Answer, Error};
use clap::Args;
use incident_mcp::mcp::{Server, stdio};

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    setup: Setup,
}

/// Most unpaid duties that are logged one by one; the summary counts them all.
const LISTED: usize = 20;

impl Serve {
    pub fn run(&self) -> Result<Answer, Error> {
        let server = Server::new(self.setup.episode()?);
        stdio::serve(&server)?;
        let mut episode = server.episode();
        let summary = episode.summary()?;
        tracing::info!("episode ended: {summary}");
        for duty in summary.unpaid.iter().take(LISTED) {
            tracing::warn!("unpaid: {duty}");
        }
        Ok(Answer::Yes)
    }
}
