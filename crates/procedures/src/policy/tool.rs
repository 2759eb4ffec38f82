//! Checking one tool: its action, inputs, words and rules against the policy and the catalogue.

use super::fragment;
use super::rule::{compile_rule, unknown_clause};
use super::schema::{self, Offer};
use super::{Act, Rule, Tool, Types, Work, values};
use crate::action::input::{Input, Kind};

use crate::action::{Computed, Operation};
use crate::domain::service_management;
use crate::expression::{Scope, Type, Vocabularies};
use crate::halt::Kind as Refused;
use crate::mistake::{At, Mistake};
use records::catalogue::{Table, USERS};
use records::suggest::did_you_mean;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// What tools are checked against.
pub(super) struct Context<'a> {
    pub words: &'a Vocabularies,
    /// Declared halt codes and their kinds.
    pub halts: &'a BTreeMap<&'a str, Refused>,
    pub clauses: &'a BTreeSet<&'a str>,
}

/// The rules that hold for every tool: on the acting user, those of them that hold for lookups too, and on records.
#[derive(Default)]
pub(super) struct Shared {
    pub actor: Vec<Arc<Rule>>,
    pub find: Vec<Arc<Rule>>,
    pub records: Vec<Arc<Rule>>,
}

/// Everything that the rules of an action can have in view, for rules that are shared by all of them: the table of each
/// reference by the name of its row.
pub(super) fn references() -> BTreeMap<String, &'static Table> {
    let mut rows = BTreeMap::new();
    for operation in &service_management().operations {
        for (name, table, _) in rows_of(operation.inputs) {
            rows.insert(name, table);
        }
    }
    rows
}

/// The rows that inputs bring into view: name, table, and the input; those of a change set are called `new_...`.
pub(super) fn rows_of(inputs: &'static [Input]) -> impl Iterator<Item = (String, &'static Table, &'static Input)> {
    inputs.iter().flat_map(|input| match input.kind {
        Kind::Id(table) => vec![(input.row_name().to_owned(), table, input)],
        Kind::ChangeSet(columns) => {
            rows_of(columns).map(|(name, table, column)| (format!("new_{name}"), table, column)).collect()
        }
        _ => Vec::new(),
    })
}

/// The names that every rule sees, those that hold for lookups too.
pub(super) fn base_scope(words: &Vocabularies) -> Scope<'_> {
    let mut scope = Scope::new(words);
    scope.bind("actor", Type::Row(&USERS));
    scope.bind("now", Type::Timestamp);
    scope.bind("audit", Type::Word(super::Audit::NAMES.map(|(name, _)| name.to_owned()).into()));
    scope
}

/// What rules call the fact that a call is the audit entry that the acting user owes for a write.
pub const OWN_ENTRY: &str = "own_entry";

pub(super) fn tool_type(words: &Vocabularies) -> Type {
    let roles = words.get("role").cloned().unwrap_or_else(|| Arc::new([]));
    let roles = Type::List(Box::new(Type::Word(roles)));
    let fields = [("name", Type::Text), ("roles", roles), ("open", Type::Bool)];
    Type::of_fields("tool", fields.map(|(name, of)| (name.to_owned(), of)))
}

pub(super) fn compile(
    name: &At<String>,
    tool: &fragment::Tool,
    context: &Context<'_>,
    shared: &Shared,
    mistakes: &mut Vec<Mistake>,
) -> Option<Tool> {
    let action_name = tool.action.as_ref().unwrap_or(name);
    let Some(operation) = service_management().find(&action_name.value) else {
        let known = service_management().operations.iter().map(|operation| operation.name);
        let hint = did_you_mean(&action_name.value, known);
        mistakes.push(action_name.mistake(format!("there is no action {:?}{hint}", action_name.value)));
        return None;
    };
    let check = Check { name: &name.value, tool, operation, context };
    if !is_name(&name.value) {
        let message =
            format!("tool {:?}: models are given names of at most {NAME} letters, digits, _ and -", name.value);
        mistakes.push(name.mistake(message));
    }
    mistakes.extend(tool.lacks.iter().map(|key| check.here(format!("{key} is missing"))));
    let roles = check.roles(mistakes);
    let roles_clause = check.roles_clause(mistakes);
    for clause in tool.clauses.iter().flatten() {
        mistakes.extend(unknown_clause(clause, context.clauses));
    }
    let defaults = check.defaults(mistakes);
    let offer = Offer {
        words: context.words,
        require: tool.require.iter().flatten().map(|name| name.value.as_str()).collect(),
        clear: tool.clear.iter().flatten().map(|name| name.value.as_str()).collect(),
        hide: tool.hide.iter().flatten().map(|name| name.value.as_str()).collect(),
        defaults: &defaults,
    };
    check.inputs(&offer, mistakes);
    let audit = check.audit(mistakes);
    let types = check.types(&offer);
    let scope = check.scope(&offer, &types);
    let given = |input: &str| operation.inputs.iter().any(|known| known.name == input && offer.requires(known));
    values::check(operation, name, context.words, &types.input, given, mistakes);
    let rules = tool.rules.iter().filter_map(|rule| {
        if rule.finds {
            mistakes.push(rule.id.mistake("finds is for rules that all tools share"));
        }
        if let Some(present) = rule.present.first() {
            let message = "where is for rules that all tools share; this one is its tool's own";
            mistakes.push(present.mistake(message));
        }
        compile_rule(rule, scope.clone(), context, mistakes)
    });
    let own: Vec<Arc<Rule>> = rules.map(Arc::new).collect();
    let answer = schema::answer_schema(operation.answer_schema(), audit.is_some());
    let compiled = Tool {
        name: name.value.clone(),
        title: tool.title.as_ref()?.value.clone(),
        description: check.description(mistakes)?,
        input_schema: Arc::new(offer.schema(operation.inputs, operation.actor)),
        output_schema: Arc::new(answer),
        work: Work::Act(Box::new(Act {
            operation,
            roles: roles.clone()?,
            described: describe(&name.value, roles?.as_deref(), tool.open.unwrap_or_default(), context.words),
            roles_clause,
            audit,
            actor_rules: shared.actor.clone(),
            reads_computed: own.iter().any(|rule| reads(rule, "computed")),
            shared_rules: shared.records.len(),
            rules: shared.records.iter().cloned().chain(own).collect(),
            clauses: tool.clauses.iter().flatten().map(|clause| clause.value.clone()).collect(),
            types,
        })),
        find_rules: Vec::new(),
        words: BTreeMap::new(),
        defaults: defaults.clone(),
        validator: OnceLock::new(),
    };
    Some(check.held_to_defaults(compiled, mistakes))
}

/// The most characters of a tool's name that the APIs of models take.
const NAME: usize = 64;

/// Whether the APIs of models take that name for a tool: `^[a-zA-Z0-9_-]{1,64}$`.
fn is_name(text: &str) -> bool {
    (1..=NAME).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Whether a rule reads anything of that name.
fn reads(rule: &Rule, name: &str) -> bool {
    let paths = rule.when.iter().flat_map(|when| when.paths()).chain(&rule.paths);
    paths.into_iter().any(|path| path.split('.').next() == Some(name))
}

/// The tool as its rules see it.
fn describe(name: &str, roles: Option<&[String]>, open: bool, words: &Vocabularies) -> Json {
    let all = words.get("role").map_or(&[][..], |roles| roles);
    json!({ "name": name, "roles": roles.unwrap_or(all), "open": open })
}

/// The most characters of a description: the whole tool list has a budget.
const DESCRIPTION: usize = 200;

struct Check<'a> {
    name: &'a str,
    tool: &'a fragment::Tool,
    operation: &'static Operation,
    context: &'a Context<'a>,
}

impl Check<'_> {
    /// None after a mistake; none inside where any role may.
    fn roles(&self, mistakes: &mut Vec<Mistake>) -> Option<Option<Vec<String>>> {
        let roles = match &self.tool.roles {
            Some(Ok(roles)) if !roles.is_empty() => roles,
            Some(Err(word)) if word.value == "any" => return Some(None),
            Some(Err(word)) => {
                mistakes.push(word.mistake("roles is a list of roles, or \"any\""));
                return None;
            }
            Some(Ok(_)) | None => {
                mistakes.push(self.here("roles is missing: list the roles that may, or say \"any\""));
                return None;
            }
        };
        let known = self.context.words.get("role").map_or(&[][..], |roles| roles);
        for role in roles.iter().filter(|role| !known.contains(&role.value)) {
            let hint = did_you_mean(&role.value, known.iter().map(String::as_str));
            mistakes.push(role.mistake(format!("there is no role {:?}{hint}", role.value)));
        }
        Some(Some(roles.iter().map(|role| role.value.clone()).collect()))
    }

    fn here(&self, message: impl std::fmt::Display) -> Mistake {
        let message = format!("[tool.{}]: {message}", self.name);
        Mistake { place: self.tool.place.clone(), message }
    }

    fn roles_clause(&self, mistakes: &mut Vec<Mistake>) -> String {
        match &self.tool.roles_clause {
            Some(clause) => {
                mistakes.extend(unknown_clause(clause, self.context.clauses));
                clause.value.clone()
            }
            None => {
                mistakes.push(self.here("roles_clause is missing: the clause that says who may"));
                String::new()
            }
        }
    }

    fn description(&self, mistakes: &mut Vec<Mistake>) -> Option<String> {
        let description = self.tool.description.as_ref()?;
        let length = description.value.chars().count();
        if length > DESCRIPTION {
            let message = format!("the description has {length} characters; {DESCRIPTION} are the most");
            mistakes.push(description.mistake(message));
        }
        Some(description.value.clone())
    }

    fn input(&self, name: &str) -> Option<&'static Input> {
        self.operation.inputs.iter().find(|input| input.name == name)
    }

    fn unknown_input(&self, name: &At<String>) -> Mistake {
        let hint = did_you_mean(&name.value, self.operation.inputs.iter().map(|input| input.name));
        let message = format!("{} has no input {:?}{hint}", self.operation.name, name.value);
        name.mistake(message)
    }

    fn defaults(&self, mistakes: &mut Vec<Mistake>) -> Map<String, Json> {
        let mut defaults = Map::new();
        for (name, value) in self.tool.defaults.iter().flatten() {
            let Some(input) = self.input(&name.value) else {
                mistakes.push(self.unknown_input(name));
                continue;
            };
            match (input.kind, &value.value) {
                (Kind::Word(vocabulary), Json::String(word)) => {
                    let words = self.context.words.get(vocabulary).map_or(&[][..], |words| words);
                    if !words.contains(word) {
                        let hint = did_you_mean(word, words.iter().map(String::as_str));
                        mistakes.push(value.mistake(format!("{word:?} is not a word of {vocabulary}{hint}")));
                    }
                }
                _ if plain(input, &value.value) => {}
                (Kind::Flag, Json::Bool(_)) => {}
                _ => {
                    let message = format!("{} cannot have a default of this kind", name.value);
                    mistakes.push(value.mistake(message));
                }
            }
            defaults.insert(name.value.clone(), value.value.clone());
        }
        defaults
    }

    /// The tool, whose defaults are held against what a call's own arguments are held against: nothing is filled in that
    /// an agent could not give.
    fn held_to_defaults(&self, mut tool: Tool, mistakes: &mut Vec<Mistake>) -> Tool {
        let can_be_wrong =
            |name: &At<String>, value: &Json| self.input(&name.value).is_some_and(|input| plain(input, value));
        let given = self.tool.defaults.iter().flatten().filter(|(name, value)| can_be_wrong(name, &value.value));
        let given: Vec<_> = given.collect();
        if given.is_empty() {
            return tool;
        }
        // With these inputs alone, hidden or not.
        let others = self.operation.inputs.iter().map(|input| input.name);
        let hide = others.filter(|name| !given.iter().any(|(given, _)| given.value == *name)).collect();
        let open = Offer {
            words: self.context.words,
            require: BTreeSet::new(),
            clear: Vec::new(),
            hide,
            defaults: &Map::new(),
        };
        let schema = Arc::new(open.schema(self.operation.inputs, self.operation.actor));
        let listed = std::mem::replace(&mut tool.input_schema, schema);
        for (name, value) in given {
            let problems = tool.validate(Map::from_iter([(name.value.clone(), value.value.clone())]));
            let problems = problems.err().into_iter().flatten().filter(|problem| problem.field == name.value);
            mistakes.extend(
                problems.map(|problem| value.mistake(format!("{}: the default {}", name.value, problem.problem))),
            );
        }
        tool.input_schema = listed;
        tool.validator = OnceLock::new();
        tool
    }

    fn inputs(&self, offer: &Offer<'_>, mistakes: &mut Vec<Mistake>) {
        let columns: Vec<String> = (self.operation.inputs.iter())
            .filter_map(|input| match input.kind {
                Kind::ChangeSet(columns) => Some(columns.iter().map(|column| schema::column_path(input, column))),
                _ => None,
            })
            .flatten()
            .collect();
        let hidden = self.tool.hide.iter().flatten().filter(|name| !columns.contains(&name.value));
        for name in self.tool.require.iter().flatten().chain(hidden) {
            if self.input(&name.value).is_none() {
                mistakes.push(self.unknown_input(name));
            }
        }
        for name in self.tool.require.iter().flatten().filter(|name| offer.defaults.contains_key(&name.value)) {
            mistakes.push(name.mistake(format!("{} is required, so its default is never used", name.value)));
        }
        for name in self.tool.hide.iter().flatten() {
            if self.input(&name.value).is_some_and(|input| offer.requires(input)) {
                let message = format!("{} cannot be hidden without a default", name.value);
                mistakes.push(name.mistake(message));
            }
        }
        self.clearable(offer, mistakes);
        for vocabulary in vocabularies(self.operation.inputs) {
            if !self.context.words.contains_key(vocabulary) {
                mistakes.push(self.here(format!("the policy lists no words of {vocabulary}")));
            }
        }
    }

    /// What can be cleared is a column that the change set offers and that a record can be without.
    fn clearable(&self, offer: &Offer<'_>, mistakes: &mut Vec<Mistake>) {
        let sets = self.operation.inputs.iter().filter_map(|input| match input.kind {
            Kind::ChangeSet(columns) => Some((input, columns)),
            _ => None,
        });
        let offered: Vec<&str> = sets
            .flat_map(|(set, columns)| columns.iter().map(move |column| (set, column)))
            .filter(|(set, column)| {
                let nullable = self.operation.record.column(column.name).is_some_and(|column| column.nullable);
                nullable && !offer.hide.contains(&*schema::column_path(set, column))
            })
            .map(|(_, column)| column.name)
            .collect();
        for name in self.tool.clear.iter().flatten().filter(|name| !offered.contains(&name.value.as_str())) {
            let hint = did_you_mean(&name.value, offered.iter().copied());
            let message = format!("{} cannot clear {:?}{hint}", self.operation.name, name.value);
            mistakes.push(name.mistake(message));
        }
    }

    fn audit(&self, mistakes: &mut Vec<Mistake>) -> Option<String> {
        let verb = self.tool.audit.as_ref()?;
        let entity = self.operation.record.entity;
        for (vocabulary, word) in [("audit_action", verb.value.as_str()), ("audit_entity", entity)] {
            let words = self.context.words.get(vocabulary).map_or(&[][..], |words| words);
            if !words.iter().any(|known| known == word) {
                let hint = did_you_mean(word, words.iter().map(String::as_str));
                mistakes.push(verb.mistake(format!("{word:?} is not a word of {vocabulary}{hint}")));
            }
        }
        Some(verb.value.clone())
    }

    fn types(&self, offer: &Offer<'_>) -> Types {
        let words = self.context.words;
        let mut fields: Vec<(String, Type)> = (self.operation.inputs.iter())
            .map(|input| {
                let plain = type_of(input, words);
                let given = offer.requires(input) || offer.defaults.contains_key(input.name);
                (input.name.to_owned(), if given { plain } else { plain.optional() })
            })
            .collect();
        fields.push((self.operation.actor.to_owned(), Type::Id(&USERS)));
        let computed = self.operation.computed.iter().map(|(name, computed)| {
            let of = match computed {
                Computed::Integer => Type::Int,
                Computed::OptionalInteger => Type::Int.optional(),
                Computed::OptionalText => Type::Text.optional(),
                Computed::Word(vocabulary) => Type::Word(words.get(*vocabulary).cloned().unwrap_or_default()),
            };
            ((*name).to_owned(), of)
        });
        Types {
            input: Type::of_fields("input", fields),
            computed: Type::of_fields("computed", computed),
            tool: tool_type(words),
        }
    }

    fn scope(&self, offer: &Offer<'_>, types: &Types) -> Scope<'_> {
        let mut scope = base_scope(self.context.words);
        scope.bind("tool", types.tool.clone());
        scope.bind("input", types.input.clone());
        scope.bind("computed", types.computed.clone());
        scope.bind(OWN_ENTRY, Type::Bool);
        for (name, table, input) in rows_of(self.operation.inputs) {
            let row = Type::Row(table);
            let of = match !name.starts_with("new_") && offer.requires(input) {
                true => row,
                false => row.optional(),
            };
            scope.bind(&name, of);
        }
        if self.operation.actor != schema::ACTING_USER {
            let name = self.operation.actor;
            scope.bind(name.strip_suffix("_id").unwrap_or(name), Type::Row(&USERS));
        }
        scope
    }
}

/// Whether an input takes values of this kind, of which some may be too long, too great or blank.
fn plain(input: &Input, value: &Json) -> bool {
    let text = matches!(input.kind, Kind::Line | Kind::Text) && value.is_string();
    text || matches!(input.kind, Kind::Minutes | Kind::Count) && value.is_number()
}

/// The vocabularies that inputs take words of.
pub(super) fn vocabularies(inputs: &'static [Input]) -> Vec<&'static str> {
    let names = inputs.iter().flat_map(|input| match input.kind {
        Kind::Word(vocabulary) => vec![vocabulary],
        Kind::ChangeSet(columns) => vocabularies(columns),
        _ => Vec::new(),
    });
    names.collect()
}

fn type_of(input: &Input, words: &Vocabularies) -> Type {
    match input.kind {
        Kind::Id(table) => Type::Id(table),
        Kind::Word(vocabulary) => Type::Word(words.get(vocabulary).cloned().unwrap_or_default()),
        Kind::Line | Kind::Text | Kind::Email | Kind::Phone | Kind::RecordOf(_) => Type::Text,
        Kind::Timestamp | Kind::Day => Type::Timestamp,
        Kind::Minutes | Kind::Count => Type::Int,
        Kind::Percentage => Type::Double,
        Kind::Flag => Type::Bool,
        Kind::Clear => Type::List(Box::new(Type::Text)),
        Kind::ChangeSet(columns) => {
            let fields = columns.iter().map(|column| (column.name.to_owned(), type_of(column, words).optional()));
            Type::of_fields("change_set", fields)
        }
    }
}
