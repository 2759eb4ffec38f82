//! `mapping`: check.

use super::print::{self, BAD, BOLD, DIM, GOOD, PLAIN};
use super::setup::SourceChoice;
use super::{Answer, Error};
use clap::{Args, Subcommand};
use evaluation::mapping::{Mapping as Checked, Size, Source};
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Mapping {
    /// Check mappings of foreign environments and name file and line of every mistake
    ///
    /// Without ids, every mapping is checked. Exit code 3 when there is a mistake.
    Check(Check),
}

#[derive(Args)]
pub struct Check {
    /// Mappings to check, such as it-incident-management/4 [default: all]
    ids: Vec<String>,
    #[command(flatten)]
    mappings: MappingSource,
    #[command(flatten)]
    policies: SourceChoice,
}

/// Where mappings are.
#[derive(Args, Clone)]
pub struct MappingSource {
    /// A folder of mappings, in place of the ones that the program ships
    #[arg(long, value_name = "DIR", env = "INCIDENT_MCP_MAPPINGS")]
    mappings: Option<PathBuf>,
}

impl MappingSource {
    pub fn source(&self) -> Source {
        self.mappings.clone().map_or(Source::Embedded, Source::Directory)
    }
}

impl Mapping {
    pub fn run(&self) -> Result<Answer, Error> {
        let Mapping::Check(check) = self;
        check.run()
    }
}

impl Check {
    fn run(&self) -> Result<Answer, Error> {
        let source = self.mappings.source();
        let ids = if self.ids.is_empty() { Checked::ids(&source) } else { self.ids.clone() };
        if ids.is_empty() {
            return Err(
                "there is no mapping here: a mapping is a TOML file beside an environment.toml, in a folder".into()
            );
        }
        let mut answer = Answer::Yes;
        let mut said = Vec::new();
        for id in &ids {
            match Checked::check(&source, id, &self.policies.source()) {
                Ok(mapping) => {
                    let Size { tools, operations, tables } = mapping.size();
                    anstream::println!(
                        "{GOOD}ok{PLAIN} {BOLD}{id}{PLAIN} {DIM}{tools} tools, {operations} operations, {tables} tables{PLAIN}"
                    );
                }
                Err(mistakes) => {
                    answer = Answer::No;
                    anstream::println!("{BAD}{}{PLAIN} {BOLD}{id}{PLAIN}", print::count(mistakes.len(), "mistake"));
                    // A mistake of the file that mappings share is one mistake.
                    for mistake in mistakes {
                        if !said.contains(&mistake) {
                            anstream::println!("  {mistake}");
                            said.push(mistake);
                        }
                    }
                }
            }
        }
        Ok(answer)
    }
}
