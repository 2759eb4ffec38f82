//! Descriptors: how many files and connections this process may have, and how they are shared out.

/// Descriptors that are no connection's: what the process itself needs, and files of recordings and states.
const RESERVE: usize = 40;

/// Of the rest, one in so many is in reserve too: many episodes are recorded at once where many agents are connected.
const RESERVED_PART: usize = 16;

/// Most connections of agents: a few for each of thousands, in 2 GiB at worst.
const AGENTS: usize = 16_384;

/// Most connections of evaluators.
const EVALUATORS: usize = 1_024;

/// Fewest connections of a listener, whatever the limit of descriptors.
const FEWEST: usize = 4;

/// How many connections each listener may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// The agents' listener.
    pub agents: usize,
    /// The control plane.
    pub evaluators: usize,
}

impl Connections {
    /// Raise the limit of descriptors as far as it goes, and share it out.
    pub fn of_process() -> Connections {
        let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
            tracing::warn!("the limit of descriptors could not be raised: {error}");
            present_limit()
        });
        let connections = Connections::of(usize::try_from(limit).unwrap_or(usize::MAX));
        if connections.agents < AGENTS {
            let most = connections.agents;
            tracing::info!("at most {most} connections of agents, since the process may have {limit} descriptors");
        }
        connections
    }

    /// The shares of so many descriptors.
    pub fn of(descriptors: usize) -> Connections {
        let rest = descriptors.saturating_sub(RESERVE);
        let rest = rest - rest / RESERVED_PART;
        let evaluators = (rest / 8).clamp(FEWEST, EVALUATORS);
        Connections { agents: rest.saturating_sub(evaluators).clamp(FEWEST, AGENTS), evaluators }
    }
}

/// The limit as it is.
#[cfg(unix)]
fn present_limit() -> u64 {
    rlimit::Resource::NOFILE.get_soft().unwrap_or(0)
}

/// Sockets are no files there, and the limit of files that is asked for above is always given.
#[cfg(not(unix))]
fn present_limit() -> u64 {
    u64::MAX
}
