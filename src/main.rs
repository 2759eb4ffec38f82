//! The program: see `incident-mcp --help`.

mod cli;

/// A call over HTTP allocates a few hundred times, and the system's allocator takes a fifth of its time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
