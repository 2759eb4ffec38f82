//! Reports: what evaluating found, for a terminal, other programs, CI and people.
//!
//! All forms show one [`Report`]. What of a trace its reader must know is worked out in one place, `points`.

mod baseline;
mod html;
mod json;
mod junit;
mod lines;
mod markdown;
mod points;
mod table;
mod words;

use crate::model::Report;
use std::io::{self, Write};

/// How a report is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Coloured tables for a terminal of so many columns; without a number, of the one that standard output is.
    Table {
        /// The columns of the terminal.
        width: Option<u16>,
    },
    /// Tab-separated lines for a pipe, each beginning with what it is.
    Lines,
    /// One JSON document, which `docs/report.schema.json` describes.
    Json,
    /// JUnit XML: a suite for each file, a case for each trace.
    Junit,
    /// GitHub's Markdown, short enough for a comment.
    Markdown,
    /// One page that needs nothing else.
    Html,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// JSON could not be.
    #[error("the report could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// What it was written to would not take it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// XML could not be.
    #[error("the report could not be written as JUnit XML: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

/// Write a report in that form, with a line end after its last line.
pub fn write(report: &Report, form: Form, out: &mut dyn Write) -> Result<(), Error> {
    let text = match form {
        Form::Table { width } => table::render(report, width),
        Form::Lines => lines::render(report),
        Form::Json => return json::write(report, out),
        Form::Junit => junit::render(report)?,
        Form::Markdown => markdown::render(report),
        Form::Html => html::render(report)?,
    };
    Ok(out.write_all(text.as_bytes())?)
}
