//! The words that the tools of a draft need beside those of the part that every draft includes.

use procedures::action::Operation;
use procedures::action::input::{Input, Kind};
use procedures::policy::{self, Source};
use std::collections::BTreeMap;

/// The part with the acting user, the built-in refusals, and most vocabularies.
pub const PART: &str = "parts/access";

/// The vocabularies that these actions take words of and [`PART`] does not list, as the shipped policies list them.
pub fn missing(operations: &[&Operation]) -> BTreeMap<String, Vec<String>> {
    let text = Source::Embedded.read(&format!("{PART}/policy.toml")).unwrap_or_default();
    let part: toml::Table = text.parse().unwrap_or_default();
    let listed = |name: &str| part.get("words").is_some_and(|words| words.get(name).is_some());
    let mut names: Vec<&str> = operations.iter().flat_map(|operation| of(operation.inputs)).collect();
    names.retain(|name| !listed(name));
    if names.is_empty() {
        return BTreeMap::new();
    }
    let policies =
        policy::ids(&Source::Embedded).into_iter().filter_map(|id| policy::load(&Source::Embedded, &id).ok());
    let mut found = BTreeMap::new();
    for policy in policies {
        for (name, words) in names.iter().filter_map(|name| policy.words.get_key_value(*name)) {
            found.entry(name.clone()).or_insert_with(|| words.to_vec());
        }
    }
    found
}

fn of(inputs: &'static [Input]) -> Vec<&'static str> {
    let each = inputs.iter().flat_map(|input| match input.kind {
        Kind::Word(name) => vec![name],
        Kind::ChangeSet(columns) => of(columns),
        _ => Vec::new(),
    });
    each.collect()
}
