//! The parts of a procedure's skill, each a list of lines that name their clauses.

use super::procedure::Procedure;
use indexmap::{IndexMap, IndexSet};
use procedures::policy::coverage::Cover;
use procedures::policy::{Act, Policy, Tool, Work};
use serde_json::Value as Json;

/// The lines of a skill while they are written, and the clauses that they told.
pub struct Writer<'a> {
    policy: &'a Policy,
    told: IndexSet<String>,
}

impl<'a> Writer<'a> {
    pub fn new(policy: &'a Policy) -> Writer<'a> {
        Writer { policy, told: IndexSet::new() }
    }

    /// The clauses that were told.
    pub fn told(self) -> Vec<String> {
        self.told.into_iter().collect()
    }

    /// A line for a clause, with what there is to say beside its text.
    pub fn line(&mut self, mark: &str, clause: &str, more: &str) -> String {
        self.told.insert(clause.to_owned());
        let text = self.policy.clause(clause).map_or("", |clause| &clause.text);
        format!("{mark} **{clause}** {text} {more}").trim_end().to_owned()
    }

    /// Lines for clauses, each once.
    fn lines<'c>(&mut self, clauses: impl IntoIterator<Item = &'c String>) -> Vec<String> {
        let clauses: IndexSet<&String> = clauses.into_iter().collect();
        clauses.into_iter().map(|clause| self.line("-", clause, "")).collect()
    }
}

impl Procedure<'_> {
    fn acts(&self) -> impl Iterator<Item = &Act> {
        self.tools.iter().map(|(_, act)| *act)
    }

    /// Whether any of its tools owes an audit entry.
    pub fn owes(&self) -> bool {
        self.acts().any(|act| act.audit.is_some())
    }
}

/// Names as code, with commas.
pub fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// The lookups of the tables that a procedure's calls refer to, write, or are checked against.
pub fn finders<'a>(policy: &'a Policy, procedure: &Procedure<'_>) -> Vec<&'a Tool> {
    let tables: Vec<&str> = procedure.acts().flat_map(Act::tables).map(|table| table.name).collect();
    let looked_up = |tool: &&Tool| matches!(&tool.work, Work::Find(table) if tables.contains(&table.name));
    policy.tools.iter().filter(looked_up).collect()
}

/// Who may: the roles of each tool, then what holds for whoever acts.
pub fn who(writer: &mut Writer<'_>, procedure: &Procedure<'_>) -> Vec<String> {
    let mut groups: IndexMap<(&String, Option<&[String]>), Vec<&String>> = IndexMap::new();
    for (tool, act) in &procedure.tools {
        groups.entry((&act.roles_clause, act.roles.as_deref())).or_default().push(&tool.name);
    }
    let mut lines: Vec<String> = Vec::new();
    for ((clause, roles), tools) in groups {
        let roles = roles.map_or("any role".to_owned(), names);
        lines.push(writer.line("-", clause, &format!("({}: {roles})", names(tools))));
    }
    let refusals = &writer.policy.refusals;
    let built_in = [&refusals.role, &refusals.actor_missing, &refusals.actor_mismatch];
    let rules = procedure.acts().flat_map(|act| &act.actor_rules);
    lines.extend(
        writer.lines(built_in.map(|refusal| &refusal.clause).into_iter().chain(rules.map(|rule| &rule.clause))),
    );
    lines
}

/// What is checked before anything is written, in the order in which it is.
pub fn checks(writer: &mut Writer<'_>, procedure: &Procedure<'_>) -> Vec<String> {
    let refusals = &writer.policy.refusals;
    let built_in = [&refusals.input, &refusals.reference].map(|refusal| &refusal.clause);
    let shared = procedure.acts().flat_map(|act| act.rules.iter().take(act.shared_rules));
    let own = procedure.acts().flat_map(|act| act.rules.iter().skip(act.shared_rules));
    writer.lines(built_in.into_iter().chain(shared.chain(own).map(|rule| &rule.clause)))
}

/// What is to be done, tool by tool.
pub fn steps(writer: &mut Writer<'_>, procedure: &Procedure<'_>, finders: &[&Tool]) -> Vec<String> {
    let mut lines = Vec::new();
    if !finders.is_empty() {
        let clause = &writer.policy.refusals.reference.clause;
        let tools = names(finders.iter().map(|tool| &tool.name));
        lines.push(format!("1. **{clause}** Look up what is not known, and invent no ids: {tools}."));
    }
    let mut said = IndexSet::new();
    for (tool, act) in &procedure.tools {
        let number = lines.iter().filter(|line| !line.starts_with(' ')).count() + 1;
        let (needed, optional) = arguments(tool);
        let mut takes = String::new();
        if !needed.is_empty() {
            takes.push_str(&format!(" It needs {}.", names(&needed)));
        }
        if !optional.is_empty() {
            takes.push_str(&format!(" It can have {}.", names(&optional)));
        }
        let clause = &act.roles_clause;
        lines.push(format!("{number}. **{clause}** `{}`: {}{takes}", tool.name, tool.description));
        for clause in act.clauses.iter().filter(|clause| said.insert((*clause).clone())) {
            lines.push(writer.line("   -", clause, ""));
        }
    }
    lines
}

/// The arguments that a tool needs, and those that it can do without.
fn arguments(tool: &Tool) -> (Vec<String>, Vec<String>) {
    let required: Vec<&str> = tool
        .input_schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let properties = tool.input_schema.get("properties").and_then(Json::as_object);
    let names = properties.into_iter().flat_map(|properties| properties.keys().cloned());
    names.partition(|name| required.contains(&name.as_str()))
}

/// How a call can be refused: the code, what it means, what to do then.
pub fn halts(policy: &Policy, procedure: &Procedure<'_>) -> Vec<String> {
    let mut found: IndexMap<[String; 4], IndexSet<&String>> = IndexMap::new();
    let refusals = &policy.refusals;
    let built_in =
        [&refusals.input, &refusals.reference, &refusals.actor_missing, &refusals.actor_mismatch, &refusals.role];
    for refusal in built_in {
        // Of a reference, what stands before it is the record's name.
        let code = if std::ptr::eq(refusal, &refusals.reference) {
            format!("…_{}", refusal.code)
        } else {
            refusal.code.clone()
        };
        let meaning = policy.halts.get(&refusal.code).cloned().unwrap_or_else(|| refusal.message.to_string());
        let remedy = refusal.remedy.as_ref().map(ToString::to_string).unwrap_or_default();
        found.entry([refusal.clause.clone(), code, meaning, remedy]).or_default();
    }
    for (tool, act) in &procedure.tools {
        for rule in act.actor_rules.iter().chain(&act.rules) {
            let meaning = policy.halts.get(&rule.code).cloned().unwrap_or_else(|| rule.message.to_string());
            let remedy = rule.remedy.as_ref().map(ToString::to_string).unwrap_or_default();
            found.entry([rule.clause.clone(), rule.code.clone(), meaning, remedy]).or_default().insert(&tool.name);
        }
    }
    let all = procedure.tools.len();
    let each = found.into_iter().map(|([clause, code, meaning, remedy], tools)| {
        let remedy = if remedy.is_empty() { String::new() } else { format!(" Remedy: {remedy}") };
        // Where it can happen with any of them, that goes without saying.
        let of = if tools.is_empty() || tools.len() == all { String::new() } else { format!(" ({})", names(tools)) };
        format!("- **{clause}** `{code}`: {meaning}{remedy}{of}")
    });
    each.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// What a success leaves to be done.
pub fn owed(writer: &mut Writer<'_>, procedure: &Procedure<'_>, pays: Option<&Tool>) -> Vec<String> {
    let Some((tool, act)) = pays.and_then(|tool| match &tool.work {
        Work::Act(act) => Some((tool, act)),
        Work::Find(_) => None,
    }) else {
        return Vec::new();
    };
    let each = procedure.tools.iter().filter_map(|(of, act)| Some((&of.name, act.audit.as_ref()?)));
    let mut lines: Vec<String> = each
        .map(|(of, verb)| {
            format!(
                "- **{}** After `{of}`: one entry with `{}`, action `{verb}`, for the record that the answer names.",
                act.roles_clause, tool.name
            )
        })
        .collect();
    lines.extend(writer.lines(act.clauses.iter().chain([&act.roles_clause])));
    lines
}

/// The clauses of the procedure that nothing above has told.
pub fn besides(writer: &mut Writer<'_>, procedure: &Procedure<'_>) -> Vec<String> {
    let rest: Vec<&String> =
        procedure.clauses.iter().map(|clause| &clause.id.value).filter(|id| !writer.told.contains(*id)).collect();
    rest.into_iter().map(|id| writer.line("-", id, &exempt(writer.policy, id))).collect()
}

/// Why nothing carries a clause out, where that is declared.
pub fn exempt(policy: &Policy, clause: &str) -> String {
    let reason = policy.cover(clause).iter().find_map(|cover| match cover {
        Cover::Exempt(reason) => Some(reason),
        _ => None,
    });
    reason.map(|reason| format!("(Not held by a tool: {reason})")).unwrap_or_default()
}
