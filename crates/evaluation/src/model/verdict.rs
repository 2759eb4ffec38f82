//! What a trial is worth, against what is held to be right.

use super::{Broken, Duty, Finding, Place, Severity};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

/// The version of the form of a verdict.
pub const VERDICT: &str = "incident-mcp/verdict/1";

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
    /// What is wrong with gold itself, found when it was run: it halts, cannot be carried out, or changes nothing. Then the
    /// verdict may be worth nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gold_findings: Vec<Finding>,
    /// Whether all that was required holds: the run came to its proper end, the state, the outputs and, where it was asked
    /// for, the process.
    pub pass: bool,
    /// Why the run did not come to its proper end. Such a trial never passes, but what its calls left is told all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
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
    /// What else the procedure asks for and its calls left undone; only errors count against it.
    pub remarks: Vec<Remark>,
}

/// What a procedure asks for beside its rules, and a call left undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remark {
    /// The call's number.
    pub call: usize,
    /// The tool.
    pub tool: String,
    /// Which remark it is, by the name of linting.
    pub check: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is missing.
    pub message: String,
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

impl Verdict {
    /// Whether its gold has an error, so that it may be worth nothing.
    pub fn is_doubtful(&self) -> bool {
        self.gold_findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}
