//! What is wrong with a file of traces, and where.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The file, as a person would open it.
    pub file: Arc<str>,
    /// The line, from 1, where each line holds a JSON value of its own.
    pub line: Option<usize>,
    /// A JSON pointer into the line, or into the whole file; empty for all of it.
    pub pointer: String,
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where.
    pub source: Source,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl Source {
    /// A name for what was read here, when it has none of its own: the file's, without folder and ending, and the place.
    pub fn name(&self) -> String {
        let stem = Path::new(&*self.file).file_stem().unwrap_or_default().to_string_lossy();
        let line = self.line.map_or(String::new(), |line| format!(":{line}"));
        format!("{stem}{line}{}", self.pointer)
    }

    /// The mistake of what is here.
    pub fn mistake(&self, reason: impl Into<String>) -> Mistake {
        Mistake { source: self.clone(), reason: reason.into() }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.pointer.is_empty() {
            write!(f, " {}", self.pointer)?;
        }
        Ok(())
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.reason)
    }
}

impl std::error::Error for Mistake {}
