//! What a text's clauses and sections are.

use crate::mistake::{At, Place};
use std::sync::Arc;

/// One clause of the text.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Its stable id, with the place where it stands.
    pub id: At<String>,
    /// Its text, on one line.
    pub text: String,
    /// The section that it stands in.
    pub section: Arc<Section>,
}

/// What stands under one heading.
#[derive(Clone, Debug)]
pub struct Section {
    /// The heading; empty before the first one.
    pub title: String,
    /// Its level, from 1; 0 before the first one.
    pub level: u8,
    /// Where it stands.
    pub place: Place,
    /// The first paragraph below it, on one line.
    pub about: String,
    /// The section whose heading is the next above it.
    pub within: Option<Arc<Section>>,
}
