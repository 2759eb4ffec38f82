//! Whether an agent told its user what gold requires: texts compared by the words and numbers in them.
//!
//! The rules stand in `docs/evaluation.md`, and the examples there are the tests.

mod number;
mod token;

use token::{Token, tokens};

/// A text in which required outputs are looked for.
pub struct Told {
    tokens: Vec<Token>,
}

impl Told {
    /// Take a text apart.
    pub fn new(text: &str) -> Told {
        Told { tokens: tokens(text) }
    }

    /// Whether it tells what is required: the same words and numbers, one after the other. Nothing is told by a text that has
    /// neither.
    pub fn tells(&self, required: &Required) -> bool {
        let required = &required.tokens;
        !required.is_empty()
            && self.tokens.windows(required.len()).any(|some| some.iter().zip(required).all(|(it, of)| it.tells(of)))
    }
}

/// A text that is to be told, taken apart once for all that it is looked for in.
#[derive(Clone, Debug)]
pub struct Required {
    /// The text.
    pub text: String,
    tokens: Vec<Token>,
}

impl Required {
    /// Take a text apart.
    pub fn new(text: &str) -> Required {
        let mut tokens = tokens(text);
        let mark = |token: &&Token| matches!(token, Token::Mark(_));
        // A full stop at the end is no part of what is to be told, unless there is nothing else.
        let from = tokens.iter().take_while(mark).count();
        let to = tokens.len() - tokens.iter().rev().take_while(mark).count();
        if from < to {
            tokens.truncate(to);
            tokens.drain(..from);
        }
        Required { text: text.to_owned(), tokens }
    }

    /// Whether there is neither a word, a number nor a sign in it, so that nothing tells it.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}
