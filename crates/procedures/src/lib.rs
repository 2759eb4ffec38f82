//! Written procedures as data, and the actions that they expose.
#![deny(missing_docs)]

pub mod action;
pub mod halt;
pub mod policy;
