//! The threads on which connections are served: one a core, each with a runtime of its own.
//!
//! A request begins and ends on one thread. On a runtime that shares its tasks among threads, rmcp's several tasks a request
//! wake a second thread each time, which costs more than a call does.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The threads; they end, with all that runs on them, when this is dropped.
pub struct Workers {
    /// None where everything runs on the caller's own runtime.
    inboxes: Vec<UnboundedSender<Work>>,
    next: AtomicUsize,
}

impl Workers {
    /// Start a thread for each core that the process may use.
    pub fn start() -> std::io::Result<Workers> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        Workers::apart("http", count)
    }

    /// So many threads for what must not be served where agents' connections are.
    pub fn apart(name: &str, count: usize) -> std::io::Result<Workers> {
        let inboxes = (0..count).map(|number| start(format!("{name} {}", number + 1))).collect::<Result<_, _>>()?;
        Ok(Workers { inboxes, next: AtomicUsize::new(0) })
    }

    /// No threads: everything runs on the runtime that is there, whose clock may be another than the machine's.
    pub fn here() -> Workers {
        Workers { inboxes: Vec::new(), next: AtomicUsize::new(0) }
    }

    /// Run that on the next thread in turn, and give what it comes to. Nobody waiting any more, it is dropped there.
    pub async fn answer<E: Send + 'static>(
        &self,
        answer: impl Future<Output = Result<Response, E>> + Send + 'static,
    ) -> Result<Response, E> {
        let (mut done, answered) = oneshot::channel();
        self.run(async move {
            tokio::select! {
                answer = answer => drop(done.send(answer)),
                () = done.closed() => {}
            }
        });
        let lost = || StatusCode::INTERNAL_SERVER_ERROR.into_response();
        answered.await.unwrap_or_else(|_| Ok(lost()))
    }

    /// Run that on the next thread in turn.
    pub fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        if self.inboxes.is_empty() {
            tokio::spawn(work);
            return;
        }
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.inboxes.len();
        // A thread takes work until its inbox is dropped.
        let _ = self.inboxes[next].send(Box::pin(work));
    }
}

fn start(name: String) -> std::io::Result<UnboundedSender<Work>> {
    let (inbox, mut work) = unbounded_channel::<Work>();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name(name);
    thread.spawn(move || {
        runtime.block_on(async {
            while let Some(work) = work.recv().await {
                tokio::spawn(work);
            }
        });
    })?;
    Ok(inbox)
}
