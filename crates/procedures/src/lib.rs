//! Written procedures as data, and the actions that they expose.
#![deny(missing_docs)]

pub mod action;
pub mod domain;
pub mod expression;
pub mod halt;
pub mod mistake;
pub mod policy;
pub mod reader;
