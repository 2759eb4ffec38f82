//! Putting a policy together from what it includes, and checking the whole.

use super::coverage::Cover;
use super::expression::{Facts, Scope, Type, Vocabularies};
use super::fragment::{self, Fragment};
use super::mistake::{At, Mistake};
use super::source::Source;
use super::tool::{self, Context, Shared, unknown_clause};
use super::{Audit, Clause, Policy, Refusal, Refusals, Sight, Tool, Work, tiers};
use crate::action;
use crate::action::sla::Tiers;
use crate::store::canonical::hex;
use crate::store::catalogue::{self, Filter, TABLES};
use crate::suggest::did_you_mean;
use crate::time;
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The ids of the policies that can be served: the folders whose file has a clock.
pub fn ids(source: &Source) -> Vec<String> {
    let served = |path: &String| Fragment::read(source, path).0.is_some_and(|fragment| fragment.clock.is_some());
    source.folders().into_iter().filter(served).collect()
}

/// Read, compose and check a policy. All mistakes are found in one pass.
pub fn load(source: &Source, id: &str) -> Result<Policy, Vec<Mistake>> {
    let mut collected =
        Collected { source, folders: source.includable(), parts: IndexMap::new(), mistakes: Vec::new() };
    collected.collect(id, &mut Vec::new());
    let Collected { parts, mut mistakes, .. } = collected;
    let parts: Vec<Part> = parts.into_values().collect();
    let policy = compose(id, &parts, &mut mistakes);
    mistakes.sort();
    mistakes.dedup();
    policy.filter(|_| mistakes.is_empty()).ok_or(mistakes)
}

/// The folders of a policy, what is included before what includes it.
struct Collected<'a> {
    source: &'a Source,
    folders: Vec<String>,
    parts: IndexMap<String, Part>,
    mistakes: Vec<Mistake>,
}

/// A fragment, and the paths of all that it includes, its own too.
struct Part {
    fragment: Fragment,
    reach: BTreeSet<String>,
}

impl Collected<'_> {
    fn collect(&mut self, path: &str, above: &mut Vec<String>) -> BTreeSet<String> {
        if let Some(part) = self.parts.get(path) {
            return part.reach.clone();
        }
        let (fragment, mistakes) = Fragment::read(self.source, path);
        self.mistakes.extend(mistakes);
        let mut reach = BTreeSet::from([path.to_owned()]);
        let Some(fragment) = fragment else { return reach };
        above.push(path.to_owned());
        for included in &fragment.include {
            if above.contains(&included.value) {
                let message = format!("{} includes itself: {}", included.value, above.join(" > "));
                self.mistakes.push(included.mistake(message));
            } else if !self.folders.contains(&included.value) {
                let hint = did_you_mean(&included.value, self.folders.iter().map(String::as_str));
                let message = format!("there is no policy or part {:?}{hint}", included.value);
                self.mistakes.push(included.mistake(message));
            } else {
                reach.extend(self.collect(&included.value, above));
            }
        }
        above.pop();
        self.parts.insert(path.to_owned(), Part { fragment, reach: reach.clone() });
        reach
    }
}

fn compose(id: &str, parts: &[Part], mistakes: &mut Vec<Mistake>) -> Option<Policy> {
    let fragments: Vec<&Fragment> = parts.iter().map(|part| &part.fragment).collect();
    let own = fragments.iter().find(|fragment| fragment.path == id)?;
    let words = words(parts, mistakes);
    let halts = unique("halt code", fragments.iter().flat_map(|f| &f.halts), mistakes);
    let clauses = clauses(&fragments, mistakes);
    let context = Context {
        words: &words,
        halts: &halts.keys().copied().collect(),
        clauses: &clauses.iter().map(|clause| clause.id.value.as_str()).collect(),
    };
    let shared = shared_rules(&fragments, &context, mistakes);
    let refusals = refusals(&fragments, own, &context, mistakes);
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
    let covers = covers(&fragments, &entries, &clauses, &context, mistakes);
    let (title, clock, audit) = head(own, mistakes)?;
    unpayable(own, audit, &entries, mistakes);
    // The reader of a policy meets its own text first.
    let included = fragments.iter().filter(|fragment| fragment.path != id);
    let texts: Vec<&str> = [own].into_iter().chain(included).map(|f| f.text.trim_end()).collect();
    let halts = halts.iter().map(|(code, about)| ((*code).to_owned(), about.value.clone())).collect();
    Some(Policy {
        id: id.to_owned(),
        title,
        clock,
        audit,
        halts,
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
fn unique<'a, T>(
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

fn twice(what: &str, name: &At<String>, first: &At<String>) -> Mistake {
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

/// The vocabularies. A list replaces that of a part which its own part includes; two lists of parts that do not know
/// each other must agree, or nobody could say which holds.
fn words(parts: &[Part], mistakes: &mut Vec<Mistake>) -> Vocabularies {
    let mut found: IndexMap<&str, List<'_>> = IndexMap::new();
    for part in parts {
        for (name, words) in &part.fragment.words {
            for (at, word) in words.iter().enumerate() {
                if words[..at].iter().any(|earlier| earlier.value == word.value) {
                    mistakes.push(word.mistake(format!("{:?} stands twice in {}", word.value, name.value)));
                }
            }
            if words.is_empty() {
                mistakes.push(name.mistake(format!("{} lists no words", name.value)));
            }
            let words: Vec<String> = words.iter().map(|word| word.value.clone()).collect();
            if let Some(known) = found.get(name.value.as_str())
                && !part.reach.contains(&known.path)
                && known.words != words
            {
                mistakes.push(twice("the vocabulary", name, known.name));
            }
            found.insert(&name.value, List { path: part.fragment.path.clone(), name, words });
        }
    }
    found.into_iter().map(|(name, list)| (name.to_owned(), list.words.into())).collect()
}

/// A vocabulary as one folder lists it.
struct List<'a> {
    path: String,
    name: &'a At<String>,
    words: Vec<String>,
}

fn clauses(fragments: &[&Fragment], mistakes: &mut Vec<Mistake>) -> Vec<Clause> {
    let mut found: Vec<Clause> = Vec::new();
    for clause in fragments.iter().flat_map(|fragment| &fragment.clauses) {
        match found.iter().find(|known| known.id.value == clause.id.value) {
            Some(first) => mistakes.push(twice("clause", &clause.id, &first.id)),
            None => found.push(clause.clone()),
        }
    }
    found
}

fn shared_rules(fragments: &[&Fragment], context: &Context<'_>, mistakes: &mut Vec<Mistake>) -> Shared {
    let rows = tool::references();
    let mut shared = Shared::default();
    for rule in fragments.iter().flat_map(|fragment| &fragment.rules) {
        let mut scope = tool::base_scope(context.words);
        if !rule.finds {
            scope.bind("tool", tool::tool_type(context.words));
        }
        for name in &rule.present {
            match rows.get(&name.value) {
                Some(table) => scope.bind(&name.value, Type::Row(table)),
                None => {
                    let hint = did_you_mean(&name.value, rows.keys().map(String::as_str));
                    let message = format!("no action refers to a {:?}{hint}", name.value);
                    mistakes.push(name.mistake(message));
                }
            }
        }
        if rule.finds && !rule.present.is_empty() {
            mistakes.push(rule.id.mistake("a lookup refers to no record, so finds and where exclude each other"));
        }
        let Some(compiled) = tool::compile_rule(rule, scope, context, mistakes) else { continue };
        let compiled = Arc::new(compiled);
        if rule.finds {
            shared.find.push(compiled.clone());
        }
        // Rules on records come after the role check: a wrong role is told so, and nothing else.
        let concerned = compiled.looks.iter().any(|look| matches!(look.what, Sight::Concerned(_)));
        match rule.present.is_empty() && !concerned {
            true => shared.actor.push(compiled),
            false => shared.records.push(compiled),
        }
    }
    shared
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

/// The built-in refusals and what their messages can show.
const REFUSALS: [(&str, &[&str]); 5] = [
    ("role", &[]),
    ("reference", &["field", "entity", "id", "find"]),
    ("actor_missing", &["argument"]),
    ("actor_mismatch", &["session", "argument", "given"]),
    ("input", &[]),
];

fn refusals(
    fragments: &[&Fragment],
    own: &Fragment,
    context: &Context<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Refusals> {
    let entries = unique("refusal", fragments.iter().flat_map(|f| &f.refusals), mistakes);
    for (name, _) in fragments.iter().flat_map(|fragment| &fragment.refusals) {
        let names = REFUSALS.iter().map(|(name, _)| *name);
        if !names.clone().any(|known| known == name.value) {
            let hint = did_you_mean(&name.value, names);
            mistakes.push(name.mistake(format!("there is no refusal {:?}{hint}", name.value)));
        }
    }
    let mut found = BTreeMap::new();
    for (name, holes) in REFUSALS {
        let Some(wording) = entries.get(name) else {
            let message = format!("[refusal.{name}] is missing, here and in all that is included");
            mistakes.push(Mistake { place: own.place.clone(), message });
            continue;
        };
        let mut scope = match name {
            "role" => tool::base_scope(context.words),
            _ => Scope::new(context.words),
        };
        if name == "role" {
            scope.bind("tool", tool::tool_type(context.words));
        }
        for hole in holes {
            scope.bind(hole, Type::Text);
        }
        found.extend(refusal(name, wording, &scope, context, mistakes).map(|refusal| (name, refusal)));
    }
    Some(Refusals {
        role: found.remove("role")?,
        reference: found.remove("reference")?,
        actor_missing: found.remove("actor_missing")?,
        actor_mismatch: found.remove("actor_mismatch")?,
        input: found.remove("input")?,
    })
}

fn refusal(
    name: &str,
    wording: &fragment::Wording,
    scope: &Scope<'_>,
    context: &Context<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Refusal> {
    mistakes.extend(unknown_clause(&wording.clause, context.clauses));
    let code = match (&wording.halt, name) {
        // The entity comes before it: INCIDENT_NOT_FOUND.
        (None, "reference") => "NOT_FOUND".to_owned(),
        (Some(halt), "reference") => {
            mistakes.push(halt.mistake("this refusal's code is made from the record's name: leave halt out"));
            return None;
        }
        (Some(halt), _) => {
            if !context.halts.contains(halt.value.as_str()) {
                let hint = did_you_mean(&halt.value, context.halts.iter().copied());
                let message = format!("halt code {:?} is not declared in [halts]{hint}", halt.value);
                mistakes.push(halt.mistake(message));
            }
            halt.value.clone()
        }
        (None, _) => {
            mistakes.push(wording.message.mistake(format!("[refusal.{name}]: halt is missing")));
            return None;
        }
    };
    let facts = Facts::none();
    let message = tool::template(&wording.message, scope, &facts, mistakes);
    let remedy = wording.remedy.as_ref();
    let remedy = remedy.and_then(|remedy| tool::template(remedy, scope, &facts, mistakes));
    Some(Refusal { code, message: message?, remedy, clause: wording.clause.value.clone() })
}

fn position(tool: &Tool) -> usize {
    let Work::Act(act) = &tool.work else { return usize::MAX };
    let at = action::OPERATIONS.iter().position(|known| known.name == act.operation.name);
    at.unwrap_or(usize::MAX)
}

/// The lookup tools, in the catalogue's order.
fn finders(
    fragments: &[&Fragment],
    words: &Vocabularies,
    tools: &[Tool],
    shared: &Shared,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Tool> {
    let wanted: Vec<&At<String>> = fragments.iter().flat_map(|fragment| &fragment.find).collect();
    for name in wanted.iter().filter(|name| catalogue::table(&name.value).is_none()) {
        let hint = did_you_mean(&name.value, TABLES.iter().map(|table| table.name));
        mistakes.push(name.mistake(format!("there is no table {:?}{hint}", name.value)));
    }
    let mut listed: BTreeSet<&'static str> = BTreeSet::new();
    for tool in tools {
        if let Work::Act(act) = &tool.work {
            listed.extend(tool::vocabularies(act.operation.inputs));
        }
    }
    let tables = TABLES.iter().filter(|table| wanted.iter().any(|name| name.value == table.name));
    let finders = tables.map(|table| {
        let finder = tool::finder(table, words, &listed, shared);
        listed.extend(table.columns.iter().filter_map(|column| match column.kind {
            catalogue::Kind::Word(name) if column.filter == Filter::Exact => Some(name),
            _ => None,
        }));
        finder
    });
    finders.collect()
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

/// What carries out each clause; a clause that nothing carries out is a mistake.
fn covers(
    fragments: &[&Fragment],
    tools: &[(At<String>, fragment::Tool)],
    clauses: &[Clause],
    context: &Context<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Vec<(String, Vec<Cover>)> {
    let mut found: BTreeMap<&str, BTreeSet<Cover>> = BTreeMap::new();
    let mut add = |clause: &'_ str, cover: Cover| {
        if let Some(clause) = context.clauses.get(clause) {
            found.entry(clause).or_default().insert(cover);
        }
    };
    for fragment in fragments {
        for rule in fragment.all_rules() {
            add(&rule.clause.value, Cover::Rule(rule.id.value.clone()));
        }
        for (name, wording) in &fragment.refusals {
            add(&wording.clause.value, Cover::Refusal(name.value.clone()));
        }
    }
    for (name, tool) in tools {
        if let Some(clause) = &tool.roles_clause {
            add(&clause.value, Cover::Roles(name.value.clone()));
        }
        for clause in tool.clauses.iter().flatten() {
            add(&clause.value, Cover::Step(name.value.clone()));
        }
    }
    for (clause, reason) in fragments.iter().flat_map(|fragment| &fragment.exempt) {
        mistakes.extend(unknown_clause(clause, context.clauses));
        if let Some(covers) = found.get(clause.value.as_str()) {
            let covers: Vec<String> = covers.iter().map(Cover::to_string).collect();
            let message = format!("clause {} is exempt, yet {} carries it out", clause.value, covers.join(", "));
            mistakes.push(clause.mistake(message));
        }
        if let Some(known) = context.clauses.get(clause.value.as_str()) {
            found.entry(known).or_default().insert(Cover::Exempt(reason.value.clone()));
        }
    }
    let all = clauses.iter().map(|clause| {
        let covers = found.remove(clause.id.value.as_str()).unwrap_or_default();
        if covers.is_empty() {
            let id = &clause.id.value;
            mistakes.push(clause.id.mistake(format!(
                "clause {id} is covered by nothing: name it in a rule, in a tool's clauses, or in [[exempt]] with a reason"
            )));
        }
        (clause.id.value.clone(), covers.into_iter().collect())
    });
    all.collect()
}

/// What only a policy that can be served has.
fn head(own: &Fragment, mistakes: &mut Vec<Mistake>) -> Option<(String, String, Audit)> {
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
    let (clock, audit) = (own.clock.as_ref()?, own.audit.as_ref()?);
    if id.value != own.path {
        mistakes.push(id.mistake(format!("the id {:?} is not the folder's name, {:?}", id.value, own.path)));
    }
    if time::canonical(&clock.value).as_ref() != Some(&clock.value) {
        let message = format!("{:?} is not a time such as \"2025-09-25T12:00:00\"", clock.value);
        mistakes.push(clock.mistake(message));
    }
    let mode = Audit::NAMES.iter().find(|(name, _)| *name == audit.value);
    if mode.is_none() {
        let message = format!("{:?} is not one of explicit, automatic, none", audit.value);
        mistakes.push(audit.mistake(message));
    }
    let (_, audit) = mode.filter(|_| mistakes.len() == before)?;
    Some((title.value.clone(), clock.value.clone(), *audit))
}

/// Duties that nobody could pay are a mistake.
fn unpayable(own: &Fragment, audit: Audit, tools: &[(At<String>, fragment::Tool)], mistakes: &mut Vec<Mistake>) {
    let owing = tools.iter().any(|(_, tool)| tool.audit.is_some());
    let payable = tools.iter().any(|(name, tool)| {
        let operation = action::find(&tool.action.as_ref().unwrap_or(name).value);
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
