//! The sessions of clients before 2026-07-28, around rmcp's: what was sent on a stream can be asked for again.
//!
//! rmcp 3.11 forgets a stream as soon as its answer is sent, gives its events ids that other streams of the session have too, and
//! sends an event without data to clients of revisions that know none. No version that mends this is known.

use super::replay::{Events, Replay};
use crate::mcp::batches::has_batches;
use axum::http::request::Parts;
use futures::stream;
use futures::{Stream, StreamExt};
use rmcp::model::{
    ClientJsonRpcMessage, GetExtensions, JsonRpcMessage, ProtocolVersion, RequestId, ServerJsonRpcMessage, ServerResult,
};
use rmcp::transport::WorkerTransport;
use rmcp::transport::common::server_side_http::ServerSseMessage;
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, LocalSessionWorker, SessionError,
};
use rmcp::transport::streamable_http_server::{SessionId, SessionManager};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use store::lock::lock;
use tokio::sync::Notify;

/// How long a session may be silent. rmcp's five minutes are shorter than some models think, and several clients never begin again.
const IDLE: Duration = Duration::from_secs(3_600);

/// After how long a client is to come back whose stream broke off: at once would be in vain where a network has to recover.
const RETRY: Duration = Duration::from_secs(3);

/// Most answered requests of a session whose events are kept: more than a client has in flight when its connection breaks.
const KEPT: usize = 16;

/// Most bytes of them, about; the last is kept whatever its length.
const KEPT_BYTES: usize = 256 * 1024;

/// Most numbers of streams without a request that are remembered; a client has one.
const LISTENED: usize = 64;

/// How much of a session's id its events are named after: enough that another session's are told apart.
const TAG: usize = 8;

/// The sessions of one episode.
#[derive(Default)]
pub struct Sessions {
    inner: LocalSessionManager,
    open: Mutex<BTreeMap<SessionId, Arc<Session>>>,
}

struct Session {
    /// What the ids of its events begin with.
    tag: String,
    revision: OnceLock<ProtocolVersion>,
    state: Mutex<State>,
    answered: Notify,
}

#[derive(Default)]
struct State {
    /// How many streams there were.
    streams: u64,
    kept: VecDeque<(u64, Arc<Replay>)>,
    listened: VecDeque<u64>,
    at_work: Vec<RequestId>,
}

impl Sessions {
    /// No sessions yet.
    pub fn new() -> Sessions {
        let mut inner = LocalSessionManager::default();
        inner.session_config.keep_alive = Some(IDLE);
        // Events without data are sent here, to clients that know them.
        inner.session_config.sse_retry = None;
        Sessions { inner, open: Mutex::default() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        lock(&self.open).len()
    }

    /// Whether there is a session of that id.
    pub fn has(&self, id: &str) -> bool {
        lock(&self.open).contains_key(id)
    }

    /// Whether the session may send batches, which are of one revision.
    pub fn takes_batches(&self, id: &str) -> bool {
        self.session(id).is_ok_and(|session| session.revision.get().is_some_and(has_batches))
    }

    /// Whether there is anything to send behind that event.
    pub fn can_resume(&self, id: &str, last_event: &str) -> bool {
        self.session(id).is_ok_and(|session| session.behind(last_event).is_some())
    }

    /// Wait until no request of the session has one of those ids, and take them, before the requests have their places in the
    /// episode's queue. Each goes with its request, in its extensions. None where there is no such session.
    ///
    /// All at once, for two batches that had each taken what the other waits for would wait for ever.
    pub async fn claim(&self, session: &str, ids: Vec<RequestId>) -> Option<Vec<Arc<AtWork>>> {
        let session = self.session(session).ok()?;
        Some(session.take(ids).await.into_iter().map(Arc::new).collect())
    }

    fn session(&self, id: &str) -> Result<Arc<Session>, LocalSessionManagerError> {
        let session = lock(&self.open).get(id).cloned();
        session.ok_or_else(|| LocalSessionManagerError::SessionNotFound(id.into()))
    }
}

/// Where a stream goes on.
enum Behind {
    Sent(Arc<Replay>, usize),
    /// A stream without a request: whoever comes back listens anew.
    Listened,
}

impl Session {
    /// Whether the client knows events without data, which say where a stream begins.
    fn is_primed(&self) -> bool {
        self.revision.get().is_some_and(|revision| revision.as_str() >= ProtocolVersion::V_2025_11_25.as_str())
    }

    fn event(&self, stream: u64, index: usize, mut event: ServerSseMessage) -> ServerSseMessage {
        event.event_id = Some(format!("{}-{stream}-{index}", self.tag));
        event
    }

    /// A new stream's number.
    fn number(&self) -> u64 {
        let mut state = lock(&self.state);
        state.streams += 1;
        state.streams
    }

    fn behind(&self, last_event: &str) -> Option<Behind> {
        let (stream, index) = last_event.strip_prefix(&self.tag)?.strip_prefix('-')?.split_once('-')?;
        let (stream, index): (u64, usize) = (stream.parse().ok()?, index.parse().ok()?);
        let state = lock(&self.state);
        if state.listened.contains(&stream) {
            return Some(Behind::Listened);
        }
        let (_, replay) = state.kept.iter().find(|(number, _)| *number == stream)?;
        replay.has_behind(index).then(|| Behind::Sent(replay.clone(), index + 1))
    }

    /// Keep what a new stream sends, in place of what others sent long ago.
    fn keep(&self, stream: u64, replay: Arc<Replay>) {
        let mut state = lock(&self.state);
        let mut room = KEPT_BYTES;
        let mut places = KEPT;
        // From the last one on.
        let keep: Vec<bool> = (state.kept.iter().rev())
            .map(|(_, replay)| {
                let Some(bytes) = replay.bytes() else { return true };
                let fits = places > 0 && (bytes <= room || places == KEPT);
                if fits {
                    (places, room) = (places - 1, room.saturating_sub(bytes));
                }
                fits
            })
            .collect();
        let mut keep = keep.into_iter().rev();
        state.kept.retain(|_| keep.next().unwrap_or_default());
        state.kept.push_back((stream, replay));
    }

    /// Wait until no request has one of those ids, which differ, and take them: of two at once, rmcp would answer one.
    async fn take(self: &Arc<Session>, ids: Vec<RequestId>) -> Vec<AtWork> {
        loop {
            let answered = self.answered.notified();
            {
                let mut state = lock(&self.state);
                if !ids.iter().any(|id| state.at_work.contains(id)) {
                    state.at_work.extend(ids.iter().cloned());
                    return ids.into_iter().map(|id| AtWork { session: self.clone(), id }).collect();
                }
            }
            answered.await;
        }
    }
}

/// A request that is not answered yet.
pub struct AtWork {
    session: Arc<Session>,
    id: RequestId,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        lock(&self.session.state).at_work.retain(|id| *id != self.id);
        self.session.answered.notify_waiters();
    }
}

/// A stream on its way to the client. If the client leaves, the rest is kept for it.
struct Kept {
    inner: Option<Events>,
    session: Arc<Session>,
    number: u64,
    replay: Arc<Replay>,
    index: usize,
    at_work: Option<Arc<AtWork>>,
}

impl Kept {
    fn record(&mut self, event: ServerSseMessage) -> ServerSseMessage {
        let event = self.session.event(self.number, self.index, event);
        self.index += 1;
        self.replay.push(event.clone());
        event
    }

    fn end(&mut self) {
        self.inner = None;
        self.at_work = None;
        self.replay.end();
    }
}

impl Stream for Kept {
    type Item = ServerSseMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ServerSseMessage>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        match inner.poll_next_unpin(context) {
            Poll::Ready(Some(event)) => Poll::Ready(Some(this.record(event))),
            Poll::Ready(None) => {
                this.end();
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else { return };
        let (session, replay) = (self.session.clone(), self.replay.clone());
        let (number, index, at_work) = (self.number, self.index, self.at_work.take());
        let mut rest = Kept { inner: Some(inner), session, number, replay, index, at_work };
        match tokio::runtime::Handle::try_current() {
            // It holds no more than the session does, and ends with it.
            Ok(runtime) => drop(runtime.spawn(async move { while rest.next().await.is_some() {} })),
            Err(_) => rest.end(),
        }
    }
}

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = WorkerTransport<LocalSessionWorker>;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let (id, transport) = self.inner.create_session().await?;
        let tag = id.chars().take(TAG).collect();
        let (revision, state, answered) = (OnceLock::new(), Mutex::default(), Notify::new());
        lock(&self.open).insert(id.clone(), Arc::new(Session { tag, revision, state, answered }));
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let answer = self.inner.initialize_session(id, message).await?;
        if let JsonRpcMessage::Response(response) = &answer
            && let ServerResult::InitializeResult(result) = &response.result
        {
            let _ = self.session(id)?.revision.set(result.protocol_version.clone());
        }
        Ok(answer)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.inner.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        lock(&self.open).remove(id);
        self.inner.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let session = self.session(id)?;
        let at_work = match &message {
            JsonRpcMessage::Request(request) => {
                request.request.extensions().get::<Parts>().and_then(|parts| parts.extensions.get().cloned())
            }
            _ => None,
        };
        let inner = self.inner.create_stream(id, message).await?;
        let inner: Events = match session.is_primed() {
            true => Box::pin(stream::iter([ServerSseMessage::retry(RETRY)]).chain(inner)),
            false => Box::pin(inner),
        };
        let (number, replay) = (session.number(), Arc::<Replay>::default());
        session.keep(number, replay.clone());
        Ok(Kept { inner: Some(inner), session, number, replay, index: 0, at_work })
    }

    /// What an episode sends, it sends in answer to a request; so this is silent, but for builds with the suite's fixtures.
    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let session = self.session(id)?;
        let number = session.number();
        {
            let mut state = lock(&session.state);
            state.listened.push_back(number);
            if state.listened.len() > LISTENED {
                state.listened.pop_front();
            }
        }
        let priming = session.is_primed().then(|| ServerSseMessage::retry(RETRY));
        let events = stream::iter(priming).chain(self.inner.create_standalone_stream(id).await?);
        Ok(events.enumerate().map(move |(index, event)| session.event(number, index, event)))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let behind = self.session(id)?.behind(&last_event);
        let events: Events = match behind {
            Some(Behind::Sent(replay, index)) => replay.from(index),
            Some(Behind::Listened) => Box::pin(self.create_standalone_stream(id).await?),
            None => return Err(SessionError::InvalidEventId.into()),
        };
        Ok(events)
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        self.inner.accept_message(id, message).await
    }
}
