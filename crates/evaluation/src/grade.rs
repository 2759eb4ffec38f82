//! Comparing a trial with what is held to be right.

use super::compare::Closeness;
use super::lint::flaws;
use super::model::{Cell, Finding, OutputVerdict, Place, StateVerdict, TraceReport, VERDICT, Verdict};
use super::outputs::{Required, Told};
use super::process::process;
use super::replay::{Conditions, Error, Played, Stage};
use calls::{Episode, Mode};
use std::sync::Mutex;
use store::canonical::Extent;
use store::lock::lock;
use traces::Trace;

/// What is held to be right, run once for all trials that are compared with it.
pub struct Gold {
    place: Place,
    hash: String,
    outputs: Vec<Required>,
    findings: Vec<Finding>,
    episode: Mutex<Episode>,
}

impl Gold {
    /// Run gold's calls, and look for what is wrong with them.
    pub fn new(stage: &Stage, gold: &Trace, conditions: &Conditions) -> Result<Gold, Error> {
        let played = stage.play(gold, conditions)?;
        Ok(Gold {
            place: Place::from(&gold.source),
            findings: flaws(gold, &played.replay),
            hash: played.replay.hash,
            outputs: gold.outputs.iter().map(|output| Required::new(output)).collect(),
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
            process(&made.calls, &made.deeds, &made.unpaid, &made.remarks)
        }
        Mode::Enforce | Mode::Observe => {
            process(&played.replay.calls, &played.deeds, &played.replay.unpaid, &played.remarks)
        }
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
        gold_findings: gold.findings.clone(),
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

fn outputs(trial: &Trace, required: &[Required]) -> OutputVerdict {
    let judged = !trial.messages.is_empty();
    let mut missing: Vec<&Required> = required.iter().filter(|_| judged).collect();
    let mut told = trial.told();
    // What is to be told stands near the end of most runs, and then the rest need not be taken apart.
    while let (false, Some(text)) = (missing.is_empty(), told.next_back()) {
        let told = Told::new(text);
        missing.retain(|output| !told.tells(output));
    }
    let texts = |outputs: &mut dyn Iterator<Item = &Required>| outputs.map(|output| output.text.clone()).collect();
    OutputVerdict {
        complete: missing.is_empty(),
        required: texts(&mut required.iter()),
        missing: texts(&mut missing.into_iter()),
        judged,
    }
}
