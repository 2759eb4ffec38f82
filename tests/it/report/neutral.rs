//! Texts of others in the forms that other programs read: they are shown, and do nothing.

use super::text;
use crate::support::evaluation::{choice, done};
use evaluation::model::{Command, Report, Unread};
use evaluation::report::Form;
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::json;
use traces::format;

/// What some program or other takes for more than a text.
const ODD: [&str; 13] = [
    "[a link](https://evil.example/x)",
    "![an image](https://evil.example/x.png)",
    "[a reference][x] and [x]: https://evil.example",
    "<https://evil.example> <img src=x> <!-- no comment",
    "see https://evil.example, www.evil.example or mailto:a@evil.example",
    "costs $5 and $$6$$ or $`x`$",
    "one | two || three \\| four",
    "`tick` ``ticks`` ``` *em* _em_ ~~gone~~",
    "@somebody in team#12, [^1] and :tada:",
    "=HYPERLINK(\"https://evil.example\")",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd",
    "\u{fffe}not\u{ffff} XML\u{0}\u{8}\u{1b}[31m]]>\u{2028}",
];

/// A run whose every text is that one, and what comes of it.
fn reports(odd: &str) -> Vec<Report> {
    let call =
        json!({"id": "c", "type": "function", "function": {"name": odd, "arguments": json!({odd: odd}).to_string()}});
    let answer = json!({"role": "tool", "tool_call_id": "c", "content": json!({"error": odd}).to_string()});
    let run = |trial: u64, error: &str| {
        let traj = json!([{"role": "assistant", "content": odd, "tool_calls": [call]}, answer]);
        json!({"task_id": odd, "trial": trial, "traj": traj, "error": error})
    };
    let task = json!({"id": odd, "user_id": "6", "instruction": odd, "outputs": ["told"],
        "actions": [{"name": odd, "arguments": {odd: odd}}]});
    let items = json!([task, run(0, ""), run(1, ""), run(1, odd), {"task_id": "x", "traj": odd}]);
    let document = format::read(&items.to_string(), odd).unwrap();
    let broken = document.mistakes.clone();
    assert_eq!(broken.len(), 1);
    let commands = [Command::Replay, Command::Grade, Command::Lint];
    let mut reports = commands.map(|command| done(command, choice(), std::slice::from_ref(&document), None));
    for report in &mut reports {
        report.notes.push(odd.to_owned());
        let place = report.traces[0].replay.place.clone();
        report.mistakes.push(Unread { place, reason: odd.to_owned() });
    }
    reports.into()
}

/// Whether GitHub would make a link of it, or call somebody.
fn live(text: &str) -> bool {
    let text = text.to_lowercase();
    ["https://", "www.evil", "mailto:a", "@somebody", "team#12"].iter().any(|it| text.contains(it))
}

/// What Markdown makes of a page, with all that GitHub adds to it.
#[test]
fn markdown_has_no_links_images_or_formulas_of_others() {
    for odd in ODD {
        for report in reports(odd) {
            let page = text(&report, Form::Markdown);
            let (mut cells, mut code) = (0, false);
            for event in Parser::new_ext(&page, Options::all()) {
                match event {
                    Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::FootnoteDefinition(_))
                    | Event::InlineMath(_)
                    | Event::DisplayMath(_)
                    | Event::FootnoteReference(_) => panic!("{odd}: {event:?} in\n{page}"),
                    Event::Html(html) | Event::InlineHtml(html) => {
                        let own = ["<details>", "</details>", "<summary>", "</summary>"];
                        let rest = own.iter().fold(html.to_string(), |text, tag| text.replace(tag, ""));
                        assert!(!rest.contains('<'), "{odd}: {rest} in\n{page}");
                        assert!(!live(&rest), "{odd}: {rest} in\n{page}");
                    }
                    Event::Start(Tag::CodeBlock(_)) => code = true,
                    Event::Text(said) if !code => {
                        assert!(!live(&said), "{odd}: {said:?} in\n{page}");
                    }
                    Event::Start(Tag::TableCell) => cells += 1,
                    _ => {}
                }
            }
            assert!(cells > 0 || report.command == Command::Replay, "{page}");
            // A bar that is not escaped begins another column, which a parser drops.
            for rows in page.split("\n\n").filter(|part| part.starts_with("| ")) {
                let columns = |row: &str| row.replace("\\\\", "").replace("\\|", "").matches('|').count();
                let head = rows.lines().next().map(columns);
                assert!(rows.lines().all(|row| Some(columns(row)) == head), "{odd}:\n{rows}");
            }
        }
    }
}

#[test]
fn tab_separated_lines_hold_no_formula_and_no_column_of_others() {
    for odd in ODD {
        for report in reports(odd) {
            let lines = text(&report, Form::Lines);
            let counts = |kind: &str| match kind {
                "trace" => 10,
                "task" | "cell" => 7,
                "run" => 2,
                "unread" => 3,
                "total" => 0,
                _ => 7,
            };
            for line in lines.lines() {
                let fields: Vec<&str> = line.split('\t').collect();
                let expected = counts(fields[0]);
                assert!(expected == 0 || fields.len() == expected, "{odd}: {line}");
                for field in fields {
                    let is_number = field.parse::<f64>().is_ok();
                    assert!(is_number || !field.starts_with(['=', '+', '-', '@', '\u{ff1d}']), "{odd}: {line}");
                }
            }
        }
    }
}

/// XML has no way at all to write these, not even as a reference.
#[test]
fn junit_has_only_characters_of_xml() {
    for odd in ODD {
        for report in reports(odd) {
            let xml = text(&report, Form::Junit);
            let fits = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
            assert!(xml.chars().all(fits) && !xml.contains("&#"), "{odd}: {xml}");
            quick_junit::Report::deserialize_from_str(&xml).unwrap();
        }
    }
}
