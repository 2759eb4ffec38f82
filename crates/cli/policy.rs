//! `policy`: check, coverage, show.

use super::print::{self, BAD, BOLD, DIM, GOOD, PLAIN};
use super::setup::{PolicyChoice, SourceChoice};
use super::skill::Export;
use super::{Answer, Error};
use clap::{Args, Subcommand};
use procedures::policy::{self, Work};
use std::collections::BTreeSet;

#[derive(Subcommand)]
pub enum Policy {
    /// Check policies and name file and line of every mistake
    ///
    /// Without ids, every policy is checked, and every part that none of them includes. Exit code 3 when there is a mistake.
    Check(Check),
    /// Print what carries out each clause of a policy
    Coverage(PolicyChoice),
    /// Print a policy's text
    Show(PolicyChoice),
    /// Write a policy's procedures as Agent Skills
    ///
    /// One folder a procedure and one that names them, each with a SKILL.md. Skills that an earlier edition of the same policy left
    /// there are replaced; where anything else is in the way, nothing is written.
    Export(Export),
}

#[derive(Args)]
pub struct Check {
    /// Policies to check [default: all]
    ids: Vec<String>,
    #[command(flatten)]
    source: SourceChoice,
}

impl Policy {
    pub fn run(&self) -> Result<Answer, Error> {
        match self {
            Policy::Check(check) => check.run(),
            Policy::Coverage(choice) => coverage(choice),
            Policy::Export(export) => export.run(),
            Policy::Show(choice) => {
                anstream::print!("{}", choice.load()?.text);
                Ok(Answer::Yes)
            }
        }
    }
}

impl Check {
    fn run(&self) -> Result<Answer, Error> {
        let source = self.source.source();
        source.usable().map_err(|why| format!("there is no policy here: {why}"))?;
        let checked: Vec<policy::Checked> = match self.ids.is_empty() {
            true => policy::check(&source),
            false => self.ids.iter().map(|id| (id.clone(), policy::load(&source, id))).collect(),
        };
        if checked.is_empty() {
            return Err(
                "there is no policy here: a policy is a folder with a policy.toml that has a clock, and the folder \
                        that holds it is the one to name"
                    .into(),
            );
        }
        let mut answer = Answer::Yes;
        let mut said = BTreeSet::new();
        for (id, found) in checked {
            match found {
                Ok(policy) => {
                    let rules: usize = (policy.tools.iter())
                        .map(|tool| match &tool.work {
                            Work::Act(act) => act.actor_rules.len() + act.rules.len() + 1,
                            Work::Find(_) => tool.find_rules.len(),
                        })
                        .sum();
                    anstream::println!(
                        "{GOOD}ok{PLAIN} {BOLD}{id}{PLAIN} {DIM}{} clauses, {} tools, {rules} rules on them, {} vocabularies{PLAIN}",
                        policy.clauses.len(),
                        policy.tools.len(),
                        policy.words.len(),
                    );
                }
                Err(mistakes) => {
                    answer = Answer::No;
                    anstream::println!("{BAD}{}{PLAIN} {BOLD}{id}{PLAIN}", print::count(mistakes.len(), "mistake"));
                    // A mistake of a part is one mistake, however many policies include it.
                    for mistake in mistakes {
                        if said.insert(mistake.clone()) {
                            anstream::println!("  {mistake}");
                        }
                    }
                }
            }
        }
        Ok(answer)
    }
}

fn coverage(choice: &PolicyChoice) -> Result<Answer, Error> {
    let policy = choice.load()?;
    let rows: Vec<Vec<String>> = (policy.clauses.iter())
        .map(|clause| {
            let id = &clause.id.value;
            let covers = policy.cover(id);
            let mut kinds: Vec<&str> = covers.iter().map(policy::coverage::Cover::kind).collect();
            kinds.dedup();
            let by: Vec<String> = covers.iter().map(ToString::to_string).collect();
            vec![id.clone(), clause.text.clone(), kinds.join(", "), by.join(", ")]
        })
        .collect();
    print::table(&["clause", "text", "covered by", "name"], &rows);
    Ok(Answer::Yes)
}
