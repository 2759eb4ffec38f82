//! `policy export`: a policy's procedures as Agent Skills.

use super::setup::PolicyChoice;
use super::{Answer, Error};
use clap::Args;
use skills::Skills;
use std::path::PathBuf;

#[derive(Args)]
pub struct Export {
    /// The folder to write them into, a folder for each: what a host without MCP reads skills from
    #[arg(long, value_name = "DIR")]
    skill: PathBuf,
    #[command(flatten)]
    policy: PolicyChoice,
}

impl Export {
    pub fn run(&self) -> Result<Answer, Error> {
        let policy = self.policy.load()?;
        let skills = Skills::of(&policy, policy.audit);
        for folder in skills::write(&skills, &policy, &self.skill)?.folders {
            anstream::println!("{}", folder.display());
        }
        Ok(Answer::Yes)
    }
}
