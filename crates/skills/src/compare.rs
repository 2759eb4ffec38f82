//! A skill beside a policy: which of its sentences the policy enforces, and which rules it does not tell.

use crate::looks::{looks_like, words};
use crate::sentence::{Item, Sentence, items};
use crate::{Source, digest};
use indexmap::{IndexMap, IndexSet};
use procedures::policy::coverage::Cover;
use procedures::policy::{Clause, Policy};
use std::collections::BTreeSet;

/// Which clause says what a sentence says, as people found: by the digest of the sentence.
#[derive(Debug, Default)]
pub struct Alignment {
    pairs: IndexMap<String, IndexSet<String>>,
}

/// A skill beside a policy.
#[derive(Debug)]
pub struct Comparison {
    /// The sentences of the skill, in their order.
    pub sentences: Vec<Told>,
    /// The clauses that a tool makes sure of and no sentence tells.
    pub untold: Vec<String>,
    /// What in the alignment fits nothing: digests without a sentence, clauses that the policy does not have.
    pub stale: Vec<String>,
}

/// A sentence, and what stands behind it.
#[derive(Debug)]
pub struct Told {
    /// The sentence.
    pub sentence: Sentence,
    /// Its digest, by which an alignment names it.
    pub digest: String,
    /// What becomes of it.
    pub standing: Standing,
    /// The clauses that it names, or that the alignment names for it.
    pub clauses: Vec<String>,
    /// The kinds of rules that it looks like.
    pub looks: Vec<&'static str>,
    /// The clause with the most words of it: a hint, which never counts.
    pub like: Option<String>,
}

/// What stands behind a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A tool makes sure of one of its clauses.
    Enforced,
    /// Its clauses are exempt, or carried out by nothing yet.
    Exempt,
    /// It names no clause: the skill hopes that the agent heeds it.
    Hoped,
}

impl Standing {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Enforced => "enforced",
            Standing::Exempt => "exempt",
            Standing::Hoped => "hoped for",
        }
    }
}

impl Alignment {
    /// Read the text of an alignment file; or what is wrong with it.
    pub fn read(text: &str) -> Result<Alignment, String> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
        if let Some(key) = table.keys().find(|key| *key != "align") {
            return Err(format!("there is no key {key:?}; an alignment has [[align]] with sentence and clause"));
        }
        let mut alignment = Alignment::default();
        let entries = match table.get("align") {
            None => return Ok(alignment),
            Some(toml::Value::Array(entries)) => entries,
            Some(_) => return Err("align is a list of tables, [[align]]".to_owned()),
        };
        for (at, entry) in entries.iter().enumerate() {
            let text = |key: &str| entry.get(key).and_then(toml::Value::as_str);
            match (text("sentence"), text("clause"), entry.as_table().map_or(0, toml::Table::len)) {
                (Some(sentence), Some(clause), 2) => {
                    alignment.pairs.entry(sentence.to_owned()).or_default().insert(clause.to_owned());
                }
                _ => return Err(format!("[[align]] number {} has not sentence and clause, and nothing else", at + 1)),
            }
        }
        Ok(alignment)
    }
}

/// Compare a skill with a policy.
pub fn compare(source: &Source, policy: &Policy, alignment: &Alignment) -> Comparison {
    let (body, first) = source.body();
    let likeness = Likeness::new(policy);
    let sentences = items(body, first).into_iter().filter_map(|item| match item {
        Item::Sentence(sentence) => Some(sentence),
        Item::Heading { .. } | Item::Kept { .. } => None,
    });
    let sentences: Vec<Told> = sentences.map(|sentence| told(sentence, policy, alignment, &likeness)).collect();
    let named: BTreeSet<&str> = sentences.iter().flat_map(|told| &told.clauses).map(String::as_str).collect();
    let ids = policy.clauses.iter().map(|clause| &clause.id.value);
    let untold = ids.filter(|id| is_enforced(policy, id) && !named.contains(id.as_str())).cloned().collect();
    let digests: BTreeSet<&str> = sentences.iter().map(|told| told.digest.as_str()).collect();
    let mut stale = Vec::new();
    for (sentence, clauses) in &alignment.pairs {
        if !digests.contains(sentence.as_str()) {
            stale.push(format!("no sentence of the skill has the digest {sentence}"));
        }
        let unknown = clauses.iter().filter(|clause| policy.clause(clause).is_none());
        stale.extend(unknown.map(|clause| format!("the policy has no clause {clause}")));
    }
    Comparison { sentences, untold, stale }
}

fn told(sentence: Sentence, policy: &Policy, alignment: &Alignment, likeness: &Likeness<'_>) -> Told {
    let digest = digest(sentence.text.as_bytes());
    let words = sentence.text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    let named = words.map(|word| word.trim_matches('.')).filter(|word| policy.clause(word).is_some());
    let aligned = alignment.pairs.get(&digest).into_iter().flatten().filter(|clause| policy.clause(clause).is_some());
    let clauses: IndexSet<String> = named.map(str::to_owned).chain(aligned.cloned()).collect();
    let standing = match clauses.iter().any(|clause| is_enforced(policy, clause)) {
        true => Standing::Enforced,
        false if clauses.is_empty() => Standing::Hoped,
        false => Standing::Exempt,
    };
    let looks = looks_like(&sentence.text);
    let like = (standing == Standing::Hoped).then(|| likeness.of(&sentence.text)).flatten();
    Told { sentence, digest, standing, clauses: clauses.into_iter().collect(), looks, like }
}

/// Whether a tool makes sure of a clause.
fn is_enforced(policy: &Policy, clause: &str) -> bool {
    policy.cover(clause).iter().any(|cover| !matches!(cover, Cover::Exempt(_)))
}

/// The clauses of a policy by their words.
struct Likeness<'a> {
    clauses: Vec<(&'a Clause, BTreeSet<String>)>,
}

impl Likeness<'_> {
    fn new(policy: &Policy) -> Likeness<'_> {
        Likeness { clauses: policy.clauses.iter().map(|clause| (clause, content(&clause.text))).collect() }
    }

    /// The clause that shares the most words with a text, where that is worth a look.
    fn of(&self, text: &str) -> Option<String> {
        let own = content(text);
        let mut best: Option<(usize, usize, &str)> = None;
        for (clause, words) in &self.clauses {
            let shared = own.intersection(words).count();
            let all = own.len() + words.len() - shared;
            // Two words, and a quarter of those that either has: below that, likeness is chance.
            let worth = shared >= 2 && shared * 4 >= all;
            if worth && best.is_none_or(|(most, of, _)| shared * of > most * all) {
                best = Some((shared, all, &clause.id.value));
            }
        }
        best.map(|(_, _, clause)| clause.to_owned())
    }
}

/// The words of a text that say something, roughly without their endings.
fn content(text: &str) -> BTreeSet<String> {
    /// Words of which nothing follows.
    const EMPTY: [&str; 24] = [
        "the", "a", "an", "and", "or", "of", "to", "in", "on", "is", "are", "be", "it", "its", "for", "with", "that",
        "this", "as", "by", "at", "if", "you", "your",
    ];
    let words = words(text).into_iter().filter(|word| !EMPTY.contains(&word.as_str()));
    words.map(|word| word.strip_suffix('s').map_or(word.clone(), str::to_owned)).collect()
}
