//! `doctor`: what stands in the way of running the program, and what to do about it.

mod checks;
mod clients;

use super::print::{self, BAD, DIM, GOOD, PLAIN};
use super::setup::Setup;
use super::{Answer, Error};
use clap::Args;
use std::path::PathBuf;

/// Check that the program can run as it is set up, and that clients can start it; say what to do about what is wrong
///
/// The options and variables of `serve` are those that are checked. Nothing is written but a file that is removed again, to
/// see whether folders can be written. The exit code is 3 where something is wrong.
#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    setup: Setup,
    /// The folder that episodes are recorded in
    #[arg(long, value_name = "DIR", env = "INCIDENT_MCP_JOURNAL")]
    journal: Option<PathBuf>,
    /// A server that is to be running, such as http://127.0.0.1:7330
    #[arg(long)]
    url: Option<String>,
}

/// One thing that was looked at.
struct Finding {
    grade: Grade,
    /// What was looked at, in a word.
    of: &'static str,
    what: String,
    /// What to do about it.
    remedy: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Grade {
    Good,
    /// It may be meant, or matter to nobody.
    Doubtful,
    Wrong,
}

impl Finding {
    fn good(of: &'static str, what: impl Into<String>) -> Finding {
        Finding { grade: Grade::Good, of, what: what.into(), remedy: None }
    }

    fn doubtful(of: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { grade: Grade::Doubtful, of, what: what.into(), remedy: Some(remedy.into()) }
    }

    fn wrong(of: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { grade: Grade::Wrong, of, what: what.into(), remedy: Some(remedy.into()) }
    }
}

impl Doctor {
    pub fn run(&self) -> Result<Answer, Error> {
        let mut findings = vec![checks::program()];
        findings.extend(checks::on_path());
        findings.extend(checks::variables());
        findings.extend(checks::setup(&self.setup));
        findings.push(checks::start());
        findings.extend(checks::limits());
        findings.extend(self.setup.state().map(|state| checks::kept("state", state)));
        findings.extend(self.journal.as_deref().map(|journal| checks::kept("journal", journal)));
        findings.extend(self.url.as_deref().map(checks::server));
        findings.extend(clients::all());
        for finding in &findings {
            let (style, word) = match finding.grade {
                Grade::Good => (GOOD, "ok"),
                Grade::Doubtful => (print::BOLD, "look"),
                Grade::Wrong => (BAD, "wrong"),
            };
            anstream::println!("{style}{word:<6}{PLAIN} {:<10} {}", finding.of, finding.what.replace('\n', "\n    "));
            if let Some(remedy) = &finding.remedy {
                anstream::println!("       {DIM}to do:{PLAIN}     {remedy}");
            }
        }
        let wrong = findings.iter().filter(|finding| finding.grade == Grade::Wrong).count();
        if wrong == 0 {
            anstream::println!("{GOOD}Nothing is wrong.{PLAIN}");
            return Ok(Answer::Yes);
        }
        anstream::println!("{BAD}{} wrong.{PLAIN}", print::count(wrong, "thing"));
        Ok(Answer::No)
    }
}
