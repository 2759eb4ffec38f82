//! What a call is beside tool, arguments and answer, as an object: an extra of formats that have no place for it.

use super::{Node, ndjson};
use crate::{Call, Mistake, Trace};
use serde_json::{Map, Value as Json};

/// The key under which extras stand.
pub const KEY: &str = "incident_mcp";

/// The object of a call; none where the format itself holds all of it.
pub fn write(call: &Call) -> Option<Json> {
    let mut extra = Map::new();
    let mut put = |name: &str, value: Option<Json>| value.map(|value| extra.insert(name.to_owned(), value));
    put("malformed", call.malformed.as_deref().map(Into::into));
    put("key", call.key.as_deref().map(Into::into));
    put("now", call.now.as_deref().map(Into::into));
    put("edition", call.edition.as_deref().map(Into::into));
    put("actor", call.actor.as_deref().map(Into::into));
    if let Some(verdict) = &call.verdict {
        put("outcome", Some(verdict.outcome.as_str().into()));
        put("rule", verdict.rule.as_deref().map(Into::into));
        put("violations", Some(verdict.violations.clone().into()));
        put("changes", Some(verdict.changes.clone().into()));
    }
    (!extra.is_empty()).then(|| extra.into())
}

/// Give it to the calls from that one on: a step or a message of ours has one call.
pub fn read(extra: Option<Node<'_>>, trace: &mut Trace, from: usize) -> Result<(), Mistake> {
    let (Some(extra), Some(call)) = (extra, trace.calls.get_mut(from)) else { return Ok(()) };
    call.malformed = extra.label_at("malformed")?;
    call.key = extra.label_at("key")?;
    call.now = extra.label_at("now")?;
    call.edition = extra.label_at("edition")?;
    call.actor = extra.label_at("actor")?;
    call.verdict = ndjson::verdict(&extra)?;
    Ok(())
}
