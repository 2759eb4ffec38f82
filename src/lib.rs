//! incident-mcp turns written operating procedures into tools that an agent cannot misuse.
#![deny(missing_docs)]

pub mod action;
pub mod episode;
pub mod halt;
pub mod mcp;
pub mod policy;
pub mod store;
pub mod suggest;
pub mod time;
