//! What a call of a trace came to when it was made again: what linting, grading and totals go by.

use calls::Outcome;
use procedures::halt::{Kind, OK};

/// What a call came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Came {
    /// It went through.
    #[default]
    Through,
    /// This program refused it.
    Refused(Kind),
    /// The environment of a mapping refuses it by itself.
    RefusedThere,
    /// The policy does not speak of it.
    Outside,
    /// Nobody knows the tool.
    UnknownTool,
}

impl Came {
    /// What a call of ours came to.
    pub fn of(outcome: &Outcome) -> Came {
        outcome.refused.map_or(Came::Through, Came::Refused)
    }

    /// Its name in a report where it is not the journal that names it: of a call that was never one of ours.
    pub fn name(self) -> &'static str {
        match self {
            Came::Through => OK,
            // Such as arguments that are no JSON object: no policy has been asked for its code.
            Came::Refused(_) => "INVALID_INPUT",
            Came::RefusedThere => "REFUSED",
            Came::Outside => "OUTSIDE",
            Came::UnknownTool => "UNKNOWN_TOOL",
        }
    }

    /// Whether the call ran here, so that the journal has its outcome.
    pub fn is_journaled(self) -> bool {
        matches!(self, Came::Through | Came::Refused(_))
    }
}
