//! Moves of the clock as a list: in the head of a trace, and where a task scripts them.

use super::Node;
use crate::{Advance, Mistake};
use records::time::{self, Unmoved};
use serde_json::{Value as Json, json};

/// The key of the list.
pub const KEY: &str = "advances";

/// A time from which every duration leads somewhere that leads anywhere.
const FIRST: &str = "0001-01-01T00:00:00";

/// The list that stands in an object, in order; empty where there is none.
pub fn read(node: &Node<'_>) -> Result<Vec<Advance>, Mistake> {
    let mut advances = node.list(KEY)?.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    // As they come about, whatever the order in which they were written.
    advances.sort_by_key(|advance| advance.after.unwrap_or(usize::MAX));
    Ok(advances)
}

fn entry(node: &Node<'_>) -> Result<Advance, Mistake> {
    let by = duration(&node.need("by")?)?;
    let at_end =
        node.get("at_end").map(|end| end.json.as_bool().ok_or_else(|| end.wrong("true or false"))).transpose()?;
    let after = node.count_at("after_call")?;
    match (after, at_end.unwrap_or_default()) {
        (Some(_), true) => Err(node.source.mistake("has both after_call and at_end, of which it needs one")),
        (None, false) => Err(node.source.mistake("has neither after_call nor at_end, of which it needs one")),
        (None, true) => Ok(Advance { by, after: None }),
        (Some(after), false) => Ok(Advance { by, after: Some(usize::try_from(after).unwrap_or(usize::MAX)) }),
    }
}

/// The duration that a value is.
pub fn duration(node: &Node<'_>) -> Result<String, Mistake> {
    let text = node.text()?;
    time::moved(FIRST, text).map(|(_, by)| by).map_err(|why| {
        node.source.mistake(match why {
            Unmoved::NoDuration => format!("must be a duration of ISO 8601, such as PT2H, not {text:?}"),
            Unmoved::NotForward => format!("must lead forward, and {text:?} does not"),
            Unmoved::Beyond => format!("must lead to no time after the year 9999, and {text:?} does"),
        })
    })
}

/// A move as an entry of the list.
pub fn write(advance: &Advance) -> Json {
    match advance.after {
        Some(after) => json!({ "by": advance.by, "after_call": after }),
        None => json!({ "by": advance.by, "at_end": true }),
    }
}
