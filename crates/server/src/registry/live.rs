//! One live episode: its calls one at a time in the order in which they came, its checkpoints, and its end.

use super::durable::Durable;
use super::lane::{self, Lanes};
use super::metrics::Metrics;
use super::recorder::Recorder;
use super::turn::{Keep, Place, State, Turn};
use super::{CHECKPOINTS, Description, LiveError, RegistryError, check_name};
use calls::{Caller, Episode, Outcome, Principal, Summary};
use procedures::halt::Kind;
use procedures::policy::Policy;
use procedures::policy::schema::finder_name;
use records::catalogue::Table;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use store::ledger::Write;
use tokio::sync::Mutex;
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
    shared: Shared,
}

/// What the episodes of a registry have in common.
#[derive(Clone, Default)]
pub(super) struct Shared {
    pub durable: Option<Arc<Durable>>,
    pub metrics: Arc<Metrics>,
    pub lanes: Arc<Lanes>,
}

/// How far an episode has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many calls it had in this process.
    pub calls: u64,
    /// How long ago the last one was.
    pub idle: Duration,
}

impl Live {
    pub(super) fn new(
        id: String,
        description: Description,
        episode: Episode,
        checkpoints: BTreeMap<String, Episode>,
        recorder: Option<&Recorder>,
        shared: Shared,
    ) -> Arc<Live> {
        let policy = episode.policy().clone();
        let recording = recorder.map(|recorder| recorder.record(&id));
        let state = Arc::new(Mutex::new(State { episode, checkpoints, recording, ended: false }));
        let (used, calls) = (AtomicU64::new(since_start(Instant::now())), AtomicU64::new(0));
        let ended = CancellationToken::new();
        Arc::new(Live { id, description, policy, state, used, calls, ended, shared })
    }

    /// An episode outside a registry: the one of a session over standard input and output.
    pub fn alone(episode: Episode, recorder: Option<&Recorder>) -> Arc<Live> {
        Live::alone_as(episode, None, recorder)
    }

    /// The same, listing only the tools of a role.
    pub fn alone_as(episode: Episode, as_role: Option<String>, recorder: Option<&Recorder>) -> Arc<Live> {
        let description = Description::of(&episode, super::DEFAULT_FIXTURES.to_owned(), None, 0);
        let description = Description { as_role, ..description };
        Live::new(super::DEFAULT.to_owned(), description, episode, BTreeMap::new(), recorder, Shared::default())
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

    pub(super) fn lanes(&self) -> &Lanes {
        &self.shared.lanes
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
        Place::of(&self.state)
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
        let caller = agent(key);
        let mut turn = place.await;
        if turn.state.ended {
            return Err(LiveError::Ended(self.id.clone()));
        }
        self.touch();
        let start = Instant::now();
        let light = lane::is_light_call(&turn.state.episode, &arguments);
        if light && self.shared.durable.is_none() {
            let session = turn.state.episode.session(caller);
            let outcome = turn.state.episode.call_in(session, name, arguments);
            turn.record(Keep::of(&outcome)).await;
            let outcome = outcome.map_err(LiveError::Call);
            self.count(name, &outcome, start.elapsed());
            return outcome;
        }
        let called = name.to_owned();
        let work = move |state: &mut State| {
            let session = state.episode.session(caller);
            let outcome = state.episode.call_in(session, &called, arguments);
            let keep = Keep::of(&outcome);
            Ok((outcome, keep))
        };
        let outcome = match self.change(turn, !light, work).await {
            Ok(outcome) => outcome.map_err(LiveError::Call),
            Err(error) => Err(LiveError::Durable(error.to_string())),
        };
        self.count(name, &outcome, start.elapsed());
        outcome
    }

    /// Read one record, as a lookup that is journaled like all others.
    pub async fn read_record(self: &Arc<Live>, table: &'static Table, id: i64) -> Result<Outcome, LiveError> {
        let turn = self.queue().await;
        if turn.state.ended {
            return Err(LiveError::Ended(self.id.clone()));
        }
        self.touch();
        let start = Instant::now();
        let work = move |state: &mut State| {
            let outcome = Ok(state.episode.read_in(&state.episode.session(agent(None)), table, id));
            let keep = Keep::of(&outcome);
            Ok((outcome, keep))
        };
        let outcome = match self.change(turn, false, work).await {
            Ok(outcome) => outcome.map_err(LiveError::Call),
            Err(error) => Err(LiveError::Durable(error.to_string())),
        };
        self.count(&finder_name(table), &outcome, start.elapsed());
        outcome
    }

    fn count(&self, name: &str, outcome: &Result<Outcome, LiveError>, took: Duration) {
        let (how, rule) = match outcome {
            Ok(outcome) if outcome.repeated => ("repeated", None),
            Ok(outcome) => match outcome.refused {
                None => ("ok", None),
                Some(Kind::Fault) => ("fault", None),
                Some(_) if outcome.rule.is_some() => ("halt", outcome.rule.as_deref()),
                Some(_) => ("limit", None),
            },
            // A name of the caller's would make as many counters as callers like.
            Err(LiveError::Call(_)) => return,
            Err(_) => ("fault", None),
        };
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.shared.metrics.called(&self.description.policy, name, how, rule, took);
    }

    /// Move the clock by a duration of ISO 8601, when its turn comes; gives the time that it is then.
    pub async fn advance(self: &Arc<Live>, by: &str) -> Result<String, RegistryError> {
        let by = by.to_owned();
        let work = move |state: &mut State| Ok((state.episode.advance(&by)?, Keep::Written));
        self.change(self.turn().await?, false, work).await
    }

    /// Go back to the image.
    pub async fn reset(self: &Arc<Live>) -> Result<(), RegistryError> {
        let work = |state: &mut State| match state.episode.reset() {
            true => Ok(((), Keep::State)),
            false => Err(RegistryError::OwnFile),
        };
        self.change(self.turn().await?, false, work).await
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
        self.change(self.turn().await?, false, work).await
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
        self.change(self.turn().await?, false, work).await
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
        self.change(self.turn().await?, false, work).await
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
        let summary = self.summary_of(&mut turn).await?;
        if let Some(durable) = &self.shared.durable {
            let end = Write::End { episode: self.id.clone() };
            durable.write(vec![end]).await.map_err(RegistryError::Durable)?;
        }
        turn.state.ended = true;
        Ok(summary)
    }

    /// Keep it from now on; `turn` is its first.
    pub(super) async fn keep(&self, turn: Turn) -> Result<(), RegistryError> {
        let Some(durable) = &self.shared.durable else { return Ok(()) };
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
        heavy: bool,
        work: impl FnOnce(&mut State) -> Result<(T, Keep), RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let broken = RegistryError::Broken;
        let Some(durable) = self.shared.durable.clone() else {
            if heavy {
                // The turn goes along: once the work has begun, it is done whole and recorded.
                let work = move || {
                    let (value, keep) = work(&mut turn.state)?;
                    turn.state.record(&keep);
                    Ok(value)
                };
                return self.shared.lanes.calls.run(work).await.map_err(broken)?;
            }
            let (value, keep) = work(&mut turn.state)?;
            turn.record(keep).await;
            return Ok(value);
        };
        let live = self.clone();
        let task = tokio::spawn(async move {
            let work = move || {
                let before = turn.state.copy().ok_or(RegistryError::OwnFile)?;
                let (value, keep) = work(&mut turn.state)?;
                Ok::<_, RegistryError>((turn, before, value, keep))
            };
            let worked = if heavy { live.shared.lanes.calls.run(work).await.map_err(broken)? } else { work() };
            let (mut turn, before, value, keep) = worked?;
            let Some(write) = live.write(&before, &turn.state, &keep) else { return Ok(value) };
            if let Err(error) = durable.write(vec![write]).await {
                *turn.state = before;
                return Err(RegistryError::Durable(error));
            }
            turn.record(keep).await;
            Ok(value)
        });
        task.await.unwrap_or_else(|error| Err(RegistryError::Broken(error.to_string())))
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

/// A caller that came by an episode's address.
fn agent(key: Option<&str>) -> Caller {
    Caller { principal: Principal::Agent, key: key.map(str::to_owned) }
}

pub(super) fn no_checkpoint(state: &State, name: &str) -> RegistryError {
    let names: Vec<&str> = state.checkpoints.keys().map(String::as_str).collect();
    let available = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    RegistryError::NoCheckpoint { name: name.to_owned(), available }
}

/// Milliseconds since this was first asked: what an atomic can hold of a time.
fn since_start(now: Instant) -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(now.saturating_duration_since(*START.get_or_init(|| now)).as_millis()).unwrap_or(u64::MAX)
}
