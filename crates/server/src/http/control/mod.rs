//! The control plane: episodes made, watched, compared and ended over REST, by whoever runs them.
//!
//! It is a listener of its own, out of the reach of agents. Its OpenAPI document is written from the handlers.

mod checkpoints;
mod episodes;
mod error;
mod extract;
mod inspect;
pub mod model;

use super::refusal::Refusal;
use crate::registry::{Live, Registry};
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The form of [`metrics`]: OpenMetrics, which Prometheus reads.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where clients reach the episodes that are made here.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// The base URL of the public listener, such as `https://agents.example`; none where it is not known.
    pub public: Option<String>,
}

/// What the handlers share.
struct Control {
    registry: Arc<Registry>,
    addresses: Addresses,
}

type Shared = State<Arc<Control>>;

/// The title page of the document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "incident-mcp control plane",
        description = "Make, watch, compare and end episodes. Each is one isolated state that an agent reaches at its MCP \
            address. A refusal is always `{\"error\": {\"code\", \"message\", \"remedy\"}}`; the codes are stable."
    ),
    components(schemas(model::Refusal)),
    security(("token" = [])),
    modifiers(&Token)
)]
struct Title;

/// The bearer token; not asked for where both listeners are on loopback and none is set.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut Document) {
        let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("token", token);
    }
}

/// All routes of the control plane, without the edge before them.
pub fn router(registry: Arc<Registry>, addresses: Addresses) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(Title::openapi())
        .routes(routes!(episodes::create, episodes::list))
        .routes(routes!(episodes::show, episodes::close))
        .routes(routes!(episodes::fork))
        .routes(routes!(episodes::reset))
        .routes(routes!(episodes::advance))
        .routes(routes!(checkpoints::keep, checkpoints::list))
        .routes(routes!(checkpoints::forget))
        .routes(routes!(checkpoints::restore))
        .routes(routes!(inspect::diff))
        .routes(routes!(inspect::hash))
        .routes(routes!(inspect::journal))
        .routes(routes!(inspect::export))
        .routes(routes!(metrics))
        .split_for_parts();
    router
        .route("/openapi.json", get(async move || axum::Json(document)))
        .with_state(Arc::new(Control { registry, addresses }))
}

const SEE_DOCUMENT: &str = "see GET /openapi.json for what there is";

/// What is counted and measured, for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "read_metrics",
    tag = "server",
    responses((status = 200, description = "Calls, halts, latency and live episodes", body = String,
        content_type = "application/openmetrics-text"), model::Refused)
)]
async fn metrics(State(control): Shared) -> Result<Response, Refusal> {
    let text = control.registry.metrics().encode().map_err(error::internal)?;
    Ok(([(CONTENT_TYPE, METRICS)], text).into_response())
}

impl Control {
    fn live(&self, id: &str) -> Result<Arc<Live>, Refusal> {
        Ok(self.registry.get(id)?)
    }

    fn episode(&self, live: &Live) -> model::Episode {
        model::Episode::of(live, self.addresses.public.as_deref())
    }
}
