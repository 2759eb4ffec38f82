//! The HTTP+SSE transport of protocol revision 2024-11-05, for clients that know no other: a stream of events down, and a
//! POST for each message up.

use super::drain::Drain;
use super::public::Public;
use super::refusal::Refusal;
use crate::mcp::Arrival;
use crate::registry::{DEFAULT, Live};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::channel::mpsc::{Receiver, Sender, channel};
use futures::{Stream, StreamExt};
use rmcp::ServiceExt;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, GetExtensions, JsonRpcMessage, ServerJsonRpcMessage};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Messages that may wait in each direction of a session: more than a client has in flight.
const BACKLOG: usize = 256;

/// Most sessions at once; each keeps a connection and a task.
const SESSIONS: usize = 4_096;

/// The routes of the transport.
pub fn router(public: Arc<Public>, drain: Arc<Drain>, body: usize) -> Router {
    let sessions = Arc::new(Sessions { public, drain, open: Mutex::default() });
    Router::new()
        .route("/sse", get(default_stream))
        .route("/messages", post(message))
        .route("/e/{episode}/sse", get(episode_stream))
        .route("/e/{episode}/messages", post(message))
        .layer(DefaultBodyLimit::max(body))
        .with_state(sessions)
}

struct Sessions {
    public: Arc<Public>,
    drain: Arc<Drain>,
    open: Mutex<BTreeMap<String, Session>>,
}

/// The way up of one client.
struct Session {
    live: Arc<Live>,
    messages: Sender<ClientJsonRpcMessage>,
}

impl Sessions {
    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begin a session of that episode, whose messages go to `base` and the session's name.
    fn begin(self: Arc<Sessions>, episode: &str, base: &str) -> Result<Response, Response> {
        let live = self.public.live(episode)?;
        if self.open().len() >= SESSIONS {
            let message = format!("{SESSIONS} sessions are open, which is the most");
            let remedy = "try again when others have ended, or use the Streamable HTTP transport";
            return Err(
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_SESSIONS", message, remedy).into_response()
            );
        }
        let id = uuid::Uuid::new_v4().to_string();
        let (messages, up) = channel(BACKLOG);
        let (down, events) = channel(BACKLOG);
        self.open().insert(id.clone(), Session { live: live.clone(), messages });
        // Cancelled when the client leaves: its calls whose turn has not come do not run.
        let left = live.ended().child_token();
        let guard = left.clone().drop_guard();
        tokio::spawn(self.clone().run(id.clone(), live, down, up, left));
        let address = Event::default().event("endpoint").data(format!("{base}?sessionId={id}"));
        let stream = Events { first: Some(address), events, _left: guard };
        Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response())
    }

    async fn run(
        self: Arc<Sessions>,
        id: String,
        live: Arc<Live>,
        down: Sender<ServerJsonRpcMessage>,
        up: Receiver<ClientJsonRpcMessage>,
        left: CancellationToken,
    ) {
        // When the server is about to end, the way up is closed; rmcp then answers what it has, and the stream ends.
        let drain = self.drain.clone();
        let up = up.take_until(async move { drain.begun().await });
        let transport = (down, Box::pin(up) as Pin<Box<dyn Stream<Item = ClientJsonRpcMessage> + Send>>);
        match self.public.server(&live).handler().serve_with_ct(transport, left).await {
            Ok(running) => drop(running.waiting().await),
            Err(error) => tracing::debug!("an SSE client left before it began: {error}"),
        }
        self.open().remove(&id);
    }
}

async fn default_stream(State(sessions): State<Arc<Sessions>>) -> Response {
    sessions.begin(DEFAULT, "/messages").unwrap_or_else(|refusal| refusal)
}

async fn episode_stream(State(sessions): State<Arc<Sessions>>, Path(id): Path<String>) -> Response {
    sessions.begin(&id, &format!("/e/{id}/messages")).unwrap_or_else(|refusal| refusal)
}

#[derive(Deserialize)]
struct Address {
    #[serde(rename = "sessionId")]
    session: String,
}

async fn message(
    State(sessions): State<Arc<Sessions>>,
    Query(address): Query<Address>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let mut message: ClientJsonRpcMessage = serde_json::from_slice(&body).map_err(|error| {
        let message = format!("the body is no JSON-RPC message: {error}");
        Refusal::new(StatusCode::BAD_REQUEST, "NO_MESSAGE", message, "send one JSON-RPC message")
    })?;
    let mut open = sessions.open();
    let session = open.get_mut(&address.session).ok_or_else(|| {
        let remedy = "open a new one with GET at the address that ends in /sse";
        Refusal::new(StatusCode::NOT_FOUND, "SESSION_NOT_FOUND", "there is no such session", remedy)
    })?;
    if let JsonRpcMessage::Request(request) = &mut message
        && matches!(request.request, ClientRequest::CallToolRequest(_))
    {
        request.request.extensions_mut().insert(Arrival::new(session.live.queue()));
    }
    session.messages.try_send(message).map_err(|_| {
        let message = format!("{BACKLOG} messages of the session wait already, or it is about to end");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "BACKLOG", message, "wait for answers before you send more")
    })?;
    Ok((StatusCode::ACCEPTED, Body::from("Accepted")).into_response())
}

/// The way down: the address for messages, then the messages of the server.
struct Events {
    first: Option<Event>,
    events: Receiver<ServerJsonRpcMessage>,
    /// Dropped with the stream, when the client has left.
    _left: DropGuard,
}

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let next = std::task::ready!(self.events.poll_next_unpin(context));
        Poll::Ready(next.map(|message| {
            let text = serde_json::to_string(&message).unwrap_or_default();
            Ok(Event::default().event("message").data(text))
        }))
    }
}
