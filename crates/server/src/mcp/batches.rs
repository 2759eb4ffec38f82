//! Batches: several messages in one text. JSON-RPC answers such a text with one of its own, once all that it asks is answered.

use super::message::{self, Fault, without_mark};
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorCode, JsonRpcMessage, ProtocolVersion, RequestId,
    ServerJsonRpcMessage, ServerResult,
};
use serde_json::Value as Json;
use serde_json::value::RawValue;

/// Most messages of a batch: each is a request at work, or a refusal that is longer than what it refuses.
pub const MOST: usize = 64;

/// Whether clients that agreed on that revision may send batches. 2024-11-05 takes JSON-RPC whole, 2025-03-26 says so, and
/// 2025-06-18 took them out.
pub fn has_batches(revision: &ProtocolVersion) -> bool {
    [ProtocolVersion::V_2024_11_05, ProtocolVersion::V_2025_03_26].contains(revision)
}

/// Whether a text is a batch, or would be one.
pub fn is_batch(text: &[u8]) -> bool {
    without_mark(text).trim_ascii_start().starts_with(b"[")
}

/// The messages of a batch, each as it came.
pub fn elements(text: &[u8]) -> Result<Vec<&RawValue>, Fault> {
    let elements: Vec<&RawValue> = serde_json::from_slice(without_mark(text))
        .map_err(|error| Fault::new(ErrorCode::PARSE_ERROR, format!("this is not JSON: {error}")))?;
    match elements.len() {
        1..=MOST => Ok(elements),
        _ => Err(Fault::new(ErrorCode::INVALID_REQUEST, format!("a batch has 1 to {MOST} messages"))),
    }
}

/// One message of a batch. The handshake is none: what is agreed in it decides whether there are batches.
pub fn element(text: &RawValue) -> Result<ClientJsonRpcMessage, Fault> {
    let message = message::read(text.get().as_bytes())?;
    match &message {
        JsonRpcMessage::Request(request) if matches!(request.request, ClientRequest::InitializeRequest(_)) => {
            let id = serde_json::to_value(&request.id).ok();
            Err(Fault { id, ..Fault::new(ErrorCode::INVALID_REQUEST, "initialize cannot be part of a batch") })
        }
        _ => Ok(message),
    }
}

/// A batch as it came.
#[derive(Default)]
pub struct Batch {
    /// What of it is to be served.
    pub messages: Vec<ClientJsonRpcMessage>,
    waiting: Vec<RequestId>,
    answers: Vec<Json>,
}

impl Batch {
    /// Read a batch.
    pub fn read(text: &[u8]) -> Result<Batch, Fault> {
        let mut batch = Batch::default();
        for text in elements(text)? {
            match element(text) {
                Ok(message) => {
                    if let JsonRpcMessage::Request(request) = &message {
                        batch.waiting.push(request.id.clone());
                    }
                    batch.messages.push(message);
                }
                Err(fault) => batch.answers.push(fault.answer()),
            }
        }
        Ok(batch)
    }

    /// How many requests it has.
    pub fn requests(&self) -> usize {
        self.waiting.len()
    }

    /// The answer to it once nothing is missing; a batch that asked for nothing has none.
    pub fn answer(&mut self) -> Option<Json> {
        (self.waiting.is_empty() && !self.answers.is_empty()).then(|| Json::Array(std::mem::take(&mut self.answers)))
    }
}

/// The batches of a connection that are not answered yet.
#[derive(Default)]
pub struct Batches {
    agreed: bool,
    open: Vec<Batch>,
}

/// Where an answer goes.
pub enum Goes {
    /// To the client, by itself.
    Out,
    /// It waits for the rest of its batch.
    Kept,
    /// It was the last of its batch, which is answered with this.
    With(Option<Json>),
}

impl Batches {
    /// Whether the client agreed on a revision that has them.
    pub fn are_agreed(&self) -> bool {
        self.agreed
    }

    /// Collect the answers to that batch.
    pub fn collect(&mut self, batch: Batch) {
        if !batch.waiting.is_empty() {
            self.open.push(Batch { messages: Vec::new(), ..batch });
        }
    }

    /// What becomes of a message to the client.
    pub fn sends(&mut self, message: &ServerJsonRpcMessage) -> Goes {
        let id = match message {
            JsonRpcMessage::Response(response) => {
                if let ServerResult::InitializeResult(result) = &response.result {
                    self.agreed = has_batches(&result.protocol_version);
                }
                Some(&response.id)
            }
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        match id {
            Some(id) if !self.open.is_empty() => self.close(id, serde_json::to_value(message).ok()),
            _ => Goes::Out,
        }
    }

    /// A message of the client's is passed on. What it cancels is not answered, and its batch waits no longer for it: then this is
    /// the answer to the batch.
    pub fn passes(&mut self, message: &ClientJsonRpcMessage) -> Option<Json> {
        let JsonRpcMessage::Notification(notification) = message else { return None };
        let ClientNotification::CancelledNotification(cancelled) = &notification.notification else { return None };
        match self.close(cancelled.params.request_id.as_ref()?, None) {
            Goes::With(answer) => answer,
            Goes::Out | Goes::Kept => None,
        }
    }

    /// The request is answered, or will not be.
    fn close(&mut self, id: &RequestId, answer: Option<Json>) -> Goes {
        let Some(at) = self.open.iter().position(|batch| batch.waiting.contains(id)) else { return Goes::Out };
        let batch = &mut self.open[at];
        // Of two with one id, which are answered one after the other, the first.
        if let Some(at) = batch.waiting.iter().position(|waiting| waiting == id) {
            batch.waiting.remove(at);
        }
        batch.answers.extend(answer);
        match batch.waiting.is_empty() {
            true => Goes::With(self.open.remove(at).answer()),
            false => Goes::Kept,
        }
    }
}
