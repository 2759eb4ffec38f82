//! The public listener: episodes over Streamable HTTP, and over HTTP+SSE for old clients. Nothing here runs an episode.

use super::body;
use super::drain::{Drain, hold};
use super::media::{self, Unsuitable};
use super::message::{Message, malformed};
use super::refusal::Refusal;
use super::reworded::{error, no_session, reworded};
use super::sessions::{AtWork, Sessions};
use super::sse::{self, Opened};
use crate::mcp::batches::{self, is_batch};
use crate::mcp::message::{Fault, ambiguous, without_mark};
use crate::mcp::{self, Arrival, Handler, Listing, Server};
use crate::registry::{DEFAULT, Live, Registry, RegistryError};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures::{StreamExt, stream};
use http_body_util::Full;
use procedures::policy::Audit;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ErrorCode, GetExtensions, JsonRpcMessage, RequestId};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use store::lock::lock;
use tokio_util::task::TaskTracker;

/// The header that names a session.
const SESSION: &str = "mcp-session-id";

/// The header that names the last event that a client had.
const LAST_EVENT: &str = "last-event-id";

/// Most sessions of one episode: an agent needs one, and each keeps a task and its last answers.
const SESSIONS: usize = 64;

/// What a listing depends on: the policy's edition, who writes audit entries; and the clock's start, its kind and the role.
type ListingKey = (String, &'static str, (String, &'static str, Option<String>));

/// What the public listener needs.
pub struct Public {
    registry: Arc<Registry>,
    drain: Arc<Drain>,
    /// Longest body of a request, in bytes.
    body: usize,
    listings: Mutex<BTreeMap<ListingKey, Arc<Listing>>>,
    endpoints: Mutex<BTreeMap<String, Arc<Endpoint>>>,
}

/// Where one episode is reached.
struct Endpoint {
    live: Arc<Live>,
    sessions: Arc<Sessions>,
    service: StreamableHttpService<Handler, Sessions>,
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
            .route("/mcp/", any(default_mcp))
            .route("/e/{episode}/mcp", any(episode_mcp))
            .route("/e/{episode}/mcp/", any(episode_mcp))
            .with_state(self.clone());
        let public = self.clone();
        routes.merge(sse::router(self.drain.clone(), move |episode| public.open(episode.unwrap_or(DEFAULT))))
    }

    /// The server of an episode, for a connection.
    pub fn server(&self, live: &Arc<Live>) -> Server {
        let (policy, about) = (live.policy(), live.description());
        let told = (about.clock.clone(), about.clock_kind.name(), about.as_role.clone());
        let key = (policy.fingerprint.clone(), Audit::name(about.audit), told);
        let listing = || Arc::new(Listing::of(policy, about));
        let listing = lock(&self.listings).entry(key).or_insert_with(listing).clone();
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
        let sessions = Arc::new(Sessions::new());
        // Streams end when the server does, and when the episode does.
        let end = self.drain.streams().child_token();
        let mut config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(true)
            .with_json_response(true)
            .with_cancellation_token(end.clone())
            .with_max_request_body_bytes(self.body)
            // Host and Origin have been checked before, alike for everything that listens.
            .disable_allowed_hosts();
        // Its sessions do that, as the revision of each client has it.
        config.sse_retry = None;
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
                Ok(endpoint) => endpoint.listen(request).await,
                Err(error) => unknown(&error, &Json::Null),
            };
        }
        let (mut parts, body) = request.into_parts();
        let body = match body::read(body).await {
            Ok(body) => body,
            Err(refusal) => return refusal.into_response(),
        };
        let message = Message::of(&body);
        let suitable = media::is_json(&parts.headers, true).and_then(|()| media::accepts_answers(&mut parts.headers));
        if let Err(Unsuitable { status, code, message: text, remedy }) = suitable {
            return error(status, code, text, remedy, &message.id);
        }
        match self.endpoint(id) {
            Ok(endpoint) => endpoint.answer(parts, &body, message).await,
            Err(error) => unknown(&error, &message.id),
        }
    }
}

impl Endpoint {
    /// What is no message: a stream that is listened to, a session that ends.
    async fn listen(&self, mut request: Request) -> Response {
        let text = |request: &Request, name| Some(request.headers().get(name)?.to_str().unwrap_or_default().to_owned());
        let session = text(&request, SESSION);
        if *request.method() == Method::GET {
            if let Err(Unsuitable { status, code, message, remedy }) = media::accepts_events(request.headers_mut()) {
                return error(status, code, message, remedy, &Json::Null);
            }
            if let Some(session) = session.as_deref().filter(|session| self.sessions.has(session))
                && let Some(last) = text(&request, LAST_EVENT)
                && !self.sessions.can_resume(session, &last)
            {
                let text = "there is nothing to send behind that event: it is of another session, too old, or the last";
                let remedy = "leave Last-Event-ID out, or send the request again under its idempotency key";
                return error(StatusCode::BAD_REQUEST, "NOTHING_TO_RESUME", text, remedy, &Json::Null);
            }
        }
        if *request.method() == Method::DELETE && session.is_some_and(|session| !self.sessions.has(&session)) {
            return no_session(&Json::Null);
        }
        let listens = *request.method() == Method::GET;
        let mut response = reworded(self.service.handle(request).await.map(Body::new), &Json::Null).await;
        if listens {
            // rmcp 3.11 lets a browser keep the stream, and one that keeps it sends the DELETE that follows twice.
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        ended(response)
    }

    async fn answer(&self, mut parts: Parts, body: &Bytes, message: Message<'_>) -> Response {
        let id = message.id;
        if !is_batch(body)
            && let Some(fault) = ambiguous(body)
        {
            return malformed(&fault);
        }
        match message.method.as_ref() {
            "initialize" if self.sessions.count() >= SESSIONS => {
                let text = format!("the episode has {SESSIONS} sessions, which is the most");
                let status = StatusCode::SERVICE_UNAVAILABLE;
                return error(status, "TOO_MANY_SESSIONS", &text, "end one with DELETE", &id);
            }
            "initialize" => {
                if let Err(fault) = mcp::message::read(body) {
                    return malformed(&fault);
                }
            }
            "" if is_batch(body) => {
                let session = parts.headers.get(SESSION).and_then(|session| session.to_str().ok());
                if session.is_some_and(|session| self.sessions.takes_batches(session)) {
                    return self.batch(parts, body).await;
                }
            }
            _ => {}
        }
        let claim = match RequestId::deserialize(&id) {
            Ok(id) if !message.method.is_empty() => self.claim(&parts, vec![id]).await.pop(),
            _ => None,
        };
        self.arrive(&mut parts, &message.method, claim);
        let waiting = self.waiting.token();
        let request = Request::from_parts(parts, Full::new(body.slice_ref(without_mark(body))));
        let response = self.service.handle(request).await.map(Body::new);
        match response.status() {
            // So rmcp answers what is no message, as if it were the content type that is wrong.
            StatusCode::UNSUPPORTED_MEDIA_TYPE => match mcp::message::read(body) {
                Err(fault) => malformed(&fault),
                Ok(_) => reworded(response, &id).await,
            },
            _ => hold(reworded(response, &id).await, waiting),
        }
    }

    /// Wait until the session has no other request with one of these ids at work.
    async fn claim(&self, parts: &Parts, ids: Vec<RequestId>) -> Vec<Arc<AtWork>> {
        let session = parts.headers.get(SESSION).and_then(|session| session.to_str().ok());
        match session {
            Some(session) => self.sessions.claim(session, ids).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// The request is here whole: this is when it arrived.
    fn arrive(&self, parts: &mut Parts, method: &str, claim: Option<Arc<AtWork>>) {
        if let Some(claim) = claim {
            parts.extensions.insert(claim);
        }
        if method == "tools/call" {
            parts.extensions.insert(Arrival::new(self.live.queue()));
        }
    }

    /// Several messages at once, of a client that agreed on a revision that has them. All are at work before the first is answered.
    async fn batch(&self, parts: Parts, body: &Bytes) -> Response {
        let elements = match batches::elements(body) {
            Ok(elements) => elements,
            Err(fault) => return malformed(&fault),
        };
        let waiting = self.waiting.token();
        let (mut read, mut ids) = (Vec::new(), Vec::new());
        for element in elements {
            read.push(batches::element(element).and_then(|message| {
                let id = match message {
                    JsonRpcMessage::Request(request) => Some(request.id),
                    _ => None,
                };
                if let Some(id) = &id {
                    if ids.contains(id) {
                        let fault = Fault::new(ErrorCode::INVALID_REQUEST, "another request of the batch has this id");
                        return Err(Fault { id: serde_json::to_value(id).ok(), ..fault });
                    }
                    ids.push(id.clone());
                }
                Ok((body.slice_ref(element.get().as_bytes()), id.is_some()))
            }));
        }
        let mut claims = self.claim(&parts, ids).await.into_iter();
        let mut answers = Vec::new();
        for read in read {
            let (text, asks) = match read {
                Ok(read) => read,
                Err(fault) => {
                    answers.push(Body::from(format!("data: {}\n\n", fault.answer())));
                    continue;
                }
            };
            let message = Message::of(&text);
            let mut parts = parts.clone();
            self.arrive(&mut parts, &message.method, asks.then(|| claims.next()).flatten());
            let request = Request::from_parts(parts, Full::new(text.clone()));
            let response = reworded(self.service.handle(request).await.map(Body::new), &message.id).await;
            match response.headers().get(CONTENT_TYPE) {
                Some(kind) if kind.as_bytes().starts_with(b"text/event-stream") => answers.push(response.into_body()),
                Some(_) => match body::read(response.into_body()).await {
                    Ok(text) => answers.push(Body::from([b"data: ", text.as_ref(), b"\n\n"].concat())),
                    Err(refusal) => return refusal.into_response(),
                },
                // What asks for no answer is accepted.
                None => {}
            }
        }
        if answers.is_empty() {
            return StatusCode::ACCEPTED.into_response();
        }
        let events = Body::from_stream(stream::iter(answers.into_iter().map(Body::into_data_stream)).flatten());
        hold(([(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")], events).into_response(), waiting)
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
