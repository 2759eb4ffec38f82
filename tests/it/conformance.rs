//! The fixtures of the conformance suite stay out of every build that did not ask for them.
#![cfg(not(feature = "conformance-fixtures"))]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What the fixtures' names begin with. The few others are words that a program may hold anyway.
const PREFIX: &str = "test_";

/// The names of the fixtures, as their sources have them.
fn fixtures() -> Vec<String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/server/src/mcp/conformance");
    let texts = fs::read_dir(sources).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let names = |text: String| {
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("name: \"")?.strip_suffix("\","));
        names.filter(|name| name.starts_with(PREFIX)).map(str::to_owned).collect::<Vec<_>>()
    };
    texts.flat_map(names).collect()
}

#[test]
fn the_program_holds_no_fixture() {
    let names = fixtures();
    assert!(names.len() > 20, "the fixtures' sources were read: {names:?}");
    let program = fs::read(env!("CARGO_BIN_EXE_incident-mcp")).unwrap();
    // A name stands in a stretch of text; most of a program is none.
    let texts = || program.utf8_chunks().map(|chunk| chunk.valid()).filter(|text| text.len() > PREFIX.len());
    assert!(texts().any(|text| text.contains("log_metric")), "the names of tools can be found in a program");
    let begins = texts().flat_map(|text| text.match_indices(PREFIX).map(|(at, _)| &text[at..]));
    let found: BTreeSet<_> =
        begins.filter_map(|text| names.iter().find(|name| text.starts_with(name.as_str()))).collect();
    assert!(found.is_empty(), "the program holds {found:?}");
}
