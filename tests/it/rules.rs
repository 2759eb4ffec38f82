//! Every rule of every policy, met and just missed. The cases are data: `data/rules/`, one file a part of the policies.

use crate::support::{call, data, episode, episode_with, policies, policy, tables, with};
use calls::{Mode, Settings};
use procedures::policy::{Audit, Rule, Work};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, LazyLock, Mutex};
use store::Entry;

/// The file's name and its cases.
static FILES: LazyLock<Vec<(&str, Value)>> = LazyLock::new(|| {
    let files = [
        ("refusals", include_str!("data/rules/refusals.json")),
        ("access", include_str!("data/rules/access.json")),
        ("standards", include_str!("data/rules/standards.json")),
        ("incidents", include_str!("data/rules/incidents.json")),
        ("resolution", include_str!("data/rules/resolution.json")),
        ("communications", include_str!("data/rules/communications.json")),
        ("problem-to-review", include_str!("data/rules/problem-to-review.json")),
        ("client-user-vendor", include_str!("data/rules/client-user-vendor.json")),
        ("it-incident-management", include_str!("data/rules/it-incident-management.json")),
    ];
    files.map(|(name, text)| (name, data(text))).into()
});

/// The refusals that every tool has beside the rules of the policy.
const BUILT_IN: [&str; 5] = ["input.schema", "input.reference", "actor.given", "actor.same", "actor.role"];

/// One case in one policy.
struct Case {
    policy: &'static str,
    file: &'static str,
    case: &'static Value,
}

/// Every case in every policy that it is for: its own list of policies, else that of its file.
fn cases() -> impl Iterator<Item = Case> {
    FILES.iter().flat_map(|(file, content)| {
        content["cases"].as_array().unwrap().iter().flat_map(move |case| {
            let own = case.get("policies").unwrap_or(&content["policies"]);
            let policies = own.as_array().unwrap().iter().map(|id| id.as_str().unwrap());
            policies.map(move |policy| Case { policy, file, case })
        })
    })
}

impl Case {
    fn text(&self, name: &str) -> &'static str {
        self.case[name].as_str().unwrap()
    }

    fn name(&self) -> String {
        format!("{} ({}.json) in {}", self.text("rule"), self.file, self.policy)
    }

    /// `{now}` is the policy's clock.
    fn arguments(&self, value: &Value) -> Value {
        data(&value.to_string().replace("{now}", &policy(self.policy).clock.start))
    }

    fn settings(&self, audit: &str) -> Settings {
        let audit = self.case[audit].as_str();
        let audit = audit.and_then(|name| Audit::NAMES.iter().find(|(known, _)| *known == name));
        let actor = self.case["actor"].as_str().map(str::to_owned);
        Settings { mode: Mode::Enforce, audit: audit.map(|(_, audit)| *audit), actor, clock: None }
    }

    /// The halt of the call that meets the rule, where all is as it should be.
    fn judge(&self) -> Result<Value, String> {
        let tool = self.text("tool");
        if policy(self.policy).tool(tool).is_none() {
            return Err(format!("the policy has no tool {tool}"));
        }
        let mut episode = episode_with(self.policy, self.settings("audit"));
        for step in self.case["setup"].as_array().into_iter().flatten() {
            let outcome = call(&mut episode, step[0].as_str().unwrap(), self.arguments(&step[1]));
            if outcome.is_error() {
                return Err(format!("the setup halted: {}", outcome.text));
            }
        }
        let meets = self.arguments(&self.case["meets"]);
        let wrote = |entry: &Entry| entry.changes != "[]";
        let before = if episode.journal().unwrap().is_empty() { pristine(self.policy) } else { tables(&mut episode) };
        let outcome = call(&mut episode, tool, meets.clone());
        if !outcome.is_error() {
            return Err(format!("went through although it meets the rule: {}", outcome.text));
        }
        for name in ["rule", "code", "clause"] {
            if outcome.answer[name] != self.case[name] {
                return Err(format!("another {name} than {}: {}", self.case[name], outcome.text));
            }
        }
        if tables(&mut episode) != before {
            return Err("a halted call changed the records".to_owned());
        }
        let journal = episode.journal().unwrap();
        let entry = journal.last().unwrap();
        let said = (entry.outcome.as_str(), entry.rule.as_deref());
        if said != (self.text("code"), Some(self.text("rule"))) || wrote(entry) {
            return Err(format!("the journal says otherwise: {entry:?}"));
        }

        if self.case.get("misses_audit").is_some() {
            episode = episode_with(self.policy, self.settings("misses_audit"));
        }
        let calls = episode.journal().unwrap().len();
        let missing = call(&mut episode, tool, with(meets, self.arguments(&self.case["misses"])));
        if missing.is_error() {
            return Err(format!("halted although it misses the rule: {}", missing.text));
        }
        let journal = episode.journal().unwrap();
        if journal.len() != calls + 1 || journal.last().unwrap().outcome != "ok" {
            return Err(format!("the journal says otherwise: {:?}", journal.last()));
        }
        if tool.starts_with("find_") == wrote(journal.last().unwrap()) {
            return Err("a write writes, a lookup does not".to_owned());
        }
        Ok(Value::Object(outcome.answer))
    }
}

/// The state of a fresh episode.
fn pristine(policy_id: &'static str) -> BTreeMap<&'static str, Value> {
    static STATES: Mutex<BTreeMap<&str, BTreeMap<&str, Value>>> = Mutex::new(BTreeMap::new());
    let mut states = STATES.lock().unwrap();
    states.entry(policy_id).or_insert_with(|| tables(&mut episode(policy_id))).clone()
}

/// What every case came to, by its name. Judged once for all tests.
static JUDGED: LazyLock<Vec<(Case, Result<Value, String>)>> = LazyLock::new(|| {
    cases()
        .map(|case| {
            let result = case.judge();
            (case, result)
        })
        .collect()
});

#[test]
fn each_rule_halts_what_meets_it_and_nothing_that_just_misses_it() {
    let failed: Vec<String> = (JUDGED.iter())
        .filter_map(|(case, result)| Some(format!("{}: {}", case.name(), result.as_ref().err()?)))
        .collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), JUDGED.len(), failed.join("\n"));
}

/// The rules of a policy, those of lookups among them.
fn rules(policy_id: &str) -> BTreeMap<String, Arc<Rule>> {
    let policy = policy(policy_id);
    let rules = policy.tools.iter().flat_map(|tool| {
        let own: Vec<Arc<Rule>> = match &tool.work {
            Work::Act(act) => act.actor_rules.iter().chain(&act.rules).cloned().collect(),
            Work::Find(_) => Vec::new(),
        };
        own.into_iter().chain(tool.find_rules.iter().cloned()).collect::<Vec<_>>()
    });
    rules.map(|rule| (rule.id.clone(), rule)).collect()
}

#[test]
fn every_rule_of_every_policy_has_a_case() {
    let covered: BTreeSet<(&str, &str)> = cases().map(|case| (case.policy, case.text("rule"))).collect();
    let mut missing = Vec::new();
    for id in policies() {
        let rules = rules(id);
        assert!(rules.len() > 3, "{id} has rules beyond access");
        let wanted = rules.keys().map(String::as_str).chain(BUILT_IN);
        missing.extend(wanted.filter(|rule| !covered.contains(&(id, rule))).map(|rule| format!("{id}: {rule}")));
    }
    assert!(missing.is_empty(), "no case in tests/it/data/rules/ for\n{}", missing.join("\n"));
}

#[test]
fn every_halt_code_that_a_policy_declares_can_be_met() {
    let met: BTreeSet<&str> = cases().map(|case| case.text("code")).collect();
    for id in policies() {
        let policy = policy(id);
        let never: Vec<&String> = policy.halts.keys().filter(|code| !met.contains(code.as_str())).collect();
        assert!(never.is_empty(), "{id} declares halts that no case meets: {never:?}");
    }
}

/// What an agent reads, for a person to judge: one entry a case, with the policies in which it reads so.
#[test]
fn halt_texts() {
    let mut texts: Vec<(String, Vec<&str>)> = Vec::new();
    for (case, result) in JUDGED.iter() {
        let Ok(halt) = result else { continue };
        let mut text = format!(
            "{} {} ({}) on {}\n  {}\n",
            case.text("rule"),
            case.text("code"),
            case.text("clause"),
            case.text("tool"),
            halt["message"].as_str().unwrap(),
        );
        let remedy = halt["remedy"].as_str().expect("every halt says what to do");
        let _ = writeln!(text, "  > {remedy}");
        for problem in halt["problems"].as_array().into_iter().flatten() {
            let _ = writeln!(text, "  - {problem}");
        }
        if let Some(evidence) = halt.get("evidence") {
            let _ = writeln!(text, "  = {evidence}");
        }
        match texts.iter_mut().find(|(known, _)| *known == text) {
            Some((_, policies)) if !policies.contains(&case.policy) => policies.push(case.policy),
            Some(_) => {}
            None => texts.push((text, vec![case.policy])),
        }
    }
    let texts: Vec<String> =
        texts.iter().map(|(text, policies)| format!("{text}  in {}\n", policies.join(", "))).collect();
    insta::assert_snapshot!(texts.join("\n"));
}
