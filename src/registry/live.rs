//! One live episode: its calls one at a time in the order in which they came, its checkpoints, and its end.

use super::durable::Durable;
use super::metrics::Metrics;
use super::recorder::{Recorder, Recording};
use super::{CHECKPOINTS, Description, RegistryError, check_name};
use crate::episode::{CallError, Episode, Outcome, Summary};
use crate::policy::Policy;
use crate::store::canonical::{Extent, StateHash};
use crate::store::difference::Difference;
use crate::store::ledger::Write;
use crate::store::{Entry, Obligation};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A live episode.
pub struct Live {
    id: String,
    description: Description,
    policy: Arc<Policy>,
    /// A fair lock: who asks first has it first.
    state: Arc<Mutex<State>>,
    /// When it was last called, in milliseconds since the process asked for the first time.
    used: AtomicU64,
    calls: AtomicU64,
    ended: CancellationToken,
    durable: Option<Arc<Durable>>,
    metrics: Arc<Metrics>,
}

/// What the turn is about.
struct State {
    episode: Episode,
    checkpoints: BTreeMap<String, Episode>,
    recording: Option<Recording>,
    ended: bool,
}

impl State {
    /// A copy to go back to; none where the state is in a file of its own.
    fn copy(&self) -> Option<State> {
        let checkpoints = self.checkpoints.iter().map(|(name, state)| Some((name.clone(), state.fork()?)));
        Some(State {
            episode: self.episode.fork()?,
            checkpoints: checkpoints.collect::<Option<_>>()?,
            recording: self.recording.clone(),
            ended: self.ended,
        })
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
    /// Whether others are before it.
    pub fn must_wait(&self) -> bool {
        self.ready.is_none()
    }
}

/// The turn of one caller: nobody else sees or changes the episode meanwhile.
pub struct Turn {
    state: OwnedMutexGuard<State>,
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

    /// Write down what was done, if the episode is recorded.
    async fn record(mut self, keep: Keep) {
        match (keep, &mut self.state.recording) {
            (_, None) | (Keep::Nothing | Keep::Checkpoint(_), _) => {}
            (Keep::State, Some(recording)) => recording.break_off(),
            (Keep::Written, Some(_)) => {
                // On another thread, so that a slow disk holds up this episode alone. The turn goes along, so that the next
                // call waits for it even if nobody waits for this one's answer any more.
                let written = tokio::task::spawn_blocking(move || {
                    let State { episode, recording, .. } = &mut *self.state;
                    recording.iter_mut().for_each(|recording| recording.catch_up(episode));
                });
                if let Err(error) = written.await {
                    tracing::error!("a call was not recorded: {error}");
                }
            }
        }
    }
}

/// Why a live episode did not answer a call.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The call could not be one.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The episode ended before the call's turn came.
    #[error("episode {0:?} has ended")]
    Ended(String),
    /// The call could not be made durable, and was undone.
    #[error("the call could not be kept, and nothing was written: {0}")]
    Durable(String),
}

/// How far an episode has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many calls it had in this process.
    pub calls: u64,
    /// How long ago the last one was.
    pub idle: Duration,
}

/// What of a change is kept in the state directory, and recorded.
enum Keep {
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
    fn of(outcome: &Result<Outcome, CallError>) -> Keep {
        if matches!(outcome, Ok(new) if !new.repeated) { Keep::Written } else { Keep::Nothing }
    }
}

impl Live {
    pub(super) fn new(
        id: String,
        description: Description,
        episode: Episode,
        checkpoints: BTreeMap<String, Episode>,
        durable: Option<Arc<Durable>>,
        recorder: Option<&Recorder>,
        metrics: Arc<Metrics>,
    ) -> Arc<Live> {
        let policy = episode.policy().clone();
        let recording = recorder.map(|recorder| recorder.record(&id));
        let state = Arc::new(Mutex::new(State { episode, checkpoints, recording, ended: false }));
        let (used, calls) = (AtomicU64::new(since_start(Instant::now())), AtomicU64::new(0));
        let ended = CancellationToken::new();
        Arc::new(Live { id, description, policy, state, used, calls, ended, durable, metrics })
    }

    /// An episode outside a registry: the one of a session over standard input and output.
    pub fn alone(episode: Episode, recorder: Option<&Recorder>) -> Arc<Live> {
        let description = Description::of(&episode, super::DEFAULT_FIXTURES.to_owned(), None, 0);
        Live::new(super::DEFAULT.to_owned(), description, episode, BTreeMap::new(), None, recorder, Arc::default())
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }
    /// What it is.
    pub fn description(&self) -> &Description {
        &self.description
    }
    /// The policy that it runs under.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }
    /// Cancelled when the episode has ended.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }
    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let idle = Duration::from_millis(self.idle(Instant::now()));
        Progress { calls: self.calls.load(Ordering::Relaxed), idle }
    }

    /// Milliseconds since its agent was last there.
    fn idle(&self, now: Instant) -> u64 {
        since_start(now).saturating_sub(self.used.load(Ordering::Relaxed))
    }

    /// Note that its agent is there: its time-to-live begins anew.
    pub fn touch(&self) {
        self.used.store(since_start(Instant::now()), Ordering::Relaxed);
    }

    /// Take the next place in the queue, now: places are served in the order in which they were taken.
    pub fn queue(&self) -> Place {
        // A lock has its place in the queue from the first poll on. Unconstrained, since a poll that tokio puts off for the
        // sake of other tasks would take no place.
        let mut lock = Box::pin(tokio::task::unconstrained(self.state.clone().lock_owned()));
        let ready = match lock.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(state) => Some(state),
            Poll::Pending => None,
        };
        Place { lock, ready }
    }

    /// Wait for a turn.
    pub async fn turn(&self) -> Result<Turn, RegistryError> {
        self.at(self.queue()).await
    }

    async fn at(&self, place: Place) -> Result<Turn, RegistryError> {
        let turn = place.await;
        if turn.state.ended { Err(RegistryError::Ended(self.id.clone())) } else { Ok(turn) }
    }

    /// Run one tool call when its turn comes. Dropped before that, it does not run; after that, it runs to its end.
    pub async fn call(
        self: &Arc<Live>,
        place: Place,
        name: &str,
        arguments: Map<String, Json>,
        key: Option<&str>,
    ) -> Result<Outcome, LiveError> {
        let mut turn = place.await;
        if turn.state.ended {
            return Err(LiveError::Ended(self.id.clone()));
        }
        self.touch();
        let start = Instant::now();
        let outcome = if self.durable.is_none() {
            let outcome = turn.state.episode.call_once(name, arguments, key);
            turn.record(Keep::of(&outcome)).await;
            outcome.map_err(LiveError::Call)
        } else {
            let (name, key) = (name.to_owned(), key.map(str::to_owned));
            let call = self.change(turn, move |state| {
                let outcome = state.episode.call_once(&name, arguments, key.as_deref());
                let keep = Keep::of(&outcome);
                Ok((outcome, keep))
            });
            match call.await {
                Ok(outcome) => outcome.map_err(LiveError::Call),
                Err(error) => Err(LiveError::Durable(error.to_string())),
            }
        };
        self.count(name, &outcome, start.elapsed());
        outcome
    }

    fn count(&self, name: &str, outcome: &Result<Outcome, LiveError>, took: Duration) {
        let (how, rule) = match outcome {
            Ok(outcome) if outcome.repeated => ("repeated", None),
            Ok(outcome) if !outcome.is_error => ("ok", None),
            Ok(outcome) => match outcome.rule.as_deref() {
                Some(rule) => ("halt", Some(rule)),
                None => ("fault", None),
            },
            // A name of the caller's would make as many counters as callers like.
            Err(LiveError::Call(_)) => return,
            Err(_) => ("fault", None),
        };
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.metrics.called(&self.description.policy, name, how, rule, took);
    }

    /// Go back to the image.
    pub async fn reset(self: &Arc<Live>) -> Result<(), RegistryError> {
        let work = |state: &mut State| match state.episode.reset() {
            true => Ok(((), Keep::State)),
            false => Err(RegistryError::OwnFile),
        };
        self.change(self.turn().await?, work).await
    }

    /// Keep the present state under that name, or under the next free number. An older checkpoint of the name is replaced.
    pub async fn checkpoint(self: &Arc<Live>, name: Option<&str>) -> Result<String, RegistryError> {
        let name = name.map(|name| check_name(name).map(str::to_owned)).transpose()?;
        let work = move |state: &mut State| {
            let free = |n: &usize| !state.checkpoints.contains_key(&n.to_string());
            let name = name.unwrap_or_else(|| (1..).find(free).unwrap_or_default().to_string());
            if state.checkpoints.len() >= CHECKPOINTS && !state.checkpoints.contains_key(&name) {
                return Err(RegistryError::Checkpoints);
            }
            let copy = state.episode.fork().ok_or(RegistryError::OwnFile)?;
            state.checkpoints.insert(name.clone(), copy);
            Ok((name.clone(), Keep::Checkpoint(name)))
        };
        self.change(self.turn().await?, work).await
    }

    /// The names of its checkpoints.
    pub async fn checkpoints(&self) -> Result<Vec<String>, RegistryError> {
        Ok(self.turn().await?.state.checkpoints.keys().cloned().collect())
    }

    /// Forget a checkpoint.
    pub async fn drop_checkpoint(self: &Arc<Live>, name: &str) -> Result<(), RegistryError> {
        let name = name.to_owned();
        let work = move |state: &mut State| match state.checkpoints.remove(&name) {
            Some(_) => Ok(((), Keep::Checkpoint(name))),
            None => Err(no_checkpoint(state, &name)),
        };
        self.change(self.turn().await?, work).await
    }

    /// Go back to a checkpoint, journal included. The checkpoint stays.
    pub async fn restore(self: &Arc<Live>, name: &str) -> Result<(), RegistryError> {
        let name = name.to_owned();
        let work = move |state: &mut State| {
            let earlier = state.checkpoints.get(&name).ok_or_else(|| no_checkpoint(state, &name))?;
            match state.episode.restore(earlier) {
                true => Ok(((), Keep::State)),
                false => Err(RegistryError::OwnFile),
            }
        };
        self.change(self.turn().await?, work).await
    }

    /// What differs between the image and the present state.
    pub async fn since_image(&self, extent: Extent) -> Result<Vec<Difference>, RegistryError> {
        let mut turn = self.turn().await?;
        let mut image = turn.state.episode.fork().ok_or(RegistryError::OwnFile)?;
        image.reset();
        Ok(image.difference(&mut turn.state.episode, extent)?)
    }

    /// What differs between a checkpoint and the present state.
    pub async fn since_checkpoint(&self, name: &str, extent: Extent) -> Result<Vec<Difference>, RegistryError> {
        let mut turn = self.turn().await?;
        let earlier = turn.state.checkpoints.get(name).ok_or_else(|| no_checkpoint(&turn.state, name))?;
        let mut earlier = earlier.fork().ok_or(RegistryError::OwnFile)?;
        Ok(earlier.difference(&mut turn.state.episode, extent)?)
    }

    /// What differs between another episode and this one.
    pub async fn since_episode(&self, other: &Live, extent: Extent) -> Result<Vec<Difference>, RegistryError> {
        // Never two turns at once: two episodes that are compared with each other would wait for each other.
        let mut other = other.turn().await?.state.episode.fork().ok_or(RegistryError::OwnFile)?;
        let mut turn = self.turn().await?;
        Ok(other.difference(&mut turn.state.episode, extent)?)
    }

    /// The hash of the present state.
    pub async fn hash(&self, extent: Extent) -> Result<StateHash, RegistryError> {
        Ok(self.turn().await?.state.episode.hash(extent)?)
    }

    /// All calls so far, and the duties that they left.
    pub async fn journal(&self) -> Result<(Vec<Entry>, Vec<Obligation>), RegistryError> {
        let mut turn = self.turn().await?;
        Ok((turn.state.episode.journal()?, turn.state.episode.obligations()?))
    }

    /// What has happened so far.
    pub async fn summary(&self) -> Result<Summary, RegistryError> {
        Ok(self.turn().await?.state.episode.summary()?)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        let ttl = self.description.ttl_seconds.saturating_mul(1000);
        ttl > 0 && self.idle(now) >= ttl
    }

    /// End it, unless it was called meanwhile.
    pub(super) async fn expire(self: &Arc<Live>, now: Instant) -> Result<Option<Summary>, RegistryError> {
        match self.state.clone().try_lock_owned() {
            Ok(state) if self.is_due(now) && !state.ended => self.end(Turn { state }).await.map(Some),
            _ => Ok(None),
        }
    }

    /// End it when that place comes.
    pub(super) async fn close(self: &Arc<Live>, place: Place) -> Result<Summary, RegistryError> {
        self.end(self.at(place).await?).await
    }

    async fn end(self: &Arc<Live>, mut turn: Turn) -> Result<Summary, RegistryError> {
        let summary = turn.state.episode.summary()?;
        if let Some(durable) = &self.durable {
            let end = Write::End { episode: self.id.clone() };
            durable.write(vec![end]).await.map_err(RegistryError::Durable)?;
        }
        turn.state.ended = true;
        Ok(summary)
    }

    /// Keep it from now on; `turn` is its first.
    pub(super) async fn keep(&self, turn: Turn) -> Result<(), RegistryError> {
        let Some(durable) = &self.durable else { return Ok(()) };
        let (Some(sheet), Ok(description)) = (turn.state.episode.sheet(), serde_json::to_string(&self.description))
        else {
            return Err(RegistryError::OwnFile);
        };
        let begin =
            Write::Begin { episode: self.id.clone(), description, image: sheet.image().clone(), delta: sheet.delta() };
        durable.write(vec![begin]).await.map_err(RegistryError::Durable)
    }

    /// Do that, and keep what it changed: both or neither, even if nobody waits for the answer any more. Then record it.
    async fn change<T: Send + 'static>(
        self: &Arc<Live>,
        mut turn: Turn,
        work: impl FnOnce(&mut State) -> Result<(T, Keep), RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let Some(durable) = self.durable.clone() else {
            let (value, keep) = work(&mut turn.state)?;
            turn.record(keep).await;
            return Ok(value);
        };
        let live = self.clone();
        let task = tokio::spawn(async move {
            let before = turn.state.copy().ok_or(RegistryError::OwnFile)?;
            let (value, keep) = work(&mut turn.state)?;
            let Some(write) = live.write(&before, &turn.state, &keep) else { return Ok(value) };
            if let Err(error) = durable.write(vec![write]).await {
                *turn.state = before;
                return Err(RegistryError::Durable(error));
            }
            turn.record(keep).await;
            Ok(value)
        });
        task.await.unwrap_or_else(|error| Err(RegistryError::Durable(error.to_string())))
    }

    fn write(&self, before: &State, after: &State, keep: &Keep) -> Option<Write> {
        let episode = self.id.clone();
        let state = |checkpoint, delta, whole| Write::State { episode: episode.clone(), checkpoint, delta, whole };
        let now = after.episode.sheet()?;
        match keep {
            Keep::Nothing => None,
            Keep::Written => Some(state(None, now.since(before.episode.sheet()?), false)),
            Keep::State => Some(state(None, now.delta(), true)),
            Keep::Checkpoint(name) => match after.checkpoints.get(name) {
                Some(checkpoint) => Some(state(Some(name.clone()), checkpoint.sheet()?.delta(), true)),
                None => Some(Write::DropCheckpoint { episode, checkpoint: name.clone() }),
            },
        }
    }
}

fn no_checkpoint(state: &State, name: &str) -> RegistryError {
    let names: Vec<&str> = state.checkpoints.keys().map(String::as_str).collect();
    let available = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    RegistryError::NoCheckpoint { name: name.to_owned(), available }
}

/// Milliseconds since this was first asked: what an atomic can hold of a time.
fn since_start(now: Instant) -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(now.saturating_duration_since(*START.get_or_init(|| now)).as_millis()).unwrap_or(u64::MAX)
}
