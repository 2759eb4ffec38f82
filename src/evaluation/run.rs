//! A whole run: many traces, on all cores, in the order in which they were read.

use super::grade::{self, Gold, grade};
use super::lint::lint;
use super::model::{Command, Place, REPORT, Report, TraceReport, Unread};
use super::replay::{Conditions, Stage};
use super::stages::{Choice, Stages};
use super::totals::totals;
use crate::episode::PROGRAM;
use crate::trace::{Document, Item, Mistake, Settings, Task, Trace};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    trace: &'a Trace,
    task: Option<&'a Task>,
    /// Its place in the list of gold.
    gold: Option<usize>,
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
    let mut stages = Stages::new(request.choice.clone());
    let beside = request.gold.as_deref().unwrap_or(documents);
    let golds: Vec<&Item> = beside.iter().flat_map(|document| wanted(document, Command::Lint)).collect();
    let finder = Finder::new(&golds, request.gold.is_some());

    let mut jobs = Vec::new();
    for item in documents.iter().flat_map(|document| wanted(document, request.command)) {
        let trace = item.trace();
        let gold = match request.command {
            Command::Grade => match finder.of(item) {
                Ok(gold) => Some(gold),
                Err(reason) => {
                    unread.push(Unread { place: Place::from(&trace.source), reason });
                    continue;
                }
            },
            Command::Replay | Command::Lint => None,
        };
        // A run of a task is a run in the environment of the task, for the task's user.
        let task = task_of(item).or_else(|| gold.and_then(|at| task_of(golds[at])));
        let otherwise = task.and_then(|task| task.user.as_deref());
        match stages.of(settings(trace, gold.map(|at| golds[at].trace())), otherwise) {
            Ok((stage, conditions)) => jobs.push(Job { trace, task, gold, stage, conditions }),
            Err(reason) => unread.push(Unread { place: Place::from(&trace.source), reason }),
        }
    }
    begin(jobs.len());
    let right = rights(&jobs, &golds);
    let results: Vec<Result<TraceReport, Unread>> = jobs
        .par_iter()
        .map(|job| {
            let report = job.run(request, &right);
            done();
            report.map_err(|reason| Unread { place: Place::from(&job.trace.source), reason })
        })
        .collect();
    let mut traces = Vec::with_capacity(results.len());
    for result in results {
        match result {
            Ok(report) => traces.push(report),
            Err(reason) => unread.push(reason),
        }
    }
    let (tasks, pass_hat) = grade::tasks(&traces);
    Report {
        format: REPORT.to_owned(),
        command: request.command,
        program: PROGRAM.to_owned(),
        totals: totals(request.command, &traces, request.choice.answers),
        traces,
        tasks,
        pass_hat,
        mistakes: unread,
        baseline: None,
    }
}

/// A way in which gold is run: its place in the list, policy, mapping and mode. Trials of one task can be run in several.
type Way = (usize, String, Option<String>, &'static str);

/// Gold as it was run.
type Rights = BTreeMap<Way, Result<Gold, String>>;

impl Job<'_> {
    fn run(&self, request: &Request, right: &Rights) -> Result<TraceReport, String> {
        let Job { trace, task, stage, conditions, .. } = self;
        match request.command {
            Command::Replay => {
                let replay = stage.play(trace, conditions).map_err(|error| error.to_string())?.replay;
                Ok(TraceReport { replay, verdict: None, findings: Vec::new() })
            }
            Command::Grade => {
                let gold = self.way().and_then(|way| right.get(&way)).ok_or("there is no gold")?;
                let gold = gold.as_ref().map_err(|reason| format!("its gold: {reason}"))?;
                grade(stage, trace, gold, conditions, request.strict).map_err(|error| error.to_string())
            }
            Command::Lint => {
                let user = task.and_then(|task| task.user.as_deref());
                lint(stage, trace, user, conditions).map_err(|error| error.to_string())
            }
        }
    }

    fn way(&self) -> Option<Way> {
        let (policy, mapping) = self.stage.name();
        Some((self.gold?, policy, mapping, self.conditions.mode.name()))
    }
}

/// Run the gold of all jobs, each once a way.
fn rights(jobs: &[Job<'_>], golds: &[&Item]) -> Rights {
    let wanted: BTreeMap<Way, &Job<'_>> = jobs.iter().filter_map(|job| Some((job.way()?, job))).collect();
    let run = wanted.into_par_iter().map(|(way, job)| {
        let gold = Gold::new(&job.stage, golds[way.0].trace(), &job.conditions);
        (way, gold.map_err(|error| error.to_string()))
    });
    run.collect()
}

/// What of a document a command works on: runs, or what is held to be right; the other where there is only that.
fn wanted(document: &Document, command: Command) -> impl Iterator<Item = &Item> {
    let is_task = |item: &Item| matches!(item, Item::Task(_));
    let tasks_first = command == Command::Lint;
    let some = document.items.iter().any(|item| is_task(item) == tasks_first);
    document.items.iter().filter(move |item| is_task(item) == (tasks_first == some))
}

fn task_of(item: &Item) -> Option<&Task> {
    match item {
        Item::Task(task) => Some(task),
        Item::Trace(_) => None,
    }
}

/// A trial that does not say how it was recorded is taken to be as its gold.
fn settings<'a>(trace: &'a Trace, gold: Option<&'a Trace>) -> &'a Settings {
    let own = &trace.settings;
    let silent = own.policy.is_none() && own.environment.is_none();
    gold.filter(|_| silent).map_or(own, |gold| &gold.settings)
}

/// Finds the gold of a trial.
struct Finder<'a> {
    by_name: BTreeMap<&'a str, usize>,
    only: Option<usize>,
}

impl<'a> Finder<'a> {
    /// `named` says whether gold was named, apart from the trials.
    fn new(golds: &[&'a Item], named: bool) -> Finder<'a> {
        let mut by_name = BTreeMap::new();
        let mut tasks = 0;
        for (at, item) in golds.iter().enumerate() {
            // A trial does not stand for its own gold, unless it was named so.
            if !named && task_of(item).is_none() {
                continue;
            }
            tasks += 1;
            let trace = item.trace();
            for name in [Some(trace.name.as_str()), trace.task.as_deref()].into_iter().flatten() {
                by_name.entry(name).or_insert(at);
            }
        }
        let only = if named && tasks == 1 { Some(0) } else { None };
        Finder { by_name, only }
    }

    fn of(&self, trial: &Item) -> Result<usize, String> {
        let trace = trial.trace();
        let names = [trace.task.as_deref(), Some(trace.name.as_str())];
        let found = names.into_iter().flatten().find_map(|name| self.by_name.get(name).copied());
        found.or(self.only).ok_or_else(|| {
            let name = trace.task.as_ref().unwrap_or(&trace.name);
            format!("there is no task or trace {name:?} to compare it with; name gold with --against FILE")
        })
    }
}

fn unread_of(mistake: &Mistake) -> Unread {
    Unread { place: Place::from(&mistake.source), reason: mistake.reason.clone() }
}
