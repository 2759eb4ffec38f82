//! Checking what a plain action writes against the words of the policy that exposes it: a domain knows no words.

use super::tool::rows_of;
use crate::action::plain::{Set, Source};
use crate::action::{Body, Operation};
use crate::expression::{Expression, Facts, Scope, Type, Vocabularies};
use crate::mistake::{At, Mistake};
use records::catalogue::{Kind, USERS};
use records::suggest::did_you_mean;

/// Check every value that the action itself decides. `input` is the type of its inputs, `given` says which rows are always in view.
pub(super) fn check(
    operation: &Operation,
    tool: &At<String>,
    words: &Vocabularies,
    input: &Type,
    given: impl Fn(&str) -> bool,
    mistakes: &mut Vec<Mistake>,
) {
    let Body::Plain { plain, .. } = &operation.body else { return };
    let mut scope = Scope::new(words);
    scope.bind("actor", Type::Row(&USERS).optional());
    scope.bind("now", Type::Timestamp);
    scope.bind("input", input.clone());
    for (name, table, input) in rows_of(operation.inputs).filter(|(name, ..)| !name.starts_with("new_")) {
        let row = Type::Row(table);
        scope.bind(&name, if given(input.name) { row } else { row.optional() });
    }
    for set in &plain.set {
        for message in wrong(set, &scope) {
            let message = format!(
                "{}:{}: {} of the action {}: {message}",
                set.place.file, set.place.line, set.column.name, operation.name
            );
            mistakes.push(tool.mistake(message));
        }
    }
}

fn wrong(set: &Set, scope: &Scope<'_>) -> Vec<String> {
    let wanted = Type::of_column(set.table, set.column, scope.words());
    match (&set.value, set.column.kind) {
        (Source::Expression(expression), _) => {
            match Expression::check(expression.source(), scope, &wanted, &Facts::none()) {
                Ok(_) => Vec::new(),
                Err(found) => found.into_iter().map(|found| found.message).collect(),
            }
        }
        (Source::Literal(word), Kind::Word(vocabulary)) => {
            let words = scope.words().get(vocabulary).map_or(&[][..], |words| words);
            if words.iter().any(|known| known == word) {
                return Vec::new();
            }
            let hint = did_you_mean(word, words.iter().map(String::as_str));
            vec![format!("the policy has no word {word:?} of {vocabulary}{hint}")]
        }
        _ => Vec::new(),
    }
}
