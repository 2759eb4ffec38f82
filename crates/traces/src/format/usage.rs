//! The tokens of a run, as logs of models' APIs have them: `usage`, of each answer of the model or of the whole run.

use super::Node;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// How the APIs count: all at once, or in parts. What Anthropic's model reads from a cache, or into it, is not in its input.
const COUNTS: [&[&str]; 3] = [
    &["total_tokens"],
    &["prompt_tokens", "completion_tokens"],
    &["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"],
];

/// What a value has as its `usage`.
pub fn of(node: &Node<'_>) -> Option<u64> {
    counted(&node.get("usage")?)
}

/// What such an object comes to.
pub fn counted(usage: &Node<'_>) -> Option<u64> {
    COUNTS.iter().find_map(|keys| usage.sum(keys))
}

/// The sum over a run's turns of the model. Where one of them does not say, the sum would be too small, so that there is none:
/// the history in a request has turns, too, and the answer's usage is that of the last alone.
pub fn of_turns<'a>(turns: impl IntoIterator<Item = Node<'a>>) -> Option<u64> {
    let mut known = BTreeSet::new();
    let mut sum = None;
    for turn in turns {
        let spent = of(&turn)?;
        // An answer that was written in several messages has its usage in each.
        let id = turn.json.get("id").and_then(Json::as_str);
        if id.is_none_or(|id| known.insert(id)) {
            sum = Some(spent.saturating_add(sum.unwrap_or_default()));
        }
    }
    sum
}

/// The messages of a list that are the model's.
pub fn turns<'a>(messages: Option<Node<'a>>) -> impl Iterator<Item = Node<'a>> {
    let items = messages.and_then(|messages| messages.items().ok());
    items.into_iter().flatten().filter(|message| message.json.get("role").is_some_and(|role| role == "assistant"))
}
