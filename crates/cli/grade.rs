//! `grade`: compare trials with what is held to be right.

use super::baseline::Baseline;
use super::evaluate::{Evaluate, answer, put};
use super::inputs::Reader;
use super::{Answer, Error};
use clap::Args;
use evaluation::Request;
use evaluation::model::Command;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Compare trials of agents with gold: the final state, what the user was told, and how the agent went about it
///
/// Gold and trial are run from the same records, and their final states compared by the canonical hash; where they differ,
/// cell by cell. Exit code 3 when a trial does not pass; with a baseline, when pass^1 falls by more than is allowed.
///
/// Example: incident-mcp grade trials/ --against tasks.json --html report.html
#[derive(Args)]
pub struct Grade {
    /// A file, folder or pattern of tasks or traces that are held to be right, which can be given again; a trial is compared
    /// with the one of its task, or of its name [default: the tasks in the trials' own files]
    #[arg(long, value_name = "FILE")]
    against: Vec<String>,
    /// A trial passes only if its process is compliant, too
    #[arg(long)]
    strict: bool,
    /// Write each verdict as a line of JSON, described by docs/verdict.schema.json; - is standard output
    #[arg(long, value_name = "FILE")]
    verdicts: Option<PathBuf>,
    #[command(flatten)]
    evaluate: Evaluate,
    #[command(flatten)]
    baseline: Baseline,
}

impl Grade {
    pub fn run(&self) -> Result<Answer, Error> {
        let mut reader = Reader::default();
        let mut trials = self.evaluate.inputs.read_by(&mut reader)?;
        let mut gold = None;
        if !self.against.is_empty() {
            let read = reader.read(&self.against, None)?;
            trials.mistakes.extend(read.mistakes);
            trials.notes.extend(read.notes);
            gold = Some(read.documents);
        }
        let request = Request { command: Command::Grade, choice: self.evaluate.choice(), gold, strict: self.strict };
        let report = self.baseline.judge(&self.evaluate, request, trials)?;
        self.evaluate.write(&report)?;
        if let Some(file) = &self.verdicts {
            put(file, &mut |out| {
                let mut out = BufWriter::new(out);
                for verdict in report.traces.iter().filter_map(|trace| trace.verdict.as_ref()) {
                    serde_json::to_writer(&mut out, verdict)?;
                    out.write_all(b"\n")?;
                }
                Ok(out.flush()?)
            })?;
        }
        Ok(match &report.baseline {
            // The trials of an agent that is not perfect fail; what was asked is whether it got worse, by gold that is right.
            Some(it) if it.regression || !it.doubts.is_empty() || !report.mistakes.is_empty() => Answer::No,
            Some(_) => Answer::Yes,
            None => answer(&report),
        })
    }
}
