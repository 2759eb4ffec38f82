//! The command line: one file a command.

mod baseline;
mod call;
mod client;
mod control;
mod convert;
mod demo;
mod doctor;
mod episode;
mod evaluate;
mod files;
mod fixtures;
mod grade;
mod health;
mod http;
mod inputs;
mod lint;
mod log;
mod manual;
mod mapping;
mod open;
mod policy;
mod print;
mod replay;
mod serve;
mod setup;
mod signals;
mod skill;
mod state;
mod tools;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// A call over HTTP allocates a few hundred times, and the system's allocator takes a fifth of its time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Incident-management procedures as MCP tools that an agent cannot misuse.
///
/// Without a command the program serves an episode over standard input and output, which is what an MCP client starts.
/// To see one, try `incident-mcp demo`.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    serve: serve::Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the program could not do it: a missing file, a broken state file, a fault
  2  the command line is wrong
  3  the answer is no: a call halted, a check found mistakes

INCIDENT_MCP_LOG sets what is logged to standard error, such as warn or incident_mcp=debug.";

#[derive(Subcommand)]
enum Command {
    /// Serve an episode to an MCP client over standard input and output: the default
    Serve(Box<serve::Serve>),
    Demo(demo::Demo),
    Tools(tools::Tools),
    Call(call::Call),
    Replay(replay::Replay),
    Grade(grade::Grade),
    Lint(lint::Lint),
    Convert(convert::Convert),
    /// Check, measure or read policies
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Check mappings of foreign environments
    #[command(subcommand)]
    Mapping(mapping::Mapping),
    /// Check a set of fixtures
    #[command(subcommand)]
    Fixtures(fixtures::Fixtures),
    /// Hash or print the state of an episode
    #[command(subcommand)]
    State(state::State),
    /// Make, watch, compare and end the live episodes of a running server
    Episode(episode::Episode),
    /// Write the configuration of MCP clients, and take it back
    #[command(subcommand)]
    Client(client::Clients),
    Doctor(Box<doctor::Doctor>),
    Health(health::Health),
    Completions(manual::Completions),
    Man(manual::Man),
}

/// What a command came to, other than an error.
enum Answer {
    /// Done.
    Yes,
    /// Done, and the answer is no.
    No,
}

/// An error that a person reads.
type Error = Box<dyn std::error::Error>;

/// Run the command line.
fn main() -> ExitCode {
    let matches = without_empty(Cli::command()).get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    log::init();
    let result = match cli.command.unwrap_or(Command::Serve(Box::new(cli.serve))) {
        Command::Serve(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Tools(command) => command.run(),
        Command::Call(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Grade(command) => command.run(),
        Command::Lint(command) => command.run(),
        Command::Convert(command) => command.run(),
        Command::Policy(command) => command.run(),
        Command::Mapping(command) => command.run(),
        Command::Fixtures(command) => command.run(),
        Command::State(command) => command.run(),
        Command::Episode(command) => command.run(),
        Command::Client(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Health(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    };
    match result {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(3),
        Err(error) => {
            anstream::eprintln!("{}error:{} {error}", print::BAD, print::PLAIN);
            ExitCode::FAILURE
        }
    }
}

/// The command line, for which a variable that is set to nothing is not set: so forms and compose files leave them.
fn without_empty(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| {
        let empty = |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
        if arg.get_env().is_some_and(empty) { arg.env(clap::builder::Resettable::Reset) } else { arg }
    });
    command.mut_subcommands(without_empty)
}
