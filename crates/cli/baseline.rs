//! Grading with a baseline: the trials of another agent, or another edition of the policy.

use super::Error;
use super::evaluate::Evaluate;
use super::inputs::{Read, Reader};
use clap::Args;
use evaluation::Request;
use evaluation::baseline::model::{Edition, Kind};
use evaluation::baseline::{Question, compare};
use evaluation::model::Report;
use procedures::policy::{self, Source};
use std::path::PathBuf;

/// What the trials are compared with beside gold.
#[derive(Args, Clone)]
#[command(next_help_heading = "Comparing with a baseline; the exit code is then 3 only for a regression")]
pub struct Baseline {
    /// A file, folder or pattern of earlier trials, such as those of another agent, which can be given again: both are graded, and
    /// compared task by task
    #[arg(long, value_name = "FILE", conflicts_with = "policy_edition")]
    baseline: Vec<String>,
    /// A folder with another edition of a policy, or of parts that policies include: the trials are judged by the present
    /// edition and by this one, and the verdicts that move are told
    #[arg(long, value_name = "DIR")]
    policy_edition: Option<PathBuf>,
    /// How far pass^1 may fall, from 0 to 1, before that is a regression
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "0")]
    max_regression: f64,
}

impl Baseline {
    /// Grade, and compare where something to compare with was named.
    pub fn judge(&self, evaluate: &Evaluate, request: Request, trials: Read) -> Result<Report, Error> {
        if let Some(folder) = &self.policy_edition {
            let edition = Source::Edition(folder.clone());
            if policy::ids(&Source::Directory(folder.clone())).is_empty() && !folder.join("parts").is_dir() {
                return Err(format!(
                    "{} holds neither a policy nor a part of one, each in a folder of its own",
                    folder.display()
                )
                .into());
            }
            let mut before = evaluate.judge(&request, trials.clone())?;
            let mut choice = request.choice.clone();
            choice.policies = edition;
            let mut after = evaluate.judge(&Request { choice, ..request.clone() }, trials)?;
            let editions = editions(&before, &request.choice.policies, &Source::Edition(folder.clone()));
            self.compare(Kind::PolicyEdition, editions, &mut before, &mut after);
            return Ok(after);
        }
        if self.baseline.is_empty() {
            return evaluate.judge(&request, trials);
        }
        let mut before = evaluate.judge(&request, Reader::default().read(&self.baseline, evaluate.inputs.from)?)?;
        let mut after = evaluate.judge(&request, trials)?;
        self.compare(Kind::Trials, Vec::new(), &mut before, &mut after);
        Ok(after)
    }

    /// What could not be read on the baseline's side is told with the rest: without it the comparison would be another.
    fn compare(&self, kind: Kind, editions: Vec<Edition>, before: &mut Report, after: &mut Report) {
        let question = Question { kind, bound: self.max_regression, editions };
        after.baseline = Some(compare(before, after, question));
        let missed =
            std::mem::take(&mut before.mistakes).into_iter().filter(|mistake| !after.mistakes.contains(mistake));
        let missed: Vec<_> = missed.collect();
        after.mistakes.extend(missed);
    }
}

/// The fingerprints of the policies that the trials were judged by, in both editions. They were loaded before without a mistake.
fn editions(report: &Report, before: &Source, after: &Source) -> Vec<Edition> {
    let fingerprint = |source: &Source, id: &str| policy::load(source, id).ok().map(|policy| policy.fingerprint);
    let pairs = report.totals.policies.keys().map(|id| (id, fingerprint(before, id), fingerprint(after, id)));
    pairs
        .filter_map(|(id, before, after)| Some(Edition { policy: id.clone(), before: before?, after: after? }))
        .collect()
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().map_err(|_| format!("{text} is no number"))?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("a share is from 0 to 1".to_owned()) }
}
