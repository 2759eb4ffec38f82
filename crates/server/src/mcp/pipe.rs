//! Messages as lines: what comes in is read, split where it is a batch, or refused; what goes out is a line each.

use super::batches::{Batch, Batches, Goes, is_batch};
use super::lines::{Line, Lines};
use super::message::{self, Fault};
use futures::future::BoxFuture;
use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ErrorCode, ServerJsonRpcMessage};
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
    /// What is being written: a refusal, or the answer to a batch.
    writing: Option<BoxFuture<'static, io::Result<()>>>,
    batches: Arc<Mutex<Batches>>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Send + Unpin + 'static> Pipe<R, W> {
    /// Read from one stream and write to the other.
    pub fn new(input: R, output: W) -> Pipe<R, W> {
        let out = Arc::new(tokio::sync::Mutex::new(output));
        Pipe { lines: Lines::new(input), out, read: VecDeque::new(), writing: None, batches: Arc::default() }
    }

    fn take(&mut self, line: Line) {
        let (text, half) = match line {
            Line::Whole(text) => (text, false),
            Line::Rest(text) => (text, true),
            Line::TooLong => {
                return self.refuse(&Fault::new(ErrorCode::INVALID_REQUEST, "the line is longer than 4 MiB"));
            }
        };
        match message::read(&text) {
            Ok(message) => self.read.push_back(message),
            // What is whole has come whole, with a line's end or without.
            Err(fault) if half && fault.code == ErrorCode::PARSE_ERROR => {
                tracing::warn!(bytes = text.len(), "half a line at the end of input was dropped");
            }
            Err(_) if is_batch(&text) && lock(&self.batches).are_agreed() => match Batch::read(&text) {
                Ok(batch) => self.take_all(batch),
                Err(fault) => self.refuse(&fault),
            },
            Err(fault) => self.refuse(&fault),
        }
    }

    fn take_all(&mut self, mut batch: Batch) {
        self.read.extend(std::mem::take(&mut batch.messages));
        match batch.answer() {
            Some(answer) => self.write(&answer),
            None => lock(&self.batches).collect(batch),
        }
    }

    fn refuse(&mut self, fault: &Fault) {
        tracing::debug!("a line was refused: {}", fault.message);
        self.write(&fault.answer());
    }

    /// Write before anything more is read.
    fn write(&mut self, answer: &Json) {
        self.writing = line(answer).map(|line| -> BoxFuture<'static, _> { Box::pin(write(self.out.clone(), line)) });
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
            Goes::With(answer) => answer.and_then(|answer| line(&answer)),
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
            if let Some(writing) = &mut self.writing {
                let written = writing.await;
                self.writing = None;
                // Nobody reads any more.
                written.ok()?;
            }
            if let Some(message) = self.read.pop_front() {
                let answer = lock(&self.batches).passes(&message);
                if let Some(answer) = answer {
                    self.write(&answer);
                }
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
