//! The evaluator's bench: traces are replayed, graded against what is held to be right, and linted.

pub mod baseline;
pub mod compare;
pub mod grade;
pub mod lint;
pub mod model;
mod process;
pub mod replay;
mod run;
pub mod stages;
pub mod totals;

pub use run::{Request, run};
