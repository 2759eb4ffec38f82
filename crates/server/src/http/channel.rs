//! The channel between rmcp and a client that listens to a stream of events: what it sent comes up, texts go down.
//!
//! rmcp's own `SinkStreamTransport` sends messages one by one, and waits where the client does not read.

use super::connections::Connection;
use crate::mcp::batches::{Batches, Goes};
use futures::channel::mpsc::{Sender, channel};
use futures::{Stream, StreamExt};
use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use store::lock::lock;
use tokio_util::sync::CancellationToken;

/// Most messages that a client has not read yet. It is gone, or might as well be, when there are more.
const UNREAD: usize = 1_024;

/// Most bytes of them: some of the longest answers.
const UNREAD_BYTES: usize = 8 << 20;

/// The way down to a client.
pub struct Down {
    texts: Sender<String>,
    unread: Arc<AtomicUsize>,
    connection: Option<Arc<Connection>>,
    /// Cancelled when the client has left, and here when it does not read.
    left: CancellationToken,
}

impl Down {
    /// The way down, and what comes out at its end.
    pub fn new(
        connection: Option<Arc<Connection>>,
        left: CancellationToken,
    ) -> (Down, impl Stream<Item = String> + Send + 'static) {
        let (texts, out) = channel::<String>(UNREAD);
        let unread = Arc::<AtomicUsize>::default();
        let down = Down { texts, unread: unread.clone(), connection, left };
        let read = move |text: &String| {
            unread.fetch_sub(text.len(), Ordering::Relaxed);
        };
        (down, out.inspect(read))
    }

    fn send(&mut self, message: &impl serde::Serialize) {
        // Once it is dropped, what is still answered goes nowhere.
        if self.left.is_cancelled() {
            return;
        }
        let text = serde_json::to_string(message).unwrap_or_default();
        let bytes = self.unread.fetch_add(text.len(), Ordering::Relaxed) + text.len();
        // Waiting would pile up whatever else is answered meanwhile.
        if bytes > UNREAD_BYTES || self.texts.try_send(text).is_err() {
            tracing::info!("an SSE client was dropped, since it does not read what it is sent");
            self.left.cancel();
            // A connection that nobody reads from does not end by itself, and keeps what it was to send.
            if let Some(connection) = &self.connection {
                connection.end();
            }
        }
    }
}

/// The transport that rmcp sees.
pub struct Channel<U> {
    up: U,
    down: Down,
    batches: Arc<Mutex<Batches>>,
}

impl<U> Channel<U> {
    /// A transport of what comes up and goes down; answers to batches are collected.
    pub fn new(up: U, down: Down, batches: Arc<Mutex<Batches>>) -> Channel<U> {
        Channel { up, down, batches }
    }
}

impl<U> Transport<RoleServer> for Channel<U>
where
    U: Stream<Item = ClientJsonRpcMessage> + Send + Unpin + 'static,
{
    /// None, after which rmcp may send once more.
    type Error = Infallible;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
        let goes = lock(&self.batches).sends(&message);
        match goes {
            Goes::Out => self.down.send(&message),
            Goes::With(Some(answer)) => self.down.send(&answer),
            Goes::With(None) | Goes::Kept => {}
        }
        ready(Ok(()))
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        let message = self.up.next().await?;
        let answer = lock(&self.batches).passes(&message);
        if let Some(answer) = answer {
            self.down.send(&answer);
        }
        Some(message)
    }

    async fn close(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
