//! Which of what was read are the runs in question, each counted once.

use super::gold::Golds;
use super::model::{Command, Place, Unread};
use std::collections::{BTreeMap, BTreeSet};
use traces::{Document, Item, Trace};

/// A run in question.
pub struct Run<'a> {
    /// What was read.
    pub item: &'a Item,
    /// The gold that it is compared with.
    pub gold: Option<usize>,
    /// Which of its task's runs it is: as its harness counts them, else as they were read.
    pub trial: Option<u64>,
}

/// What a command works on, and what is to be told of the choice.
pub struct Chosen<'a> {
    /// The items.
    pub items: Vec<&'a Item>,
    /// What is to be told.
    pub notes: Vec<String>,
}

/// Choose what a command works on: runs, and tasks only where no run was read; of what is held to be right, tasks, and runs only
/// where no task was. `unread` says whether something could not be read: that may have been a run.
pub fn choose(documents: &[Document], command: Command, unread: bool) -> Chosen<'_> {
    let all: Vec<&Item> = documents.iter().flat_map(|document| &document.items).collect();
    let (tasks, runs): (Vec<&Item>, Vec<&Item>) = all.into_iter().partition(|item| matches!(item, Item::Task(_)));
    let (items, left, note) = match command {
        Command::Lint if tasks.is_empty() => (runs, tasks, "there is no task, so that the runs are held to be right"),
        Command::Lint => (tasks, runs, ""),
        // A task is no trial of an agent because the trials are broken.
        Command::Grade if runs.is_empty() && unread => (runs, tasks, ""),
        _ if runs.is_empty() => (tasks, runs, "there is no run, so that the calls of tasks stand for runs of an agent"),
        _ => (runs, tasks, ""),
    };
    let mut notes = Vec::new();
    if !items.is_empty() && !note.is_empty() {
        notes.push(note.to_owned());
    }
    if !left.is_empty() && command != Command::Grade {
        let what = if command == Command::Lint { "runs" } else { "tasks" };
        notes.push(format!("{what} that stand beside were left out: {}", left.len()));
    }
    Chosen { items, notes }
}

/// The runs of tasks that are graded.
#[derive(Default)]
pub struct Trials<'a> {
    /// Each of them once.
    pub runs: Vec<Run<'a>>,
    /// What is to be told.
    pub notes: Vec<String>,
    /// What cannot be graded.
    pub refused: Vec<Unread>,
}

/// Find the gold of each run, and count each trial once, however often it was read.
pub fn trials<'a>(items: Vec<&'a Item>, golds: &Golds<'_>) -> Trials<'a> {
    let mut trials = Trials::default();
    // Gold is no run, unless there is nothing else.
    let (own, others): (Vec<&Item>, Vec<&Item>) = items.into_iter().partition(|item| golds.holds(item));
    let items = if others.is_empty() {
        let is_run = own.iter().any(|item| matches!(item, Item::Trace(_)));
        if is_run {
            trials.notes.push("there is no run but gold itself, which is compared with itself".to_owned());
        }
        own
    } else {
        if !own.is_empty() {
            trials.notes.push(format!("gold that stands among the runs was not counted as runs: {}", own.len()));
        }
        others
    };
    let mut found = Vec::new();
    for item in items {
        match golds.of(item.trace()) {
            Ok(gold) => found.push(Run { item, gold: Some(gold), trial: item.trace().trial }),
            Err(reason) => trials.refused.push(refusal(item, reason)),
        }
    }
    let found = originals(found, &mut trials.notes);
    once(found, &mut trials);
    number(&mut trials.runs);
    trials
}

/// Runs without a number that are the same in every part: the first of them, and how many of them are kept.
struct Alike<'a> {
    first: &'a Trace,
    kept: usize,
    /// How many there are in each file.
    in_file: BTreeMap<&'a str, usize>,
}

/// Leave out of the runs without a number those that are copies: the same run in another file is one that was given twice.
/// Within one file each is a trial, for then its harness wrote it as often.
fn originals<'a>(found: Vec<Run<'a>>, notes: &mut Vec<String>) -> Vec<Run<'a>> {
    // What tells most runs apart at a glance.
    let glance = |trace: &'a Trace| (trace.calls.len(), trace.messages.len(), trace.told().next_back());
    let mut known = BTreeMap::<_, Vec<Alike<'a>>>::new();
    let mut originals = Vec::with_capacity(found.len());
    for run in found {
        let trace = run.item.trace();
        if run.trial.is_some() {
            originals.push(run);
            continue;
        }
        let runs = known.entry((run.gold, trace.task.as_deref(), glance(trace))).or_default();
        let at = runs.iter().position(|alike| same(alike.first, trace)).unwrap_or_else(|| {
            runs.push(Alike { first: trace, kept: 0, in_file: BTreeMap::new() });
            runs.len() - 1
        });
        let Some(alike) = runs.get_mut(at) else { continue };
        let here = alike.in_file.entry(&trace.source.file).or_default();
        *here += 1;
        if *here > alike.kept {
            alike.kept = *here;
            originals.push(run);
        } else {
            let first = &alike.first.source;
            notes.push(format!(
                "{} is a copy of {first}, neither has a trial's number, and it counts once",
                trace.source
            ));
        }
    }
    originals
}

/// Keep of the runs that are the same trial one, and none where they are not the same run.
fn once<'a>(found: Vec<Run<'a>>, trials: &mut Trials<'a>) {
    let mut groups = BTreeMap::<(Option<usize>, &str, u64), Vec<&'a Item>>::new();
    for run in &found {
        if let (Some(task), Some(trial)) = (&run.item.trace().task, run.trial) {
            groups.entry((run.gold, task.as_str(), trial)).or_default().push(run.item);
        }
    }
    for run in found {
        let trace = run.item.trace();
        let group =
            trace.task.as_ref().zip(run.trial).and_then(|(task, trial)| groups.get(&(run.gold, task.as_str(), trial)));
        let Some([first, others @ ..]) = group.map(Vec::as_slice) else {
            trials.runs.push(run);
            continue;
        };
        let Some(other) = others.iter().find(|other| !same(first.trace(), other.trace())) else {
            if std::ptr::eq(*first, run.item) {
                trials.runs.push(run);
            } else {
                let first = &first.trace().source;
                trials.notes.push(format!("{} is the same trial as {first}, and counts once", trace.source));
            }
            continue;
        };
        let place = if same(first.trace(), trace) { other } else { first };
        let place = &place.trace().source;
        let reason = format!(
            "trial {} of task {:?} stands in {place} too, as another run; neither is graded, since only one can be that trial",
            run.trial.unwrap_or_default(),
            trace.task.as_deref().unwrap_or_default()
        );
        trials.refused.push(refusal(run.item, reason));
    }
}

/// Number the runs of a task that its harness did not, where there are several.
pub fn number(runs: &mut [Run<'_>]) {
    let mut tasks = BTreeMap::<_, Vec<&mut Run<'_>>>::new();
    for run in runs {
        let trace = run.item.trace();
        let Some(task) = &trace.task else { continue };
        // Without gold, the tasks of each file are its own.
        let file = if run.gold.is_none() { Some(&trace.source.file) } else { None };
        tasks.entry((run.gold, file, task)).or_default().push(run);
    }
    for runs in tasks.into_values().filter(|runs| runs.len() > 1) {
        let taken: BTreeSet<u64> = runs.iter().filter_map(|run| run.trial).collect();
        let free = (0..).filter(|number| !taken.contains(number));
        for (number, run) in free.zip(runs.into_iter().filter(|run| run.trial.is_none())) {
            run.trial = Some(number);
        }
    }
}

/// Whether two are the same run, wherever they stand and whatever they are called.
fn same(one: &Trace, other: &Trace) -> bool {
    (&one.calls, &one.messages, &one.settings, &one.actor, &one.unfinished, &one.advances)
        == (&other.calls, &other.messages, &other.settings, &other.actor, &other.unfinished, &other.advances)
}

fn refusal(item: &Item, reason: String) -> Unread {
    Unread { place: Place::from(&item.trace().source), reason }
}
