//! `policy`: check, coverage, show; what concerns skills is in `skill.rs`.

use super::print::{self, BAD, BOLD, DIM, GOOD, PLAIN};
use super::setup::{PolicyChoice, SourceChoice};
use super::skill::{Coverage, Export, New};
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
    /// Print what carries out each clause of a policy, or what of a skill a policy enforces
    Coverage(Coverage),
    /// Print a policy's text
    Show(PolicyChoice),
    /// Write a policy's procedures as Agent Skills
    ///
    /// One folder a procedure and one that names them, each with a SKILL.md. Skills that an earlier edition of the same policy left
    /// there are replaced; where anything else is in the way, nothing is written.
    Export(Export),
    /// Draft a policy from an Agent Skill
    ///
    /// Its sentences become clauses. Those that look like a rule are to be covered, the others are exempt until somebody says why;
    /// see `policy check --draft`. The folder is made below that of --policies, else here.
    New(New),
}

#[derive(Args)]
pub struct Check {
    /// Policies to check [default: all]
    ids: Vec<String>,
    /// Tell of clauses that nothing carries out, and take none for a mistake
    #[arg(long)]
    draft: bool,
    #[command(flatten)]
    source: SourceChoice,
}

impl Policy {
    pub fn run(&self) -> Result<Answer, Error> {
        match self {
            Policy::Check(check) => check.run(),
            Policy::Coverage(coverage) => coverage.run(),
            Policy::Export(export) => export.run(),
            Policy::New(new) => new.run(),
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
        let (check, load): (fn(&_) -> _, fn(&_, &_) -> _) = match self.draft {
            true => (policy::check_drafts, policy::load_draft),
            false => (policy::check, policy::load),
        };
        let checked: Vec<policy::Checked> = match self.ids.is_empty() {
            true => check(&source),
            false => self.ids.iter().map(|id| (id.clone(), load(&source, id))).collect(),
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
                    for (clause, looks) in &policy.uncovered {
                        let looks = if looks.is_empty() { String::new() } else { format!(", and looks like: {looks}") };
                        anstream::println!("  clause {clause} is covered by nothing{looks}");
                    }
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
