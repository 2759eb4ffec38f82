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
    /// XML could not be.
    #[error("the report could not be written as JUnit XML: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

/// The whole text of a report in that form, with a line end after its last line.
pub fn render(report: &Report, form: Form) -> Result<String, Error> {
    match form {
        Form::Table { width } => Ok(table::render(report, width)),
        Form::Lines => Ok(lines::render(report)),
        Form::Json => json::render(report),
        Form::Junit => junit::render(report),
        Form::Markdown => Ok(markdown::render(report)),
        Form::Html => html::render(report),
    }
}
