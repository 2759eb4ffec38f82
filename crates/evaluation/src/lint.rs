//! What is wrong with what is held to be right.

use super::came::Came;
use super::compare::Closeness;
use super::model::{Broken, Comparison, Finding, Place, Replay, Severity, Step, TraceReport};
use super::outputs::{Required, Told};
use super::remarks::{self, Check};
use super::replay::{Conditions, Error, Played, Stage};
use calls::Mode;
use procedures::halt::{Kind, built_in};
use serde_json::Value as Json;
use traces::Trace;

/// Everything that a check can be called, with what it means: the list in the documents is this one.
pub const CHECKS: [Check; 19] = [
    ("gold-halts", Severity::Error, "a call breaks a rule of the policy"),
    ("gold-invalid", Severity::Error, "a call's arguments do not fit the tool"),
    ("no-such-record", Severity::Error, "a call refers to a record that does not exist"),
    ("unknown-tool", Severity::Error, "nobody knows the tool"),
    ("wrong-actor", Severity::Error, "a call acts for somebody else than the acting user, or nobody acts"),
    ("unpaid", Severity::Error, "an audit entry is owed and never written"),
    ("fault", Severity::Error, "the program failed"),
    (
        "output-empty",
        Severity::Error,
        "a text that the agent is to tell has neither a word nor a number, so that nothing tells it",
    ),
    ("gold-unfinished", Severity::Error, "the run that is held to be right did not come to its proper end"),
    remarks::WITHOUT_VALUE,
    remarks::WITHOUT_RECORD,
    remarks::WITHOUT_CHANGE,
    ("outside", Severity::Warning, "the policy does not speak of what a call does"),
    ("other-user", Severity::Warning, "the calls act for somebody else than the user whom the task names"),
    ("answer-differs", Severity::Warning, "the recorded answer is not what the call answers"),
    ("changes-nothing", Severity::Warning, "the final state is the one that the task begins with"),
    ("output-not-produced", Severity::Warning, "no answer holds a text that the agent is to tell"),
    remarks::WITHOUT_CONDITION,
    (
        "answer-shape",
        Severity::Note,
        "the recorded answer is a row where the call answers a list of it, or the reverse",
    ),
];

/// The checks by which gold cannot be carried out as it stands, or does nothing: what bears on every verdict that rests on it.
const FLAWS: [&str; 10] = [
    "gold-halts",
    "gold-invalid",
    "no-such-record",
    "unknown-tool",
    "wrong-actor",
    "fault",
    "output-empty",
    "gold-unfinished",
    "outside",
    "changes-nothing",
];

/// Run gold, letting through what breaks a rule, so that one mistake does not bring others with it; and say what is wrong.
/// `user` is the one whom the task names.
pub fn lint(stage: &Stage, gold: &Trace, user: Option<&str>, conditions: &Conditions) -> Result<TraceReport, Error> {
    let conditions = Conditions { mode: Mode::Observe, answers: Closeness::Canonical, ..conditions.clone() };
    let Played { replay, remarks, .. } = stage.play(gold, &conditions)?;
    let mut lint = Lint { gold, findings: findings(gold, user, &replay) };
    lint.outputs(&replay.calls);
    for remark in remarks {
        if let Some(step) = replay.calls.get(remark.call.wrapping_sub(1)) {
            lint.call(&remark.check, step, None, remark.message);
        }
    }
    let findings = lint.findings;
    Ok(TraceReport { replay, verdict: None, findings })
}

/// What is wrong with gold that was run to judge others by it.
pub fn flaws(gold: &Trace, replay: &Replay) -> Vec<Finding> {
    let mut findings = findings(gold, None, replay);
    findings.retain(|finding| FLAWS.contains(&finding.check.as_str()));
    findings
}

fn findings(gold: &Trace, user: Option<&str>, replay: &Replay) -> Vec<Finding> {
    let mut lint = Lint { gold, findings: Vec::new() };
    if let (Some(user), Some(actor)) = (user, &replay.actor)
        && user != actor
    {
        lint.whole("other-user", format!("the task names user {user}, and its calls act for user {actor}"));
    }
    if let Some(reason) = &replay.unfinished {
        lint.whole("gold-unfinished", format!("the run ended with {reason:?}"));
    }
    for step in &replay.calls {
        lint.step(step);
    }
    for duty in &replay.unpaid {
        let text = format!("the {} of {} {} has no audit entry", duty.action, duty.entity_type, duty.entity_id);
        match replay.calls.get(duty.call.wrapping_sub(1)) {
            Some(step) => lint.call("unpaid", step, None, text),
            None => lint.whole("unpaid", text),
        }
    }
    if replay.unchanged && !replay.calls.is_empty() {
        lint.whole("changes-nothing", "the calls change nothing that counts".to_owned());
    } else if replay.calls.is_empty() && gold.outputs.is_empty() {
        lint.whole(
            "changes-nothing",
            "there is neither a call nor an output, so that doing nothing is right".to_owned(),
        );
    }
    for output in gold.outputs.iter().filter(|output| Required::new(output).is_empty()) {
        lint.whole("output-empty", format!("nothing tells the output {output:?}, so that no trial can pass"));
    }
    lint.findings
}

struct Lint<'a> {
    gold: &'a Trace,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    fn step(&mut self, step: &Step) {
        let text = || {
            let answer = step.answer.value();
            let said = answer.get("error").unwrap_or(&answer);
            said.as_str().map_or_else(|| said.to_string(), str::to_owned)
        };
        for broken in step.broken() {
            let check = match broken.kind {
                Kind::Input => "gold-invalid",
                Kind::Reference | Kind::NotFound | Kind::Gone => "no-such-record",
                Kind::Unauthenticated => "wrong-actor",
                Kind::Forbidden if broken.rule == built_in::SAME => "wrong-actor",
                Kind::Forbidden | Kind::Rule | Kind::Conflict | Kind::Precondition | Kind::Limit | Kind::Fault => {
                    "gold-halts"
                }
            };
            // A foreign environment says it in its own words.
            let refused = (step.came == Came::RefusedThere).then(text);
            self.call(check, step, Some(broken), refused.unwrap_or_else(|| problems(broken, &step.answer.value())));
        }
        match step.came {
            Came::Through => {}
            Came::RefusedThere if step.halt.is_some() => {}
            Came::RefusedThere => self.call("gold-invalid", step, None, text()),
            Came::Outside => {
                self.call("outside", step, None, "the policy has nothing for it; it was left out".to_owned())
            }
            Came::UnknownTool => self.call("unknown-tool", step, None, text()),
            Came::Refused(Kind::Fault) => self.call("fault", step, None, text()),
            // A halt without a rule: arguments that were no JSON object.
            Came::Refused(_) if step.halt.is_none() => self.call("gold-invalid", step, None, text()),
            Came::Refused(_) => {}
        }
        // Of a call that does not run now, the difference says nothing more.
        if step.went_through() {
            let place = step.difference.as_ref();
            let place = place.map(|d| {
                format!("{}: {} is recorded, {} is right", at(&d.pointer), d.recorded.text(), d.replayed.text())
            });
            match step.comparison {
                Comparison::Different => self.call("answer-differs", step, None, place.unwrap_or_default()),
                Comparison::Shape => {
                    self.call("answer-shape", step, None, "a row stands for a list of one, or the reverse".to_owned());
                }
                _ => {}
            }
        }
    }

    fn outputs(&mut self, calls: &[Step]) {
        let mut answers = Vec::new();
        if !self.gold.outputs.is_empty() {
            calls.iter().for_each(|step| texts(&step.answer.value(), &mut answers));
        }
        for output in &self.gold.outputs {
            let required = Required::new(output);
            if !required.is_empty() && !answers.iter().any(|answer| answer.tells(&required)) {
                self.whole("output-not-produced", format!("no answer holds the output {output:?}"));
            }
        }
    }

    fn call(&mut self, check: &str, step: &Step, broken: Option<&Broken>, message: String) {
        let place = Place::from(self.gold.place(step.call - 1));
        let finding = finding(check, place, message);
        self.findings.push(Finding {
            call: Some(step.call),
            tool: Some(step.tool.clone()),
            rule: broken.map(|broken| broken.rule.clone()),
            clause: broken.map(|broken| broken.clause.clone()),
            ..finding
        });
    }

    fn whole(&mut self, check: &'static str, message: String) {
        self.findings.push(finding(check, Place::from(&self.gold.source), message));
    }
}

/// Every text and number within an answer.
fn texts(answer: &Json, found: &mut Vec<Told>) {
    match answer {
        Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Json::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        Json::String(text) => found.push(Told::new(text)),
        Json::Number(_) | Json::Bool(_) => found.push(Told::new(&answer.to_string())),
        Json::Null => {}
    }
}

fn finding(check: &str, place: Place, message: String) -> Finding {
    let severity =
        CHECKS.iter().find(|(name, ..)| *name == check).map_or(Severity::Error, |(_, severity, _)| *severity);
    Finding { severity, check: check.to_owned(), place, call: None, tool: None, rule: None, clause: None, message }
}

fn at(pointer: &str) -> &str {
    if pointer.is_empty() { "the answer" } else { pointer }
}

/// What is wrong; of arguments, each of them.
fn problems(broken: &Broken, answer: &Json) -> String {
    let problems = answer.get("problems").and_then(Json::as_array);
    let each = problems.into_iter().flatten().filter_map(|problem| {
        Some(format!("{} {}", problem.get("field")?.as_str()?, problem.get("problem")?.as_str()?))
    });
    let list: Vec<String> = each.collect();
    if list.is_empty() { broken.message.clone() } else { format!("{}: {}", broken.code, list.join("; ")) }
}
