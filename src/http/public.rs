//! The public listener: episodes over Streamable HTTP, and over HTTP+SSE for old clients. Nothing here runs an episode.

use super::body;
use super::drain::{Drain, hold};
use super::message::{Message, malformed};
use super::refusal::Refusal;
use super::sse::{self, Opened};
use crate::lock::lock;
use crate::mcp::{Arrival, Handler, Listing, Server};
use crate::policy::Audit;
use crate::registry::{DEFAULT, Live, Registry, RegistryError};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http_body_util::Full;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, GetExtensions, JsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// How long a session of an old client may be silent. rmcp's five minutes are shorter than some models think, and several
/// clients never begin again.
const SESSION_IDLE: Duration = Duration::from_secs(3_600);

/// How long the answer of a session's call can be asked for again. rmcp keeps a minute's answers, which at full speed are
/// more than a gigabyte.
const REPLAY: Duration = Duration::from_secs(5);

/// Most sessions of one episode: an agent needs one, and each keeps a task and its last answers.
const SESSIONS: usize = 64;

/// What the public listener needs.
pub struct Public {
    registry: Arc<Registry>,
    drain: Arc<Drain>,
    /// Longest body of a request, in bytes.
    body: usize,
    listings: Mutex<BTreeMap<(String, &'static str), Arc<Listing>>>,
    endpoints: Mutex<BTreeMap<String, Arc<Endpoint>>>,
}

/// Where one episode is reached.
struct Endpoint {
    live: Arc<Live>,
    sessions: Arc<LocalSessionManager>,
    service: StreamableHttpService<Handler, LocalSessionManager>,
    /// Requests that wait for their answers.
    waiting: TaskTracker,
}

impl Public {
    /// Serve the episodes of that registry.
    pub fn new(registry: Arc<Registry>, drain: Arc<Drain>, body: usize) -> Arc<Public> {
        Arc::new(Public { registry, drain, body, listings: Mutex::default(), endpoints: Mutex::default() })
    }

    /// Its routes.
    pub fn router(self: &Arc<Public>) -> Router {
        let routes = Router::new()
            .route("/mcp", any(default_mcp))
            .route("/e/{episode}/mcp", any(episode_mcp))
            .with_state(self.clone());
        let public = self.clone();
        routes.merge(sse::router(self.drain.clone(), move |episode| public.open(episode.unwrap_or(DEFAULT))))
    }

    /// The server of an episode, for a connection.
    pub fn server(&self, live: &Arc<Live>) -> Server {
        let (policy, audit) = (live.policy(), live.description().audit);
        let key = (policy.fingerprint.clone(), Audit::name(audit));
        let listing = lock(&self.listings).entry(key).or_insert_with(|| Arc::new(Listing::of(policy, audit))).clone();
        Server::new(live.clone(), listing)
    }

    /// What a session of an old client talks to.
    fn open(&self, id: &str) -> Result<Opened<Handler>, Refusal> {
        let live = self.registry.get(id).map_err(|error| {
            let (status, code) = missing(&error);
            Refusal::new(status, code, error.to_string(), ELSEWHERE)
        })?;
        let (server, ended) = (self.server(&live).handler(), live.ended().clone());
        let arrived = Box::new(move |message: &mut ClientJsonRpcMessage| {
            if let JsonRpcMessage::Request(request) = message
                && matches!(request.request, ClientRequest::CallToolRequest(_))
            {
                request.request.extensions_mut().insert(Arrival::new(live.queue()));
            }
        });
        Ok(Opened { server, ended, arrived })
    }

    fn endpoint(self: &Arc<Public>, id: &str) -> Result<Arc<Endpoint>, RegistryError> {
        let open = |endpoint: &&Arc<Endpoint>| !endpoint.live.ended().is_cancelled();
        if let Some(endpoint) = lock(&self.endpoints).get(id).filter(open) {
            return Ok(endpoint.clone());
        }
        let live = self.registry.get(id)?;
        let server = self.server(&live);
        let mut sessions = LocalSessionManager::default();
        sessions.session_config.keep_alive = Some(SESSION_IDLE);
        sessions.session_config.completed_cache_ttl = REPLAY;
        let sessions = Arc::new(sessions);
        // Streams end when the server does, and when the episode does.
        let end = self.drain.streams().child_token();
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(true)
            .with_json_response(true)
            .with_cancellation_token(end.clone())
            .with_max_request_body_bytes(self.body)
            // Host and Origin have been checked before, alike for everything that listens.
            .disable_allowed_hosts();
        let service = StreamableHttpService::new(move || Ok(server.clone().handler()), sessions.clone(), config);
        let waiting = TaskTracker::new();
        let endpoint = Arc::new(Endpoint { live: live.clone(), sessions, service, waiting: waiting.clone() });
        let mut endpoints = lock(&self.endpoints);
        if let Some(first) = endpoints.get(id).filter(open) {
            return Ok(first.clone());
        }
        endpoints.insert(id.to_owned(), endpoint.clone());
        let public = self.clone();
        tokio::spawn(async move {
            live.ended().cancelled().await;
            public.forget(&live);
            // Who was accepted is still told that the episode has ended.
            waiting.close();
            waiting.wait().await;
            end.cancel();
        });
        Ok(endpoint)
    }

    fn forget(&self, live: &Arc<Live>) {
        let mut endpoints = lock(&self.endpoints);
        if endpoints.get(live.id()).is_some_and(|endpoint| Arc::ptr_eq(&endpoint.live, live)) {
            endpoints.remove(live.id());
        }
    }

    async fn serve(self: &Arc<Public>, id: &str, request: Request) -> Response {
        if request.method() != Method::POST {
            return match self.endpoint(id) {
                Ok(endpoint) => ended(endpoint.service.handle(request).await.map(Body::new)),
                Err(error) => unknown(&error, &Json::Null),
            };
        }
        let (mut parts, body) = request.into_parts();
        let body = match body::read(body).await {
            Ok(body) => body,
            Err(refusal) => return refusal.into_response(),
        };
        let content = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = content.is_some_and(|content| content.starts_with("application/json"));
        let message = Message::of(&body);
        let endpoint = match self.endpoint(id) {
            Ok(endpoint) => endpoint,
            Err(error) => return unknown(&error, &message.id),
        };
        match message.method.as_ref() {
            // The request is here whole: this is when it arrived.
            "tools/call" => drop(parts.extensions.insert(Arrival::new(endpoint.live.queue()))),
            "initialize" if endpoint.sessions.sessions.read().await.len() >= SESSIONS => {
                let text = format!("the episode has {SESSIONS} sessions, which is the most");
                let status = StatusCode::SERVICE_UNAVAILABLE;
                return error(status, "TOO_MANY_SESSIONS", &text, "end one with DELETE", &message.id);
            }
            _ => {}
        }
        let waiting = endpoint.waiting.token();
        let request = Request::from_parts(parts, Full::new(body.clone()));
        let response = endpoint.service.handle(request).await.map(Body::new);
        // So rmcp answers what is no message, as if it were the content type that is wrong.
        match response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE && is_json {
            true => malformed(&body),
            false => hold(response, waiting),
        }
    }
}

/// rmcp says "accepted" where a session has ended, and the official Python client takes that for a failure.
fn ended(mut response: Response) -> Response {
    if response.status() == StatusCode::ACCEPTED {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response
}

async fn default_mcp(State(public): State<Arc<Public>>, request: Request) -> Response {
    public.serve(DEFAULT, request).await
}

async fn episode_mcp(State(public): State<Arc<Public>>, Path(id): Path<String>, request: Request) -> Response {
    public.serve(&id, request).await
}

/// What a client should do that has no episode to go on with.
const ELSEWHERE: &str = "ask whoever runs this server for the address of a live episode";

/// What the want of an episode is called.
fn missing(wrong: &RegistryError) -> (StatusCode, &'static str) {
    match wrong {
        RegistryError::Ended(_) => (StatusCode::GONE, "EPISODE_ENDED"),
        _ => (StatusCode::NOT_FOUND, "EPISODE_NOT_FOUND"),
    }
}

/// The answer where there is no such episode: for the client a JSON-RPC error, for everything before it a status.
fn unknown(wrong: &RegistryError, id: &Json) -> Response {
    let (status, code) = missing(wrong);
    error(status, code, &wrong.to_string(), ELSEWHERE, id)
}

fn error(status: StatusCode, code: &str, message: &str, remedy: &str, id: &Json) -> Response {
    let body = json!({
        "jsonrpc": "2.0",
        "id": id,
        "error": { "code": -32001, "message": message, "data": { "code": code, "remedy": remedy } },
    });
    (status, axum::Json(body)).into_response()
}
