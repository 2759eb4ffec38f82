//! What evaluating found, as reports and other programs read it: `docs/report.schema.json` is made from these types.

use super::baseline::model::Baseline;
use crate::episode::Mode;
use crate::store::Obligation;
use crate::trace::Source;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// The version of the form of a report.
pub const REPORT: &str = "incident-mcp/report/1";

/// The version of the form of a verdict.
pub const VERDICT: &str = "incident-mcp/verdict/1";

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
    /// When grading: each task over all its trials, in the order of their first trials.
    pub tasks: Vec<TaskReport>,
    /// When grading: pass^k over all tasks, from k = 1 to the least number of trials that a task has. It is the
    /// probability that k trials of a task, drawn from those there are, all pass.
    pub pass_hat: Vec<f64>,
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

/// A trace whose calls were made again, in an episode of its own.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Replay {
    /// The trace's name.
    pub name: String,
    /// Where it was read.
    pub place: Place,
    /// The task that it is a run of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Which of the task's trials it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<u64>,
    /// The policy that it was run under.
    pub policy: String,
    /// What happened to a call that a rule would halt.
    pub mode: Mode,
    /// The mapping through which its calls went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// The acting user's id, where the whole trace has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// How all recorded answers together compare with ours: the least alike. `unrecorded` where none was recorded.
    pub comparison: Comparison,
    /// The number of the first call whose recorded answer is not ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_divergence: Option<usize>,
    /// In what it was recorded otherwise than it was run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Its calls, in order.
    pub calls: Vec<Step>,
    /// Duties that no call has paid.
    pub unpaid: Vec<Duty>,
    /// The canonical hash of the final state.
    pub hash: String,
    /// Whether the final state is the one that it began with.
    pub unchanged: bool,
    /// The tokens that the model read and wrote, where the trace says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
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

/// One call, as recorded and as made again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Step {
    /// Its number in the trace, from 1.
    pub call: usize,
    /// The tool, as the trace calls it.
    pub tool: String,
    /// The arguments, as the trace has them.
    pub arguments: Map<String, Json>,
    /// Our tool, where a mapping calls it otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped: Option<Mapped>,
    /// `ok`, the halt's code or `FAULT`; `REFUSED` where the environment of a mapping refuses by itself, `OUTSIDE` where
    /// the policy does not speak of such a thing, `UNKNOWN_TOOL` where nobody knows the tool.
    pub outcome: String,
    /// What is answered now.
    pub answer: Json,
    /// What was answered when the trace was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Json>,
    /// How these two compare.
    pub comparison: Comparison,
    /// The first place in which they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<AnswerDifference>,
    /// Why it halted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt: Option<Broken>,
    /// In observe mode, what would have halted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Broken>,
    /// The rows that it wrote: table, key, and for each changed column its value before and after.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<RowChange>,
}

/// The call that a mapping made of a foreign one.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Mapped {
    /// Our tool.
    pub tool: String,
    /// Our arguments.
    pub arguments: Map<String, Json>,
}

/// How a recorded answer compares with ours, from the most to the least alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// It was not to be compared.
    Ignored,
    /// None was recorded.
    Unrecorded,
    /// The same JSON text.
    Exact,
    /// The same meaning: order of keys, nulls, forms of times and numbers apart.
    Canonical,
    /// The same meaning, but a row stands alone on one side and in a list of its own on the other.
    Shape,
    /// Another answer.
    Different,
}

/// Where two answers differ first.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AnswerDifference {
    /// A JSON pointer into the answers.
    pub pointer: String,
    /// What the recorded one has there.
    pub recorded: Json,
    /// What ours has there.
    pub replayed: Json,
}

/// A rule that a call broke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Broken {
    /// The halt's code.
    pub code: String,
    /// The rule.
    pub rule: String,
    /// The clause of the policy that says so.
    pub clause: String,
    /// What is wrong, with the values in question.
    pub message: String,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// A row that a call wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowChange {
    /// The table.
    pub table: String,
    /// The row's id.
    pub key: String,
    /// By column, the value before and after.
    pub columns: BTreeMap<String, (Json, Json)>,
}

/// A duty that a write left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Duty {
    /// The number, in the trace, of the call that left it.
    pub call: usize,
    /// The audit entry's verb.
    pub action: String,
    /// The kind of the record.
    pub entity_type: String,
    /// The record's id.
    pub entity_id: String,
}

/// What a trial is worth.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Verdict {
    /// Always [`VERDICT`].
    pub format: String,
    /// The trial's name.
    pub trace: String,
    /// Where it was read.
    pub place: Place,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Which trial of the task it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<u64>,
    /// Where what it is compared with was read.
    pub gold: Place,
    /// Whether all that was required holds: the state, the outputs and, where it was asked for, the process.
    pub pass: bool,
    /// The final state against that of gold.
    pub state: StateVerdict,
    /// What the agent had to tell its user.
    pub outputs: OutputVerdict,
    /// How it went about it.
    pub process: ProcessVerdict,
}

/// The final state of a trial against that of gold.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StateVerdict {
    /// Whether both hashes are the same.
    pub equal: bool,
    /// The hash after gold's calls.
    pub expected: String,
    /// The hash after the trial's calls.
    pub actual: String,
    /// Where they are not the same: every cell that differs.
    pub difference: Vec<Cell>,
}

/// A cell of the final state that is not as gold leaves it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Cell {
    /// The table.
    pub table: String,
    /// The row's id.
    pub key: String,
    /// The column.
    pub column: String,
    /// Its value after gold's calls; null where it has none.
    pub expected: Json,
    /// Its value after the trial's calls; null where it has none.
    pub actual: Json,
}

/// What the agent had to tell its user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutputVerdict {
    /// Whether each was told. A trace without any message of the agent cannot say, and passes.
    pub complete: bool,
    /// The texts that were required.
    pub required: Vec<String>,
    /// Those that the agent did not tell.
    pub missing: Vec<String>,
    /// Whether the trace has messages of the agent to look in.
    pub judged: bool,
}

/// How a trial went about its work, worked out from the rules alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ProcessVerdict {
    /// Whether nothing below was found but reads that were made.
    pub compliant: bool,
    /// Rules that calls broke.
    pub violations: Vec<Violation>,
    /// What the rules of its writes look at, and whether the agent had read it before.
    pub prechecks: Prechecks,
    /// Audit entries that were owed and never written.
    pub unpaid: Vec<Duty>,
    /// Calls that were made again after a halt, unchanged.
    pub retries: Vec<Retry>,
    /// Calls in the name of a role that the acting user does not have.
    pub roles: Vec<RoleBreach>,
}

/// A rule that a call of a trial broke.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Violation {
    /// The call's number.
    pub call: usize,
    /// The tool.
    pub tool: String,
    /// What it broke.
    #[serde(flatten)]
    pub broken: Broken,
}

/// The reads that the rules of a trial's writes presuppose, each counted with the first write that does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Prechecks {
    /// How many there are.
    pub needed: usize,
    /// How many were made before the write.
    pub made: usize,
    /// Those that were not.
    pub missing: Vec<Precheck>,
}

/// A read that a write presupposes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Precheck {
    /// The number of the write.
    pub call: usize,
    /// Its tool.
    pub tool: String,
    /// The table that should have been looked up.
    pub table: String,
    /// The record that should have been seen; none where the table was to be searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The rule that looks there.
    pub rule: String,
    /// The clause that says so.
    pub clause: String,
}

/// A call that halted and was made again as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Retry {
    /// The number of the later call.
    pub call: usize,
    /// The number of the call that halted first.
    pub of: usize,
    /// The tool.
    pub tool: String,
    /// The halt's code.
    pub code: String,
}

/// A call under a role that the acting user never held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RoleBreach {
    /// The call's number.
    pub call: usize,
    /// The tool.
    pub tool: String,
    /// The acting user's id.
    pub actor: String,
    /// The role that the user has.
    pub role: String,
    /// The roles that may.
    pub roles: Vec<String>,
    /// The clause that says so.
    pub clause: String,
}

/// A task over all its trials.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TaskReport {
    /// The task.
    pub task: String,
    /// How many trials there are.
    pub trials: usize,
    /// How many of them pass.
    pub passed: usize,
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

impl From<&Source> for Place {
    fn from(source: &Source) -> Place {
        Place { file: source.file.to_string(), line: source.line, pointer: source.pointer.clone() }
    }
}

impl Duty {
    /// The duty as it is reported; `call` is the number in the trace.
    pub fn new(duty: &Obligation, call: usize) -> Duty {
        Duty {
            call,
            action: duty.action.clone(),
            entity_type: duty.entity_type.clone(),
            entity_id: duty.entity_id.clone(),
        }
    }
}
