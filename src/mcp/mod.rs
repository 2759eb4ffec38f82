//! The MCP face of an episode: tools, resources, prompts and completions.
//!
//! **Invariant:** no rules here. What is listed is a projection of the policy; what a call does is the episode's.

mod completions;
mod lines;
mod prompts;
mod resources;
pub mod stdio;
pub mod tools;

use crate::episode::Episode;
use crate::policy::{Audit, Policy};
use rmcp::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    ContentBlock, CustomRequest, CustomResult, ErrorCode, ErrorData, GetPromptRequestParams, GetPromptResponse,
    Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value as Json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a client may keep what never changes while a server runs, in milliseconds.
const STATIC_TTL: u64 = 3_600_000;

/// A server of one episode.
#[derive(Clone)]
pub struct Server {
    policy: Arc<Policy>,
    episode: Arc<Mutex<Episode>>,
    tools: Arc<[Tool]>,
    audit: Audit,
}

impl Server {
    /// Serve that episode.
    pub fn new(episode: Episode) -> Server {
        let policy = episode.policy().clone();
        let tools = tools::list(&policy).into();
        let audit = episode.audit();
        Server { policy, episode: Arc::new(Mutex::new(episode)), tools, audit }
    }

    /// The episode, for whoever runs the server.
    pub fn episode(&self) -> MutexGuard<'_, Episode> {
        // A panic inside a call is caught there; the episode itself is never left half-changed.
        self.episode.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .enable_completions()
            .build();
        let about = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_title("incident-mcp")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        ServerConfig::new(capabilities)
            .with_server_info(about)
            .with_instructions(prompts::instructions(&self.policy, self.audit))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec())
            .with_ttl_ms(STATIC_TTL)
            .with_cache_scope(CacheScope::Public))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    // Without an await, so that on a current-thread runtime calls run whole and in arrival order.
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if context.ct.is_cancelled() {
            return Err(ErrorData::invalid_request("the call was cancelled before it ran", None));
        }
        let arguments = request.arguments.unwrap_or_default();
        let outcome = (self.episode().call(&request.name, arguments))
            .map_err(|unknown| ErrorData::invalid_params(unknown.to_string(), None))?;
        let content = vec![ContentBlock::text(outcome.text)];
        let mut result = match outcome.is_error {
            true => CallToolResult::error(content),
            false => CallToolResult::success(content),
        };
        result.structured_content = Some(Json::Object(outcome.answer));
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resources::list(&self.policy))
            .with_ttl_ms(STATIC_TTL)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates(&self.policy))
            .with_ttl_ms(STATIC_TTL)
            .with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read(&self.policy, &mut self.episode(), &request.uri).map(Into::into)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::list(&self.policy))
            .with_ttl_ms(STATIC_TTL)
            .with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        prompts::get(&self.policy, &request.name, &arguments).map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        completions::complete(&self.policy, &mut self.episode(), &request)
    }

    /// Requests that rmcp could not read: a known method with parameters of another shape, or an unknown method.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        /// The methods whose parameters can be malformed.
        const METHODS: [&str; 9] = [
            "initialize",
            "tools/call",
            "tools/list",
            "resources/list",
            "resources/read",
            "resources/templates/list",
            "prompts/list",
            "prompts/get",
            "completion/complete",
        ];
        if METHODS.contains(&request.method.as_str()) {
            let message = format!("the parameters of {} have another shape", request.method);
            return Err(ErrorData::invalid_params(message, None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None))
    }
}

/// A failure of ours while something is read: logged in full, answered opaquely.
fn fault(error: impl std::fmt::Display) -> ErrorData {
    tracing::error!("request failed: {error}");
    ErrorData::internal_error("the server failed; the reason is in its log", None)
}
