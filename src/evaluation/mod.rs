//! The evaluator's bench: traces are replayed, graded against what is held to be right, and linted.

pub mod model;
