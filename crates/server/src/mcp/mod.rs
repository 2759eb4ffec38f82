//! The MCP face of an episode: tools, resources, prompts, completions and skills.
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
mod skills;
pub mod stdio;
pub mod tools;

pub use arrival::Arrival;
pub use orderly::Orderly;

use crate::registry::{Description, Live, LiveError, Recorder};
use ::skills::{SCHEME, Skills};
use calls::Episode;
use futures::future::{Either, select};
use procedures::halt::Kind;
use procedures::policy::{Audit, Policy};
use progress::Progress;
use resources::Found;
use rmcp::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    ContentBlock, CustomRequest, CustomResult, ErrorCode, ErrorData, GetPromptRequestParams, GetPromptResponse,
    GetSkillRequestParams, GetSkillResult, Implementation, InitializeRequestParams, InitializeResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult, ListToolsResult,
    PaginatedRequestParams, Prompt, ProtocolVersion, ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value as Json;
use std::pin::pin;
use std::sync::{Arc, OnceLock};

/// How long a client may keep what never changes while a server runs, in milliseconds.
const STATIC_TTL: u64 = 3_600_000;

/// What a transport serves: a server, and in builds for the conformance suite its fixtures beside it.
#[cfg(not(feature = "conformance-fixtures"))]
pub type Handler = Server;
/// What a transport serves: a server, and in builds for the conformance suite its fixtures beside it.
#[cfg(feature = "conformance-fixtures")]
pub type Handler = conformance::WithFixtures<Server>;

/// What clients are told of an episode, made once for all that are alike.
pub struct Listing {
    tools: Vec<Tool>,
    prompts: Vec<Prompt>,
    instructions: String,
    audit: Audit,
    /// Made when somebody first asks for one: starting up costs nothing more for them.
    skills: OnceLock<Skills>,
}

impl Listing {
    /// The listing of episodes of that description under the policy.
    pub fn of(policy: &Policy, about: &Description) -> Listing {
        let role = about.as_role.as_deref();
        Listing {
            tools: tools::of(policy, role, about.clock_kind),
            prompts: prompts::list(policy, role),
            instructions: prompts::instructions(policy, about),
            audit: about.audit,
            skills: OnceLock::new(),
        }
    }
}

/// A server of one episode.
#[derive(Clone)]
pub struct Server {
    live: Arc<Live>,
    listing: Arc<Listing>,
    /// Whether the handshake of this connection agreed on a revision that has extensions; not set where there was none.
    extended: Arc<OnceLock<bool>>,
}

impl Server {
    /// Serve that episode.
    pub fn new(live: Arc<Live>, listing: Arc<Listing>) -> Server {
        Server { live, listing, extended: Arc::default() }
    }

    /// Serve an episode that nobody else serves.
    pub fn alone(episode: Episode, recorder: Option<&Recorder>) -> Server {
        Server::alone_as(episode, None, recorder)
    }

    /// The same, listing only the tools of a role.
    pub fn alone_as(episode: Episode, as_role: Option<String>, recorder: Option<&Recorder>) -> Server {
        let live = Live::alone_as(episode, as_role, recorder);
        let listing = Listing::of(live.policy(), live.description());
        Server::new(live, Arc::new(listing))
    }

    /// The handler of a connection.
    pub fn handler(mut self) -> Handler {
        self.extended = Arc::default();
        #[cfg(feature = "conformance-fixtures")]
        return conformance::WithFixtures(self);
        #[cfg(not(feature = "conformance-fixtures"))]
        self
    }

    /// The episode.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    fn skills(&self) -> &Skills {
        self.listing.skills.get_or_init(|| Skills::of(self.live.policy(), self.listing.audit))
    }

    /// Whether a request is of a revision that has extensions.
    fn is_extended(&self, context: &RequestContext<RoleServer>) -> bool {
        let agreed = || self.extended.get().copied().unwrap_or(false);
        context.meta.protocol_version().map_or_else(agreed, |version| has_extensions(&version))
    }

    /// The skills, for a request that may ask for them as such.
    fn skills_for(&self, method: &str, context: &RequestContext<RoleServer>) -> Result<&Skills, ErrorData> {
        if self.is_extended(context) { Ok(self.skills()) } else { Err(unknown_method(method)) }
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
        let mut capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .enable_completions()
            .enable_skills_with_directory_read()
            .build();
        if self.extended.get() == Some(&false) {
            capabilities.extensions = None;
        }
        let about = Implementation::new("incident-mcp", env!("CARGO_PKG_VERSION"))
            .with_title("incident-mcp")
            .with_description("Incident-management procedures as MCP tools that an agent cannot misuse");
        ServerConfig::new(capabilities).with_server_info(about).with_instructions(self.listing.instructions.clone())
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let agreed = self.negotiate_initialize(&request)?.protocol_version;
        // A second handshake on a connection agrees on nothing else.
        let _ = self.extended.set(has_extensions(&agreed));
        let answer = self.negotiate_initialize(&request);
        context.peer.set_peer_info(request);
        answer
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
        let is_error = outcome.is_error();
        let content = vec![ContentBlock::text(outcome.text)];
        let mut result = match is_error {
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
        let mut all = resources::list(self.live.policy(), self.live.description());
        all.extend(skills::resources(self.skills()));
        Ok(ListResourcesResult::with_all_items(all).with_ttl_ms(STATIC_TTL).with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        first_page(page.as_ref())?;
        let policy = self.live.policy();
        let mut all = resources::templates(policy);
        all.push(skills::template(&policy.id));
        Ok(ListResourceTemplatesResult::with_all_items(all)
            .with_ttl_ms(STATIC_TTL)
            .with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri.starts_with(SCHEME) {
            let file = skills::read(self.skills(), &request.uri);
            return file.map(Into::into).ok_or_else(|| resources::not_found(&request.uri));
        }
        match resources::find(self.live.policy(), self.live.description(), &request.uri)? {
            Found::Text(result) => Ok(result.into()),
            Found::Clock => {
                let now = self.look(|episode| Ok(episode.now().to_owned())).await?;
                Ok(resources::clock(&request.uri, &now).into())
            }
            Found::Record(table, id) => {
                let outcome = self.live.read_record(table, id).await.map_err(refusal)?;
                resources::record(&request.uri, table, &outcome).map(Into::into)
            }
        }
    }

    async fn list_skills(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListSkillsResult, ErrorData> {
        let skills = self.skills_for("skills/list", &context)?;
        first_page(page.as_ref())?;
        Ok(skills::list(skills))
    }

    async fn get_skill(
        &self,
        request: GetSkillRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetSkillResult, ErrorData> {
        skills::get(self.skills_for("skills/get", &context)?, &request.uri)
    }

    async fn read_resource_directory(
        &self,
        request: ReadResourceDirectoryRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceDirectoryResult, ErrorData> {
        let skills = self.skills_for("resources/directory/read", &context)?;
        only_page(request.cursor.as_deref())?;
        skills::directory(skills, &request.uri)
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        first_page(page.as_ref())?;
        Ok(ListPromptsResult::with_all_items(self.listing.prompts.clone())
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
        let removed = match request.method.as_str() {
            "initialize" => context.meta.protocol_version().is_some(),
            "skills/list" | "skills/get" | "resources/directory/read" => !self.is_extended(&context),
            _ => false,
        };
        match message::misfit(&request.method, request.params.as_ref()).filter(|_| !removed) {
            Some(message) => Err(ErrorData::invalid_params(message, None)),
            None => Err(unknown_method(&request.method)),
        }
    }
}

/// Every list is one page, so that a cursor is none of ours, which the specification wants refused.
fn first_page(page: Option<&PaginatedRequestParams>) -> Result<(), ErrorData> {
    only_page(page.and_then(|page| page.cursor.as_deref()))
}

fn only_page(cursor: Option<&str>) -> Result<(), ErrorData> {
    match cursor {
        None => Ok(()),
        Some(cursor) => {
            let message = format!("the cursor {cursor:?} is unknown: this list has one page");
            Err(ErrorData::invalid_params(message, None))
        }
    }
}

/// Extensions came with 2026-07-28.
fn has_extensions(version: &ProtocolVersion) -> bool {
    // Revisions are days, which as texts stand in their order.
    version.as_str() >= ProtocolVersion::V_2026_07_28.as_str()
}

fn unknown_method(method: &str) -> ErrorData {
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("there is no method {method:?} here"), None)
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
    match error.kind() {
        Kind::Gone => ErrorData::invalid_request(message, None),
        Kind::Fault => ErrorData::internal_error(message, None),
        _ => ErrorData::invalid_params(message, None),
    }
}

/// A failure of ours while something is read: logged in full, answered opaquely.
fn fault(error: impl std::fmt::Display) -> ErrorData {
    tracing::error!("request failed: {error}");
    ErrorData::internal_error("the server failed; the reason is in its log", None)
}
