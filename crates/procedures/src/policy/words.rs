//! The words of a policy: its vocabularies and its halt codes.

use super::collect::Part;
use super::compile::{twice, unique};
use super::fragment::{Code, Fragment};
use super::tool;

use crate::action::Computed;
use crate::domain::service_management;
use crate::expression::Vocabularies;
use crate::halt::{FAULT, Kind as Refused};
use crate::mistake::{At, Mistake};
use indexmap::IndexMap;
use records::catalogue::{Kind, TABLES};
use records::suggest::did_you_mean;
use std::collections::BTreeSet;

/// The vocabularies. A list replaces that of a part which its own part includes; two lists of parts that do not know
/// each other must agree, or nobody could say which holds.
pub(super) fn words(parts: &[Part], mistakes: &mut Vec<Mistake>) -> Vocabularies {
    let known = vocabularies();
    let mut found: IndexMap<&str, List<'_>> = IndexMap::new();
    for part in parts {
        for (name, words) in &part.fragment.words {
            let mut earlier = BTreeSet::new();
            for word in words {
                if !earlier.insert(word.value.as_str()) {
                    mistakes.push(word.mistake(format!("{:?} stands twice in {}", word.value, name.value)));
                }
                if word.value.is_empty() || word.value.trim() != word.value || word.value.contains(char::is_control) {
                    let message =
                        format!("{:?} in {} is no word: leave out what cannot be seen", word.value, name.value);
                    mistakes.push(word.mistake(message));
                }
            }
            if !known.contains(name.value.as_str()) {
                let hint = did_you_mean(&name.value, known.iter().copied());
                mistakes.push(name.mistake(format!("nothing takes words of {}{hint}", name.value)));
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

/// The vocabularies that a column, an input or a rule takes words of.
fn vocabularies() -> BTreeSet<&'static str> {
    let columns = TABLES.iter().flat_map(|table| table.columns).filter_map(|column| match column.kind {
        Kind::Word(name) => Some(name),
        _ => None,
    });
    let operations = service_management().operations.iter();
    let inputs = operations.clone().flat_map(|operation| tool::vocabularies(operation.inputs));
    let computed = operations.flat_map(|operation| operation.computed).filter_map(|(_, computed)| match computed {
        Computed::Word(name) => Some(*name),
        _ => None,
    });
    columns.chain(inputs).chain(computed).collect()
}

/// Codes that no rule may take: a report could not tell its halts from the program's own failures.
const RESERVED: [&str; 1] = [FAULT];

/// The halt codes, each with what it means and what sort of refusal it is.
pub(super) fn halts<'a>(
    fragments: &[&'a Fragment],
    mistakes: &mut Vec<Mistake>,
) -> IndexMap<&'a str, (&'a At<String>, Refused)> {
    for (code, Code { about, .. }) in fragments.iter().flat_map(|fragment| &fragment.halts) {
        if !is_code(&code.value) {
            let message = format!("halt code {:?} is not written like INCIDENT_NOT_CLOSED", code.value);
            mistakes.push(code.mistake(message));
        }
        if RESERVED.contains(&code.value.as_str()) {
            mistakes.push(code.mistake(format!("{} is what the program says of its own failures", code.value)));
        }
        if !about.value.contains(char::is_alphanumeric) {
            mistakes.push(about.mistake(format!("{:?} does not say what {} means", about.value, code.value)));
        }
    }
    let known = unique("halt code", fragments.iter().flat_map(|fragment| &fragment.halts), mistakes);
    known.into_iter().map(|(code, Code { about, kind })| (code, (about, kind_of(kind.as_ref(), mistakes)))).collect()
}

/// The kind of a halt code: a rule's, unless the policy says another.
fn kind_of(given: Option<&At<String>>, mistakes: &mut Vec<Mistake>) -> Refused {
    let Some(given) = given else { return Refused::Rule };
    // That the program failed, and that a reference leads nowhere, is found by the program, never by a rule.
    let names = Refused::NAMES.into_iter().filter(|(_, kind)| !matches!(kind, Refused::Fault | Refused::Reference));
    let names: Vec<(&str, Refused)> = names.collect();
    if let Some((_, kind)) = names.iter().find(|(name, _)| *name == given.value) {
        return *kind;
    }
    let known: Vec<&str> = names.into_iter().map(|(name, _)| name).collect();
    let hint = did_you_mean(&given.value, known.iter().copied());
    let message = format!("there is no kind of refusal {:?}{hint}; there are: {}", given.value, known.join(", "));
    mistakes.push(given.mistake(message));
    Refused::Rule
}

/// Words of capital letters and digits, the first beginning with a letter, with `_` between them.
fn is_code(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.split('_').all(word)
}
