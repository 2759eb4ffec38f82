//! The MCP face of an episode: tools, resources, prompts and completions.
//!
//! **Invariant:** no rules here. What is listed is a projection of the policy; what a call does is the episode's.

mod arrival;
pub mod batches;
mod completions;
#[cfg(feature = "conformance-fixtures")]
mod conformance;
mod idempotency;
mod lines;
pub mod message;
mod orderly;
mod pipe;
mod progress;
mod prompts;
mod resources;
pub mod stdio;
pub mod tools;

pub use arrival::Arrival;
pub use orderly::Orderly;

use crate::registry::{Live, LiveError, Recorder};
use calls::Episode;
use futures::future::{Either, select};
use procedures::policy::{Audit, Policy};
use progress::Progress;
use resources::Found;
use rmcp::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    ContentBlock, CustomRequest, CustomResult, ErrorCode, ErrorData, GetPromptRequestParams, GetPromptResponse,
    Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value as Json;
use std::pin::pin;
use std::sync::Arc;

/// How long a client may keep what never changes while a server runs, in milliseconds.
const STATIC_TTL: u64 = 3_600_000;

/// What a transport serves: a server, and in builds for the conformance suite its fixtures beside it.
#[cfg(not(feature = "conformance-fixtures"))]
pub type Handler = Server;
/// What a transport serves: a server, and in builds for the conformance suite its fixtures beside it.
#[cfg(feature = "conformance-fixtures")]
pub type Handler = conformance::WithFixtures<Server>;

/// What a policy's clients are told, made once for all its episodes.
pub struct Listing {
    tools: Vec<Tool>,
    instructions: String,
}

impl Listing {
    /// The listing of episodes under that policy.
    pub fn of(policy: &Policy, audit: Audit) -> Listing {
        Listing { tools: tools::list(policy), instructions: prompts::instructions(policy, audit) }
    }
}

/// A server of one episode.
#[derive(Clone)]
pub struct Server {
    live: Arc<Live>,
    listing: Arc<Listing>,
}

impl Server {
    /// Serve that episode.
    pub fn new(live: Arc<Live>, listing: Arc<Listing>) -> Server {
        Server { live, listing }
    }

    /// Serve an episode that nobody else serves.
    pub fn alone(episode: Episode, recorder: Option<&Recorder>) -> Server {
        let listing = Listing::of(episode.policy(), episode.audit());
        Server::new(Live::alone(episode, recorder), Arc::new(listing))
    }

    /// The handler of a transport.
    pub fn handler(self) -> Handler {
        #[cfg(feature = "conformance-fixtures")]
        return conformance::WithFixtures(self);
        #[cfg(not(feature = "conformance-fixtures"))]
        self
    }

    /// The episode.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    async fn look<T, F>(&self, look: F) -> Result<T, ErrorData>
    where
        T: Send + 'static,
        F: FnOnce(&mut Episode) -> Result<T, ErrorData> + Send + 'static,
    {
        self.live.touch();
        let looked = self.live.look(move |episode| Ok(look(episode))).await;
        looked.map_err(|error| ErrorData::invalid_request(error.to_string(), None))?
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
        let about = Implementation::new("incident-mcp", env!("CARGO_PKG_VERSION"))
            .with_title("incident-mcp")
            .with_description("Incident-management procedures as MCP tools that an agent cannot misuse");
        ServerConfig::new(capabilities).with_server_info(about).with_instructions(self.listing.instructions.clone())
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        first_page(page.as_ref())?;
        Ok(ListToolsResult::with_all_items(self.listing.tools.clone())
            .with_ttl_ms(STATIC_TTL)
            .with_cache_scope(CacheScope::Public))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.listing.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        // First of all, so that calls run in the order in which they came.
        let place = Arrival::of(&context).unwrap_or_else(|| self.live.queue());
        let key = idempotency::key(&context)?;
        let progress = Progress::of(&context);
        let told = progress.queued(place.must_wait());
        let arguments = request.arguments.unwrap_or_default();
        let call = self.live.call(place, &request.name, arguments, key.as_deref());
        // A call whose turn has come runs whole; before that, nobody waits for it any more.
        let outcome = tokio::select! {
            biased;
            () = context.ct.cancelled() => return Err(ErrorData::invalid_request("the call was cancelled before it ran", None)),
            outcome = beside(told, call) => outcome.map_err(refusal)?,
        };
        progress.done().await;
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
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        first_page(page.as_ref())?;
        Ok(ListResourcesResult::with_all_items(resources::list(self.live.policy()))
            .with_ttl_ms(STATIC_TTL)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        first_page(page.as_ref())?;
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates(self.live.policy()))
            .with_ttl_ms(STATIC_TTL)
            .with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match resources::find(self.live.policy(), &request.uri)? {
            Found::Text(result) => Ok(result.into()),
            Found::Record(table, id) => {
                let outcome = self.live.read_record(table, id).await.map_err(refusal)?;
                resources::record(&request.uri, table, &outcome).map(Into::into)
            }
        }
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        first_page(page.as_ref())?;
        Ok(ListPromptsResult::with_all_items(prompts::list(self.live.policy()))
            .with_ttl_ms(STATIC_TTL)
            .with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        prompts::get(self.live.policy(), &request.name, &arguments).map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let policy = self.live.policy().clone();
        self.look(move |episode| completions::complete(&policy, episode, &request)).await
    }

    /// Requests that rmcp could not read: a known method with parameters of another shape, or an unknown method.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // 2026-07-28 has no handshake, and only its requests name their revision.
        let removed = request.method == "initialize" && context.meta.protocol_version().is_some();
        match message::misfit(&request.method, request.params.as_ref()).filter(|_| !removed) {
            Some(message) => Err(ErrorData::invalid_params(message, None)),
            None => {
                let message = format!("there is no method {:?} here", request.method);
                Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None))
            }
        }
    }
}

/// Every list is one page, so that a cursor is none of ours, which the specification wants refused.
fn first_page(page: Option<&PaginatedRequestParams>) -> Result<(), ErrorData> {
    match page.and_then(|page| page.cursor.as_deref()) {
        None => Ok(()),
        Some(cursor) => {
            let message = format!("the cursor {cursor:?} is unknown: this list has one page");
            Err(ErrorData::invalid_params(message, None))
        }
    }
}

/// Do both at once, and be done with the second: a client that does not listen must not hold a turn that others wait for.
async fn beside<T>(first: impl Future<Output = ()>, second: impl Future<Output = T>) -> T {
    let (first, second) = (pin!(first), pin!(second));
    match select(first, second).await {
        Either::Left(((), second)) => second.await,
        Either::Right((done, _)) => done,
    }
}

/// Why a call was no call.
fn refusal(error: LiveError) -> ErrorData {
    let message = error.to_string();
    match error {
        LiveError::Call(_) => ErrorData::invalid_params(message, None),
        LiveError::Ended(_) => ErrorData::invalid_request(message, None),
        LiveError::Durable(_) => ErrorData::internal_error(message, None),
    }
}

/// A failure of ours while something is read: logged in full, answered opaquely.
fn fault(error: impl std::fmt::Display) -> ErrorData {
    tracing::error!("request failed: {error}");
    ErrorData::internal_error("the server failed; the reason is in its log", None)
}
