//! Integration tests: behaviour, seen from outside the library.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::type_complexity, missing_docs)]

mod baseline;
mod cli;
mod conformance;
mod control;
mod convert;
mod durable;
mod edge;
mod environment;
mod episodes;
mod evaluate;
mod evaluation;
mod files;
mod grading;
mod images;
mod inputs;
mod mapping;
mod mcp;
mod originals;
mod outputs;
mod policies;
mod properties;
mod recording;
mod registry;
mod remote;
mod report;
mod roles;
mod rules;
mod sse;
mod store;
mod support;
mod tidy;
mod times;
mod tools;
mod traces;
mod wire;
