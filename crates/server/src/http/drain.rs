//! The end of the server: what was accepted is answered, then streams end, then connections close.

use axum::body::{Body, Bytes};
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The stages of the end, and how many wait for an answer.
#[derive(Default)]
pub struct Drain {
    begun: CancellationToken,
    streams: CancellationToken,
    waiting: TaskTracker,
}

/// A request that is waited for as long as this is held.
pub type Accepted = TaskTrackerToken;

impl Drain {
    /// Whether the end has begun: nothing new is accepted.
    pub fn has_begun(&self) -> bool {
        self.waiting.is_closed()
    }

    /// Returns when the end begins.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Cancelled when all is answered: streams that have no end of their own end then, and connections close.
    pub fn streams(&self) -> &CancellationToken {
        &self.streams
    }

    /// Accept a request, unless the end has begun.
    pub fn accept(&self) -> Option<Accepted> {
        // Counted before the question, so that no request slips in between the two.
        let accepted = self.waiting.token();
        (!self.has_begun()).then_some(accepted)
    }

    /// Begin the end: wait until accepted requests are answered, but not longer than `grace`; then end the streams.
    pub async fn run(&self, grace: Duration) {
        self.waiting.close();
        self.begun.cancel();
        if tokio::time::timeout(grace, self.waiting.wait()).await.is_err() {
            tracing::warn!("{} requests were not answered in time", self.waiting.len());
        }
        self.streams.cancel();
    }
}

/// Hold something until the last byte of an answer is handed on, or nobody wants it any more.
pub fn hold<T: Send + Unpin + 'static>(response: Response, held: T) -> Response {
    response.map(|body| Body::new(Held { body, _held: held }))
}

struct Held<T> {
    body: Body,
    _held: T,
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
