//! The reference of the ratios: an rmcp server with a tool that does nothing.

use rmcp::handler::server::wrapper::Parameters;
use rmcp::{Json, ServerHandler, tool, tool_handler, tool_router};

/// The empty tool: a number in, the same number out.
#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
struct Number {
    n: i64,
}

/// A server with the empty tool alone.
#[derive(Clone)]
pub struct Empty {
    router: rmcp::handler::server::router::tool::ToolRouter<Empty>,
}

#[tool_router(router = build)]
impl Empty {
    /// The server.
    pub fn new() -> Empty {
        Empty { router: Empty::build() }
    }

    #[tool(description = "Nothing")]
    async fn noop(&self, Parameters(number): Parameters<Number>) -> Json<Number> {
        Json(number)
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Empty {}
