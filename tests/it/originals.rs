//! What another environment kept as it came is kept so: beside the value that filters, comparison and hash use.

use crate::support::{self, policy};
use calls::{Episode, Mode, Settings};
use evaluation::mapping::{Mapping, Source};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use store::canonical::Extent;
use store::image::Image;

const POLICY: &str = "it-incident-management";

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/mapping").join(path)
}

/// A pottery that checks little, see its `environment.toml`.
static KILN: LazyLock<(Mapping, Arc<Image>)> = LazyLock::new(|| {
    let mapping = Mapping::load(&Source::Directory(data("")), "kiln/1", &policy(POLICY)).unwrap();
    let rows = mapping.fixtures(&data("kiln/fixtures")).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    let image = rows.image().unwrap();
    (mapping, image)
});

fn kiln(mode: Mode) -> Episode {
    let settings = Settings { mode, actor: Some("1".to_owned()).filter(|_| mode != Mode::Off), ..Settings::default() };
    Episode::on_image(policy(POLICY), &KILN.1, &settings).unwrap()
}

fn call(episode: &mut Episode, tool: &str, arguments: &Value) -> Value {
    KILN.0.call(episode, tool, arguments.as_object().unwrap()).answer
}

#[test]
fn what_came_is_what_answers_show() {
    let mut episode = kiln(Mode::Off);
    let mut seen = String::new();
    for case in support::data(include_str!("data/mapping/kept.json")).as_array().unwrap() {
        let answer = call(&mut episode, case["tool"].as_str().unwrap(), &case["arguments"]);
        writeln!(seen, "{}: {} {}", case["of"].as_str().unwrap(), case["tool"], case["arguments"]).unwrap();
        match &answer {
            Value::Array(rows) => rows.iter().for_each(|row| writeln!(seen, "  {row}").unwrap()),
            other => writeln!(seen, "  {other}").unwrap(),
        }
    }
    insta::assert_snapshot!(seen);
}

/// Fixtures come back to the letter.
#[test]
fn rows_come_back_as_they_were() {
    let mut episode = kiln(Mode::Off);
    for (tool, file) in [
        ("orders", "orders"),
        ("cracks", "cracks"),
        ("promises", "promises"),
        ("notes", "notes"),
        ("potter", "potters"),
    ] {
        let written = std::fs::read_to_string(data(&format!("kiln/fixtures/{file}.json"))).unwrap();
        let written: Value = serde_json::from_str(&written).unwrap();
        let told = call(&mut episode, tool, &json!({}));
        for (written, told) in written.as_array().unwrap().iter().zip(told.as_array().unwrap()) {
            for (name, value) in written.as_object().unwrap() {
                assert_eq!(told.get(name).unwrap_or(&Value::Null), value, "{file}: {name}");
            }
        }
    }
}

/// One moment, one number, one state, however it was written; and two texts are two states.
#[test]
fn the_same_value_is_the_same_state() {
    let state = |tool: &str, arguments: Value| {
        let mut episode = kiln(Mode::Off);
        let answer = call(&mut episode, tool, &arguments);
        assert!(answer.get("error").is_none(), "{tool} {arguments}: {answer}");
        episode.hash(Extent::Everything).unwrap().state
    };
    let cases: [(&str, &str, Value, &[Value]); 4] = [
        (
            "alter_firing",
            "done_at",
            json!("2025-04-01T07:00:00.5"),
            &[
                json!("2025-04-01T07:00:00.500"),
                json!("2025-04-01T07:00:00.500000Z"),
                json!("2025-04-01 07:00:00.5"),
                json!("2025-04-01T09:00:00.5+02:00"),
                json!(" 2025-04-01T07:00:00.5 "),
            ],
        ),
        (
            "alter_firing",
            "done_at",
            json!("2025-04-01"),
            &[
                json!("2025-04-01T00:00:00"),
                json!("2025-04-01T00:00:00.000Z"),
                json!("20250401"),
                json!("2025-04-01T00:00"),
            ],
        ),
        ("alter_firing", "sound", json!(true), &[json!("true"), json!("True"), json!(1)]),
        ("alter_note", "view_count", json!(13), &[json!("13"), json!(13.0), json!(" 13 ")]),
    ];
    for (tool, argument, value, ways) in cases {
        let key = if tool == "alter_note" { "note_id" } else { "firing_id" };
        let told = |value: &Value| state(tool, json!({ key: "1", argument: value }));
        for way in ways {
            assert_eq!(told(way), told(&value), "{argument}: {way}");
        }
    }
    let titled = |title: &str| state("alter_note", json!({ "note_id": "1", "title": title }));
    assert_ne!(titled("Glaze"), titled("Glaze "));
    let placed = |status: &str| {
        let order = json!({
            "shop_id": "1", "ware_id": "1", "subscription_type": "trial", "sla_tier": "basic", "days": 1,
            "start_date": "2025-03-01", "status": status,
        });
        state("order", order)
    };
    assert_eq!(placed("open"), placed("open"));
    // Theirs is "open" for our "active": a status "active" of theirs is none of the two.
    assert_ne!(placed("open"), placed("active"));
}

/// Under rules the words are the policy's.
#[test]
fn rules_know_no_words_outside_the_lists() {
    let note = json!({ "note_id": "1", "category": "Cold & wet" });
    for (mode, goes) in [(Mode::Off, true), (Mode::Observe, false), (Mode::Enforce, false)] {
        let mut episode = kiln(mode);
        let answer = call(&mut episode, "alter_note", &note);
        assert_eq!(answer["category"] == "Cold & wet", goes, "{mode:?} {answer}");
        assert_eq!(answer.get("error").is_none(), goes, "{mode:?} {answer}");
    }
}

/// A value that something else changed reads as the value: what came is of the one before.
#[test]
fn what_came_before_is_forgotten_with_its_value() {
    let mut episode = kiln(Mode::Off);
    let close = json!({ "crack_id": "1", "status": "resolved" });
    let resolved = call(&mut episode, "alter_crack", &close)["resolution_timestamp"].clone();
    assert_eq!(resolved, "2025-09-02T23:59:59");
    let ours = json!({ "article_id": "1", "change_set": { "view_count": 40 }, "acting_user": "1" });
    support::success(&support::call(&mut episode, "update_kb_article", ours));
    assert_eq!(call(&mut episode, "notes", &Value::Object(Map::new()))[0]["view_count"], 40);
    let mut fork = episode.fork().unwrap();
    call(&mut fork, "alter_note", &json!({ "note_id": "1", "view_count": "41" }));
    assert_eq!(call(&mut fork, "notes", &json!({}))[0]["view_count"], "41");
    assert_eq!(call(&mut episode, "notes", &json!({}))[0]["view_count"], 40);
}
