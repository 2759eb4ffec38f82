//! A whole run: many traces, on all cores, in the order in which they were read.

use super::gold::{Golds, task_of, twice};
use super::grade::{Gold, grade};
use super::lint::lint;
use super::model::{Command, Place, REPORT, Report, TraceReport, Unread};
use super::pass::{Passes, Tried, passes};
use super::replay::{Conditions, Stage};
use super::stages::{Choice, Stages};
use super::totals::totals;
use super::trials::{Run, Trials, choose, number, trials};
use calls::PROGRAM;
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use traces::{Document, Item, Mistake, Settings, Trace};

/// What is to be done with the traces that were read.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// How they are run.
    pub choice: Choice,
    /// When grading, what the trials are compared with; the tasks that stand beside them where none is given.
    pub gold: Option<Vec<Document>>,
    /// When grading, whether a trial fails for its process too.
    pub strict: bool,
}

/// A trace that can be run.
struct Job<'a> {
    run: Run<'a>,
    stage: Arc<Stage>,
    conditions: Conditions,
}

/// Do it. `begin` is told how many traces there are, `done` that one is.
pub fn run(
    request: &Request,
    documents: &[Document],
    mistakes: Vec<Mistake>,
    begin: impl FnOnce(usize),
    done: impl Fn() + Sync,
) -> Report {
    let mut unread: Vec<Unread> = mistakes.iter().map(unread_of).collect();
    let chosen = choose(documents, request.command, !unread.is_empty());
    let mut notes = chosen.notes;
    let golds = golds(request, documents);
    unread.extend(golds.mistakes.iter().cloned());
    let runs = match request.command {
        Command::Grade => {
            let Trials { runs, notes: told, refused } = trials(chosen.items, &golds);
            notes.extend(told);
            unread.extend(refused);
            runs
        }
        Command::Replay | Command::Lint => {
            if request.command == Command::Lint {
                unread.extend(twice(&chosen.items));
            }
            let runs = chosen.items.into_iter().map(|item| Run { item, gold: None, trial: item.trace().trial });
            let mut runs: Vec<Run<'_>> = runs.collect();
            number(&mut runs);
            runs
        }
    };
    let jobs = jobs(request, runs, &golds, &mut unread);
    begin(jobs.len());
    let right = rights(&jobs, &golds);
    let results: Vec<Result<TraceReport, Unread>> = jobs
        .par_iter()
        .map(|job| {
            let report = job.report(request, &golds, &right);
            done();
            report.map_err(|reason| Unread { place: Place::from(&job.run.item.trace().source), reason })
        })
        .collect();
    let mut traces = Vec::with_capacity(results.len());
    let mut tried = Vec::new();
    for (job, result) in jobs.iter().zip(results) {
        match result {
            Ok(report) => {
                let verdict = report.verdict.as_ref().zip(job.run.gold);
                tried.extend(verdict.map(|(verdict, gold)| Tried::new(golds.first(gold), verdict)));
                traces.push(report);
            }
            Err(reason) => unread.push(reason),
        }
    }
    let Passes { tasks, pass_hat, pass_hat_tried } = passes(&tried, &golds);
    Report {
        format: REPORT.to_owned(),
        command: request.command,
        program: PROGRAM.to_owned(),
        totals: totals(request.command, &traces, request.choice.answers),
        traces,
        tasks,
        pass_hat,
        pass_hat_tried,
        notes,
        mistakes: unread,
        baseline: None,
    }
}

/// When grading, what trials are compared with.
fn golds<'a>(request: &'a Request, documents: &'a [Document]) -> Golds<'a> {
    let beside = request.gold.as_deref().unwrap_or(documents);
    let items = match request.command {
        Command::Grade => choose(beside, Command::Lint, false).items,
        Command::Replay | Command::Lint => Vec::new(),
    };
    Golds::new(items, request.gold.is_some())
}

/// What can be run, and how; what cannot is told.
fn jobs<'a>(request: &Request, runs: Vec<Run<'a>>, golds: &Golds<'a>, unread: &mut Vec<Unread>) -> Vec<Job<'a>> {
    let mut stages = Stages::new(request.choice.clone());
    let mut jobs = Vec::with_capacity(runs.len());
    for run in runs {
        let trace = run.item.trace();
        let gold = run.gold.map(|gold| golds.get(gold));
        // A run of a task is a run in the environment of the task, for the task's user.
        let task = task_of(run.item).or_else(|| gold.and_then(task_of));
        let otherwise = task.and_then(|task| task.user.as_deref());
        match stages.of(settings(trace, gold.map(Item::trace)), otherwise) {
            Ok((stage, conditions)) => jobs.push(Job { run, stage, conditions }),
            Err(reason) => unread.push(Unread { place: Place::from(&trace.source), reason }),
        }
    }
    jobs
}

/// A way in which gold is run: the first that is the same, policy, mapping, mode and clock. Trials of one task can be run in several.
type Way = (usize, String, Option<String>, &'static str, Option<(String, &'static str)>);

/// Gold as it was run.
type Rights = BTreeMap<Way, Result<Gold, String>>;

impl Job<'_> {
    fn report(&self, request: &Request, golds: &Golds<'_>, right: &Rights) -> Result<TraceReport, String> {
        let Job { run, stage, conditions } = self;
        let task = run.gold.and_then(|gold| task_of(golds.get(gold)));
        let trace = match (run.item, task) {
            (Item::Trace(trial), Some(task)) => task.set_up(trial),
            (item, _) => Cow::Borrowed(item.trace()),
        };
        let trace = match run.gold {
            Some(gold) => moved_as(golds.get(gold).trace(), trace),
            None => trace,
        };
        let trace = &*trace;
        let mut report = match request.command {
            Command::Replay => {
                let replay = stage.play(trace, conditions).map_err(|error| error.to_string())?.replay;
                TraceReport { replay, verdict: None, findings: Vec::new() }
            }
            Command::Grade => {
                let gold = self.way(golds).and_then(|way| right.get(&way)).ok_or("there is no gold")?;
                let gold = gold.as_ref().map_err(|reason| format!("its gold: {reason}"))?;
                grade(stage, trace, gold, conditions, request.strict).map_err(|error| error.to_string())?
            }
            Command::Lint => {
                let user = task_of(run.item).and_then(|task| task.user.as_deref());
                lint(stage, trace, user, conditions).map_err(|error| error.to_string())?
            }
        };
        let of_gold = task.iter().flat_map(|task| &task.gold.notes).map(|note| format!("its task: {note}"));
        report.replay.notes.extend(of_gold);
        report.replay.trial = run.trial;
        if let Some(verdict) = &mut report.verdict {
            verdict.trial = run.trial;
        }
        Ok(report)
    }

    fn way(&self, golds: &Golds<'_>) -> Option<Way> {
        let (policy, mapping) = self.stage.name();
        let clock = self.conditions.clock.as_ref().map(|clock| (clock.start.clone(), clock.pace.name()));
        Some((golds.first(self.run.gold?), policy, mapping, self.conditions.mode.name(), clock))
    }
}

/// Run the gold of all jobs, each once a way.
fn rights(jobs: &[Job<'_>], golds: &Golds<'_>) -> Rights {
    let wanted: BTreeMap<Way, &Job<'_>> = jobs.iter().filter_map(|job| Some((job.way(golds)?, job))).collect();
    let run = wanted.into_par_iter().map(|(way, job)| {
        let gold = Gold::new(&job.stage, golds.get(way.0).trace(), &job.conditions);
        (way, gold.map_err(|error| error.to_string()))
    });
    run.collect()
}

/// A trial whose clock is moved as its gold's is, where its own file says nothing of a clock; one that says otherwise is told of.
fn moved_as<'a>(gold: &Trace, trial: Cow<'a, Trace>) -> Cow<'a, Trace> {
    if gold.advances == trial.advances {
        return trial;
    }
    let list = |trace: &Trace| match trace.advances.is_empty() {
        true => "not at all".to_owned(),
        false => trace.advances.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let mut trial = trial.into_owned();
    if trial.advances.is_empty() && trial.settings.clock.is_none() {
        trial.advances.clone_from(&gold.advances);
        trial.notes.push(format!("the clock is moved as gold has it: {}", list(gold)));
    } else {
        trial.notes.push(format!("gold moves the clock {}, and this run {}", list(gold), list(&trial)));
    }
    Cow::Owned(trial)
}

/// A trial that does not say how it was recorded is taken to be as its gold.
fn settings<'a>(trace: &'a Trace, gold: Option<&'a Trace>) -> &'a Settings {
    let own = &trace.settings;
    let silent = own.policy.is_none() && own.environment.is_none();
    gold.filter(|_| silent).map_or(own, |gold| &gold.settings)
}

fn unread_of(mistake: &Mistake) -> Unread {
    Unread { place: Place::from(&mistake.source), reason: mistake.reason.clone() }
}
