//! The clock of episodes: at what time it begins, and whether it moves.

use super::fragment::Fragment;
use crate::mistake::Mistake;
use records::suggest::did_you_mean;
use records::time;
use serde::{Deserialize, Serialize};

/// Whether a clock moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// It stands still.
    #[default]
    Fixed,
    /// Whoever runs the episode moves it, and nobody else.
    Stepped,
}

impl Pace {
    /// All of them, by the name that policies and the command line use.
    pub const NAMES: [(&'static str, Pace); 2] = [("fixed", Pace::Fixed), ("stepped", Pace::Stepped)];

    /// The pace of that name.
    pub fn named(name: &str) -> Option<Pace> {
        Pace::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, pace)| pace)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Pace::Fixed => "fixed",
            Pace::Stepped => "stepped",
        }
    }

    /// Whether it moves at all.
    pub fn moves(self) -> bool {
        self != Pace::Fixed
    }
}

/// A clock as an episode begins with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// What time it is at first.
    pub start: String,
    /// Whether it moves.
    #[serde(rename = "kind")]
    pub pace: Pace,
}

/// The clock that a policy states.
pub(super) fn clock(own: &Fragment, mistakes: &mut Vec<Mistake>) -> Option<Clock> {
    let (start, kind) = (own.clock.as_ref()?, own.clock_kind.as_ref());
    if time::canonical(&start.value).as_ref() != Some(&start.value) {
        let message = format!("{:?} is not a time such as \"2025-09-25T12:00:00\"", start.value);
        mistakes.push(start.mistake(message));
    }
    let pace = kind.map_or(Some(Pace::Fixed), |kind| {
        let pace = Pace::named(&kind.value);
        if pace.is_none() {
            let hint = did_you_mean(&kind.value, Pace::NAMES.map(|(name, _)| name));
            mistakes.push(kind.mistake(format!("{:?} is no kind of clock: it is fixed or stepped{hint}", kind.value)));
        }
        pace
    })?;
    Some(Clock { start: start.value.clone(), pace })
}
