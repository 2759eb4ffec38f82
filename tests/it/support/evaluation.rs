//! Evaluating from the library.

use incident_mcp::evaluation::compare::Closeness;
use incident_mcp::evaluation::model::{Command, Report};
use incident_mcp::evaluation::stages::Choice;
use incident_mcp::evaluation::{Request, run};
use incident_mcp::mapping;
use incident_mcp::policy::Source;
use incident_mcp::trace::Document;

/// Everything as each trace says.
pub fn choice() -> Choice {
    Choice {
        policies: Source::Embedded,
        mappings: mapping::Source::Embedded,
        policy: None,
        mapping: None,
        fixtures: None,
        mode: None,
        audit: None,
        actor: None,
        answers: Closeness::Canonical,
        prefix: None,
    }
}

/// Do it.
pub fn done(command: Command, choice: Choice, trials: &[Document], gold: Option<Vec<Document>>) -> Report {
    run(&Request { command, choice, gold, strict: false }, trials, Vec::new(), |_| {}, || {})
}
