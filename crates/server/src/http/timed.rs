//! A connection that a client must read from: what is written to it has to go, or the connection ends.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a client may take over each [`WINDOW`] of what it is sent: longer than any network stalls.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// So many bytes a client must read in that time, or all there are: so that reading byte by byte holds no answer for ever.
const WINDOW: usize = 64 * 1024;

/// A stream with a write timeout.
pub struct Timed<S> {
    stream: S,
    /// Since when, plus the time, the client has not read enough; none while nothing waits to be written.
    deadline: Option<Pin<Box<Sleep>>>,
    /// What it has read since.
    read: usize,
}

impl<S> Timed<S> {
    /// That stream, with a write timeout.
    pub fn new(stream: S) -> Timed<S> {
        Timed { stream, deadline: None, read: 0 }
    }

    /// What a write came to, with the clock running while it waits.
    fn clocked(&mut self, written: Poll<Result<usize>>, context: &mut Context<'_>) -> Poll<Result<usize>> {
        match (&written, &mut self.deadline) {
            (Poll::Ready(Ok(bytes)), Some(deadline)) => {
                self.read += bytes;
                if self.read >= WINDOW {
                    self.read = 0;
                    deadline.as_mut().reset(Instant::now() + WRITE_TIME);
                }
            }
            (Poll::Ready(_), _) => {}
            (Poll::Pending, deadline) => {
                let deadline = deadline.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + WRITE_TIME)));
                ready!(deadline.as_mut().poll(context));
                return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client does not read what it is sent")));
            }
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, data);
        self.clocked(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, data);
        self.clocked(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes once all that it had is written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() && self.deadline.is_some() {
            (self.deadline, self.read) = (None, 0);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
