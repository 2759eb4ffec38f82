//! What evaluating found, in each of the forms in which it can be read.
//!
//! `UPDATE_SCHEMAS=1 cargo test --test it report::` writes the committed JSON Schemas anew.

mod neutral;
mod sample;

use crate::support::validator;
use evaluation::model::{Report, Verdict};
use evaluation::report::{Form, write};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use std::fs;
use std::path::Path;

const UPDATE: &str = "UPDATE_SCHEMAS=1 cargo test --test it report::";

/// A terminal that is neither narrow nor wide.
const TERMINAL: Form = Form::Table { width: Some(120) };

fn samples() -> [(&'static str, Report); 3] {
    [("replay", sample::replay()), ("grade", sample::grade()), ("lint", sample::lint())]
}

fn text(report: &Report, form: Form) -> String {
    let mut text = Vec::new();
    write(report, form, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn each_form_is_as_it_was() {
    let forms = [("lines", Form::Lines), ("junit", Form::Junit), ("markdown", Form::Markdown)];
    for (command, report) in samples() {
        for (name, form) in forms {
            insta::assert_snapshot!(format!("{command}_{name}"), text(&report, form));
        }
        let table = anstream::adapter::strip_str(&text(&report, TERMINAL)).to_string();
        insta::assert_snapshot!(format!("{command}_table"), table);
        // The replay's has long answers, which the schema is enough for.
        if command != "replay" {
            insta::assert_snapshot!(format!("{command}_json"), text(&report, Form::Json));
        }
    }
}

/// The schema of what is written, which leaves out what is empty.
fn schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}

#[test]
fn the_schemas_are_as_committed() {
    for (name, now) in [("report", schema::<Report>()), ("verdict", schema::<Verdict>())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/{name}.schema.json"));
        let now = serde_json::to_string_pretty(&now).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMAS").is_some_and(|value| value == "1") {
            fs::write(&path, &now).unwrap();
        }
        // A checkout may have the line ends of another system.
        let then = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        assert!(then == now, "docs/{name}.schema.json changed; if that is wanted, run {UPDATE} and review");
    }
}

#[test]
fn json_fits_its_schema() {
    let (whole, verdict) = (validator(&schema::<Report>()), validator(&schema::<Verdict>()));
    for (command, report) in samples() {
        let json: Value = serde_json::from_str(&text(&report, Form::Json)).unwrap();
        let misfits: Vec<String> = whole.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(misfits.is_empty(), "{command}: {misfits:?}");
        for trace in json["traces"].as_array().unwrap() {
            assert!(trace.get("verdict").is_none_or(|it| verdict.is_valid(it)), "{command}");
        }
    }
}

#[test]
fn junit_says_of_each_trace_whether_it_is_good() {
    for (command, report) in samples() {
        let read = quick_junit::Report::deserialize_from_str(&text(&report, Form::Junit)).unwrap();
        // A run that broke off is an error, not a failure.
        let broken_off = report.totals.unfinished;
        let bad = report.totals.traces - report.totals.good - broken_off;
        // Tasks that nobody tried are skipped, and gold that is not right is an error.
        let (untried, doubtful) = (report.tasks.iter().filter(|task| task.trials == 0).count(), report.totals.doubtful);
        let cases = report.totals.traces + report.mistakes.len() + untried + doubtful;
        assert_eq!((read.tests, read.skipped), (cases, untried), "{command}");
        assert_eq!((read.failures, read.errors), (bad, report.mistakes.len() + broken_off + doubtful), "{command}");
    }
}

/// Nothing that was recorded can steer a terminal, a table's columns, or a script.
#[test]
fn odd_characters_do_no_harm() {
    for (command, report) in samples() {
        let lines = text(&report, Form::Lines);
        assert!(!lines.contains(|c: char| c.is_control() && c != '\t' && c != '\n'), "{command}");
        let fields = |kind: &str| match kind {
            "trace" => 10,
            "task" => 7,
            "run" => 2,
            "unread" => 3,
            // Each of their tables has columns of its own.
            "total" | "baseline" => usize::MAX,
            _ => 7,
        };
        for line in lines.lines() {
            let kind = line.split('\t').next().unwrap();
            let expected = fields(kind);
            assert!(expected == usize::MAX || line.split('\t').count() == expected, "{command}: {line}");
        }
        // The colours are our own; those of the sample stay texts.
        assert!(!text(&report, TERMINAL).contains("\u{1b}[31mred"), "{command}");
        let page = text(&report, Form::Html);
        assert_eq!(page.matches("</script>").count(), 2, "{command}: the page's script and its data");
        assert!(!page.contains("<img"), "{command}");
    }
}

#[test]
fn a_comment_takes_the_longest_run() {
    let long = sample::large(2_000);
    assert!(text(&long, Form::Markdown).chars().count() < 65_536);
    // What does not fit on a terminal is counted.
    assert!(text(&long, TERMINAL).lines().count() < 400);
}

#[test]
fn a_page_loads_nothing_and_keeps_small() {
    for (name, report) in [("replay", sample::replay()), ("large", sample::large(2_000))] {
        let page = text(&report, Form::Html);
        assert!(page.len() < 20 << 20, "{name}: {} bytes", page.len());
        assert!(page.contains("default-src 'none'"), "{name}");
        for loads in [" src=", "@import", "url(", "fetch(", "innerHTML", "XMLHttpRequest"] {
            let shell = page.split("<script type=\"application/json\"").next().unwrap();
            assert!(!shell.contains(loads), "{name}: {loads}");
        }
        let from = page.find("type=\"application/json\" id=\"data\">").unwrap();
        let data = &page[from..];
        let data = &data[data.find('>').unwrap() + 1..data.find("</script>").unwrap()];
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["traces"].as_array().map(Vec::len), Some(report.traces.len()), "{name}");
        assert!(data["page"]["cut"].is_u64(), "{name}");
    }
}

/// The pages that tests/e2e opens in a browser.
#[test]
fn pages_are_written_for_the_browser() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let large = [("large", sample::large(2_000))];
    for (name, report) in samples().into_iter().chain(large) {
        fs::write(folder.join(format!("report-{name}.html")), text(&report, Form::Html)).unwrap();
    }
}
