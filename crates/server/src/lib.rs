//! Live episodes, and what they are reached by: MCP over standard input, over HTTP, and the control plane.
#![deny(missing_docs)]

pub mod http;
pub mod mcp;
pub mod registry;
