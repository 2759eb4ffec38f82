//! `fixtures`: check a set.

use super::print::{self, BAD, GOOD, PLAIN};
use super::setup::{SourceChoice, union_of_words};
use super::{Answer, Error};
use clap::{Args, Subcommand};
use procedures::policy;
use std::path::PathBuf;
use store::fixtures::Fixtures as Set;

#[derive(Subcommand)]
pub enum Fixtures {
    /// Check a set of fixtures and name every bad row and column
    ///
    /// A set is a folder of <table>.json files, each an object of rows by id or an array of rows. Words are checked
    /// against all that any policy knows. Exit code 3 when there is a problem.
    Check(Check),
}

#[derive(Args)]
pub struct Check {
    /// The folder [default: the shipped set]
    directory: Option<PathBuf>,
    /// Check words against this policy alone
    #[arg(long, value_name = "ID")]
    policy: Option<String>,
    #[command(flatten)]
    source: SourceChoice,
}

impl Fixtures {
    pub fn run(&self) -> Result<Answer, Error> {
        let Fixtures::Check(check) = self;
        check.run()
    }
}

impl Check {
    fn run(&self) -> Result<Answer, Error> {
        let source = self.source.source();
        let ids = self.policy.clone().map_or_else(|| policy::ids(&source), |id| vec![id]);
        let mut policies = Vec::new();
        for id in &ids {
            let policy = policy::load(&source, id);
            policies.push(policy.map_err(|mistakes| super::setup::listed("the policy has mistakes:", &mistakes))?);
        }
        let words = union_of_words(&policies);
        let set = match &self.directory {
            Some(directory) => Set::from_directory(directory, &words),
            None => Set::shipped(&words),
        };
        match set {
            Ok(set) => {
                let counts = set.counts();
                let rows: Vec<Vec<String>> =
                    (counts.iter()).map(|(table, count)| vec![(*table).to_owned(), count.to_string()]).collect();
                print::table(&["table", "rows"], &rows);
                let total: usize = counts.iter().map(|(_, count)| count).sum();
                anstream::println!("{GOOD}ok{PLAIN} {total} rows");
                Ok(Answer::Yes)
            }
            Err(problems) => {
                for problem in &problems {
                    anstream::println!("{problem}");
                }
                anstream::println!("{BAD}{}{PLAIN}", print::count(problems.len(), "problem"));
                Ok(Answer::No)
            }
        }
    }
}
