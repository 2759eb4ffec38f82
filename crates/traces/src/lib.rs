//! Traces: which tools were called, what they answered and what was said, whatever file that came from.
//!
//! This is what replaying, grading and linting work on. Only [`mod@format`] knows how files look.
#![deny(missing_docs)]

pub mod format;
mod mistake;

pub use mistake::{Mistake, Source};

use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::fmt;

/// One run of an agent, or the calls that a task's author holds to be right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// What reports call it.
    pub name: String,
    /// Where it was read.
    pub source: Source,
    /// The task that it is a run of.
    pub task: Option<String>,
    /// Which of the task's runs it is, as its harness counts them.
    pub trial: Option<u64>,
    /// Under what it was recorded.
    pub settings: Settings,
    /// The id of the user in whose name the agent acted.
    pub actor: Option<String>,
    /// The calls, in the order in which they were made.
    pub calls: Vec<Call>,
    /// Where each of them stands in the file; none for a trace that was not read.
    pub places: Vec<Source>,
    /// What was said between the calls.
    pub messages: Vec<Message>,
    /// Where between the calls the clock is moved.
    pub advances: Vec<Advance>,
    /// Texts that the agent must tell its user; runs have none of their own.
    pub outputs: Vec<String>,
    /// Why the run did not come to its proper end, in its harness's own word (`max_steps`, an error's text); none where it
    /// ended well, or where the file does not say how it ended. Such a run never passes.
    pub unfinished: Option<String>,
    /// The tokens that the model read and wrote in the whole run, where the file says so.
    pub tokens: Option<u64>,
    /// The skills that the agent had read.
    pub skills: Vec<Skill>,
    /// What was left out or read otherwise than it stands in the file; said beside whatever rests on the trace.
    pub notes: Vec<String>,
}

/// An Agent Skill that an agent had read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skill {
    /// Its address.
    pub uri: String,
    /// The digest of its SKILL.md, `sha256:` and 64 digits.
    pub digest: String,
}

/// Under what a trace was recorded, as far as its file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The policy's id.
    pub policy: Option<String>,
    /// Which edition of the policy.
    pub fingerprint: Option<String>,
    /// What time the episode's clock began with.
    pub clock: Option<String>,
    /// Whether that clock moves; none where it is the policy's own, and stands still.
    pub clock_kind: Option<String>,
    /// The hash of the fixtures.
    pub fixtures: Option<String>,
    /// Name and version of the program that answered.
    pub program: Option<String>,
    /// `enforce`, `observe` or `off`.
    pub mode: Option<String>,
    /// How audit entries came about: `explicit`, `automatic` or `none`.
    pub audit: Option<String>,
    /// The environment that answered, where it was not this program.
    pub environment: Option<String>,
    /// Which of that environment's tool vocabularies the agent had.
    pub interface: Option<String>,
}

/// One tool call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// Its id in the file, or its number from 1 where the file gives none. Some harnesses use an id again.
    pub id: String,
    /// The tool's name.
    pub tool: String,
    /// The arguments, in the order in which they were given.
    pub arguments: Map<String, Json>,
    /// The arguments as the model wrote them, where that is no JSON object: then no tool was called.
    pub malformed: Option<String>,
    /// What came back; none where the recording ends first.
    pub answer: Option<Answer>,
    /// The idempotency key that came with it.
    pub key: Option<String>,
    /// The acting user's id, where the recording has one for each call.
    pub actor: Option<String>,
    /// What an episode's journal says of it besides.
    pub verdict: Option<Verdict>,
    /// What time it was, where that is not the same for all calls.
    pub now: Option<String>,
    /// The edition of the policy that judged it, where that is another than the trace's.
    pub edition: Option<String>,
}

/// What a tool answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The answer; a text that is not JSON stands as a JSON string.
    pub value: Json,
    /// Whether it was marked as an error; none where the file does not say.
    pub is_error: Option<bool>,
}

/// What an episode's journal says of a call beside its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// `ok`, the halt's code, or `FAULT`.
    pub outcome: String,
    /// The rule that halted it.
    pub rule: Option<String>,
    /// In observe mode, what would have halted.
    pub violations: Vec<Json>,
    /// The rows that it wrote.
    pub changes: Vec<Json>,
}

impl Verdict {
    /// Whether the call halted or failed: both are marked as errors.
    pub fn is_error(&self) -> bool {
        self.outcome != "ok"
    }
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Whoever set the agent up.
    System,
    /// The agent's user.
    User,
    /// The agent.
    Agent,
}

/// Something said, which is no call and no answer of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// By whom.
    pub role: Role,
    /// The text, never empty.
    pub text: String,
    /// How many calls were made before it.
    pub after: usize,
}

/// A move of the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The duration, as ISO 8601 writes it.
    pub by: String,
    /// How many calls are made before it; none where it comes at the end, however many there are.
    pub after: Option<usize>,
}

/// A task: what an agent is asked for, and what is held to be right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// What the agent's user wants.
    pub instruction: Option<String>,
    /// The user whom the task names, who need not be the one to act.
    pub user: Option<String>,
    /// The calls and the outputs that are held to be right; its name and source are the task's.
    pub gold: Trace,
    /// How many of gold's first calls only set the environment up. A trial begins with them too, though its file need not
    /// have them, since no agent made them.
    pub setup: usize,
    /// The names of its runs that stand in files of their own, where its file lists them.
    pub runs: Vec<String>,
}

/// What a file holds one or several of.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A recorded run.
    Trace(Trace),
    /// A task.
    Task(Task),
}

/// What was read from one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The format that it is in.
    pub format: format::Format,
    /// What could be read, in the file's order.
    pub items: Vec<Item>,
    /// What could not. A trace with a mistake is left out, for without one of its calls it would be another run; but one
    /// whose recording only breaks off in its last line is kept.
    pub mistakes: Vec<Mistake>,
}

/// A trace's calls and messages as they followed each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// Something said.
    Message(&'a Message),
    /// A call and its answer.
    Call(&'a Call),
}

impl Trace {
    /// Calls and messages together, in order.
    pub fn steps(&self) -> Vec<Step<'_>> {
        let mut messages = self.messages.iter().peekable();
        let mut steps = Vec::with_capacity(self.calls.len() + self.messages.len());
        for (at, call) in self.calls.iter().enumerate() {
            while let Some(message) = messages.next_if(|message| message.after <= at) {
                steps.push(Step::Message(message));
            }
            steps.push(Step::Call(call));
        }
        steps.extend(messages.map(Step::Message));
        steps
    }

    /// Where the call with that index stands.
    pub fn place(&self, at: usize) -> &Source {
        self.places.get(at).unwrap_or(&self.source)
    }

    /// What the agent told its user, in order.
    pub fn told(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.messages.iter().filter(|message| message.role == Role::Agent).map(|message| message.text.as_str())
    }
}

impl Advance {
    /// Whether it comes before the call with that index.
    pub fn is_due(&self, at: usize) -> bool {
        self.after.is_some_and(|after| after <= at)
    }
}

impl fmt::Display for Advance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after {
            Some(after) => write!(f, "{} after call {after}", self.by),
            None => write!(f, "{} at the end", self.by),
        }
    }
}

impl Task {
    /// A trial with the calls that set its environment up before the agent's first; as it is where it begins with them.
    pub fn set_up<'a>(&self, trial: &'a Trace) -> Cow<'a, Trace> {
        let setup = &self.gold.calls[..self.setup.min(self.gold.calls.len())];
        let same = |(a, b): (&Call, &Call)| a.tool == b.tool && a.arguments == b.arguments;
        if trial.calls.len() >= setup.len() && setup.iter().zip(&trial.calls).all(same) {
            return Cow::Borrowed(trial);
        }
        let mut trial = trial.clone();
        // Of a trace that was made and not read, no call has a place.
        trial.places.resize(trial.calls.len(), trial.source.clone());
        trial.calls.splice(..0, setup.iter().cloned());
        trial.places.splice(..0, (0..setup.len()).map(|at| self.gold.place(at).clone()));
        trial.messages.iter_mut().for_each(|message| message.after += setup.len());
        let after = trial.advances.iter_mut().filter_map(|advance| advance.after.as_mut());
        after.for_each(|after| *after += setup.len());
        trial.notes.push(format!(
            "calls that set the environment up and are not the agent's, here the first: {}",
            setup.len()
        ));
        Cow::Owned(trial)
    }
}

impl Item {
    /// The run, or the task's gold.
    pub fn trace(&self) -> &Trace {
        match self {
            Item::Trace(trace) => trace,
            Item::Task(task) => &task.gold,
        }
    }

    /// The same, to be changed.
    pub fn trace_mut(&mut self) -> &mut Trace {
        match self {
            Item::Trace(trace) => trace,
            Item::Task(task) => &mut task.gold,
        }
    }
}
