//! The procedures of a policy: the sections of its text that have tools.

use procedures::policy::{Act, Clause, Policy, Section, Tool, Work};
use std::collections::{BTreeMap, BTreeSet};

/// A section of clauses, with the tools that carry it out.
#[derive(Debug)]
pub struct Procedure<'a> {
    /// The name of its skill.
    pub name: String,
    /// Its heading; the policy's title where its clauses stand before any.
    pub title: &'a str,
    /// What it is for; may be empty.
    pub about: &'a str,
    /// Its clauses, with those of the sections within it.
    pub clauses: Vec<&'a Clause>,
    /// Its tools that write.
    pub tools: Vec<(&'a Tool, &'a Act)>,
}

/// Where a section begins, which tells it from all others.
type Key<'a> = (&'a str, usize);

fn key(section: &Section) -> Key<'_> {
    (&section.place.file, section.place.line)
}

/// The sections of a policy that have clauses.
struct Sections<'a> {
    /// The section that each clause belongs to.
    of: BTreeMap<&'a str, Key<'a>>,
    /// In the order of the text.
    order: Vec<(&'a Section, Vec<&'a Clause>)>,
}

impl<'a> Sections<'a> {
    fn of(policy: &'a Policy) -> Sections<'a> {
        let with_clauses: BTreeSet<Key<'_>> = policy.clauses.iter().map(|clause| key(&clause.section)).collect();
        let mut sections = Sections { of: BTreeMap::new(), order: Vec::new() };
        for clause in &policy.clauses {
            let section = outermost(&clause.section, &with_clauses);
            sections.of.insert(&clause.id.value, key(section));
            match sections.order.iter_mut().find(|(known, _)| key(known) == key(section)) {
                Some((_, clauses)) => clauses.push(clause),
                None => sections.order.push((section, vec![clause])),
            }
        }
        sections
    }
}

/// A heading below one that has clauses goes on with it; but the title of a text holds no procedure together.
fn outermost<'a>(section: &'a Section, with_clauses: &BTreeSet<Key<'_>>) -> &'a Section {
    let mut found = section;
    let mut above = section.within.as_deref();
    while let Some(within) = above.filter(|within| within.level > 1) {
        if with_clauses.contains(&key(within)) {
            found = within;
        }
        above = within.within.as_deref();
    }
    found
}

/// The procedures, in the order of the text.
pub fn procedures(policy: &Policy) -> Vec<Procedure<'_>> {
    let sections = Sections::of(policy);
    let mut tools: BTreeMap<Key<'_>, Vec<(&Tool, &Act)>> = BTreeMap::new();
    for tool in &policy.tools {
        if let Work::Act(act) = &tool.work
            && let Some(home) = home(&sections, act)
        {
            tools.entry(home).or_default().push((tool, act));
        }
    }
    let mut names = BTreeSet::from([overview_name(policy)]);
    let with_tools = sections.order.into_iter().filter_map(|(section, clauses)| {
        let tools = tools.remove(&key(section))?;
        let title = if section.title.is_empty() { &policy.title } else { &section.title };
        let name = unique(&slug(title), &mut names);
        Some(Procedure { name, title, about: &section.about, clauses, tools })
    });
    with_tools.collect()
}

/// The section that a tool carries out: the one that it names most, of several the one that says who may.
fn home<'a>(sections: &Sections<'a>, act: &Act) -> Option<Key<'a>> {
    let own = act.rules.iter().skip(act.shared_rules).map(|rule| rule.clause.as_str());
    let named: BTreeSet<&str> = act.clauses.iter().map(String::as_str).chain(own).chain([&*act.roles_clause]).collect();
    let mut counts: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    for clause in named {
        if let Some(section) = sections.of.get(clause) {
            *counts.entry(*section).or_default() += 1;
        }
    }
    let most = counts.values().copied().max()?;
    let stands = |section: &Key<'_>| counts.get(section) == Some(&most);
    let says_who = sections.of.get(act.roles_clause.as_str()).copied().filter(stands);
    says_who.or_else(|| sections.order.iter().map(|(section, _)| key(section)).find(stands))
}

/// The clauses of the sections that no procedure is in.
pub fn general<'a>(policy: &'a Policy, procedures: &[Procedure<'a>]) -> Vec<(&'a Section, Vec<&'a Clause>)> {
    let taken: BTreeSet<&str> =
        procedures.iter().flat_map(|procedure| &procedure.clauses).map(|clause| clause.id.value.as_str()).collect();
    let mut sections: Vec<(&Section, Vec<&Clause>)> = Vec::new();
    for clause in policy.clauses.iter().filter(|clause| !taken.contains(clause.id.value.as_str())) {
        match sections.last_mut() {
            Some((section, clauses)) if key(section) == key(&clause.section) => clauses.push(clause),
            _ => sections.push((&clause.section, vec![clause])),
        }
    }
    sections
}

/// The name of the skill that names the others.
pub fn overview_name(policy: &Policy) -> String {
    const ENDING: &str = "-overview";
    let stem = slug(&policy.id);
    let stem = &stem[..stem.len().min(LONGEST - ENDING.len())];
    format!("{}{ENDING}", stem.trim_end_matches('-'))
}

/// The most characters of a skill's name.
const LONGEST: usize = 64;

/// A text as the name of a skill: its ASCII letters and digits, with single hyphens in place of all else.
fn slug(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => name.push(c),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    name.truncate(LONGEST);
    let name = name.trim_end_matches('-');
    if name.is_empty() { "procedure".to_owned() } else { name.to_owned() }
}

/// The name, with a number where another skill has it.
fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut found = name.to_owned();
    let mut number = 1;
    while !taken.insert(found.clone()) {
        number += 1;
        let ending = format!("-{number}");
        let stem = &name[..name.len().min(LONGEST - ending.len())];
        found = format!("{}{ending}", stem.trim_end_matches('-'));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_skills() {
        for (text, name) in [
            ("Problem tickets", "problem-tickets"),
            ("  What -- metrics & reviews: state!  ", "what-metrics-reviews-state"),
            ("Größe", "gr-e"),
            ("手順", "procedure"),
            ("", "procedure"),
            (&"ab ".repeat(40), &format!("{}a", "ab-".repeat(21))),
        ] {
            assert_eq!(slug(text), name);
        }
        let mut taken = BTreeSet::new();
        let long = "x".repeat(64);
        let names = ["a", "a", "a", &long, &long].map(|name| unique(name, &mut taken));
        assert_eq!(names, ["a", "a-2", "a-3", &long, &format!("{}-2", "x".repeat(62))]);
    }
}
