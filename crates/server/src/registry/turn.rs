//! Turns: an episode's calls run one at a time, in the order in which their places were taken.

use super::recorder::Recording;
use calls::{CallError, Episode, Outcome};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// What the turn is about.
pub(super) struct State {
    pub episode: Episode,
    pub checkpoints: BTreeMap<String, Episode>,
    pub recording: Option<Recording>,
    pub ended: bool,
}

impl State {
    /// A copy to go back to; none where the state is in a file of its own.
    pub fn copy(&self) -> Option<State> {
        let checkpoints = self.checkpoints.iter().map(|(name, state)| Some((name.clone(), state.fork()?)));
        Some(State {
            episode: self.episode.fork()?,
            checkpoints: checkpoints.collect::<Option<_>>()?,
            recording: self.recording.clone(),
            ended: self.ended,
        })
    }
}

impl State {
    /// Write down what was done, if the episode is recorded; a disk may be slow.
    pub fn record(&mut self, keep: &Keep) {
        let State { episode, recording, .. } = self;
        match (keep, recording) {
            (_, None) | (Keep::Nothing | Keep::Checkpoint(_), _) => {}
            (Keep::State, Some(recording)) => recording.break_off(),
            (Keep::Written, Some(recording)) => recording.catch_up(episode),
        }
    }
}

/// A place in the queue of an episode: it becomes the episode's turn when everybody before is done. Dropped, it is given up.
pub struct Place {
    lock: Pin<Box<dyn Future<Output = OwnedMutexGuard<State>> + Send>>,
    /// The turn, where it had come before anybody waited for it.
    ready: Option<OwnedMutexGuard<State>>,
}

impl Future for Place {
    type Output = Turn;

    fn poll(mut self: Pin<&mut Place>, context: &mut Context<'_>) -> Poll<Turn> {
        match self.ready.take() {
            Some(state) => Poll::Ready(Turn { state }),
            None => self.lock.as_mut().poll(context).map(|state| Turn { state }),
        }
    }
}

impl Place {
    /// The next place of that episode. Places are served in the order in which they were taken.
    pub(super) fn of(state: &Arc<Mutex<State>>) -> Place {
        // A lock has its place in the queue from the first poll on. Unconstrained, since a poll that tokio puts off for the
        // sake of other tasks would take no place.
        let mut lock = Box::pin(tokio::task::unconstrained(state.clone().lock_owned()));
        let ready = match lock.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(state) => Some(state),
            Poll::Pending => None,
        };
        Place { lock, ready }
    }

    /// Whether others are before it.
    pub fn must_wait(&self) -> bool {
        self.ready.is_none()
    }
}

/// The turn of one caller: nobody else sees or changes the episode meanwhile.
pub struct Turn {
    pub(super) state: OwnedMutexGuard<State>,
}

impl Turn {
    /// The episode.
    pub fn episode(&self) -> &Episode {
        &self.state.episode
    }
    /// The episode, to read from its store.
    pub fn episode_mut(&mut self) -> &mut Episode {
        &mut self.state.episode
    }

    /// The checkpoint of that name.
    pub(super) fn checkpoint(&self, name: &str) -> Option<&Episode> {
        self.state.checkpoints.get(name)
    }

    /// Write down what was done, if the episode is recorded.
    pub(super) async fn record(mut self, keep: Keep) {
        match keep {
            Keep::Written if self.state.recording.is_some() => {
                // On another thread, so that a slow disk holds up this episode alone. The turn goes along, so that the next
                // call waits for it even if nobody waits for this one's answer any more.
                let written = tokio::task::spawn_blocking(move || self.state.record(&keep));
                if let Err(error) = written.await {
                    tracing::error!("a call was not recorded: {error}");
                }
            }
            _ => self.state.record(&keep),
        }
    }
}

/// What of a change is kept in the state directory, and recorded.
pub(super) enum Keep {
    /// Nothing changed.
    Nothing,
    /// What the call wrote.
    Written,
    /// The whole state.
    State,
    /// A checkpoint, made or dropped.
    Checkpoint(String),
}

impl Keep {
    /// What is kept of a call: nothing of one that is not in the journal, or was there before.
    pub fn of(outcome: &Result<Outcome, CallError>) -> Keep {
        if matches!(outcome, Ok(new) if !new.repeated && new.number > 0) { Keep::Written } else { Keep::Nothing }
    }
}
