//! The evaluator's bench: traces are replayed, graded against what is held to be right, and linted.
#![deny(missing_docs)]

pub mod baseline;
pub mod came;
pub mod compare;
mod gold;
pub mod grade;
mod journal;
pub mod lint;
pub mod mapping;
pub mod model;
mod names;
pub mod outputs;
pub mod packed;
mod pass;
mod process;
mod remarks;
pub mod replay;
pub mod report;
mod run;
mod skills;
pub mod stages;
pub mod step;
pub mod totals;
mod trials;

pub use run::{Request, run};
