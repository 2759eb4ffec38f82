//! What is wrong with a policy, and where.

use std::fmt;
use std::sync::Arc;

/// A place in a policy file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as a person would open it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

/// One mistake of a policy's author.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.place.file, self.place.line, self.message)
    }
}

/// A value with the place where it was written.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub place: Place,
}

impl<T> At<T> {
    /// The mistake of having written this.
    pub fn mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake { place: self.place.clone(), message: message.into() }
    }
}

impl At<String> {
    /// The mistake at a byte offset of the text, for texts of several lines.
    pub fn mistake_within(&self, offset: usize, message: impl Into<String>) -> Mistake {
        let before = self.value.get(..offset).unwrap_or(&self.value);
        let line = self.place.line + before.matches('\n').count();
        Mistake { place: Place { file: self.place.file.clone(), line }, message: message.into() }
    }
}
