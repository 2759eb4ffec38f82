//! The program: see `incident-mcp --help`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
