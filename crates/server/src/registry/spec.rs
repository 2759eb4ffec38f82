//! What an episode is to be, and what it is; how many there may be, and how large.

use super::RegistryError;
use calls::{Budget, Episode, Mode};
use procedures::policy::{Audit, Clock, Pace, Policy};
use records::suggest::did_you_mean;
use records::time;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::fixtures::brief_text;

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
    /// What time its clock begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// Whether its clock moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_kind: Option<Pace>,
    /// The role whose tools are listed; all tools where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_role: Option<String>,
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
    /// What time its clock begins with.
    pub clock: String,
    /// Whether its clock moves.
    #[serde(default, skip_serializing_if = "is_fixed")]
    pub clock_kind: Pace,
    /// The set of fixtures that it started from.
    pub fixtures: String,
    /// What happens to a call that a rule would halt.
    pub mode: Mode,
    /// Who writes audit entries.
    pub audit: Audit,
    /// The session's user, as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The role whose tools are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_role: Option<String>,
    /// Seconds without a call after which it ends; 0 for never.
    pub ttl_seconds: u64,
}

fn is_fixed(pace: &Pace) -> bool {
    !pace.moves()
}

impl Description {
    /// What an episode is whose tools are all listed.
    pub(super) fn of(episode: &Episode, fixtures: String, actor: Option<String>, ttl_seconds: u64) -> Description {
        let policy = episode.policy();
        Description {
            policy: policy.id.clone(),
            fingerprint: policy.fingerprint.clone(),
            clock: episode.clock().start.clone(),
            clock_kind: episode.clock().pace,
            fixtures,
            mode: episode.mode(),
            audit: episode.audit(),
            actor,
            as_role: None,
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

/// The clock of an episode under that policy; none where it is the policy's.
pub fn clock(policy: &Policy, start: Option<String>, pace: Option<Pace>) -> Result<Option<Clock>, RegistryError> {
    if start.is_none() && pace.is_none() {
        return Ok(None);
    }
    let start = match start {
        None => policy.clock.start.clone(),
        Some(text) => time::canonical(&text).ok_or_else(|| RegistryError::NoTime(brief_text(&text)))?,
    };
    Ok(Some(Clock { start, pace: pace.unwrap_or(policy.clock.pace) }))
}

/// Whether the policy has that role.
pub fn check_role(policy: &Policy, role: &str) -> Result<(), RegistryError> {
    let roles = policy.words.get(ROLES).map_or(&[][..], |roles| &roles[..]);
    if roles.iter().any(|known| known == role) {
        return Ok(());
    }
    let hint = did_you_mean(role, roles.iter().map(String::as_str));
    Err(RegistryError::NoRole { name: brief_text(role), hint, available: roles.join(", ") })
}

/// The vocabulary of roles.
const ROLES: &str = "role";
