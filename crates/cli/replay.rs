//! `replay`: make the calls of traces again.

use super::evaluate::{Evaluate, answer};
use super::{Answer, Error};
use clap::Args;
use evaluation::model::Command;

/// Make the calls of traces again, each trace in an episode of its own, and compare the answers with the recorded ones
///
/// Traces are read in any format that `incident-mcp convert --list` shows. Exit code 3 when an answer is not the recorded
/// one, or a file cannot be read.
///
/// Example: incident-mcp replay runs/ --html report.html
#[derive(Args)]
pub struct Replay {
    /// Exit code 3 also when a call breaks a rule
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    evaluate: Evaluate,
}

impl Replay {
    pub fn run(&self) -> Result<Answer, Error> {
        let report = self.evaluate.run(Command::Replay, self.evaluate.inputs.read()?)?;
        match self.strict && !report.totals.rules.is_empty() {
            true => Ok(Answer::No),
            false => Ok(answer(&report)),
        }
    }
}
