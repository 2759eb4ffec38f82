//! A report for other programs.

use super::Error;
use crate::model::Report;
use std::io::{BufWriter, Write};

/// One indented document, written as it is made: of a long run it is longer than all else.
pub fn write(report: &Report, out: &mut dyn Write) -> Result<(), Error> {
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, report)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
