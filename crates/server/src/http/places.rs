//! Places for requests at work, of which no address may have all.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use store::lock::lock;

/// So many places, with a share for each address.
pub struct Places {
    most: usize,
    share: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by: BTreeMap<IpAddr, usize>,
}

impl Places {
    /// So many places. An address may have three quarters of them: behind a proxy all agents have one, and beside one that
    /// takes all it can there must be room for others.
    pub fn of(most: usize) -> Arc<Places> {
        Arc::new(Places { most, share: most - most / 4, taken: Mutex::default() })
    }

    /// A place for a request from that address, if there is one.
    pub fn take(self: &Arc<Places>, from: Option<IpAddr>) -> Option<Place> {
        let mut taken = lock(&self.taken);
        let own = from.and_then(|from| taken.by.get(&from).copied()).unwrap_or_default();
        if taken.all >= self.most || own >= self.share {
            return None;
        }
        taken.all += 1;
        if let Some(from) = from {
            taken.by.insert(from, own + 1);
        }
        Some(Place { places: self.clone(), from })
    }
}

/// A place, given up when it is dropped.
pub struct Place {
    places: Arc<Places>,
    from: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.places.taken);
        taken.all -= 1;
        if let Some(from) = self.from
            && let Some(own) = taken.by.get_mut(&from)
        {
            *own -= 1;
            if *own == 0 {
                taken.by.remove(&from);
            }
        }
    }
}
