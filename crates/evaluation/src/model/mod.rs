//! What evaluating found, as reports and other programs read it: `docs/report.schema.json` is made from these types.

mod replay;
mod skill;
mod verdict;

pub use replay::{AnswerDifference, Broken, Comparison, Duty, Mapped, Replay, RowChange, Step};
pub use skill::SkillRead;
pub use verdict::{
    Cell, OutputVerdict, Precheck, Prechecks, ProcessVerdict, Remark, Retry, RoleBreach, StateVerdict, VERDICT,
    Verdict, Violation,
};

use super::baseline::model::Baseline;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use traces::Source;

/// The version of the form of a report.
pub const REPORT: &str = "incident-mcp/report/1";

/// All that one run of `replay`, `grade` or `lint` found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Always [`REPORT`].
    pub format: String,
    /// What was done.
    pub command: Command,
    /// Name and version of the program.
    pub program: String,
    /// The run in numbers.
    pub totals: Totals,
    /// The traces, or gold traces, in the order in which they were read.
    pub traces: Vec<TraceReport>,
    /// When grading: each task over all its trials, in the order of their first trials; then those that nobody tried.
    pub tasks: Vec<TaskReport>,
    /// When grading: pass^k over all tasks, from k = 1 to the least number of trials that a tried task has. It is the
    /// probability that k trials of a task, drawn from those there are, all pass; of a task that nobody tried it is 0.
    pub pass_hat: Vec<f64>,
    /// When some tasks were not tried: pass^k over the others alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pass_hat_tried: Vec<f64>,
    /// What is to be known of the whole run: what was counted once though it was given twice, what was left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could not be read, and why.
    pub mistakes: Vec<Unread>,
    /// When grading with a baseline: what differs from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// What a run does with its traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Make the calls again and compare the answers.
    Replay,
    /// Compare a trial with what is held to be right.
    Grade,
    /// Look for what is wrong with what is held to be right.
    Lint,
}

/// A run in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// Traces that were run.
    pub traces: usize,
    /// Calls in them.
    pub calls: usize,
    /// Traces that came to what was expected: for a replay no call diverged, for grading the verdict is a pass, for linting
    /// nothing was found that is an error.
    pub good: usize,
    /// Traces of runs that did not come to their proper end: a crash, a limit, an abort. When grading they are told apart
    /// from trials that fail, and are never good.
    pub unfinished: usize,
    /// When grading, verdicts whose gold has an error, so that they may be worth nothing.
    pub doubtful: usize,
    /// Calls by how their recorded answer compares with ours.
    pub comparisons: BTreeMap<Comparison, usize>,
    /// Calls by outcome.
    pub outcomes: BTreeMap<String, usize>,
    /// Halts and violations by rule.
    pub rules: BTreeMap<String, usize>,
    /// Calls by tool, as the traces call it.
    pub tools: BTreeMap<String, Counted>,
    /// Traces and calls by policy.
    pub policies: BTreeMap<String, Counted>,
    /// Findings by check.
    pub findings: BTreeMap<String, usize>,
}

/// Calls of one tool, or under one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counted {
    /// All calls.
    pub calls: usize,
    /// Calls that broke a rule: that halted, or would have.
    pub broken: usize,
    /// Calls whose recorded answer is not ours.
    pub different: usize,
}

/// One trace and what was found about it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TraceReport {
    /// What happened when its calls were made again.
    pub replay: Replay,
    /// When grading: the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// When linting: what is wrong with it, in the order of its calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Place {
    /// The file, as a person would open it; `-` is standard input.
    pub file: String,
    /// The line, from 1, where each line holds a JSON value of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// A JSON pointer into the line, or into the whole file; empty for all of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pointer: String,
}

/// A task over all its trials.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TaskReport {
    /// The task.
    pub task: String,
    /// Where its gold was read: tasks of several files can have one name.
    pub gold: Place,
    /// How many trials there are; none where nobody tried it.
    pub trials: usize,
    /// How many of them pass.
    pub passed: usize,
    /// How many did not come to their proper end, and so do not pass.
    pub unfinished: usize,
    /// pass^k, from k = 1 to the number of trials.
    pub pass_hat: Vec<f64>,
}

/// Something that linting found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The stable name of what was checked, such as `gold-halts`.
    pub check: String,
    /// Where.
    pub place: Place,
    /// The call's number, where it is one call's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<usize>,
    /// The call's tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The rule that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The clause that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing need be done.
    Note,
    /// It is odd, and may be meant.
    Warning,
    /// What is held to be right is not.
    Error,
}

/// Something in a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unread {
    /// Where.
    pub place: Place,
    /// What is wrong there, and what would be right.
    pub reason: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))?;
        if self.pointer.is_empty() { Ok(()) } else { write!(f, " {}", self.pointer) }
    }
}

impl From<&Source> for Place {
    fn from(source: &Source) -> Place {
        Place { file: source.file.to_string(), line: source.line, pointer: source.pointer.clone() }
    }
}
