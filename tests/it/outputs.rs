//! Required outputs: the table in docs/evaluation.md is what is tested.

use evaluation::outputs::{Required, Told};
use std::path::Path;

/// The texts between backticks, in which `\u{a0}` stands for a character that shows nothing.
fn texts(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(unescaped).collect()
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}').unwrap();
        plain.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
        plain.push_str(rest);
    }
    plain
}

#[test]
fn outputs_are_told_as_the_document_says() {
    let document = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/evaluation.md")).unwrap();
    let table = document.split("| the agent says |").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 30);
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [said, told, others] = cells.as_slice() else { panic!("{row}") };
        let said = texts(said).remove(0);
        let text = Told::new(&said);
        for (cell, expected) in [(told, true), (others, false)] {
            let differ = texts(cell).into_iter().filter(|required| text.tells(&Required::new(required)) != expected);
            wrong.extend(differ.map(|required| format!("{said:?} {required:?}: {expected} expected")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_told_by_nothing() {
    for required in ["", " ", "\u{200b}", "\"\"", ","] {
        assert!(!Told::new("anything, \"\" at all").tells(&Required::new(required)), "{required:?}");
    }
}

/// A long text takes no longer than its length asks for.
#[test]
fn long_lists_are_taken_apart() {
    let list: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    assert!(Told::new(&list.join(",")).tells(&Required::new("19999")));
}
