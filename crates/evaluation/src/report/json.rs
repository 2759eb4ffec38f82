//! A report for other programs.

use super::Error;
use crate::model::Report;

/// One indented document.
pub fn render(report: &Report) -> Result<String, Error> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}
