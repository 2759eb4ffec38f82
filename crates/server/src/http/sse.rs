//! The HTTP+SSE transport of protocol revision 2024-11-05, for clients that know no other: a stream of events down, and a
//! POST for each message up.

use super::body;
use super::connections::Connection;
use super::drain::{Drain, hold};
use super::message;
use super::refusal::Refusal;
use crate::mcp::{self, Orderly};
use axum::Extension;
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use futures::channel::mpsc::{Sender, channel};
use futures::{sink, stream};
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, JsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::sink_stream::SinkStreamTransport;
use rmcp::{ServerHandler, ServiceExt};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use store::lock::lock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

/// Most requests of a session that wait for their answers, and most messages that wait in each direction: more than a client
/// has in flight.
const BACKLOG: usize = 256;

/// Most messages that a client has not read yet. It is gone, or might as well be, when there are more.
const UNREAD: usize = 4 * BACKLOG;

/// Most bytes of them: some of the longest answers.
const UNREAD_BYTES: usize = 8 << 20;

/// Most sessions at once, half of the streams that clients may listen to; each keeps a task, two channels and a connection.
const SESSIONS: usize = 4_096;

/// What a new session talks to.
pub struct Opened<S> {
    /// The server of this session alone.
    pub server: S,
    /// Cancelled when the session must end: its episode has.
    pub ended: CancellationToken,
    /// Called with each message when it has arrived, in that order.
    pub arrived: Box<dyn Fn(&mut ClientJsonRpcMessage) + Send + Sync>,
}

/// Begins a session of the episode of that name, or of the default one; or says why not.
type Open<S> = Box<dyn Fn(Option<&str>) -> Result<Opened<S>, Refusal> + Send + Sync>;

/// The routes of the transport.
pub fn router<S, F>(drain: Arc<Drain>, open: F) -> Router
where
    S: ServerHandler,
    F: Fn(Option<&str>) -> Result<Opened<S>, Refusal> + Send + Sync + 'static,
{
    let sessions = Arc::new(Sessions { open: Box::new(open), drain, present: Mutex::default() });
    Router::new()
        .route("/sse", get(begin::<S>))
        .route("/messages", post(up::<S>))
        .route("/e/{episode}/sse", get(begin::<S>))
        .route("/e/{episode}/messages", post(up::<S>))
        .with_state(sessions)
}

struct Sessions<S> {
    open: Open<S>,
    drain: Arc<Drain>,
    present: Mutex<BTreeMap<String, Session>>,
}

/// The way up of one client.
struct Session {
    episode: Option<String>,
    messages: Sender<ClientJsonRpcMessage>,
    arrived: Box<dyn Fn(&mut ClientJsonRpcMessage) + Send + Sync>,
    places: Arc<Semaphore>,
}

impl<S> Sessions<S> {
    fn present(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        lock(&self.present)
    }
}

/// A client that listens. When it leaves, its session ends, and its calls whose turn has not come do not run.
struct Listening<S> {
    sessions: Arc<Sessions<S>>,
    id: String,
    _left: DropGuard,
}

impl<S> Drop for Listening<S> {
    fn drop(&mut self) {
        self.sessions.present().remove(&self.id);
    }
}

async fn begin<S: ServerHandler>(
    State(sessions): State<Arc<Sessions<S>>>,
    connection: Option<Extension<Arc<Connection>>>,
    episode: Option<Path<String>>,
) -> Result<Response, Refusal> {
    let episode = episode.map(|Path(episode)| episode);
    let Opened { server, ended, arrived } = (sessions.open)(episode.as_deref())?;
    let id = uuid::Uuid::new_v4().to_string();
    let base = episode.as_ref().map(|episode| format!("/e/{episode}")).unwrap_or_default();
    let endpoint = Event::default().event("endpoint").data(format!("{base}/messages?sessionId={id}"));
    let (messages, up) = channel(BACKLOG);
    let (mut answers, down) = channel(UNREAD);
    {
        let mut present = sessions.present();
        if present.len() >= SESSIONS {
            let message = format!("{SESSIONS} sessions are open, which is the most");
            let remedy = "try again when others have ended, or use the Streamable HTTP transport";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Refusal::new(status, "TOO_MANY_SESSIONS", message, remedy));
        }
        let places = Arc::new(Semaphore::new(BACKLOG));
        present.insert(id.clone(), Session { episode, messages, arrived, places });
    }
    let left = ended.child_token();
    let gone = left.clone();
    let unread = Arc::new(AtomicUsize::new(0));
    let answers = sink::unfold((), {
        let unread = unread.clone();
        move |(), message: ServerJsonRpcMessage| {
            // Once it is dropped, what is still answered goes nowhere.
            if gone.is_cancelled() {
                return ready(Ok::<_, Infallible>(()));
            }
            let text = serde_json::to_string(&message).unwrap_or_default();
            let bytes = unread.fetch_add(text.len(), Ordering::Relaxed) + text.len();
            // Waiting would pile up whatever else is answered meanwhile.
            if bytes > UNREAD_BYTES || answers.try_send(text).is_err() {
                tracing::info!("an SSE client was dropped, since it does not read what it is sent");
                gone.cancel();
                // A connection that nobody reads from does not end by itself, and keeps what it was to send.
                if let Some(Extension(connection)) = &connection {
                    connection.end();
                }
            }
            // Not an error, after which rmcp may send once more: that would be a panic.
            ready(Ok(()))
        }
    });
    let listening = Listening { sessions: sessions.clone(), id, _left: left.clone().drop_guard() };
    // When all is answered the way up ends, then rmcp, then the way down.
    let up = Box::pin(up.take_until(sessions.drain.streams().clone().cancelled_owned()));
    tokio::spawn(async move {
        let transport = Orderly::new(SinkStreamTransport::new(Box::pin(answers), up), BACKLOG);
        match server.serve_with_ct(transport, left).await {
            Ok(running) => drop(running.waiting().await),
            Err(error) => tracing::debug!("an SSE client left before it began: {error}"),
        }
    });
    let down = down.map(move |text: String| {
        unread.fetch_sub(text.len(), Ordering::Relaxed);
        Event::default().event("message").data(text)
    });
    let events = stream::iter([endpoint]).chain(down).map(Ok::<_, Infallible>);
    Ok(hold(Sse::new(events).keep_alive(KeepAlive::default()).into_response(), listening))
}

#[derive(Deserialize)]
struct Address {
    #[serde(rename = "sessionId")]
    session: String,
}

async fn up<S: ServerHandler>(
    State(sessions): State<Arc<Sessions<S>>>,
    episode: Option<Path<String>>,
    address: Result<Query<Address>, QueryRejection>,
    body: Body,
) -> Result<Response, Refusal> {
    let body = body::read(body).await?;
    let mut message = match mcp::message::read(&body) {
        Ok(message) => message,
        Err(fault) => return Ok(message::malformed(&fault)),
    };
    let mut present = sessions.present();
    let session = address.ok().and_then(|Query(address)| present.get_mut(&address.session));
    let session =
        session.filter(|session| session.episode == episode.map(|Path(episode)| episode)).ok_or_else(|| {
            let remedy = "open a new one with GET at the address that ends in /sse";
            Refusal::new(StatusCode::NOT_FOUND, "SESSION_NOT_FOUND", "there is no such session", remedy)
        })?;
    let full = || {
        let message = format!("{BACKLOG} requests of the session wait already");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "BACKLOG", message, "wait for answers before you send more")
    };
    if let JsonRpcMessage::Request(request) = &mut message {
        let place = session.places.clone().try_acquire_owned().map_err(|_| full())?;
        let accepted = sessions.drain.accept().ok_or_else(Refusal::draining)?;
        // Both go with the request, until its handler is done with it.
        request.request.extensions_mut().insert(Arc::new((place, accepted)));
    }
    (session.arrived)(&mut message);
    session.messages.try_send(message).map_err(|_| full())?;
    Ok((StatusCode::ACCEPTED, "Accepted").into_response())
}
