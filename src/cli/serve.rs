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
        let server = Server::alone(self.setup.episode()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let summary = runtime.block_on(async {
            stdio::serve(server.clone()).await?;
            Ok::<_, Error>(server.live().summary().await?)
        })?;
        tracing::info!("episode ended: {summary}");
        for duty in summary.unpaid.iter().take(LISTED) {
            tracing::warn!("unpaid: {duty}");
        }
        Ok(Answer::Yes)
    }
}
