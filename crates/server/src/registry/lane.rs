//! Threads for work that takes long, so that it holds up none of those that connections are served on.

use calls::Episode;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Most long calls, and reads of agents, at work at once: more would only share the same cores.
const CALLS: usize = 4;

/// Most long reads of the control plane at work at once. They have places of their own, so that no agent waits for them.
const READS: usize = 2;

/// Bytes of records up to which a call costs less than a thread that is woken for it: to look through them all takes some
/// milliseconds.
const LIGHT: usize = 8 << 20;

/// Bytes of arguments up to which a call is light: those of nearly all calls.
const LIGHT_ARGUMENTS: usize = 16 * 1024;

/// Bytes of a journal up to which a read of the control plane is light.
const LIGHT_JOURNAL: usize = 256 * 1024;

/// The lanes of a process.
pub(super) struct Lanes {
    pub calls: Lane,
    pub reads: Lane,
}

impl Default for Lanes {
    fn default() -> Lanes {
        Lanes { calls: Lane::of(CALLS), reads: Lane::of(READS) }
    }
}

/// Places for long work, each on a thread of its own while it is at work.
pub(super) struct Lane(Arc<Semaphore>);

impl Lane {
    fn of(width: usize) -> Lane {
        Lane(Arc::new(Semaphore::new(width)))
    }

    /// Do that when there is a place. Dropped before that, it is not done; after that, it is done whole.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
        let place = self.0.clone().acquire_owned().await.map_err(|error| error.to_string())?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|error| error.to_string())
    }
}

/// Whether a call may run where its connection is served.
pub(super) fn is_light_call(episode: &Episode, arguments: &Map<String, Json>) -> bool {
    has_light_records(episode)
        && arguments
            .iter()
            .try_fold(LIGHT_ARGUMENTS, |room, (name, value)| less(room.checked_sub(name.len())?, value))
            .is_some()
}

/// Whether a read of the control plane may run where its connection is served.
pub(super) fn is_light_read(episode: &Episode) -> bool {
    has_light_records(episode) && episode.tally().bytes <= LIGHT_JOURNAL
}

/// Whether all records can be looked through in little time. A state in a file of its own is nobody else's.
pub(super) fn has_light_records(episode: &Episode) -> bool {
    let seeded = episode.sheet().map_or(0, |sheet| sheet.image().bytes().len());
    seeded.saturating_add(episode.tally().written) <= LIGHT
}

/// The room that is left beside a value, with a byte for each value in it; none where it does not fit.
fn less(room: usize, value: &Json) -> Option<usize> {
    let room = room.checked_sub(1)?;
    match value {
        Json::String(text) => room.checked_sub(text.len()),
        Json::Array(items) => items.iter().try_fold(room, less),
        Json::Object(fields) => {
            fields.iter().try_fold(room, |room, (name, value)| less(room.checked_sub(name.len())?, value))
        }
        _ => Some(room),
    }
}
