//! What `replay`, `grade` and `lint` have in common: how traces are run, and where the report goes.

use super::inputs::{Inputs, Read};
use super::setup::{SourceChoice, audits, modes};
use super::{Answer, Error, print};
use calls::Mode;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use evaluation::compare::Closeness;
use evaluation::mapping;
use evaluation::model::{Command, Report};
use evaluation::report::{Form, write};
use evaluation::stages::Choice;
use evaluation::{Request, run};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use procedures::policy::Audit;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use store::files;

/// How traces are run, and where the report goes.
#[derive(Args, Clone)]
pub struct Evaluate {
    #[command(flatten)]
    pub inputs: Inputs,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    reports: Reports,
}

#[derive(Args, Clone)]
#[command(next_help_heading = "How traces are run")]
struct How {
    /// The policy [default: that of a trace's mapping, else as the trace says, else all]
    #[arg(long, value_name = "ID")]
    policy: Option<String>,
    #[command(flatten)]
    policies: SourceChoice,
    /// The mapping of a foreign environment, see `incident-mcp mapping check` [default: as each trace says]
    #[arg(long, value_name = "ID")]
    mapping: Option<String>,
    /// A folder of mappings, in place of the ones that the program ships
    #[arg(long, value_name = "DIR", env = "INCIDENT_MCP_MAPPINGS")]
    mappings: Option<PathBuf>,
    /// A folder of <table>.json files to begin with, those of the foreign environment where there is a mapping [default: the
    /// shipped fixtures]
    #[arg(long, value_name = "DIR", env = "INCIDENT_MCP_FIXTURES")]
    fixtures: Option<PathBuf>,
    /// What happens to a call that a rule would halt [default: as each trace says, else off under the policy of a mapping,
    /// else enforce]
    #[arg(long, value_parser = modes())]
    mode: Option<Mode>,
    /// Who writes audit entries [default: as each trace says, else as the policy does]
    #[arg(long, value_parser = audits())]
    audit: Option<Audit>,
    /// The acting user, by id or e-mail address [default: as each trace says, else the task's]
    #[arg(long, value_name = "USER")]
    actor: Option<String>,
    /// What a client puts before the names of this server's tools, such as mcp__incidents__ [default: what can be told from the
    /// names of a trace, if all are of one server]
    #[arg(long, value_name = "PREFIX")]
    tool_prefix: Option<String>,
    /// How closely a recorded answer must agree with ours
    #[arg(long, value_parser = answers(), default_value = "canonical")]
    answers: Closeness,
}

#[derive(Args, Clone)]
#[command(next_help_heading = "Where the report goes; - is standard output")]
struct Reports {
    /// As JSON, described by docs/report.schema.json
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// As JUnit XML, for CI
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// As Markdown, for a pull request
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// As one HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print no table
    #[arg(long, short)]
    quiet: bool,
}

/// The ways to compare answers, by name.
fn answers() -> impl TypedValueParser<Value = Closeness> {
    let about = ["To the byte", "In its meaning: order of keys, nulls, forms of times and numbers apart", "Not at all"];
    let values = Closeness::NAMES.iter().zip(about).map(|((name, _), about)| PossibleValue::new(*name).help(about));
    PossibleValuesParser::new(values).try_map(|name| Closeness::named(&name).ok_or("no such way"))
}

impl Evaluate {
    /// Run what was read, and write all reports. None could be run: that is an error.
    pub fn run(&self, command: Command, read: Read) -> Result<Report, Error> {
        let request = Request { command, choice: self.choice(), gold: None, strict: false };
        let report = self.judge(&request, read)?;
        self.write(&report)?;
        Ok(report)
    }

    /// How traces are run.
    pub fn choice(&self) -> Choice {
        let How { policy, policies, mapping, mappings, fixtures, mode, audit, actor, tool_prefix, answers } =
            self.how.clone();
        Choice {
            policies: policies.source(),
            mappings: mappings.map_or(mapping::Source::Embedded, mapping::Source::Directory),
            policy,
            mapping,
            fixtures,
            mode,
            audit,
            actor,
            answers,
            prefix: tool_prefix,
        }
    }

    /// Run what was read. None could be run: that is an error.
    pub fn judge(&self, request: &Request, read: Read) -> Result<Report, Error> {
        let Read { documents, mistakes, notes } = read;
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} traces, {rate}, {eta} left")?;
        let style = style.with_key("rate", |state: &ProgressState, into: &mut dyn std::fmt::Write| {
            // Nothing is lost where a line that is drawn again cannot be drawn.
            let _ = write!(into, "{:.0} a second", state.per_sec());
        });
        let begin = |count| bar.set_length(u64::try_from(count).unwrap_or(u64::MAX));
        bar.set_style(style);
        let mut report = run(request, &documents, mistakes, begin, || bar.inc(1));
        report.notes.splice(0..0, notes);
        bar.finish_and_clear();
        if let (true, Some(first)) = (report.traces.is_empty(), report.mistakes.first()) {
            let more = report.mistakes.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            return Err(format!("nothing could be run\n{}: {}{more}", first.place, first.reason).into());
        }
        Ok(report)
    }

    /// Write all reports that were asked for.
    pub fn write(&self, report: &Report) -> Result<(), Error> {
        self.reports.write(report)
    }
}

impl Reports {
    fn write(&self, report: &Report) -> Result<(), Error> {
        let files = [
            (&self.json, Form::Json),
            (&self.junit, Form::Junit),
            (&self.markdown, Form::Markdown),
            (&self.html, Form::Html),
        ];
        let mut is_taken = false;
        for (file, form) in files {
            let Some(file) = file else { continue };
            is_taken |= file == Path::new("-");
            put(file, &mut |out| Ok(write(report, form, out)?))?;
        }
        if !self.quiet && !is_taken {
            let on_terminal = std::io::stdout().is_terminal();
            let form = if on_terminal { Form::Table { width: Some(print::width()) } } else { Form::Lines };
            let mut text = Vec::new();
            write(report, form, &mut text)?;
            anstream::print!("{}", String::from_utf8_lossy(&text));
        }
        Ok(())
    }
}

/// What writes a report, or the like.
pub type Writes<'a> = &'a mut dyn FnMut(&mut dyn Write) -> Result<(), Error>;

/// Write a file, in a folder that is made where it is not there.
pub fn create(file: &Path, writes: Writes<'_>) -> Result<(), Error> {
    let wrong = |error: &dyn Display| format!("{} cannot be written: {error}", file.display());
    if is_folder(file) {
        return Err(format!("{} is a folder; name a file in it", file.display()).into());
    }
    file.parent().map_or(Ok(()), files::folder).map_err(|error| wrong(&error))?;
    let mut out = files::create(file).map_err(|error| wrong(&error))?;
    Ok(writes(&mut out).map_err(|error| wrong(&error))?)
}

/// Whether a path means a folder: one that is there, or is written like one.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.to_string_lossy().ends_with(std::path::is_separator)
}

/// Write a file; - is standard output.
pub fn put(file: &Path, writes: Writes<'_>) -> Result<(), Error> {
    match file == Path::new("-") {
        true => writes(&mut std::io::stdout().lock()),
        false => create(file, writes),
    }
}

/// Whether all is well: every file was read, and every trace came to what was expected of it, by gold that is right.
pub fn answer(report: &Report) -> Answer {
    let good = report.totals.good == report.traces.len() && report.totals.doubtful == 0;
    let well = report.mistakes.is_empty() && good;
    if well { Answer::Yes } else { Answer::No }
}
