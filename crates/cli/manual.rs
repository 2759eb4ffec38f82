//! `completions` and `man`: what shells and manuals know of the command line.

use super::{Answer, Cli, Error};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::{self, Write};
use std::path::PathBuf;

/// Print a script that completes this program's command line in a shell
#[derive(Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write one for each command into a folder
#[derive(Args)]
pub struct Man {
    /// The folder, which is made
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Completions {
    pub fn run(&self) -> Result<Answer, Error> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
        io::stdout().write_all(&script)?;
        Ok(Answer::Yes)
    }
}

impl Man {
    pub fn run(&self) -> Result<Answer, Error> {
        match &self.output {
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(Cli::command()).render(&mut page)?;
                io::stdout().write_all(&page)?;
            }
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                clap_mangen::generate_to(Cli::command(), folder)?;
            }
        }
        Ok(Answer::Yes)
    }
}
