//! What an episode is to be, and what it is; how many there may be, and how large.

use calls::{Budget, Episode, Mode};
use procedures::policy::Audit;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a new episode is to be. What is left out is as the server was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Its name, of letters, digits, `-`, `_` and `.`; a random one that cannot be guessed where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The policy that it runs under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The set of fixtures that it starts from, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixtures: Option<String>,
    /// What happens to a call that a rule would halt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Who writes audit entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// The session's user, by id or e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Seconds without a call after which it ends; 0 for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
}

/// What an episode is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The policy that it runs under.
    pub policy: String,
    /// The edition of the policy: a hash over all its files.
    pub fingerprint: String,
    /// The policy's clock: what time it is in the episode.
    pub clock: String,
    /// The set of fixtures that it started from.
    pub fixtures: String,
    /// What happens to a call that a rule would halt.
    pub mode: Mode,
    /// Who writes audit entries.
    pub audit: Audit,
    /// The session's user, as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Seconds without a call after which it ends; 0 for never.
    pub ttl_seconds: u64,
}

impl Description {
    pub(super) fn of(episode: &Episode, fixtures: String, actor: Option<String>, ttl_seconds: u64) -> Description {
        let policy = episode.policy();
        Description {
            policy: policy.id.clone(),
            fingerprint: policy.fingerprint.clone(),
            clock: policy.clock.clone(),
            fixtures,
            mode: episode.mode(),
            audit: episode.audit(),
            actor,
            ttl_seconds,
        }
    }
}

/// How many episodes there may be, and how long they live.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most live episodes; the default one does not count.
    pub episodes: usize,
    /// How long an episode lives without a call, unless it says otherwise; none for ever.
    pub ttl: Option<Duration>,
    /// How much each of them may hold.
    pub budget: Budget,
}

impl Limits {
    pub(super) fn ttl_seconds(&self) -> u64 {
        self.ttl.map_or(0, |ttl| ttl.as_secs())
    }
}

impl Default for Limits {
    /// 10,000 episodes with ten writes each take about one GiB; an hour is longer than an agent thinks.
    fn default() -> Limits {
        Limits { episodes: 10_000, ttl: Some(Duration::from_secs(3_600)), budget: Budget::default() }
    }
}
