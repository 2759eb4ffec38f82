//! The end of the server: accepted calls are answered, then streams end, then the process.

use axum::body::{Body, Bytes};
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long connections may take to close once nothing is to be answered any more.
const CLOSING: Duration = Duration::from_secs(2);

/// The stages of the end, and who still waits for an answer.
#[derive(Default)]
pub struct Drain {
    begun: CancellationToken,
    streams: CancellationToken,
    over: CancellationToken,
    waiting: AtomicUsize,
    answered: Notify,
}

impl Drain {
    /// Whether the end has begun: nothing new is accepted.
    pub fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Returns when the end begins.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Cancelled when all is answered: streams that have no end of their own end then.
    pub fn streams(&self) -> &CancellationToken {
        &self.streams
    }

    /// Returns when nobody need be waited for any longer.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Count a request until the last byte of its answer is handed on, or nobody wants it any more.
    pub fn accept(self: &Arc<Drain>) -> Accepted {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Accepted { drain: self.clone() }
    }

    /// Begin the end: wait until accepted requests are answered, but not longer than `grace`; then end the streams.
    pub async fn run(&self, grace: Duration) {
        self.begun.cancel();
        let answered = async {
            loop {
                let changed = self.answered.notified();
                if self.waiting.load(Ordering::SeqCst) == 0 {
                    break;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(grace, answered).await.is_err() {
            tracing::warn!("{} requests were not answered in time", self.waiting.load(Ordering::SeqCst));
        }
        self.streams.cancel();
        tokio::spawn({
            let over = self.over.clone();
            async move {
                tokio::time::sleep(CLOSING).await;
                over.cancel();
            }
        });
    }
}

/// An accepted request that is not answered yet.
pub struct Accepted {
    drain: Arc<Drain>,
}

impl Drop for Accepted {
    fn drop(&mut self) {
        self.drain.waiting.fetch_sub(1, Ordering::SeqCst);
        self.drain.answered.notify_waiters();
    }
}

/// An answer's body, and what is held until its end.
struct Held<T> {
    body: Body,
    _held: T,
}

/// Hold something until the last byte of an answer is handed on.
pub fn hold<T: Send + Unpin + 'static>(response: Response, held: T) -> Response {
    response.map(|body| Body::new(Held { body, _held: held }))
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
