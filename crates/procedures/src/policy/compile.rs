//! Putting a policy together from what it includes, and checking the whole.

use super::clock::{Clock, clock};
use super::collect::{Part, collect};
use super::coverage::{Cover, covers};

use super::finder::finders;
use super::fragment::{self, Fragment};
use super::refusals::refusals;
use super::rule::shared_rules;
use super::source::Source;
use super::tool::{self, Context};
use super::words::{halts, words};
use super::{Audit, Clause, Policy, Tool, Work, tiers};
use crate::action::sla::Tiers;
use crate::domain::service_management;
use crate::expression::Vocabularies;
use crate::halt::Kind as Refused;
use crate::mistake::{At, Mistake};
use indexmap::IndexMap;
use records::catalogue;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use store::canonical::hex;

/// The ids of the policies that can be served: the folders whose file has a clock.
pub fn ids(source: &Source) -> Vec<String> {
    let served = |path: &String| Fragment::read(source, path).0.is_some_and(|fragment| fragment.clock.is_some());
    source.folders().into_iter().filter(served).collect()
}

/// Read, compose and check a policy. All mistakes are found in one pass.
pub fn load(source: &Source, id: &str) -> Result<Policy, Vec<Mistake>> {
    load_as(source, id, Extent::Policy)
}

/// The same for a draft, which may have clauses that nothing carries out yet. It is not to be served.
pub fn load_draft(source: &Source, id: &str) -> Result<Policy, Vec<Mistake>> {
    load_as(source, id, Extent::Draft)
}

fn load_as(source: &Source, id: &str, extent: Extent) -> Result<Policy, Vec<Mistake>> {
    let (parts, mut mistakes) = collect(source, id);
    finished(compose(id, &parts, extent, &mut mistakes), mistakes)
}

fn finished(policy: Option<Policy>, mut mistakes: Vec<Mistake>) -> Result<Policy, Vec<Mistake>> {
    mistakes.sort();
    mistakes.dedup();
    policy.filter(|_| mistakes.is_empty()).ok_or(mistakes)
}

/// A policy that was checked, or the mistakes of a folder, by its path.
pub type Checked = (String, Result<Policy, Vec<Mistake>>);

/// Check every folder of a source: all policies, the parts that none of them includes, and what cannot be read.
pub fn check(source: &Source) -> Vec<Checked> {
    check_as(source, Extent::Policy)
}

/// The same, each policy as a draft.
pub fn check_drafts(source: &Source) -> Vec<Checked> {
    check_as(source, Extent::Draft)
}

fn check_as(source: &Source, extent: Extent) -> Vec<Checked> {
    let (folders, unread) = source.survey();
    let mut checked = Vec::new();
    let mut reached = BTreeSet::new();
    let mut parts = Vec::new();
    for id in folders {
        let (found, mut mistakes) = collect(source, &id);
        match found.iter().find(|part| part.fragment.path == id) {
            Some(own) if own.fragment.is_policy() => {
                reached.extend(own.reach.iter().cloned());
                let policy = compose(&id, &found, extent, &mut mistakes);
                checked.push((id, finished(policy, mistakes)));
            }
            _ => parts.push((id, found, mistakes)),
        }
    }
    for (id, found, mut mistakes) in parts.into_iter().filter(|(id, ..)| !reached.contains(id)) {
        compose(&id, &found, Extent::Part, &mut mistakes);
        if let Err(mistakes) = finished(None, mistakes)
            && !mistakes.is_empty()
        {
            checked.push((id, Err(mistakes)));
        }
    }
    if !unread.is_empty() {
        checked.push((source.display(""), Err(unread)));
    }
    checked.sort_by(|(one, _), (other, _)| one.cmp(other));
    checked
}
/// What is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that is to be served.
    Policy,
    /// The same while it is written: clauses may be uncovered.
    Draft,
    /// A part by itself: it lacks what makes a policy, and whoever includes it may carry out its clauses.
    Part,
}

fn compose(id: &str, parts: &[Part], extent: Extent, mistakes: &mut Vec<Mistake>) -> Option<Policy> {
    let fragments: Vec<&Fragment> = parts.iter().map(|part| &part.fragment).collect();
    let own = fragments.iter().find(|fragment| fragment.path == id)?;
    let words = words(parts, mistakes);
    let halts = halts(&fragments, mistakes);
    let clauses = clauses(&fragments, mistakes);
    let context = Context {
        words: &words,
        halts: &halts.iter().map(|(code, (_, kind))| (*code, *kind)).collect(),
        clauses: &clauses.iter().map(|clause| clause.id.value.as_str()).collect(),
    };
    let shared = shared_rules(&fragments, &context, mistakes);
    let refusals = refusals(&fragments, (own, extent), &context, mistakes);
    let entries = entries(parts, mistakes);
    let mut tools: Vec<Tool> =
        (entries.iter()).filter_map(|(name, tool)| tool::compile(name, tool, &context, &shared, mistakes)).collect();
    // The order of the list of all actions, whatever the order of the files.
    tools.sort_by_key(position);
    let finders = finders(&fragments, &words, &tools, &shared, mistakes);
    for (name, _) in &entries {
        if finders.iter().any(|finder| finder.name == name.value) {
            mistakes.push(name.mistake(format!("tool {:?} has the name of a lookup of this policy", name.value)));
        }
    }
    tools.extend(finders);
    rule_ids(&fragments, mistakes);
    let tiers = service_tiers(&fragments, &words, mistakes);
    let covers = covers(&fragments, &entries, &clauses, (&context, extent), mistakes);
    if extent == Extent::Part {
        return None;
    }
    let (title, clock, audit) = head(own, mistakes)?;
    unpayable(own, audit, &entries, mistakes);
    // The reader of a policy meets its own text first.
    let included = fragments.iter().filter(|fragment| fragment.path != id);
    let texts: Vec<&str> = [own].into_iter().chain(included).map(|f| f.text.trim_end()).collect();
    let halts = halts.iter().map(|(code, (about, _))| ((*code).to_owned(), about.value.clone())).collect();
    Some(Policy {
        id: id.to_owned(),
        title,
        clock,
        audit,
        uncovered: uncovered(&fragments, &covers),
        license: own.license.as_ref().map(|license| license.value.clone()),
        shipped: own.shipped,
        halts,
        kinds: kinds(&tools),
        refusals: refusals?,
        tools,
        covers,
        text: texts.join("\n\n") + "\n",
        fingerprint: fingerprint(&fragments),
        clauses,
        tiers,
        words,
    })
}

/// Entries by name; a name that stands twice is a mistake.
pub(super) fn unique<'a, T>(
    what: &str,
    entries: impl Iterator<Item = &'a (At<String>, T)>,
    mistakes: &mut Vec<Mistake>,
) -> IndexMap<&'a str, &'a T> {
    let mut found: IndexMap<&str, (&At<String>, &T)> = IndexMap::new();
    for (name, entry) in entries {
        match found.get(name.value.as_str()) {
            Some((first, _)) => mistakes.push(twice(what, name, first)),
            None => drop(found.insert(&name.value, (name, entry))),
        }
    }
    found.into_iter().map(|(name, (_, entry))| (name, entry)).collect()
}

pub(super) fn twice(what: &str, name: &At<String>, first: &At<String>) -> Mistake {
    let (file, line) = (&first.place.file, first.place.line);
    name.mistake(format!("{what} {:?} stands already in {file}:{line}", name.value))
}

/// The tools as their folders write them. A folder can say some of a tool anew that it includes; two tools of folders
/// that do not know each other cannot have one name.
fn entries(parts: &[Part], mistakes: &mut Vec<Mistake>) -> Vec<(At<String>, fragment::Tool)> {
    let mut found: IndexMap<&str, Entry<'_>> = IndexMap::new();
    for part in parts {
        for (name, tool) in &part.fragment.tools {
            match found.get_mut(name.value.as_str()) {
                None => {
                    let entry = Entry { path: &part.fragment.path, name, tool: tool.clone() };
                    found.insert(&name.value, entry);
                }
                Some(known) if part.reach.contains(known.path) => {
                    known.tool.amend(tool);
                    (known.path, known.name) = (&part.fragment.path, name);
                }
                Some(known) => mistakes.push(twice("tool", name, known.name)),
            }
        }
    }
    found.into_values().map(|entry| (entry.name.clone(), entry.tool)).collect()
}

/// A tool, and the last folder that says something of it.
struct Entry<'a> {
    path: &'a str,
    name: &'a At<String>,
    tool: fragment::Tool,
}

fn clauses(fragments: &[&Fragment], mistakes: &mut Vec<Mistake>) -> Vec<Clause> {
    let mut found: IndexMap<&str, &Clause> = IndexMap::new();
    for clause in fragments.iter().flat_map(|fragment| &fragment.clauses) {
        match found.get(clause.id.value.as_str()) {
            Some(first) => mistakes.push(twice("clause", &clause.id, &first.id)),
            None => drop(found.insert(&clause.id.value, clause)),
        }
    }
    found.into_values().cloned().collect()
}

/// The clauses that nothing carries out, with what they look like.
fn uncovered(fragments: &[&Fragment], covers: &IndexMap<String, Vec<Cover>>) -> IndexMap<String, String> {
    let marks = || fragments.iter().flat_map(|fragment| &fragment.uncovered);
    let looks = |clause: &str| marks().find(|(marked, _)| marked.value == clause).map(|(_, looks)| looks.value.clone());
    let without = covers.iter().filter(|(_, covers)| covers.is_empty());
    without.map(|(clause, _)| (clause.clone(), looks(clause).unwrap_or_default())).collect()
}

/// Every rule has its own id, also across tools: halts and reports name it alone.
fn rule_ids(fragments: &[&Fragment], mistakes: &mut Vec<Mistake>) {
    let mut found: BTreeMap<&str, &At<String>> = BTreeMap::new();
    for rule in fragments.iter().flat_map(|fragment| fragment.all_rules()) {
        match found.get(rule.id.value.as_str()) {
            Some(first) => mistakes.push(twice("rule", &rule.id, first)),
            None => drop(found.insert(&rule.id.value, &rule.id)),
        }
    }
}

fn position(tool: &Tool) -> usize {
    let Work::Act(act) = &tool.work else { return usize::MAX };
    let at = service_management().operations.iter().position(|known| known.name == act.operation.name);
    at.unwrap_or(usize::MAX)
}

fn service_tiers(fragments: &[&Fragment], words: &Vocabularies, mistakes: &mut Vec<Mistake>) -> Tiers {
    let severities = words.get("severity").map_or(&[][..], |words| words);
    let mut found = Tiers::default();
    for (name, tier) in unique("tier", fragments.iter().flat_map(|f| &f.tiers), mistakes) {
        match tiers::tier(tier, severities) {
            Ok(tier) => drop(found.0.insert(name.to_owned(), tier)),
            Err(wrong) => mistakes.extend(wrong),
        }
    }
    found
}

/// What only a policy that can be served has.
fn head(own: &Fragment, mistakes: &mut Vec<Mistake>) -> Option<(String, Clock, Audit)> {
    let before = mistakes.len();
    let mut missing = |key: &str| {
        let message = format!("{key} is missing: a policy needs id, title, clock and audit");
        mistakes.push(Mistake { place: own.place.clone(), message });
    };
    for (key, value) in [("id", &own.id), ("title", &own.title), ("clock", &own.clock), ("audit", &own.audit)] {
        if value.is_none() {
            missing(key);
        }
    }
    let (id, title) = (own.id.as_ref()?, own.title.as_ref()?);
    let (clock, audit) = (clock(own, mistakes), own.audit.as_ref()?);
    if id.value != own.path {
        mistakes.push(id.mistake(format!("the id {:?} is not the folder's name, {:?}", id.value, own.path)));
    }
    let mode = Audit::NAMES.iter().find(|(name, _)| *name == audit.value);
    if mode.is_none() {
        let message = format!("{:?} is not one of explicit, automatic, none", audit.value);
        mistakes.push(audit.mistake(message));
    }
    let (_, audit) = mode.filter(|_| mistakes.len() == before)?;
    Some((title.value.clone(), clock?, *audit))
}

/// The kinds of rules that are another than a rule's.
fn kinds(tools: &[Tool]) -> BTreeMap<String, Refused> {
    let of = |tool: &'_ Tool| match &tool.work {
        Work::Act(act) => act.actor_rules.iter().chain(&act.rules).chain(&tool.find_rules).cloned().collect(),
        Work::Find(_) => tool.find_rules.clone(),
    };
    let rules = tools.iter().flat_map(of).filter(|rule| rule.kind != Refused::Rule);
    rules.map(|rule| (rule.id.clone(), rule.kind)).collect()
}

/// Duties that nobody could pay are a mistake.
fn unpayable(own: &Fragment, audit: Audit, tools: &[(At<String>, fragment::Tool)], mistakes: &mut Vec<Mistake>) {
    let owing = tools.iter().any(|(_, tool)| tool.audit.is_some());
    let payable = tools.iter().any(|(name, tool)| {
        let operation = service_management().find(&tool.action.as_ref().unwrap_or(name).value);
        operation.is_some_and(|operation| operation.record == &catalogue::AUDIT_LOGS)
    });
    if audit == Audit::Explicit && owing && !payable {
        let at = own.audit.as_ref().map_or(&own.place, |audit| &audit.place);
        let message = "audit is explicit and tools owe audit entries, but there is no log_audit tool; \
                       add it, or set audit to automatic or none";
        mistakes.push(Mistake { place: at.clone(), message: message.to_owned() });
    }
}

fn fingerprint(fragments: &[&Fragment]) -> String {
    let mut hash = Sha256::new();
    for fragment in fragments {
        for text in [&fragment.path, &fragment.toml, &fragment.text] {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
    }
    hex(&hash.finalize())
}
