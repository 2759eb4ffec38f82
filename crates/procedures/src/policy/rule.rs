//! Checking one rule: its expressions, looks and messages against what is in view.

use super::fragment::{self, Fragment};
use super::tool::{self, Context, Shared};
use super::{Look, Rule, Sight};
use crate::expression::{Expression, Facts, Scope, Template, Type};
use crate::halt::Kind as Refused;
use crate::mistake::{At, Mistake};
use records::catalogue::{self, Table};
use records::suggest::did_you_mean;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) fn shared_rules(fragments: &[&Fragment], context: &Context<'_>, mistakes: &mut Vec<Mistake>) -> Shared {
    let rows = tool::references();
    let mut shared = Shared::default();
    for rule in fragments.iter().flat_map(|fragment| &fragment.rules) {
        let mut scope = tool::base_scope(context.words);
        if !rule.finds {
            scope.bind("tool", tool::tool_type(context.words));
            scope.bind(tool::OWN_ENTRY, Type::Bool);
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
        let Some(compiled) = compile_rule(rule, scope, context, mistakes) else { continue };
        let compiled = Arc::new(compiled);
        if rule.finds {
            shared.find.push(compiled.clone());
        }
        // Rules on records come after the role check: a wrong role is told so, and nothing else.
        let concerned = compiled.looks.iter().any(|look| matches!(look.what, Sight::Concerned(_) | Sight::Written(_)));
        match rule.present.is_empty() && !concerned {
            true => shared.actor.push(compiled),
            false => shared.records.push(compiled),
        }
    }
    shared
}

pub(super) fn unknown_clause(clause: &At<String>, known: &BTreeSet<&str>) -> Option<Mistake> {
    /// Most names that a mistyped one is compared with: where there are more, there may be as many mistakes.
    const MOST: usize = 1000;
    (!known.contains(clause.value.as_str())).then(|| {
        let near = if known.len() <= MOST { known.len() } else { 0 };
        let hint = did_you_mean(&clause.value, known.iter().copied().take(near));
        clause.mistake(format!("the policy's text has no clause {:?}{hint}", clause.value))
    })
}

pub(super) fn unknown_halt(halt: &At<String>, known: &BTreeMap<&str, Refused>) -> Option<Mistake> {
    (!known.contains_key(halt.value.as_str())).then(|| {
        let hint = did_you_mean(&halt.value, known.keys().copied());
        halt.mistake(format!("halt code {:?} is not declared in [halts]{hint}", halt.value))
    })
}

/// Check a rule of the tools whose names are in `scope`.
pub(super) fn compile_rule(
    rule: &fragment::Rule,
    mut scope: Scope<'_>,
    context: &Context<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Rule> {
    let before = mistakes.len();
    mistakes.extend(unknown_clause(&rule.clause, context.clauses));
    mistakes.extend(unknown_halt(&rule.halt, context.halts));
    let mut facts = Facts::none();
    let when = rule.when.as_ref().and_then(|when| {
        let when = expression(when, &scope, &Type::Bool, &facts, mistakes)?;
        facts = Facts::none().given(&when);
        Some(when)
    });
    let mut looks = Vec::new();
    for look in &rule.looks {
        mistakes.extend(unusable(&look.name, &scope));
        if let Some(look) = compile_look(look, &scope, &facts, mistakes) {
            scope.bind(&look.name, look.of.clone());
            looks.push(look);
        }
    }
    let unless = expression(&rule.unless, &scope, &Type::Bool, &facts, mistakes);
    let denied = match &unless {
        // The message is shown where `when` holds and `unless` does not.
        Some(unless) => facts.clone().denied(unless),
        None => facts.clone(),
    };
    let message = template(&rule.message, &scope, &denied, mistakes);
    let remedy = rule.remedy.as_ref().map(|remedy| template(remedy, &scope, &denied, mistakes));
    if mistakes.len() > before {
        return None;
    }
    let (unless, message, remedy) = (unless?, message?, remedy.flatten());
    let mut paths: Vec<String> = Vec::new();
    let expressions = (looks.iter())
        .flat_map(|look| look.equal.iter().map(|(_, expression)| expression).chain(&look.except))
        .chain([&unless]);
    paths.extend(expressions.flat_map(|expression| expression.paths().iter().cloned()));
    paths.extend([Some(&message), remedy.as_ref()].into_iter().flatten().flat_map(|text| text.paths().iter().cloned()));
    Some(Rule {
        id: rule.id.value.clone(),
        present: rule.present.iter().map(|name| name.value.clone()).collect(),
        when,
        looks,
        unless,
        kind: context.halts.get(rule.halt.value.as_str()).copied().unwrap_or(Refused::Rule),
        code: rule.halt.value.clone(),
        message,
        remedy,
        clause: rule.clause.value.clone(),
        paths,
    })
}

/// A look must have a name that expressions can say, and that says nothing else: what a rule reads by the name of a
/// record is to be the record.
fn unusable(name: &At<String>, scope: &Scope<'_>) -> Option<Mistake> {
    /// What rules of tools see, whether this rule sees it or not.
    const TAKEN: [&str; 3] = ["input", "computed", "tool"];
    let text = name.value.as_str();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(plain) {
        return Some(name.mistake(format!("{text:?} is no name for a look: write it in small letters, such as twins")));
    }
    let taken = scope.get(text).is_some() || TAKEN.contains(&text) || tool::references().contains_key(text);
    taken.then(|| name.mistake(format!("{text:?} already means something: give the look another name")))
}

fn compile_look(look: &fragment::Look, scope: &Scope<'_>, facts: &Facts, mistakes: &mut Vec<Mistake>) -> Option<Look> {
    let (what, of) = sight(look, mistakes)?;
    let (Sight::Count(table) | Sight::List(table, _) | Sight::Concerned(table) | Sight::Written(table)) = what;
    let whose = match what {
        Sight::Concerned(_) => Some("concerned"),
        Sight::Written(_) => Some("written"),
        Sight::Count(_) | Sight::List(..) => None,
    };
    if let Some(whose) = whose.filter(|_| !look.equal.is_empty() || look.except.is_some()) {
        mistakes.push(look.name.mistake(format!("{whose} takes neither where nor except")));
    }
    let mut equal = Vec::new();
    for (name, value) in &look.equal {
        let Some(column) = column(table, name, mistakes) else { continue };
        let wanted = Type::of_column(table, column, scope.words());
        // Null equals nothing here: a rule that means absence says so in `when`.
        let value = expression(value, scope, wanted.plain(), facts, mistakes);
        equal.extend(value.map(|value| (column, value)));
    }
    if look.repeats && !matches!(what, Sight::List(..)) {
        mistakes.push(look.name.mistake("repeats is for a look with list"));
    }
    let except = look.except.as_ref();
    let except = except.and_then(|except| expression(except, scope, &Type::Id(table), facts, mistakes));
    Some(Look { name: look.name.value.clone(), what, equal, except, repeats: look.repeats, of })
}

/// What a look is for, and its type.
fn sight(look: &fragment::Look, mistakes: &mut Vec<Mistake>) -> Option<(Sight, Type)> {
    let mut table = |name: &At<String>| {
        let table = catalogue::table(&name.value);
        if table.is_none() {
            let hint = did_you_mean(&name.value, catalogue::TABLES.iter().map(|table| table.name));
            mistakes.push(name.mistake(format!("there is no table {:?}{hint}", name.value)));
        }
        table
    };
    match (&look.count, &look.list, &look.of, &look.concerned, &look.written) {
        (Some(count), None, None, None, None) => Some((Sight::Count(table(count)?), Type::Int)),
        (None, Some(list), Some(of), None, None) => {
            let table = table(list)?;
            let column = column(table, of, mistakes)?;
            let catalogue::Kind::Id(target) = column.kind else {
                mistakes.push(of.mistake(format!("{} holds no ids", column.name)));
                return None;
            };
            Some((Sight::List(table, column), Type::List(Box::new(Type::Id(target)))))
        }
        (None, None, None, None, Some(written)) => {
            let table = table(written)?;
            Some((Sight::Written(table), Type::List(Box::new(Type::Id(table)))))
        }
        (None, None, None, Some(concerned), None) => {
            let table = table(concerned)?;
            Some((Sight::Concerned(table), Type::List(Box::new(Type::Id(table)))))
        }
        _ => {
            let message = "a look is one of count = \"<table>\", list = \"<table>\" with of = \"<column>\", \
                           concerned = \"<table>\", or written = \"<table>\"";
            mistakes.push(look.name.mistake(message));
            None
        }
    }
}

fn column(table: &'static Table, name: &At<String>, mistakes: &mut Vec<Mistake>) -> Option<&'static catalogue::Column> {
    let column = table.column(&name.value);
    if column.is_none() {
        let hint = did_you_mean(&name.value, table.columns.iter().map(|column| column.name));
        mistakes.push(name.mistake(format!("{} has no column {:?}{hint}", table.name, name.value)));
    }
    column
}

fn expression(
    text: &At<String>,
    scope: &Scope<'_>,
    wanted: &Type,
    facts: &Facts,
    mistakes: &mut Vec<Mistake>,
) -> Option<Expression> {
    Expression::check(&text.value, scope, wanted, facts)
        .map_err(|found| {
            let found = found.into_iter();
            mistakes.extend(found.map(|wrong| text.mistake_within(wrong.offset, wrong.message)));
        })
        .ok()
}

pub(super) fn template(
    text: &At<String>,
    scope: &Scope<'_>,
    facts: &Facts,
    mistakes: &mut Vec<Mistake>,
) -> Option<Template> {
    Template::check(&text.value, scope, facts)
        .map_err(|found| {
            let found = found.into_iter();
            mistakes.extend(found.map(|wrong| text.mistake_within(wrong.offset, wrong.message)));
        })
        .ok()
}
