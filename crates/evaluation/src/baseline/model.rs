//! What comparing with a baseline found, as reports and other programs read it.

use crate::model::Place;
use schemars::JsonSchema;
use serde::Serialize;

/// The graded trials against those of a baseline. `before` is the baseline, `after` what was graded.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Baseline {
    /// What differs between both sides.
    pub kind: Kind,
    /// How pass^1 differs over the tasks that both sides tried.
    pub pass: PassDifference,
    /// How far pass^1 may fall before that is a regression.
    pub bound: f64,
    /// Whether pass^1 fell by more than the bound, or nothing could be compared.
    pub regression: bool,
    /// Gold of either side that has an error, so that the comparison may be worth nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Place>,
    /// The tasks that both sides tried, in the order of the graded side.
    pub tasks: Vec<TaskPair>,
    /// Tasks that only the baseline tried.
    pub only_before: Vec<String>,
    /// Tasks that only the graded side tried.
    pub only_after: Vec<String>,
    /// Rules that trials of these tasks broke in another share of trials, by rule and clause.
    pub rules: Vec<RuleDifference>,
    /// What the trials of these tasks took, on average.
    pub cost: Cost,
    /// With another edition of the policy: the trials whose verdict moved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Moved>,
    /// With another edition of the policy: which policies the trials were judged by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub editions: Vec<Edition>,
    /// What a reader must know before trusting the comparison.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What differs between the baseline and what was graded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The trials.
    Trials,
    /// The edition of the policy, under which the same trials were judged.
    PolicyEdition,
}

/// How pass^1 differs over the tasks that both sides tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PassDifference {
    /// How many tasks both sides tried.
    pub tasks: usize,
    /// pass^1 of the baseline over them.
    pub before: f64,
    /// pass^1 of the graded side over them.
    pub after: f64,
    /// `after` less `before`.
    pub difference: f64,
    /// The least difference that these tasks allow for.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// How sure both are: the share of runs in which the true difference lies between them, at least.
    pub confidence: f64,
}

/// One task that both sides tried.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TaskPair {
    /// The task.
    pub task: String,
    /// The baseline's trials.
    pub before: Trials,
    /// The graded trials.
    pub after: Trials,
    /// Whether it passes more or less often than before.
    pub change: Change,
    /// Whether all trials of one side pass and none of the other.
    pub flipped: bool,
}

/// Trials of one task on one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trials {
    /// How many there are.
    pub trials: usize,
    /// How many of them pass.
    pub passed: usize,
    /// Whether some pass and some do not.
    pub flaky: bool,
}

/// Whether a task passes more or less often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Less often.
    Worse,
    /// More often.
    Better,
    /// As often.
    Same,
}

/// A rule that trials of one side broke more often than those of the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleDifference {
    /// The rule.
    pub rule: String,
    /// The clause of the policy that says so.
    pub clause: String,
    /// How often the baseline broke it.
    pub before: Breaks,
    /// How often the graded side did.
    pub after: Breaks,
}

/// How often one side broke a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Breaks {
    /// Calls that broke it.
    pub calls: usize,
    /// Trials with such a call.
    pub trials: usize,
}

/// What trials took on average, as far as their traces say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Cost {
    /// Trials of the baseline.
    pub before: PerTrial,
    /// Graded trials.
    pub after: PerTrial,
}

/// What the trials of one side took on average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct PerTrial {
    /// How many trials there are.
    pub trials: usize,
    /// Calls of tools.
    pub calls: f64,
    /// Tokens that the model read and wrote, over the trials whose traces say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<f64>,
    /// How many trials say so.
    pub counted: usize,
}

/// A trial that is judged otherwise by another edition of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Moved {
    /// The trial's name.
    pub trace: String,
    /// Where it was read.
    pub place: Place,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The verdict under the baseline's edition: `pass`, `fail` with what does not hold, and the like.
    pub before: String,
    /// The verdict under the other.
    pub after: String,
    /// Rules that it breaks only under the baseline's edition.
    pub no_longer_broken: Vec<String>,
    /// Rules that it breaks only under the other.
    pub newly_broken: Vec<String>,
}

/// A policy in the two editions by which trials were judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Edition {
    /// The policy.
    pub policy: String,
    /// The fingerprint of the baseline's edition.
    pub before: String,
    /// The fingerprint of the other.
    pub after: String,
}
