//! Comparing a trial with what is held to be right.

use super::compare::Closeness;
use super::model::{Cell, OutputVerdict, Place, StateVerdict, TaskReport, TraceReport, VERDICT, Verdict};
use super::process::process;
use super::replay::{Conditions, Error, Played, Stage};
use crate::episode::{Episode, Mode};
use crate::lock::lock;
use crate::store::canonical::Extent;
use crate::trace::Trace;
use indexmap::IndexMap;
use std::sync::Mutex;

/// What is held to be right, run once for all trials that are compared with it.
pub struct Gold {
    place: Place,
    hash: String,
    outputs: Vec<String>,
    episode: Mutex<Episode>,
}

impl Gold {
    /// Run gold's calls.
    pub fn new(stage: &Stage, gold: &Trace, conditions: &Conditions) -> Result<Gold, Error> {
        let played = stage.play(gold, conditions)?;
        Ok(Gold {
            place: Place::from(&gold.source),
            hash: played.replay.hash,
            outputs: gold.outputs.clone(),
            episode: Mutex::new(played.episode),
        })
    }
}

/// Run a trial and compare it with gold; `strict` fails a trial for its process too.
pub fn grade(
    stage: &Stage,
    trial: &Trace,
    gold: &Gold,
    conditions: &Conditions,
    strict: bool,
) -> Result<TraceReport, Error> {
    let mut played = stage.play(trial, conditions)?;
    let process = match conditions.mode {
        // Nothing was judged. A second run judges the same calls and lets them through.
        Mode::Off => {
            let (mode, actor, answers) = (Mode::Observe, played.replay.actor.clone(), Closeness::Ignored);
            let made = stage.make(trial, &Conditions { mode, actor, answers, ..conditions.clone() })?;
            process(&made.calls, &made.deeds, &made.unpaid)
        }
        Mode::Enforce | Mode::Observe => process(&played.replay.calls, &played.deeds, &played.replay.unpaid),
    };
    let state = state(&mut played, gold)?;
    let outputs = outputs(trial, &gold.outputs);
    let replay = played.replay;
    let verdict = Verdict {
        format: VERDICT.to_owned(),
        trace: replay.name.clone(),
        place: replay.place.clone(),
        task: replay.task.clone(),
        trial: replay.trial,
        gold: gold.place.clone(),
        pass: trial.unfinished.is_none() && state.equal && outputs.complete && (process.compliant || !strict),
        unfinished: trial.unfinished.clone(),
        state,
        outputs,
        process,
    };
    Ok(TraceReport { replay, verdict: Some(verdict), findings: Vec::new() })
}

fn state(played: &mut Played, gold: &Gold) -> Result<StateVerdict, Error> {
    let (expected, actual) = (gold.hash.clone(), played.replay.hash.clone());
    let equal = expected == actual;
    let mut difference = Vec::new();
    if !equal {
        let cells = lock(&gold.episode).difference(&mut played.episode, Extent::Result)?;
        difference.extend(cells.into_iter().map(|cell| Cell {
            table: cell.table.to_owned(),
            key: cell.key,
            column: cell.column,
            expected: cell.before,
            actual: cell.after,
        }));
    }
    Ok(StateVerdict { equal, expected, actual, difference })
}

fn outputs(trial: &Trace, required: &[String]) -> OutputVerdict {
    let told: Vec<String> = trial.told().map(plain).collect();
    let judged = !trial.messages.is_empty();
    let missing = required.iter().filter(|output| judged && !told.iter().any(|told| holds(told, &plain(output))));
    let missing: Vec<String> = missing.cloned().collect();
    OutputVerdict { complete: missing.is_empty(), required: required.to_vec(), missing, judged }
}

/// Numbers may be told with separators, and words in any case.
fn plain(text: &str) -> String {
    text.to_lowercase().replace(',', "")
}

/// Whether a text holds another as words of its own: 12 is not in 120.
pub(super) fn holds(text: &str, part: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric();
    !part.is_empty()
        && text.match_indices(part).any(|(at, _)| {
            let before = part.starts_with(inside) && text[..at].ends_with(inside);
            let after = part.ends_with(inside) && text[at + part.len()..].starts_with(inside);
            !before && !after
        })
}

/// Each task over its trials, in the order of their first trials; and pass^k over all tasks.
pub fn tasks(traces: &[TraceReport]) -> (Vec<TaskReport>, Vec<f64>) {
    let mut counted = IndexMap::<&String, (usize, usize, usize)>::new();
    for verdict in traces.iter().filter_map(|trace| trace.verdict.as_ref()) {
        let task = verdict.task.as_ref().unwrap_or(&verdict.trace);
        let (trials, passed, unfinished) = counted.entry(task).or_default();
        *trials += 1;
        *passed += usize::from(verdict.pass);
        *unfinished += usize::from(verdict.unfinished.is_some());
    }
    let tasks = counted.into_iter().map(|(task, (trials, passed, unfinished))| {
        let pass_hat = (1..=trials).map(|k| pass_hat(trials, passed, k)).collect();
        TaskReport { task: task.clone(), trials, passed, unfinished, pass_hat }
    });
    let tasks: Vec<TaskReport> = tasks.collect();
    let least = tasks.iter().map(|task| task.trials).min().unwrap_or(0);
    let mean = |k: usize| tasks.iter().map(|task| task.pass_hat[k]).sum::<f64>() / tasks.len() as f64;
    let all = (0..least).map(mean).collect();
    (tasks, all)
}

/// The probability that k of n trials, c of which pass, all pass when they are drawn without putting back: C(c, k) / C(n, k).
fn pass_hat(n: usize, c: usize, k: usize) -> f64 {
    (0..k).map(|drawn| c.saturating_sub(drawn) as f64 / (n - drawn) as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pass_hat_is_the_share_of_draws_that_all_pass() {
        let close = |one: f64, other: f64| (one - other).abs() < 1e-12;
        assert!(close(pass_hat(4, 2, 1), 0.5));
        assert!(close(pass_hat(4, 2, 2), 1.0 / 6.0));
        assert!(close(pass_hat(4, 2, 3), 0.0));
        assert!(close(pass_hat(3, 3, 3), 1.0));
        assert!(close(pass_hat(1, 0, 1), 0.0));
    }

    #[test]
    fn outputs_are_words_of_their_own() {
        for (text, part, expected) in [
            ("the id is 12.", "12", true),
            ("the id is 120.", "12", false),
            ("1200 minutes", "1200", true),
            ("(p1)", "p1", true),
            ("p10, p1", "p1", true),
            ("anything", "", false),
        ] {
            assert_eq!(holds(text, part), expected, "{part} in {text}");
        }
    }
}
