//! The fixtures of the official MCP conformance suite, beside the tools, prompts and resources of a real handler.
//!
//! The suite calls tools by names that it prescribes. This module has them, for builds with the feature
//! `conformance-fixtures`; no release has that feature. A fixture never hides what the handler has of its own.
//!
//! **Invariant:** what the fixtures keep (tasks, listening streams) is the process's, and touches no episode.

#![expect(deprecated, reason = "what 2026-07-28 deprecates is still required for 2025-11-25")]

mod content;
mod fixture;
mod input_required;
mod notices;
mod prompts;
mod questions;
mod resources;
mod server_requests;
mod tasks;

use fixture::{Call, Fixture};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult, CustomRequest,
    CustomResult, ErrorData, GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams, GetSkillResult,
    GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion, ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult, ReadResourceRequestParams,
    ReadResourceResponse, Reference, ServerConfig, SetLevelRequestMethod, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, TASKS_EXTENSION_ID, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};
use std::borrow::Cow;
use tasks::TASKS;

/// A handler with the suite's fixtures beside what it has of its own.
#[derive(Clone)]
pub struct WithFixtures<H>(pub H);

fn fixtures() -> impl Iterator<Item = &'static Fixture> {
    [content::TOOLS, notices::TOOLS, server_requests::TOOLS, input_required::TOOLS, tasks::TOOLS].into_iter().flatten()
}

fn fixture(name: &str) -> Option<&'static Fixture> {
    fixtures().find(|fixture| fixture.name == name)
}

impl<H: ServerHandler + Clone> ServerHandler for WithFixtures<H> {
    fn get_info(&self) -> ServerConfig {
        let mut info = self.0.get_info();
        let capabilities = &mut info.capabilities;
        capabilities.tools.get_or_insert_default().list_changed = Some(true);
        capabilities.prompts.get_or_insert_default().list_changed = Some(true);
        capabilities.resources.get_or_insert_default().subscribe = Some(true);
        capabilities.completions.get_or_insert_default();
        capabilities.logging.get_or_insert_default();
        capabilities.extensions.get_or_insert_default().entry(TASKS_EXTENSION_ID.to_owned()).or_default();
        info
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.0.supported_protocol_versions()
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut list = self.0.list_tools(request, context).await?;
        if list.next_cursor.is_none() {
            let free = fixtures().filter(|fixture| self.0.get_tool(fixture.name).is_none());
            list.tools.extend(free.map(Fixture::tool));
        }
        Ok(list)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.get_tool(name).or_else(|| fixture(name).map(Fixture::tool))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match fixture(&request.name).filter(|fixture| self.0.get_tool(fixture.name).is_none()) {
            Some(fixture) => (fixture.run)(Call { request, context }).await,
            // What neither knows, the handler refuses in its own words.
            None => self.0.call_tool(request, context).await,
        }
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut list = self.0.list_resources(request, context).await?;
        if list.next_cursor.is_none() {
            list.resources.extend(resources::list());
        }
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut list = self.0.list_resource_templates(request, context).await?;
        if list.next_cursor.is_none() {
            list.resource_templates.extend(resources::templates());
        }
        Ok(list)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match resources::has(&request.uri) {
            true => resources::read(&request.uri).map(Into::into),
            false => self.0.read_resource(request, context).await,
        }
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        match resources::has(&request.uri) {
            true => resources::watch(&request.uri),
            false => self.0.subscribe(request, context).await,
        }
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        match resources::has(&request.uri) {
            true => resources::watch(&request.uri),
            false => self.0.unsubscribe(request, context).await,
        }
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        // rmcp takes out what the capabilities do not offer.
        Some(requested.clone())
    }

    async fn listen(&self, stream: SubscriptionContext) -> Result<(), ErrorData> {
        notices::listen(stream).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut list = self.0.list_prompts(request, context).await?;
        if list.next_cursor.is_none() {
            list.prompts.extend(prompts::list());
        }
        Ok(list)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        match prompts::has(&request.name) {
            true => prompts::get(&request, &context),
            false => self.0.get_prompt(request, context).await,
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        match &request.r#ref {
            Reference::Prompt(prompt) if prompts::has(&prompt.name) => {
                prompts::complete(&request.argument.value).map(CompleteResult::new)
            }
            _ => self.0.complete(request, context).await,
        }
    }

    /// The level is taken and forgotten: each fixture that logs says by itself when it does.
    async fn set_level(&self, _: SetLevelRequestParams, context: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        match is_legacy(&context) {
            true => Ok(()),
            false => Err(ErrorData::method_not_found::<SetLevelRequestMethod>()),
        }
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        TASKS.get_task(&request.task_id).map(GetTaskResult::new)
    }

    async fn update_task(&self, request: UpdateTaskParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        TASKS.update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(&self, request: CancelTaskParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        TASKS.cancel_task(&request.task_id)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        // What it agrees on decides what its handler says of itself.
        self.0.initialize(request.clone(), context).await?;
        self.negotiate_initialize(&request)
    }

    async fn list_skills(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListSkillsResult, ErrorData> {
        self.0.list_skills(request, context).await
    }

    async fn get_skill(
        &self,
        request: GetSkillRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetSkillResult, ErrorData> {
        self.0.get_skill(request, context).await
    }

    async fn read_resource_directory(
        &self,
        request: ReadResourceDirectoryRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceDirectoryResult, ErrorData> {
        self.0.read_resource_directory(request, context).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        self.0.on_custom_request(request, context).await
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.0.on_initialized(context).await;
    }
}

/// Whether the client speaks a revision before 2026-07-28, which ended sessions, log levels and requests of the server's
/// own.
fn is_legacy(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_none_or(|version| version.as_str() < ProtocolVersion::V_2026_07_28.as_str())
}

/// A message that did not reach the client.
fn gone(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(format!("the client could not be reached: {error}"), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::ServiceExt;
    use rmcp::model::{CallToolResult, ContentBlock};
    use rmcp::service::{RoleClient, RunningService};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    /// A handler that has a tool under the name of a fixture.
    #[derive(Clone)]
    struct Domain;

    impl ServerHandler for Domain {
        async fn list_tools(
            &self,
            _: Option<PaginatedRequestParams>,
            _: RequestContext<RoleServer>,
        ) -> Result<ListToolsResult, ErrorData> {
            Ok(ListToolsResult::with_all_items(self.get_tool("greet").into_iter().collect()))
        }

        fn get_tool(&self, name: &str) -> Option<Tool> {
            (name == "greet").then(|| Tool::new("greet", "The handler's own", Arc::default()))
        }

        async fn call_tool(
            &self,
            request: CallToolRequestParams,
            _: RequestContext<RoleServer>,
        ) -> Result<CallToolResponse, ErrorData> {
            match self.get_tool(&request.name) {
                Some(_) => Ok(CallToolResult::success(vec![ContentBlock::text("from the handler")]).into()),
                None => Err(ErrorData::invalid_params("in the handler's words", None)),
            }
        }
    }

    async fn client() -> RunningService<RoleClient, ()> {
        let (here, there) = tokio::io::duplex(1 << 16);
        tokio::spawn(async { WithFixtures(Domain).serve(there).await.unwrap().waiting().await });
        ().serve(here).await.unwrap()
    }

    #[test]
    fn no_two_fixtures_share_a_name() {
        let names: BTreeSet<_> = fixtures().map(|fixture| fixture.name).collect();
        assert_eq!(names.len(), fixtures().count());
    }

    #[tokio::test]
    async fn fixtures_stand_behind_the_handlers_own_tools() {
        let client = client().await;
        let listed = client.list_tools(None).await.unwrap().tools;
        assert_eq!(listed[0].description.as_deref(), Some("The handler's own"));
        assert_eq!(listed.iter().filter(|tool| tool.name == "greet").count(), 1);
        assert_eq!(listed.len(), fixtures().count());
    }

    #[tokio::test]
    async fn a_call_goes_to_the_handler_first() {
        let client = client().await;
        let text = async |name: &'static str| {
            let result = client.call_tool(CallToolRequestParams::new(name)).await?;
            Ok::<_, rmcp::ServiceError>(result.content[0].as_text().map(|text| text.text.clone()))
        };
        assert_eq!(text("greet").await.unwrap().as_deref(), Some("from the handler"));
        let fixture = text("test_simple_text").await.unwrap();
        assert_eq!(fixture.as_deref(), Some("This is a simple text response for testing."));
        assert!(text("unknown").await.unwrap_err().to_string().contains("in the handler's words"));
    }
}
