//! The entries of an episode's journal that some calls left.

use calls::Episode;
use std::collections::{BTreeMap, BTreeSet};
use store::{Entry, Fault};

/// The journal's entries of some calls, by number.
pub fn entries(episode: &mut Episode, numbers: impl Iterator<Item = i64>) -> Result<BTreeMap<i64, Entry>, Fault> {
    let numbers: BTreeSet<i64> = numbers.collect();
    let mut entries = BTreeMap::new();
    let mut left = numbers.into_iter().peekable();
    while let Some(first) = left.next() {
        let mut last = first;
        // A call that repeats an earlier one has its number, so that there are gaps.
        while let Some(next) = left.next_if_eq(&(last + 1)) {
            last = next;
        }
        entries.extend(episode.entries(first..=last)?.into_iter().map(|entry| (entry.call, entry)));
    }
    Ok(entries)
}
