//! How much an episode may hold, what it holds so far, and how long an answer may be.

use serde_json::{Map, Value as Json};
use store::Tally;

/// Longest answer, in bytes of JSON: some 130,000 tokens, more than an agent can use. It goes over the wire twice, as text
/// and as structure, and stays in the journal.
pub const ANSWER: usize = 512 * 1024;

/// Most bytes of text on a page of a lookup, after which it ends early: a fourth of the longest answer, so that names and
/// escapes have room.
pub const PAGE: usize = ANSWER / 4;

/// How much an episode may hold; beyond, calls are refused and not journaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most calls in its journal.
    pub calls: usize,
    /// Most bytes of its journal.
    pub journal: usize,
}

impl Budget {
    /// No limit: for evaluators, who run what they chose themselves.
    pub const NONE: Budget = Budget { calls: usize::MAX, journal: usize::MAX };

    /// Why there is no room for a call with arguments of that length, where there is none.
    pub(super) fn refusal(&self, tally: &Tally, arguments: usize) -> Option<Map<String, Json>> {
        let remedy =
            "End here, and say what is not done. Whoever runs the server can reset the episode or begin another.";
        let Budget { calls, journal } = *self;
        if tally.calls >= calls {
            let message = format!("The episode has had {calls} calls, which is the most; nothing was read or written.");
            return Some(refusal("TOO_MANY_CALLS", &message, remedy));
        }
        if tally.bytes.saturating_add(arguments) > journal {
            let message = format!(
                "The episode's journal has room for {journal} bytes, which are used up; nothing was read or written."
            );
            return Some(refusal("JOURNAL_FULL", &message, remedy));
        }
        None
    }
}

impl Default for Budget {
    /// An agent makes some hundred calls, with some kilobytes each.
    fn default() -> Budget {
        Budget { calls: 100_000, journal: 128 << 20 }
    }
}

/// The code of the answer in place of one that is too long.
pub(super) const ANSWER_TOO_LONG: &str = "ANSWER_TOO_LONG";

/// That answer.
pub(super) fn too_long() -> Map<String, Json> {
    let message = format!("The answer would be longer than {ANSWER} bytes; nothing was written.");
    refusal(ANSWER_TOO_LONG, &message, "Ask for less: with a filter, or concise in place of detailed.")
}

/// A refusal that no clause of the procedures asks for.
pub(super) fn refusal(code: &str, message: &str, remedy: &str) -> Map<String, Json> {
    let fields = [("halt", true.into()), ("code", code.into()), ("message", message.into()), ("remedy", remedy.into())];
    fields.into_iter().map(|(name, value): (&str, Json)| (name.to_owned(), value)).collect()
}
