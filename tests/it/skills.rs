//! Procedures as Agent Skills: what a skill says, and that it says it in the policy's words.

mod command;
mod compare;
mod draft;
mod export;
mod mcp;

use crate::support::{policies, policy};
use procedures::policy::{Audit, Policy, Work};
use skills::{MAIN, Skill, Skills};
use std::collections::{BTreeMap, BTreeSet};

/// The skills of a shipped policy, with that policy.
fn shipped() -> impl Iterator<Item = (std::sync::Arc<Policy>, Skills)> {
    policies().map(|id| {
        let policy = policy(id);
        let skills = Skills::of(&policy, policy.audit);
        (policy, skills)
    })
}

fn main_of(skill: &Skill) -> &str {
    assert_eq!(skill.files[0].path, MAIN);
    &skill.files[0].text
}

/// The lines of the part with that heading.
fn part<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = text.lines().skip_while(|line| *line != format!("## {heading}")).skip(1);
    lines.take_while(|line| !line.starts_with("## ")).filter(|line| !line.is_empty()).collect()
}

#[test]
fn every_skill_has_the_form_of_agent_skills() {
    for (policy, skills) in shipped() {
        let mut names = BTreeSet::new();
        for skill in &skills.skills {
            let name = &skill.name;
            assert!(names.insert(name), "{name} is there twice");
            assert!(
                (1..=64).contains(&name.len())
                    && !name.contains("--")
                    && !name.starts_with('-')
                    && !name.ends_with('-')
            );
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{name}");
            assert!((1..=1024).contains(&skill.description().chars().count()), "{name}");
            assert_eq!(skill.uri(), format!("skill://{}/{name}/SKILL.md", policy.id));
            let text = main_of(skill);
            assert!(text.lines().count() < 500, "{name} is too long");
            let read = skills::read(text).unwrap();
            assert_eq!(read.front, skill.front, "{name}");
            assert_eq!(read.front["name"], name.as_str());
            assert_eq!(read.front["license"], "Apache-2.0");
            assert_eq!(read.front["metadata"]["policy"], policy.id.as_str());
            assert_eq!(read.front["metadata"]["edition"], policy.fingerprint.as_str());
            assert_eq!(read.front["metadata"]["clauses"], skill.clauses.join(" "));
            for file in &skill.files {
                assert_eq!(file.digest, skills::digest(file.text.as_bytes()));
                assert_eq!(skills.file(&skill.address(&file.path)).unwrap().1.text, file.text);
            }
            let paths: Vec<&str> = skill.files.iter().map(|file| &*file.path).collect();
            let tiers = (!policy.tiers.0.is_empty()).then_some("references/tiers.md");
            let expected = [MAIN, "references/words.md"].into_iter().chain(tiers).chain(["references/policy.md"]);
            assert_eq!(paths, expected.collect::<Vec<_>>());
            assert_eq!(*skill.files.last().unwrap().text, *policy.text);
        }
        assert!(skills.get("skill://nothing/SKILL.md").is_none());
    }
}

#[test]
fn the_same_policy_gives_the_same_bytes() {
    for (policy, skills) in shipped() {
        let again = Skills::of(&policy, policy.audit);
        let digests = |skills: &Skills| -> Vec<String> {
            skills.skills.iter().flat_map(|skill| &skill.files).map(|file| file.digest.clone()).collect()
        };
        assert_eq!(digests(&skills), digests(&again));
    }
}

#[test]
fn every_tool_that_writes_is_in_one_procedure_and_its_clauses_stand_there() {
    for (policy, skills) in shipped() {
        let mut homes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for skill in &skills.skills {
            for line in part(main_of(skill), "Steps") {
                if let Some(tool) = policy.tools.iter().find(|tool| line.contains(&format!("** `{}`: ", tool.name))) {
                    homes.entry(&tool.name).or_default().push(&skill.name);
                    assert!(skill.front["allowed-tools"].as_array().unwrap().iter().any(|name| *name == tool.name));
                }
            }
        }
        for tool in &policy.tools {
            let Work::Act(act) = &tool.work else {
                assert!(!homes.contains_key(&*tool.name));
                continue;
            };
            let [home] = &homes[&*tool.name][..] else { panic!("{} is in {:?}", tool.name, homes[&*tool.name]) };
            let skill = skills.skills.iter().find(|skill| skill.name == *home).unwrap();
            let rules = act.actor_rules.iter().chain(&act.rules);
            for clause in rules.clone().map(|rule| &rule.clause).chain(&act.clauses).chain([&act.roles_clause]) {
                let line = format!("**{clause}** {}", policy.clause(clause).unwrap().text);
                assert!(main_of(skill).contains(&line), "{}: {home} lacks {line}", policy.id);
            }
            let halts = part(main_of(skill), "Halts");
            for rule in rules {
                let said = format!("- **{}** `{}`:", rule.clause, rule.code);
                assert!(halts.iter().any(|line| line.starts_with(&said)), "{home} lacks {said}");
            }
            for role in act.roles.iter().flatten() {
                assert!(part(main_of(skill), "Who may").iter().any(|line| line.contains(&format!("`{role}`"))));
            }
        }
    }
}

#[test]
fn every_clause_of_the_policy_is_told_by_some_skill() {
    for (policy, skills) in shipped() {
        let told: BTreeSet<&str> = skills.skills.iter().flat_map(|skill| &skill.clauses).map(String::as_str).collect();
        let all: BTreeSet<&str> = policy.clauses.iter().map(|clause| clause.id.value.as_str()).collect();
        assert_eq!(told, all, "{}", policy.id);
    }
}

#[test]
fn each_line_of_a_procedure_names_a_clause_of_the_policy() {
    for (policy, skills) in shipped() {
        for skill in skills.skills.iter().skip(1) {
            for heading in ["Who may", "What is checked first", "Steps", "Halts", "What is owed afterwards"] {
                for line in part(main_of(skill), heading) {
                    let id = line.split("**").nth(1).unwrap_or_default();
                    assert!(policy.clause(id).is_some(), "{}: {line}", skill.name);
                }
            }
        }
    }
}

#[test]
fn the_overview_names_the_other_skills_and_no_tool_of_its_own() {
    for (policy, skills) in shipped() {
        let (overview, others) = skills.skills.split_first().unwrap();
        assert_eq!(overview.name, format!("{}-overview", policy.id));
        assert!(!overview.front.contains_key("allowed-tools"));
        let listed = part(main_of(overview), "Procedures");
        assert_eq!(listed.len(), others.len());
        for (line, skill) in listed.iter().zip(others) {
            assert!(line.starts_with(&format!("- `{}`: ", skill.name)), "{line}");
        }
    }
}

#[test]
fn what_is_owed_follows_the_audit_of_the_episode() {
    let policy = policy("problem-to-review");
    for (audit, owed) in [(Audit::Explicit, true), (Audit::Automatic, false), (Audit::None, false)] {
        let skills = Skills::of(&policy, audit);
        let skill = skills.get("skill://problem-to-review/problem-tickets/SKILL.md").unwrap();
        assert_eq!(!part(main_of(skill), "What is owed afterwards").is_empty(), owed);
        let tools = skill.front["allowed-tools"].as_array().unwrap();
        assert_eq!(tools.iter().any(|tool| tool == "log_audit"), owed);
    }
}

#[test]
fn a_skill_reads_as_its_policy_does() {
    let policy = policy("client-user-vendor");
    let skills = Skills::of(&policy, policy.audit);
    insta::assert_snapshot!(main_of(skills.get("skill://client-user-vendor/registering-a-vendor/SKILL.md").unwrap()));
}
