//! The state directory: one thread that writes what episodes change, many calls in one transaction.

use crate::store::ledger::{Kept, Ledger, Write};
use std::path::Path;
use std::sync::mpsc;
use tokio::sync::oneshot;

/// Most changes in one transaction: enough to share the cost of reaching the disk, few enough not to keep the first waiting.
const BATCH: usize = 256;

/// The writer of a state directory.
pub struct Durable {
    jobs: mpsc::Sender<Job>,
}

enum Job {
    Load(oneshot::Sender<Result<Vec<Kept>, String>>),
    Write(Vec<Write>, oneshot::Sender<Result<(), String>>),
}

impl Durable {
    /// Open the directory, made where there is none, and lock others out of it.
    pub fn open(directory: &Path) -> Result<Durable, String> {
        let ledger = Ledger::open(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let (jobs, queue) = mpsc::channel();
        let thread = std::thread::Builder::new().name("state directory".to_owned());
        thread.spawn(move || run(ledger, &queue)).map_err(|error| error.to_string())?;
        Ok(Durable { jobs })
    }

    /// Everything that is kept.
    pub async fn load(&self) -> Result<Vec<Kept>, String> {
        self.ask(Job::Load).await
    }

    /// Write that; when it is answered, it is on the disk.
    pub async fn write(&self, writes: Vec<Write>) -> Result<(), String> {
        self.ask(|done| Job::Write(writes, done)).await
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Job) -> Result<T, String> {
        let (done, answer) = oneshot::channel();
        let gone = || "its writer has ended".to_owned();
        self.jobs.send(job(done)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// Serve jobs until nobody can send any more.
fn run(mut ledger: Ledger, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let (mut writes, mut waiting) = (Vec::new(), Vec::new());
        for job in std::iter::once(first).chain(queue.try_iter().take(BATCH - 1)) {
            match job {
                Job::Load(done) => drop(done.send(ledger.load().map_err(|error| error.to_string()))),
                Job::Write(more, done) => {
                    writes.extend(more);
                    waiting.push(done);
                }
            }
        }
        let result = if writes.is_empty() { Ok(()) } else { ledger.write(&writes).map_err(|error| error.to_string()) };
        if let Err(error) = &result {
            tracing::error!("the state directory could not be written: {error}");
        }
        for done in waiting {
            // Who does not wait any more is not told.
            let _ = done.send(result.clone());
        }
    }
}
