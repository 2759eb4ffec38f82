//! What was sent on a stream, for a client whose connection broke off.

use futures::{Stream, stream};
use rmcp::model::{JsonRpcMessage, ServerJsonRpcMessage, ServerResult};
use rmcp::transport::common::server_side_http::ServerSseMessage;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use store::lock::lock;
use tokio::sync::Notify;

/// A stream of events.
pub type Events = Pin<Box<dyn Stream<Item = ServerSseMessage> + Send + Sync>>;

/// What was sent on a stream.
#[derive(Default)]
pub struct Replay {
    sent: Mutex<Sent>,
    more: Notify,
}

#[derive(Default)]
struct Sent {
    events: Vec<ServerSseMessage>,
    bytes: usize,
    done: bool,
}

impl Replay {
    /// This was sent as well.
    pub fn push(&self, event: ServerSseMessage) {
        let mut sent = lock(&self.sent);
        sent.bytes += event.message.as_deref().map_or(0, weight);
        sent.events.push(event);
        drop(sent);
        self.more.notify_waiters();
    }

    /// This was all.
    pub fn end(&self) {
        lock(&self.sent).done = true;
        self.more.notify_waiters();
    }

    /// Whether there is, or will be, anything behind the event at that place.
    pub fn has_behind(&self, index: usize) -> bool {
        let sent = lock(&self.sent);
        index < sent.events.len() && (index + 1 < sent.events.len() || !sent.done)
    }

    /// About how many bytes it has, once it is whole.
    pub fn bytes(&self) -> Option<usize> {
        let sent = lock(&self.sent);
        sent.done.then_some(sent.bytes)
    }

    /// The event at that place, or whether there will be none.
    fn at(&self, index: usize) -> Result<ServerSseMessage, bool> {
        let sent = lock(&self.sent);
        sent.events.get(index).cloned().ok_or(sent.done)
    }

    /// What is sent from that place on.
    pub fn from(self: Arc<Replay>, index: usize) -> Events {
        Box::pin(stream::unfold((self, index), |(replay, index)| async move {
            loop {
                let more = replay.more.notified();
                match replay.at(index) {
                    Ok(event) => return Some((event, (replay.clone(), index + 1))),
                    Err(true) => return None,
                    Err(false) => more.await,
                }
            }
        }))
    }
}

/// About how many bytes a message has. Only what is seldom sent is written out for it.
fn weight(message: &ServerJsonRpcMessage) -> usize {
    match message {
        JsonRpcMessage::Response(response) => match &response.result {
            // The text, and the structure that says the same.
            ServerResult::CallToolResult(result) => {
                result.content.iter().filter_map(|content| content.as_text()).map(|text| 2 * text.text.len()).sum()
            }
            result => serde_json::to_vec(result).map_or(0, |text| text.len()),
        },
        _ => 0,
    }
}
