//! `lint`: find what is wrong with what is held to be right.

use super::evaluate::{Evaluate, answer};
use super::{Answer, Error};
use clap::Args;
use evaluation::model::{Command, Severity};
use evaluation::totals::worst;

/// Find what is wrong with tasks: gold calls that break the policy, records that do not exist, outputs that nothing produces
///
/// Exit code 3 when there is an error among the findings, or a file cannot be read.
///
/// Example: incident-mcp lint tasks/ --policy problem-to-review
#[derive(Args)]
pub struct Lint {
    /// Exit code 3 for warnings, too
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    evaluate: Evaluate,
}

impl Lint {
    pub fn run(&self) -> Result<Answer, Error> {
        let report = self.evaluate.run(Command::Lint, self.evaluate.inputs.read()?)?;
        let is_warned = report.traces.iter().any(|trace| worst(&trace.findings) >= Some(Severity::Warning));
        Ok(if self.strict && is_warned { Answer::No } else { answer(&report) })
    }
}
