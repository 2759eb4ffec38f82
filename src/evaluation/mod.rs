//! The evaluator's bench: traces are replayed, graded against what is held to be right, and linted.

pub mod baseline;
pub mod compare;
mod gold;
pub mod grade;
mod journal;
pub mod lint;
pub mod model;
mod names;
pub mod outputs;
pub mod packed;
mod pass;
mod process;
mod remarks;
pub mod replay;
mod run;
pub mod stages;
pub mod totals;
mod trials;

pub use run::{Request, run};
