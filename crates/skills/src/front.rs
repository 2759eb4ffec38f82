//! The front matter of a SKILL.md: YAML between two lines of three hyphens.

use serde_json::{Map, Value as Json};

/// The line before and after it.
const FENCE: &str = "---";
/// Most bytes of front matter that are read: a name and a description have some thousand, and a parser's work is bounded.
const MOST: usize = 64 << 10;

/// Front matter as text, with its fences.
pub fn write(front: &Map<String, Json>) -> String {
    let options = serde_saphyr::ser_options! { quote_all: true };
    // Texts, lists and maps of texts can all be written.
    let yaml = serde_saphyr::to_string_with_options(front, options).unwrap_or_default();
    format!("{FENCE}\n{}\n{FENCE}\n", yaml.trim_end())
}

/// A text with its front matter read.
#[derive(Debug)]
pub struct Split<'a> {
    /// The front matter.
    pub front: Map<String, Json>,
    /// What follows it.
    pub body: &'a str,
    /// The line at which that begins, from 1.
    pub line: usize,
}

/// Take a text apart; or why it is no skill's.
pub fn read(text: &str) -> Result<Split<'_>, String> {
    let (yaml, body, line) = fences(text)?;
    Ok(Split { front: parse(yaml)?, body, line })
}

/// Where the text begins that follows front matter, whether that can be read or not: its byte, and its line from 1.
pub fn after(text: &str) -> (usize, usize) {
    fences(text).map_or((0, 1), |(_, body, line)| (text.len() - body.len(), line))
}

/// What stands between the fences, what follows, and the line of that.
fn fences(text: &str) -> Result<(&str, &str, usize), String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if first.trim_end() != FENCE {
        return Err("it does not begin with front matter, YAML between two lines of ---".to_owned());
    }
    let mut end = first.len();
    for (at, line) in lines.enumerate() {
        if line.trim_end() == FENCE {
            return Ok((&text[first.len()..end], &text[end + line.len()..], at + 3));
        }
        end += line.len();
    }
    Err("its front matter has no end: a second line of ---".to_owned())
}

fn parse(yaml: &str) -> Result<Map<String, Json>, String> {
    if yaml.len() > MOST {
        return Err(format!("its front matter has more than {} KiB", MOST >> 10));
    }
    let first_line = |error: serde_saphyr::Error| error.to_string().lines().next().unwrap_or_default().to_owned();
    match serde_saphyr::from_str(yaml).map_err(first_line) {
        Ok(Json::Object(front)) => Ok(front),
        Ok(Json::Null) => Ok(Map::new()),
        Ok(_) => Err("its front matter is no list of keys and values".to_owned()),
        Err(why) => Err(format!("its front matter is no YAML: {why}")),
    }
}

/// The tools that front matter allows: a list, or a text with spaces or commas between them.
pub fn allowed_tools(front: &Map<String, Json>) -> Vec<String> {
    match front.get("allowed-tools") {
        Some(Json::Array(tools)) => tools.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        Some(Json::String(tools)) => split_tools(tools),
        _ => Vec::new(),
    }
}

/// A pattern in brackets, as in `Bash(git add *)`, is one tool with what stands before it.
fn split_tools(text: &str) -> Vec<String> {
    let (mut tools, mut tool, mut depth) = (Vec::new(), String::new(), 0_usize);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match depth == 0 && (c == ',' || c.is_whitespace()) {
            true => tools.push(std::mem::take(&mut tool)),
            false => tool.push(c),
        }
    }
    tools.push(tool);
    tools.retain(|tool| !tool.is_empty());
    tools
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Json) -> Map<String, Json> {
        match value {
            Json::Object(map) => map,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in [
            "plain",
            "yes",
            "0.1",
            "2025-09-25",
            "a: b # c",
            "- x",
            "'\"\\",
            "two\nlines\n",
            "",
            "~",
            "%",
            "@x",
            "é\u{7}",
        ] {
            let front = object(json!({ "name": text, "metadata": { "clauses": text }, "allowed-tools": ["a", text] }));
            let written = format!("{}\n# Body\n", write(&front));
            let split = read(&written).unwrap();
            assert_eq!((split.front, split.body), (front, "\n# Body\n"), "{written}");
            assert_eq!(written.lines().nth(split.line - 1), Some(""), "{written}");
        }
    }

    #[test]
    fn front_matter_of_others_is_read_and_what_is_none_is_told() {
        for (text, front) in [
            ("---\nname: a\n---\nx", json!({ "name": "a" })),
            ("\u{feff}---\r\nname: a\r\n---\r\nx", json!({ "name": "a" })),
            ("---\n---\n", json!({})),
            (
                "---\ndescription: >\n  two\n  lines\nuser-invocable: true\n---",
                json!({ "description": "two lines\n", "user-invocable": true }),
            ),
        ] {
            assert_eq!(Json::Object(read(text).unwrap().front), front, "{text}");
        }
        for (text, part) in [
            ("# Title", "does not begin"),
            ("", "does not begin"),
            ("---\nname: a\n", "no end"),
            ("---\n- a\n---\n", "no list of keys"),
            ("---\na: [\n---\n", "no YAML"),
            ("---\na: 1\na: 2\n---\n", "no YAML"),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
        let long = format!("---\na: {}\n---\n", "x".repeat(MOST));
        assert!(read(&long).unwrap_err().contains("64 KiB"));
        // An alias that grows at every line.
        let mut bomb = "---\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..30 {
            bomb += &format!("a{at}: &a{at} [{}]\n", vec![format!("*a{}", at - 1); 9].join(", "));
        }
        assert!(read(&format!("{bomb}---\n")).unwrap_err().contains("no YAML"));
    }

    #[test]
    fn tools_are_allowed_in_any_form() {
        for (value, tools) in [
            (json!("Read Grep"), vec!["Read", "Grep"]),
            (json!("Read, Bash(git add *), mcp__x__y"), vec!["Read", "Bash(git add *)", "mcp__x__y"]),
            (json!(["Read", "Bash(a, b)"]), vec!["Read", "Bash(a, b)"]),
            (json!("  "), vec![]),
            (json!(7), vec![]),
        ] {
            assert_eq!(allowed_tools(&object(json!({ "allowed-tools": value }))), tools);
        }
    }
}
