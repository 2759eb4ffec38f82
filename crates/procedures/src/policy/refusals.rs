//! The wording of the built-in refusals.

use super::compile::{Extent, unique};
use super::fragment::{self, Fragment};
use super::rule::{self, unknown_clause, unknown_halt};
use super::tool::{self, Context};
use super::{Refusal, Refusals};
use crate::expression::{Facts, Scope, Type};
use crate::mistake::Mistake;
use records::suggest::did_you_mean;
use std::collections::BTreeMap;

/// The built-in refusals and what their messages can show. Their kinds are their own, whatever the policy says of their codes.
const REFUSALS: [(&str, &[&str]); 5] = [
    ("role", &[]),
    ("reference", &["field", "entity", "id", "find"]),
    ("actor_missing", &["argument"]),
    ("actor_mismatch", &["session", "argument", "given"]),
    ("input", &[]),
];

pub(super) fn refusals(
    fragments: &[&Fragment],
    (own, extent): (&Fragment, Extent),
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
            if extent != Extent::Part {
                let message = format!("[refusal.{name}] is missing, here and in all that is included");
                mistakes.push(Mistake { place: own.place.clone(), message });
            }
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
            mistakes.extend(unknown_halt(halt, context.halts));
            halt.value.clone()
        }
        (None, _) => {
            mistakes.push(wording.message.mistake(format!("[refusal.{name}]: halt is missing")));
            return None;
        }
    };
    let facts = Facts::none();
    let message = rule::template(&wording.message, scope, &facts, mistakes);
    let remedy = wording.remedy.as_ref();
    let remedy = remedy.and_then(|remedy| rule::template(remedy, scope, &facts, mistakes));
    Some(Refusal { code, message: message?, remedy, clause: wording.clause.value.clone() })
}
