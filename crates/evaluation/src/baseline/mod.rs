//! Graded trials against those of a baseline: another agent's, or the same trials under another edition of the policy.

mod interval;
pub mod model;
mod pairs;

use super::model::{Place, Report, TraceReport, Verdict};
use model::{
    Baseline, Breaks, Change, Cost, Edition, Kind, Moved, PassDifference, PerTrial, RuleDifference, TaskPair, Trials,
};
use pairs::{Pair, Pairs};
use std::collections::{BTreeMap, BTreeSet};

/// What both sides are, and how far pass^1 may fall.
#[derive(Clone, Debug)]
pub struct Question {
    /// What differs between both sides.
    pub kind: Kind,
    /// How far pass^1 may fall before that is a regression, from 0 to 1.
    pub bound: f64,
    /// With another edition: the editions by which the trials were judged.
    pub editions: Vec<Edition>,
}

/// Compare two runs of `grade`, task by task.
pub fn compare(before: &Report, after: &Report, question: Question) -> Baseline {
    let Pairs { pairs, only_before, only_after } = Pairs::new(before, after);
    let tasks: Vec<TaskPair> = pairs.iter().map(task).collect();
    let pass = pass(&tasks);
    let earlier: Vec<&TraceReport> = pairs.iter().flat_map(|pair| pair.before.iter().copied()).collect();
    let later: Vec<&TraceReport> = pairs.iter().flat_map(|pair| pair.after.iter().copied()).collect();
    let moved = match question.kind {
        Kind::Trials => Vec::new(),
        Kind::PolicyEdition => moved(before, after),
    };
    Baseline {
        kind: question.kind,
        pass,
        bound: question.bound,
        regression: tasks.is_empty() || pass.difference < -question.bound,
        rules: rules(&earlier, &later),
        cost: Cost { before: cost(&earlier), after: cost(&later) },
        notes: notes(&pairs, &question),
        doubts: doubts(before, after),
        tasks,
        only_before,
        only_after,
        moved,
        editions: question.editions,
    }
}

fn task(pair: &Pair<'_>) -> TaskPair {
    let (before, after) = (trials(&pair.before), trials(&pair.after));
    // Shares as whole numbers, so that equal ones are equal.
    let (earlier, later) = (before.passed * after.trials, after.passed * before.trials);
    let change = match later.cmp(&earlier) {
        std::cmp::Ordering::Less => Change::Worse,
        std::cmp::Ordering::Equal => Change::Same,
        std::cmp::Ordering::Greater => Change::Better,
    };
    let all_or_none = |side: &Trials| side.passed == 0 || side.passed == side.trials;
    let flipped = change != Change::Same && all_or_none(&before) && all_or_none(&after);
    TaskPair { task: pair.name.clone(), before, after, change, flipped }
}

fn trials(side: &[&TraceReport]) -> Trials {
    let passed = side.iter().filter(|trace| passes(trace)).count();
    Trials { trials: side.len(), passed, flaky: passed > 0 && passed < side.len() }
}

fn passes(trace: &TraceReport) -> bool {
    trace.verdict.as_ref().is_some_and(|verdict| verdict.pass)
}

fn pass(tasks: &[TaskPair]) -> PassDifference {
    let share = |side: &Trials| side.passed as f64 / side.trials as f64;
    let mean = |of: &dyn Fn(&TaskPair) -> f64| match tasks.len() {
        0 => 0.0,
        n => tasks.iter().map(of).sum::<f64>() / n as f64,
    };
    let differences: Vec<f64> = tasks.iter().map(|task| share(&task.after) - share(&task.before)).collect();
    let (low, high) = interval::of(&differences);
    let (before, after) = (mean(&|task| share(&task.before)), mean(&|task| share(&task.after)));
    let difference = mean(&|task| share(&task.after) - share(&task.before));
    PassDifference { tasks: tasks.len(), before, after, difference, low, high, confidence: 1.0 - interval::ERROR }
}

/// Rules that one side's trials broke in another share than the other's, in name order.
fn rules(before: &[&TraceReport], after: &[&TraceReport]) -> Vec<RuleDifference> {
    let mut broken = BTreeMap::<(&str, &str), [Breaks; 2]>::new();
    for (at, side) in [before, after].into_iter().enumerate() {
        for verdict in side.iter().filter_map(|trace| trace.verdict.as_ref()) {
            let mut own = BTreeSet::new();
            for violation in &verdict.process.violations {
                let rule = (violation.broken.rule.as_str(), violation.broken.clause.as_str());
                let breaks = &mut broken.entry(rule).or_default()[at];
                breaks.calls += 1;
                breaks.trials += usize::from(own.insert(rule));
            }
        }
    }
    let (earlier, later) = (before.len(), after.len());
    let differs = |[one, other]: &[Breaks; 2]| {
        one.calls * later != other.calls * earlier || one.trials * later != other.trials * earlier
    };
    let changed = broken.into_iter().filter(|(_, breaks)| differs(breaks));
    changed
        .map(|((rule, clause), [before, after])| RuleDifference {
            rule: rule.to_owned(),
            clause: clause.to_owned(),
            before,
            after,
        })
        .collect()
}

fn cost(side: &[&TraceReport]) -> PerTrial {
    let mean = |sum: u64, n: usize| if n == 0 { 0.0 } else { sum as f64 / n as f64 };
    let calls: u64 = side.iter().map(|trace| trace.replay.calls.len() as u64).sum();
    let tokens: Vec<u64> = side.iter().filter_map(|trace| trace.replay.tokens).collect();
    PerTrial {
        trials: side.len(),
        calls: mean(calls, side.len()),
        tokens: (!tokens.is_empty()).then(|| mean(tokens.iter().sum(), tokens.len())),
        counted: tokens.len(),
    }
}

/// The trials whose verdict, or whose broken rules, are not the same under both editions.
fn moved(before: &Report, after: &Report) -> Vec<Moved> {
    let earlier: BTreeMap<_, _> = before.traces.iter().map(|trace| (key(trace), trace)).collect();
    let pairs = after.traces.iter().filter_map(|trace| Some((*earlier.get(&key(trace))?, trace)));
    let judged = pairs.filter_map(|(before, after)| Some((before.verdict.as_ref()?, after, after.verdict.as_ref()?)));
    judged.filter_map(|(earlier, trace, later)| move_of(earlier, trace, later)).collect()
}

fn key(trace: &TraceReport) -> (&Place, &str, Option<u64>) {
    (&trace.replay.place, &trace.replay.name, trace.replay.trial)
}

fn move_of(earlier: &Verdict, trace: &TraceReport, later: &Verdict) -> Option<Moved> {
    let broken = |verdict: &Verdict| -> BTreeSet<String> {
        verdict.process.violations.iter().map(|violation| violation.broken.rule.clone()).collect()
    };
    let (old, new) = (broken(earlier), broken(later));
    let [before, after] = [earlier, later].map(Verdict::words);
    if before == after && old == new {
        return None;
    }
    Some(Moved {
        trace: trace.replay.name.clone(),
        place: trace.replay.place.clone(),
        task: later.task.clone(),
        before,
        after,
        no_longer_broken: old.difference(&new).cloned().collect(),
        newly_broken: new.difference(&old).cloned().collect(),
    })
}

/// Gold with an error, each once, in the order of the verdicts that rest on it.
fn doubts(before: &Report, after: &Report) -> Vec<Place> {
    let verdicts = before.traces.iter().chain(&after.traces).filter_map(|trace| trace.verdict.as_ref());
    let mut known = BTreeSet::new();
    let doubtful = verdicts.filter(|verdict| verdict.is_doubtful());
    doubtful.filter(|verdict| known.insert(&verdict.gold)).map(|verdict| verdict.gold.clone()).collect()
}

fn notes(pairs: &[Pair<'_>], question: &Question) -> Vec<String> {
    let mut notes = Vec::new();
    if pairs.is_empty() {
        notes.push("no task was tried on both sides, so that nothing could be compared".to_owned());
    }
    let expected = |side: &[&TraceReport]| -> BTreeSet<String> {
        let verdicts = side.iter().filter_map(|trace| trace.verdict.as_ref());
        verdicts.map(|verdict| verdict.state.expected.clone()).collect()
    };
    for pair in pairs {
        if question.kind == Kind::Trials && expected(&pair.before) != expected(&pair.after) {
            notes.push(format!(
                "task {}: gold leads to another state on the two sides, so its trials are not held to the same",
                pair.name
            ));
        }
    }
    let same = question.editions.iter().filter(|edition| edition.before == edition.after);
    notes.extend(same.map(|edition| format!("policy {} is the same in both editions", edition.policy)));
    notes
}

impl Verdict {
    /// What the trial came to, in a few words.
    fn words(&self) -> String {
        if self.pass {
            return "pass".to_owned();
        }
        if let Some(reason) = &self.unfinished {
            return format!("unfinished: {reason}");
        }
        format!("fail: {}", self.failed().join(", "))
    }

    /// The parts that do not hold.
    pub fn failed(&self) -> Vec<&'static str> {
        let parts =
            [(self.state.equal, "state"), (self.outputs.complete, "outputs"), (self.process.compliant, "process")];
        parts.into_iter().filter(|(holds, _)| !holds).map(|(_, name)| name).collect()
    }
}
