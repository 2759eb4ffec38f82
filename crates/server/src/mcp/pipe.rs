//! Messages as lines: what comes in is read, split where it is a batch, or refused; what goes out is a line each.

use super::lines::{Line, Lines};
use super::message::{self, Fault, without_mark};
use futures::future::BoxFuture;
use rmcp::RoleServer;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorCode, JsonRpcMessage, ProtocolVersion, RequestId,
    ServerJsonRpcMessage, ServerResult,
};
use rmcp::transport::Transport;
use serde_json::Value as Json;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use store::lock::lock;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// A transport over two streams.
pub struct Pipe<R, W> {
    lines: Lines<R>,
    out: Arc<tokio::sync::Mutex<W>>,
    /// What has been read and not been passed on: the rest of a batch.
    read: VecDeque<ClientJsonRpcMessage>,
    /// A refusal that is being written.
    refusal: Option<BoxFuture<'static, io::Result<()>>>,
    batches: Arc<Mutex<Batches>>,
}

/// Batches whose answers are collected: JSON-RPC answers a batch with one. Of MCP's revisions, 2025-03-26 alone has them.
#[derive(Default)]
struct Batches {
    agreed: bool,
    open: Vec<Batch>,
}

#[derive(Default)]
struct Batch {
    waiting: Vec<RequestId>,
    answers: Vec<Json>,
}

impl Batch {
    /// The line that answers it, once nothing is missing; a batch that asked for nothing has none.
    fn line(&self) -> Option<Vec<u8>> {
        (self.waiting.is_empty() && !self.answers.is_empty()).then(|| line(&self.answers)).flatten()
    }
}

/// Where an answer goes.
enum Goes {
    Out,
    /// It waits for the rest of its batch.
    Kept,
    /// It was the last of its batch.
    With(Option<Vec<u8>>),
}

impl Batches {
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
            true => Goes::With(self.open.remove(at).line()),
            false => Goes::Kept,
        }
    }

    /// What becomes of a message to the client.
    fn sends(&mut self, message: &ServerJsonRpcMessage) -> Goes {
        let id = match message {
            JsonRpcMessage::Response(response) => {
                if let ServerResult::InitializeResult(result) = &response.result {
                    self.agreed = result.protocol_version == ProtocolVersion::V_2025_03_26;
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
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Send + Unpin + 'static> Pipe<R, W> {
    /// Read from one stream and write to the other.
    pub fn new(input: R, output: W) -> Pipe<R, W> {
        let out = Arc::new(tokio::sync::Mutex::new(output));
        Pipe { lines: Lines::new(input), out, read: VecDeque::new(), refusal: None, batches: Arc::default() }
    }

    fn take(&mut self, line: Line) {
        let text = match line {
            Line::Whole(text) => text,
            Line::TooLong => {
                return self.refuse(&Fault::new(ErrorCode::INVALID_REQUEST, "the line is longer than 4 MiB"));
            }
            // A message that is whole has come whole, with a line's end or without.
            Line::Rest(text) => match message::read(&text) {
                Ok(message) => return self.read.push_back(message),
                Err(_) => return tracing::warn!(bytes = text.len(), "half a line at the end of input was dropped"),
            },
        };
        match message::read(&text) {
            Ok(message) => self.read.push_back(message),
            Err(fault) => match batch(&text).filter(|_| lock(&self.batches).agreed) {
                Some(messages) if messages.is_empty() => {
                    self.refuse(&Fault::new(ErrorCode::INVALID_REQUEST, "a batch has at least one message"));
                }
                Some(messages) => self.take_all(messages),
                None => self.refuse(&fault),
            },
        }
    }

    fn take_all(&mut self, messages: Vec<Json>) {
        let mut batch = Batch::default();
        for element in messages {
            match element_of_batch(&element) {
                Ok(message) => {
                    if let JsonRpcMessage::Request(request) = &message {
                        batch.waiting.push(request.id.clone());
                    }
                    self.read.push_back(message);
                }
                Err(fault) => batch.answers.push(fault.answer()),
            }
        }
        match batch.line() {
            Some(line) => self.refusal = Some(Box::pin(write(self.out.clone(), line))),
            None if batch.waiting.is_empty() => {}
            None => lock(&self.batches).open.push(batch),
        }
    }

    fn refuse(&mut self, fault: &Fault) {
        tracing::debug!("a line was refused: {}", fault.message);
        self.refusal =
            line(&fault.answer()).map(|line| -> BoxFuture<'static, _> { Box::pin(write(self.out.clone(), line)) });
    }

    /// What the bookkeeping must know of a message that is passed on.
    fn passes(&mut self, message: &ClientJsonRpcMessage) {
        // What is cancelled is not answered, and its batch waits no longer for it.
        if let JsonRpcMessage::Notification(notification) = message
            && let ClientNotification::CancelledNotification(cancelled) = &notification.notification
            && let Some(id) = &cancelled.params.request_id
            && let Goes::With(Some(line)) = lock(&self.batches).close(id, None)
        {
            self.refusal = Some(Box::pin(write(self.out.clone(), line)));
        }
    }
}

/// The messages of a batch.
fn batch(text: &[u8]) -> Option<Vec<Json>> {
    serde_json::from_slice(without_mark(text)).ok()
}

/// One message of a batch. The handshake is none: what is agreed in it decides whether there are batches.
pub fn element_of_batch(element: &Json) -> Result<ClientJsonRpcMessage, Fault> {
    let message = message::read(element.to_string().as_bytes())?;
    match &message {
        JsonRpcMessage::Request(request) if matches!(request.request, ClientRequest::InitializeRequest(_)) => {
            let id = element.get("id").cloned();
            Err(Fault { id, ..Fault::new(ErrorCode::INVALID_REQUEST, "initialize cannot be part of a batch") })
        }
        _ => Ok(message),
    }
}

fn line(value: &impl serde::Serialize) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(value).ok()?;
    line.push(b'\n');
    Some(line)
}

async fn write<W: AsyncWrite + Unpin>(out: Arc<tokio::sync::Mutex<W>>, line: Vec<u8>) -> io::Result<()> {
    let mut out = out.lock().await;
    out.write_all(&line).await?;
    out.flush().await
}

impl<R, W> Transport<RoleServer> for Pipe<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let line = match lock(&self.batches).sends(&message) {
            Goes::Out => line(&message),
            Goes::Kept => None,
            Goes::With(line) => line,
        };
        let out = self.out.clone();
        async move {
            match line {
                Some(line) => write(out, line).await,
                None => Ok(()),
            }
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if let Some(refusal) = &mut self.refusal {
                let written = refusal.await;
                self.refusal = None;
                // Nobody reads any more.
                written.ok()?;
            }
            if let Some(message) = self.read.pop_front() {
                self.passes(&message);
                return Some(message);
            }
            match self.lines.next().await {
                Ok(line) => self.take(line?),
                Err(error) => {
                    tracing::warn!("standard input cannot be read: {error}");
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.out.lock().await.shutdown().await
    }
}
