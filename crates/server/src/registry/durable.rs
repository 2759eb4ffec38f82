//! The state directory: one thread that writes what episodes change, many calls in one transaction.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use store::ErrorCode;
use store::files;
use store::image::Image;
use store::ledger::{Kept, Ledger, Write};
use tokio::sync::oneshot;

/// Most changes in one transaction: enough to share the cost of reaching the disk, few enough not to keep the first waiting.
const BATCH: usize = 256;

/// The writer of a state directory.
pub struct Durable {
    /// None once it is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Durable {
    /// Wait until all is written and the file is closed, so that the directory can be opened again at once.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Job {
    Load(Vec<Arc<Image>>, oneshot::Sender<Result<Vec<Kept>, String>>),
    Write(Vec<Write>, oneshot::Sender<Result<(), String>>),
    Close(oneshot::Sender<()>),
}

impl Durable {
    /// Open the directory, made where there is none, and lock others out of it.
    pub fn open(directory: &Path) -> Result<Durable, String> {
        let ledger = Ledger::open(directory).map_err(|error| {
            let why = match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    "in use by another server; end that one first, or use another directory".to_owned()
                }
                _ => error.to_string(),
            };
            format!("{}: {why}", directory.display())
        })?;
        files::tell_open(directory);
        let (jobs, queue) = mpsc::channel();
        let thread = std::thread::Builder::new().name("state directory".to_owned());
        let thread = thread.spawn(move || run(ledger, &queue)).map_err(|error| error.to_string())?;
        Ok(Durable { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Everything that is kept, on these images where they are the ones.
    pub async fn load(&self, known: Vec<Arc<Image>>) -> Result<Vec<Kept>, String> {
        self.ask(|done| Job::Load(known, done)).await
    }

    /// Write that; when it is answered, it is on the disk.
    pub async fn write(&self, writes: Vec<Write>) -> Result<(), String> {
        self.ask(|done| Job::Write(writes, done)).await
    }

    /// Write what waits, then close the file; nothing can be written after it.
    pub async fn close(&self) {
        let (done, answer) = oneshot::channel();
        if self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job::Close(done)).is_ok()) {
            // Gone without an answer is closed too.
            let _ = answer.await;
        }
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Job) -> Result<T, String> {
        let (done, answer) = oneshot::channel();
        let gone = || "its writer has ended".to_owned();
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(job(done)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// Serve jobs until nobody can send any more.
fn run(mut ledger: Ledger, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut batch = Vec::new();
        let mut close = None;
        for job in std::iter::once(first).chain(queue.try_iter().take(BATCH - 1)) {
            match job {
                Job::Load(known, done) => drop(done.send(ledger.load(&known).map_err(|error| error.to_string()))),
                Job::Write(writes, done) => batch.push((writes, done)),
                Job::Close(done) => close = Some(done),
            }
        }
        let together = ledger.write(batch.iter().flat_map(|(writes, _)| writes));
        for (writes, done) in batch {
            // One job that cannot be written must not undo those of others, so then each is tried alone.
            let result = if together.is_ok() { Ok(()) } else { ledger.write(&writes) };
            if let Err(error) = &result {
                tracing::error!("the state directory could not be written: {error}");
            }
            // Who does not wait any more is not told.
            let _ = done.send(result.map_err(|error| error.to_string()));
        }
        if let Some(done) = close {
            // Its connection is the only one, so SQLite folds the write-ahead log in.
            drop(ledger);
            let _ = done.send(());
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Store;
    use store::image::Delta;

    /// Both are in one batch, since both are in the queue before it is served.
    #[test]
    fn a_job_that_cannot_be_written_does_not_undo_others() {
        let directory = tempfile::tempdir().unwrap();
        let image = Image::freeze(Store::in_memory().unwrap()).unwrap();
        let delta = Delta { size: image.bytes().len(), ..Delta::default() };
        let state = |episode: &str| {
            let (episode, delta) = (episode.to_owned(), delta.clone());
            Write::State { episode, checkpoint: None, delta, whole: false }
        };
        let (episode, description) = ("known".to_owned(), "{}".to_owned());
        let begin = Write::Begin { episode, description, image, delta: delta.clone() };
        let (jobs, queue) = mpsc::channel();
        let [mut known, mut unknown] = [vec![begin, state("known")], vec![state("unknown")]].map(|writes| {
            let (done, answer) = oneshot::channel();
            jobs.send(Job::Write(writes, done)).unwrap();
            answer
        });
        drop(jobs);
        run(Ledger::open(directory.path()).unwrap(), &queue);
        assert_eq!(known.try_recv().unwrap(), Ok(()));
        assert!(unknown.try_recv().unwrap().is_err(), "there is no such episode");
        let kept = Ledger::open(directory.path()).unwrap().load(&[]).unwrap();
        assert_eq!(kept.iter().map(|kept| kept.id.as_str()).collect::<Vec<_>>(), ["known"]);
    }
}
