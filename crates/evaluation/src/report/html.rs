//! A report as one page for people. It needs nothing else, and may load nothing: the policy in its head lets it run its own
//! script and no other.

use super::Error;
use crate::model::Report;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");

/// The parts of the script, which share one scope.
const SCRIPTS: [&str; 7] = [
    include_str!("page/dom.js"),
    include_str!("page/chart.js"),
    include_str!("page/baseline.js"),
    include_str!("page/run.js"),
    include_str!("page/list.js"),
    include_str!("page/trace.js"),
    include_str!("page/page.js"),
];

/// Bytes of all traces in a page: a browser opens as much in about a second.
const PAGE_BYTES: usize = 16 << 20;

/// Bytes of one answer, of one call's arguments, or of its changes; beyond them the page has their beginning and says so.
/// The first that lets all traces keep within [`PAGE_BYTES`] is taken, and in the longest run the last.
const CUTS: [usize; 4] = [16 << 10, 4 << 10, 1 << 10, 256];

/// What of a call can be long.
const LONG: [&str; 5] = ["arguments", "mapped", "answer", "recorded", "changes"];

/// The whole page.
pub fn render(report: &Report) -> Result<String, Error> {
    let mut data = serde_json::to_value(report)?;
    fit(&mut data);
    // A script ends at the first `</script`, wherever that stands.
    let data = data.to_string().replace('<', "\\u003c");
    // A browser takes the line ends of another system for its own before it works out a hash.
    let style = STYLE.replace("\r\n", "\n");
    let script = format!("\"use strict\";\n{{\n{}}}\n", SCRIPTS.concat()).replace("\r\n", "\n");
    let page = PAGE.replace("{{style-hash}}", &hash(&style)).replace("{{script-hash}}", &hash(&script));
    // The data come last, so that nothing in them is taken for a hole.
    Ok(page.replacen("{{style}}", &style, 1).replacen("{{script}}", &script, 1).replacen("{{data}}", &data, 1))
}

/// A hash as a Content-Security-Policy has it.
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

/// Cut what is long, so that the page opens quickly.
fn fit(report: &mut Json) {
    same(report);
    let mut limit = CUTS[0];
    for next in CUTS {
        limit = next;
        let size: usize =
            steps(report).map(|step| step.values().map(|value| size(value).min(limit)).sum::<usize>()).sum();
        if size <= PAGE_BYTES {
            break;
        }
    }
    for step in steps_mut(report) {
        cut(step, limit);
    }
    report["page"] = json!({ "cut": limit });
}

/// A recorded answer that is the same text as ours is left out.
fn same(report: &mut Json) {
    for step in steps_mut(report).filter(|step| step.get("comparison").is_some_and(|it| it == "exact")) {
        step.remove("recorded");
    }
}

/// Put the beginning of its text in place of each long value, and the length of the whole beside them.
fn cut(step: &mut Map<String, Json>, limit: usize) {
    let mut cuts = Map::new();
    for name in LONG {
        let Some(value) = step.get_mut(name) else { continue };
        let text = value.to_string();
        if text.len() > limit {
            *value = Json::from(&text[..text.floor_char_boundary(limit)]);
            cuts.insert(name.to_owned(), Json::from(text.len()));
        }
    }
    if !cuts.is_empty() {
        step.insert("cut".to_owned(), Json::Object(cuts));
    }
}

fn size(value: &Json) -> usize {
    value.to_string().len()
}

fn steps(report: &Json) -> impl Iterator<Item = &Map<String, Json>> {
    let traces = report["traces"].as_array().into_iter().flatten();
    traces.filter_map(|trace| trace["replay"]["calls"].as_array()).flatten().filter_map(Json::as_object)
}

fn steps_mut(report: &mut Json) -> impl Iterator<Item = &mut Map<String, Json>> {
    let traces = report.get_mut("traces").and_then(Json::as_array_mut).into_iter().flatten();
    let calls = traces.filter_map(|trace| trace.get_mut("replay")?.get_mut("calls")?.as_array_mut());
    calls.flatten().filter_map(Json::as_object_mut)
}
