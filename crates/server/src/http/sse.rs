//! The HTTP+SSE transport of protocol revision 2024-11-05, for clients that know no other: a stream of events down, and a
//! POST for each message up.

use super::body;
use super::channel::{Channel, Down};
use super::connections::Connection;
use super::drain::{Drain, hold};
use super::message;
use super::refusal::Refusal;
use crate::mcp::batches::{Batch, Batches, is_batch};
use crate::mcp::{self, Orderly};
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures::channel::mpsc::{Sender, channel};
use futures::{StreamExt, stream};
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, JsonRpcMessage};
use rmcp::{ServerHandler, ServiceExt};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use store::lock::lock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

/// Most requests of a session that wait for their answers, and most messages that wait in each direction: more than a client
/// has in flight.
const BACKLOG: usize = 256;

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
    present: Mutex<BTreeMap<String, Arc<Session>>>,
}

/// The way up of one client.
struct Session {
    episode: Option<String>,
    /// The messages of a request together: one, or those of a batch.
    messages: Mutex<Sender<Vec<ClientJsonRpcMessage>>>,
    batches: Arc<Mutex<Batches>>,
    arrived: Box<dyn Fn(&mut ClientJsonRpcMessage) + Send + Sync>,
    places: Arc<Semaphore>,
}

impl<S> Sessions<S> {
    fn present(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Session>>> {
        lock(&self.present)
    }
}

impl Session {
    /// Pass these messages on together, or none of them.
    fn take(
        &self,
        mut messages: Vec<ClientJsonRpcMessage>,
        batch: Option<Batch>,
        drain: &Drain,
    ) -> Result<(), Refusal> {
        let full = || {
            let message = format!("{BACKLOG} requests of the session wait already");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "BACKLOG", message, "wait for answers before you send more")
        };
        // One order of messages for the queue of the episode and for rmcp.
        let mut up = lock(&self.messages);
        for message in &mut messages {
            if let JsonRpcMessage::Request(request) = message {
                let place = self.places.clone().try_acquire_owned().map_err(|_| full())?;
                let accepted = drain.accept().ok_or_else(Refusal::draining)?;
                // Both go with the request, until its handler is done with it.
                request.request.extensions_mut().insert(Arc::new((place, accepted)));
            }
        }
        for message in &mut messages {
            (self.arrived)(message);
        }
        // Its first answer must find the batch.
        let mut batches = lock(&self.batches);
        up.try_send(messages).map_err(|_| full())?;
        if let Some(batch) = batch {
            batches.collect(batch);
        }
        Ok(())
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
    let batches = Arc::<Mutex<Batches>>::default();
    {
        let mut present = sessions.present();
        if present.len() >= SESSIONS {
            let message = format!("{SESSIONS} sessions are open, which is the most");
            let remedy = "try again when others have ended, or use the Streamable HTTP transport";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Refusal::new(status, "TOO_MANY_SESSIONS", message, remedy));
        }
        let places = Arc::new(Semaphore::new(BACKLOG));
        let messages = Mutex::new(messages);
        let session = Session { episode, messages, batches: batches.clone(), arrived, places };
        present.insert(id.clone(), Arc::new(session));
    }
    let left = ended.child_token();
    let listening = Listening { sessions: sessions.clone(), id, _left: left.clone().drop_guard() };
    // When all is answered the way up ends, then rmcp, then the way down.
    let up = up.map(stream::iter).flatten().take_until(sessions.drain.streams().clone().cancelled_owned());
    let (down, texts) = Down::new(connection.map(|Extension(connection)| connection), left.clone());
    let transport = Orderly::new(Channel::new(Box::pin(up), down, batches), BACKLOG);
    tokio::spawn(async move {
        match server.serve_with_ct(transport, left).await {
            Ok(running) => drop(running.waiting().await),
            Err(error) => tracing::debug!("an SSE client left before it began: {error}"),
        }
    });
    let down = texts.map(|text| Event::default().event("message").data(text));
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
    let session = address.ok().and_then(|Query(address)| sessions.present().get(&address.session).cloned());
    let session =
        session.filter(|session| session.episode == episode.map(|Path(episode)| episode)).ok_or_else(|| {
            let remedy = "open a new one with GET at the address that ends in /sse";
            Refusal::new(StatusCode::NOT_FOUND, "SESSION_NOT_FOUND", "there is no such session", remedy)
        })?;
    let agreed = lock(&session.batches).are_agreed();
    let read = match is_batch(&body) && agreed {
        true => Batch::read(&body).map(|mut batch| (std::mem::take(&mut batch.messages), Some(batch))),
        false => mcp::message::read(&body).map(|message| (vec![message], None)),
    };
    let (messages, mut batch) = match read {
        Ok(read) => read,
        Err(fault) => return Ok(message::malformed(&fault)),
    };
    // Nothing of it can be served.
    if let Some(answer) = batch.as_mut().and_then(Batch::answer) {
        return Ok((StatusCode::BAD_REQUEST, Json(answer)).into_response());
    }
    session.take(messages, batch, &sessions.drain)?;
    Ok((StatusCode::ACCEPTED, "Accepted").into_response())
}
