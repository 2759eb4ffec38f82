//! pass^k: how reliably tasks are done, over all their trials.

use super::gold::Golds;
use super::model::{Place, TaskReport, Verdict};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// What a trial came to.
pub struct Tried {
    gold: usize,
    task: String,
    pass: bool,
    unfinished: bool,
}

/// All tasks.
#[derive(Default)]
pub struct Passes {
    /// Each of them over its trials, in the order of their first trials; then those that nobody tried.
    pub tasks: Vec<TaskReport>,
    /// pass^k over all of them.
    pub pass_hat: Vec<f64>,
    /// pass^k over those that were tried, where some were not.
    pub pass_hat_tried: Vec<f64>,
}

impl Tried {
    /// `gold` is the first that is the same: by it tasks are told apart.
    pub fn new(gold: usize, verdict: &Verdict) -> Tried {
        Tried {
            gold,
            task: verdict.task.as_ref().unwrap_or(&verdict.trace).clone(),
            pass: verdict.pass,
            unfinished: verdict.unfinished.is_some(),
        }
    }
}

/// Count all trials. A task that nobody tried counts as one that never passes: leaving it out would raise pass^k.
pub fn passes(tried: &[Tried], golds: &Golds<'_>) -> Passes {
    let mut counted = IndexMap::<(usize, &str), TaskReport>::new();
    let empty = |gold: usize, task: &str| TaskReport {
        task: task.to_owned(),
        gold: Place::from(&golds.get(gold).trace().source),
        trials: 0,
        passed: 0,
        unfinished: 0,
        pass_hat: Vec::new(),
    };
    for trial in tried {
        let task = counted.entry((trial.gold, &trial.task)).or_insert_with(|| empty(trial.gold, &trial.task));
        task.trials += 1;
        task.passed += usize::from(trial.pass);
        task.unfinished += usize::from(trial.unfinished);
    }
    let known: BTreeSet<usize> = tried.iter().map(|trial| trial.gold).collect();
    let untried = golds.tasks().filter(|gold| !known.contains(gold));
    let untried = untried.map(|gold| {
        let gold_trace = golds.get(gold).trace();
        empty(gold, gold_trace.task.as_ref().unwrap_or(&gold_trace.name))
    });
    let untried: Vec<TaskReport> = untried.collect();
    let mut tasks: Vec<TaskReport> = counted.into_values().collect();
    for task in &mut tasks {
        task.pass_hat = (1..=task.trials).map(|k| pass_hat(task.trials, task.passed, k)).collect();
    }
    let least = tasks.iter().map(|task| task.trials).min().unwrap_or(0);
    let mean = |of: usize| -> Vec<f64> {
        (0..least).map(|k| tasks.iter().map(|task| task.pass_hat[k]).sum::<f64>() / of as f64).collect()
    };
    let pass_hat_tried = if untried.is_empty() { Vec::new() } else { mean(tasks.len()) };
    let pass_hat = mean(tasks.len() + untried.len());
    tasks.extend(untried);
    Passes { tasks, pass_hat, pass_hat_tried }
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
}
