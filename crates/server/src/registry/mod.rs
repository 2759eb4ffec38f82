//! The registry of live episodes: who they are, how they begin, how they are reached, and when they end.
//!
//! It serves whoever runs episodes, never an agent: an agent reaches one episode and no more.

mod durable;
mod error;
mod inspect;
mod lane;
mod live;
pub mod metrics;
mod recorder;
mod spec;
mod turn;

pub use durable::Durable;
pub use error::{LiveError, RegistryError};
pub use inspect::JournalPage;
use live::Shared;
pub use live::{Live, Progress};
pub use recorder::Recorder;
pub use spec::{Description, Limits, Spec};
pub use spec::{check_role, clock};
pub use turn::{Place, Turn};

use calls::{Episode, Mode, Settings, StartError, Summary};
use lane::Lanes;
use metrics::Metrics;
use procedures::policy::{self, Clock, Policy, Source};
use records::suggest::did_you_mean;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, RwLock};
use store::files;
use store::fixtures::Fixtures;
use store::image::Image;
use store::ledger::Kept;
use store::lock::{lock, read, write};
use tokio::time::Instant;

/// The episode that clients meet who name none.
pub const DEFAULT: &str = "default";

/// The set of fixtures that an episode gets unless it asks for another.
pub const DEFAULT_FIXTURES: &str = "default";

/// Longest name that may be given to an episode or a checkpoint: it stands in addresses and logs.
pub const NAME_LENGTH: usize = 128;

/// Most checkpoints of one episode: each may keep pages that the episode itself has changed since.
pub const CHECKPOINTS: usize = 64;

/// How many ended episodes are remembered, so that a late call is told that its episode has ended.
const REMEMBERED: usize = 10_000;

/// The policies that episodes can run under; each is loaded when it is first asked for.
struct Policies {
    source: Source,
    loaded: Mutex<BTreeMap<String, Arc<Policy>>>,
}

impl Policies {
    fn get(&self, name: &str) -> Result<Arc<Policy>, RegistryError> {
        let mut loaded = lock(&self.loaded);
        if let Some(policy) = loaded.get(name) {
            return Ok(policy.clone());
        }
        if !self.source.folders().iter().any(|folder| folder == name) {
            let known = policy::ids(&self.source);
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            return Err(RegistryError::NoPolicy { name: name.to_owned(), hint, available: known.join(", ") });
        }
        let policy = policy::load(&self.source, name).map_err(|mistakes| {
            let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            RegistryError::Policy { name: name.to_owned(), mistakes: mistakes.join("\n") }
        })?;
        let policy = Arc::new(policy);
        loaded.insert(name.to_owned(), policy.clone());
        Ok(policy)
    }
}

/// What a registry serves, and by which rules.
pub struct Setup {
    /// Where policies are.
    pub source: Source,
    /// Sets of fixtures by name; [`DEFAULT_FIXTURES`] must be one.
    pub fixtures: BTreeMap<String, Fixtures>,
    /// What new episodes are, unless they say otherwise.
    pub defaults: Spec,
    /// How many, and how long.
    pub limits: Limits,
    /// The directory in which episodes are kept; in memory only where there is none.
    pub durable: Option<Durable>,
    /// Where episodes are recorded; they are not where there is none.
    pub recorder: Option<Recorder>,
}

/// All live episodes.
pub struct Registry {
    policies: Policies,
    images: BTreeMap<String, Arc<Image>>,
    defaults: Spec,
    limits: Limits,
    durable: Option<Arc<Durable>>,
    recorder: Option<Recorder>,
    live: RwLock<BTreeMap<String, Arc<Live>>>,
    /// Their names in lower case; locked within `live` only.
    names: Mutex<BTreeSet<String>>,
    ended: Mutex<VecDeque<String>>,
    metrics: Arc<Metrics>,
    lanes: Arc<Lanes>,
}

impl Registry {
    /// A registry; with a state directory, with the episodes that are kept there.
    pub async fn open(setup: Setup) -> Result<Arc<Registry>, RegistryError> {
        let Setup { source, fixtures, defaults, limits, durable, recorder } = setup;
        let mut images = BTreeMap::new();
        for (name, set) in fixtures {
            images.insert(name, set.image()?);
        }
        let policies = Policies { source, loaded: Mutex::default() };
        let durable = durable.map(Arc::new);
        let registry = Registry {
            policies,
            images,
            defaults,
            limits,
            durable,
            recorder,
            live: RwLock::default(),
            names: Mutex::default(),
            ended: Mutex::default(),
            metrics: Arc::default(),
            lanes: Arc::default(),
        };
        if let Some(durable) = &registry.durable {
            let known = registry.images.values().cloned().collect();
            for kept in durable.load(known).await.map_err(RegistryError::Durable)? {
                let live = registry.resume(kept)?;
                registry.insert(live, false)?;
            }
        }
        Ok(Arc::new(registry))
    }

    /// Close the state directory: what is written stands in its one file, and another server can open it.
    pub async fn finish(&self) {
        if let Some(durable) = &self.durable {
            durable.close().await;
        }
    }

    /// What is counted and measured.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Begin an episode.
    pub async fn create(self: &Arc<Registry>, spec: Spec) -> Result<Arc<Live>, RegistryError> {
        let id = self.name(spec.id.as_deref())?;
        let of = |own: Option<String>, default: &Option<String>| own.or_else(|| default.clone());
        let policy = of(spec.policy, &self.defaults.policy).unwrap_or_else(|| "all".to_owned());
        let fixtures = of(spec.fixtures, &self.defaults.fixtures).unwrap_or_else(|| DEFAULT_FIXTURES.to_owned());
        let policy = self.policies.get(&policy)?;
        let clock = clock(&policy, of(spec.clock, &self.defaults.clock), spec.clock_kind.or(self.defaults.clock_kind))?;
        let as_role = of(spec.as_role, &self.defaults.as_role);
        if let Some(role) = &as_role {
            check_role(&policy, role)?;
        }
        let settings = Settings {
            clock,
            mode: spec.mode.or(self.defaults.mode).unwrap_or(Mode::Enforce),
            audit: spec.audit.or(self.defaults.audit),
            actor: of(spec.actor, &self.defaults.actor),
        };
        let episode = Episode::on_image(policy, self.image(&fixtures)?, &settings)?;
        let ttl = match id == DEFAULT {
            true => 0,
            false => spec.ttl_seconds.unwrap_or(self.limits.ttl_seconds()),
        };
        let description = Description { as_role, ..Description::of(&episode, fixtures, settings.actor, ttl) };
        let live = self.live(id, description, episode, BTreeMap::new());
        self.begin(live).await
    }

    /// The default episode: the one that was kept, or a new one.
    pub async fn default_episode(self: &Arc<Registry>) -> Result<Arc<Live>, RegistryError> {
        match self.get(DEFAULT) {
            Ok(live) => Ok(live),
            Err(_) => self.create(Spec { id: Some(DEFAULT.to_owned()), ..Spec::default() }).await,
        }
    }

    /// Begin an episode from another's present state, journal included. Its checkpoints stay with the other.
    pub async fn fork(
        self: &Arc<Registry>,
        id: &str,
        name: Option<&str>,
        ttl: Option<u64>,
    ) -> Result<Arc<Live>, RegistryError> {
        let (source, name) = (self.get(id)?, self.name(name)?);
        let turn = source.turn().await?;
        let episode = turn.episode().fork().ok_or(RegistryError::OwnFile)?;
        drop(turn);
        let mut description = source.description().clone();
        description.ttl_seconds = ttl.unwrap_or(match id == DEFAULT {
            true => self.limits.ttl_seconds(),
            false => description.ttl_seconds,
        });
        let live = self.live(name, description, episode, BTreeMap::new());
        self.begin(live).await
    }

    /// A live episode.
    pub fn get(&self, id: &str) -> Result<Arc<Live>, RegistryError> {
        if let Some(live) = read(&self.live).get(id) {
            return Ok(live.clone());
        }
        match lock(&self.ended).iter().any(|ended| ended == id) {
            true => Err(RegistryError::Ended(id.to_owned())),
            false => Err(RegistryError::NotFound(id.to_owned())),
        }
    }

    /// Live episodes in the order of their names, after that one, at most so many.
    pub fn list(&self, after: &str, limit: usize) -> Vec<Arc<Live>> {
        let live = read(&self.live);
        let after = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
        live.range::<str, _>(after).take(limit).map(|(_, live)| live.clone()).collect()
    }

    /// How many episodes are live.
    pub fn count(&self) -> usize {
        read(&self.live).len()
    }

    /// End an episode, after the calls that were accepted before.
    pub async fn close(self: &Arc<Registry>, id: &str) -> Result<Summary, RegistryError> {
        if id == DEFAULT {
            return Err(RegistryError::Permanent);
        }
        let (registry, live) = (self.clone(), self.get(id)?);
        // Now, not when the task first runs: calls that come later are not answered.
        let place = live.queue();
        to_its_end(async move {
            let summary = live.close(place).await?;
            registry.remove(&live);
            Ok(summary)
        })
        .await
    }

    /// End the episodes that were not called for their time-to-live, and say which.
    pub async fn sweep(&self) -> Vec<String> {
        let now = Instant::now();
        let due: Vec<Arc<Live>> = {
            let live = read(&self.live);
            live.values().filter(|live| live.is_due(now)).cloned().collect()
        };
        let mut swept = Vec::new();
        for live in due {
            match live.expire(now).await {
                Ok(Some(summary)) => {
                    self.remove(&live);
                    tracing::info!(episode = live.id(), "episode expired: {summary}");
                    swept.push(live.id().to_owned());
                }
                Ok(None) => {}
                Err(error) => tracing::error!(episode = live.id(), "episode could not expire: {error}"),
            }
        }
        swept
    }

    fn image(&self, name: &str) -> Result<&Arc<Image>, RegistryError> {
        self.images.get(name).ok_or_else(|| {
            let hint = did_you_mean(name, self.images.keys().map(String::as_str));
            let available = self.images.keys().cloned().collect::<Vec<_>>().join(", ");
            RegistryError::NoFixtures { name: name.to_owned(), hint, available }
        })
    }

    fn name(&self, given: Option<&str>) -> Result<String, RegistryError> {
        match given {
            // 122 random bits: whoever knows the name was told it.
            None => Ok(uuid::Uuid::new_v4().to_string()),
            Some(name) => check_name(name).map(str::to_owned),
        }
    }

    /// Take an episode in, if there is room, and keep it.
    async fn begin(self: &Arc<Registry>, live: Arc<Live>) -> Result<Arc<Live>, RegistryError> {
        // Before anybody can find it: a call that went before would change what is not kept yet.
        let turn = live.turn().await?;
        self.insert(live.clone(), true)?;
        let registry = self.clone();
        to_its_end(async move {
            if let Err(error) = live.keep(turn).await {
                registry.forget(live.id());
                return Err(error);
            }
            Ok(live)
        })
        .await
    }

    fn insert(&self, live: Arc<Live>, is_new: bool) -> Result<(), RegistryError> {
        let mut all = write(&self.live);
        let counted = all.len() - usize::from(all.contains_key(DEFAULT));
        // Names that differ in case only would be one file on some platforms. Such as are kept already go on.
        let folded = live.id().to_ascii_lowercase();
        let mut names = lock(&self.names);
        if all.contains_key(live.id()) || is_new && names.contains(&folded) {
            return Err(RegistryError::Taken(live.id().to_owned()));
        }
        if counted >= self.limits.episodes && live.id() != DEFAULT {
            return Err(RegistryError::Full(self.limits.episodes));
        }
        names.insert(folded);
        all.insert(live.id().to_owned(), live);
        self.metrics.live.set(all.len() as i64);
        Ok(())
    }

    fn forget(&self, id: &str) {
        let mut all = write(&self.live);
        all.remove(id);
        lock(&self.names).remove(&id.to_ascii_lowercase());
        self.metrics.live.set(all.len() as i64);
    }

    fn remove(&self, live: &Live) {
        self.forget(live.id());
        let mut ended = lock(&self.ended);
        if ended.len() >= REMEMBERED {
            ended.pop_front();
        }
        ended.push_back(live.id().to_owned());
        drop(ended);
        // Last, so that whoever hears of it finds that the episode has ended.
        live.ended().cancel();
    }

    /// Go on with an episode that was kept.
    fn resume(&self, kept: Kept) -> Result<Arc<Live>, RegistryError> {
        let description: Description =
            serde_json::from_str(&kept.description).map_err(|error| RegistryError::Durable(error.to_string()))?;
        let policy = self.policies.get(&description.policy)?;
        if policy.fingerprint != description.fingerprint {
            let (name, found, asked) = ("policy fingerprint", description.fingerprint, policy.fingerprint.clone());
            return Err(StartError::OtherState { name, found, asked }.into());
        }
        let clock = Clock { start: description.clock.clone(), pace: description.clock_kind };
        let settings = Settings {
            mode: description.mode,
            audit: Some(description.audit),
            actor: description.actor.clone(),
            clock: Some(clock),
        };
        let episode = |delta| Episode::resume(policy.clone(), kept.image.store_with(delta), &settings);
        let mut checkpoints = BTreeMap::new();
        for (name, delta) in kept.checkpoints {
            checkpoints.insert(name, episode(delta)?);
        }
        let present = episode(kept.state)?;
        Ok(self.live(kept.id, description, present, checkpoints))
    }

    fn live(
        &self,
        id: String,
        description: Description,
        mut episode: Episode,
        checkpoints: BTreeMap<String, Episode>,
    ) -> Arc<Live> {
        episode.limit(self.limits.budget);
        let shared = Shared { durable: self.durable.clone(), metrics: self.metrics.clone(), lanes: self.lanes.clone() };
        Live::new(id, description, episode, checkpoints, self.recorder.as_ref(), shared)
    }
}

/// Do it whole, even if nobody waits for it any more: what is live and what is kept must agree.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, RegistryError>> + Send + 'static,
) -> Result<T, RegistryError> {
    tokio::spawn(work).await.unwrap_or_else(|error| Err(RegistryError::Durable(error.to_string())))
}

/// A name that may stand in an address.
fn check_name(name: &str) -> Result<&str, RegistryError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = !name.is_empty() && name.len() <= NAME_LENGTH && !name.starts_with('.') && name.chars().all(plain);
    (fits && files::is_portable(name))
        .then_some(name)
        .ok_or_else(|| RegistryError::Name(store::fixtures::brief_text(name)))
}
