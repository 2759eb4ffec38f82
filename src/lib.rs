//! incident-mcp turns written operating procedures into tools that an agent cannot misuse.
//!
//! From the bottom up, each module naming only those above it in this list:
//!
//! - `lock`: locks that outlive a panic.
//! - [`halt`], [`time`], [`suggest`]: the form of a refusal, times as the procedures write them, "did you mean".
//! - [`mod@trace`]: what agents called and were answered, read from and written to the formats of other harnesses.
//! - [`store`]: one catalogue of tables; SQLite, fixtures, journal, canonical state. Only it writes SQL.
//! - [`action`]: what is recorded. One struct of inputs and one `run` each; a [`action::call::Permit`] is needed to write.
//! - [`policy`]: who may, when, with which words, at what time, in what wording; loaded from data files and checked whole.
//! - [`episode`]: the life of a call. One call is one transaction, with its journal entry in it.
//! - [`mapping`]: foreign environments, whose tools, tables and words data files translate.
//! - [`evaluation`]: replaying, grading and linting traces; what it finds is a report.
//! - [`report`]: what evaluating found, as table, JSON, JUnit XML, Markdown and HTML.
//! - [`registry`]: live episodes: their order of calls, lifetime, checkpoints, and the state directory.
//! - [`mcp`]: tools, resources, prompts and completions. It holds no rules.
//! - [`http`]: the listeners: Streamable HTTP, HTTP+SSE, the control plane, and what guards them.
//!
//! ARCHITECTURE.md has the code map and the invariants; a test reads the sources and holds them.
#![deny(missing_docs)]

pub mod action;
pub mod episode;
pub mod evaluation;
pub mod files;
pub mod halt;
pub mod http;
mod lock;
pub mod mapping;
pub mod mcp;
pub mod policy;
pub mod registry;
pub mod report;
pub mod store;
pub mod suggest;
mod text;
pub mod time;
pub mod trace;
