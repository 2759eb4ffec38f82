//! A transport on which each request that was read is answered.
//!
//! rmcp 3.11 reads as fast as it can, ends a session whose first message is not the one that it expects, stops within seconds of
//! the end of input, and of two requests at work under one id it answers one. Around a transport, this
//! - has a bounded number of requests at work, and reads on when one is answered,
//! - reports the end of input once all that was read is answered,
//! - lets a request wait until an earlier one with its id is answered,
//! - before the handshake, answers requests that cannot be served yet, and ignores what asks for no answer.

use rmcp::RoleServer;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorData, GetMeta, JsonRpcMessage, ProtocolVersion,
    RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::Transport;
use std::future::Future;
use std::sync::{Arc, Mutex};
use store::lock::lock;
use tokio::sync::Notify;

/// A transport around another one.
pub struct Orderly<T> {
    inner: T,
    open: Arc<Open>,
    /// Most requests at work at once.
    most: usize,
    /// A request that waits for a place.
    held: Option<ClientJsonRpcMessage>,
    /// Whether rmcp is through with the handshake, or was told by a request that there is none.
    begun: bool,
    ended: bool,
}

/// The requests that are not answered yet.
#[derive(Default)]
struct Open {
    ids: Mutex<Vec<RequestId>>,
    closed: Notify,
}

impl Open {
    /// Take a request on, unless there are too many or one has its id.
    fn admit(&self, id: &RequestId, most: usize) -> bool {
        let mut ids = lock(&self.ids);
        let free = ids.len() < most && !ids.contains(id);
        if free {
            ids.push(id.clone());
        }
        free
    }

    fn close(&self, id: &RequestId) {
        let mut ids = lock(&self.ids);
        if let Some(at) = ids.iter().position(|open| open == id) {
            ids.swap_remove(at);
            self.closed.notify_waiters();
        }
    }

    /// Wait until `ready` says so, which is asked again whenever a request has been answered.
    async fn until(&self, ready: impl Fn(&Open) -> bool) {
        loop {
            let closed = self.closed.notified();
            if ready(self) {
                return;
            }
            closed.await;
        }
    }
}

/// What becomes of a message before the handshake.
enum Early {
    /// It begins the session.
    Begins,
    /// rmcp answers it, and the session has not begun.
    Passes,
    /// Nobody answers it.
    Ignored,
    /// It is answered here.
    Refused(RequestId),
}

impl Early {
    /// As rmcp goes about it.
    fn of(message: &ClientJsonRpcMessage) -> Early {
        let JsonRpcMessage::Request(request) = message else { return Early::Ignored };
        let meta = request.request.get_meta();
        match (&request.request, meta.protocol_version()) {
            (ClientRequest::InitializeRequest(_), _) => Early::Begins,
            (ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_), _) => Early::Passes,
            (_, None) => Early::Refused(request.id.clone()),
            (_, Some(version)) => {
                let complete = meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty();
                match complete && ProtocolVersion::KNOWN_VERSIONS.contains(&version) {
                    true => Early::Begins,
                    false => Early::Passes,
                }
            }
        }
    }
}

impl<T: Transport<RoleServer>> Orderly<T> {
    /// Keep order on that transport, with at most that many requests at work at once.
    pub fn new(inner: T, most: usize) -> Orderly<T> {
        Orderly { inner, open: Arc::default(), most, held: None, begun: false, ended: false }
    }

    /// The next message, if it may go on to rmcp.
    async fn checked(&mut self, message: ClientJsonRpcMessage) -> Result<Option<ClientJsonRpcMessage>, T::Error> {
        if self.begun {
            return Ok(Some(message));
        }
        match Early::of(&message) {
            Early::Begins => self.begun = true,
            Early::Passes => {}
            Early::Ignored => return Ok(None),
            Early::Refused(id) => {
                let text = "the session has not begun: send initialize first, or name the revision in params._meta, \
                            as clients of 2026-07-28 do";
                let answer = JsonRpcMessage::error(ErrorData::invalid_params(text, None), Some(id));
                self.inner.send(answer).await?;
                return Ok(None);
            }
        }
        Ok(Some(message))
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Orderly<T> {
    type Error = T::Error;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = Result<(), T::Error>> + Send + 'static {
        let answered = match &message {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            JsonRpcMessage::Error(error) => error.id.clone(),
            _ => None,
        };
        let (sent, open) = (self.inner.send(message), self.open.clone());
        async move {
            let result = sent.await;
            if let Some(id) = answered {
                open.close(&id);
            }
            result
        }
    }

    /// rmcp gives up this future whenever it has an answer to send, so whatever was read is kept in `self` at every wait.
    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        while self.held.is_none() && !self.ended {
            let Some(message) = self.inner.receive().await else {
                self.ended = true;
                break;
            };
            // Before the handshake rmcp does nothing but receive.
            match self.checked(message).await {
                Ok(message) => self.held = message,
                Err(_) => self.ended = true,
            }
        }
        match &self.held {
            None => {
                self.open.until(|open| lock(&open.ids).is_empty()).await;
                None
            }
            Some(JsonRpcMessage::Request(request)) => {
                // A subscription is answered when it ends, which the end of input is to bring about.
                if !matches!(request.request, ClientRequest::SubscriptionsListenRequest(_)) {
                    self.open.until(|open| open.admit(&request.id, self.most)).await;
                }
                self.held.take()
            }
            Some(JsonRpcMessage::Notification(notification)) => {
                // rmcp gives no answer to what is cancelled.
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.open.close(id);
                }
                self.held.take()
            }
            Some(_) => self.held.take(),
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), T::Error>> + Send {
        self.inner.close()
    }
}
