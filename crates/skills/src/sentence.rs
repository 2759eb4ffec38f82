//! The sentences of a text in Markdown, and what in it is no sentence.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Something in a text, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A heading.
    Heading {
        /// Its level, from 1.
        level: u8,
        /// Its words.
        title: String,
        /// Its line.
        line: usize,
    },
    /// A sentence, or a list item that is none.
    Sentence(Sentence),
    /// What is kept as it stands.
    Kept {
        /// `table`, `code` or `HTML`.
        what: &'static str,
        /// Its first line.
        line: usize,
    },
}

/// A sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its words, on one line, without emphasis and with code in backticks.
    pub text: String,
    /// The line at which it begins.
    pub line: usize,
}

/// What a text holds. Its first line has the number `first`.
pub fn items(text: &str, first: usize) -> Vec<Item> {
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
    let mut reader = Reader { lines, first, found: Vec::new(), words: String::new(), places: Vec::new(), kept: 0 };
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        reader.event(event, range.start);
    }
    reader.flush();
    reader.found
}

struct Reader {
    /// Byte offsets at which lines begin.
    lines: Vec<usize>,
    first: usize,
    found: Vec<Item>,
    /// The words of the paragraph that is open.
    words: String,
    /// Where words were added, and the line at which they stand.
    places: Vec<(usize, usize)>,
    /// How many open elements are kept as they stand.
    kept: usize,
}

impl Reader {
    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset) + self.first - 1
    }

    fn event(&mut self, event: Event<'_>, at: usize) {
        match event {
            Event::Start(tag) => self.open(&tag, at),
            Event::End(end) => self.close(end),
            _ if self.kept > 0 => {}
            Event::Text(text) => self.add(&text, at),
            Event::Code(code) => {
                // Whatever it holds, it is one word of the sentence.
                self.add(&format!("`{}`", code.replace('`', "'")), at);
            }
            Event::InlineHtml(html) if !html.starts_with("<!--") => self.add(&html, at),
            Event::SoftBreak | Event::HardBreak => self.add(" ", at),
            Event::Rule => self.flush(),
            _ => {}
        }
    }

    fn open(&mut self, tag: &Tag<'_>, at: usize) {
        let what = match tag {
            Tag::Table(_) => "table",
            Tag::CodeBlock(_) => "code",
            Tag::HtmlBlock => "HTML",
            Tag::Paragraph | Tag::Item | Tag::List(_) | Tag::BlockQuote(_) | Tag::Heading { .. } => {
                if self.kept == 0 {
                    self.flush();
                }
                return;
            }
            _ if self.kept > 0 => return,
            _ => return,
        };
        if self.kept == 0 {
            self.flush();
            let line = self.line(at);
            self.found.push(Item::Kept { what, line });
        }
        self.kept += 1;
    }

    fn close(&mut self, end: TagEnd) {
        match end {
            TagEnd::Table | TagEnd::CodeBlock | TagEnd::HtmlBlock => self.kept = self.kept.saturating_sub(1),
            _ if self.kept > 0 => {}
            TagEnd::Heading(level) => {
                let title = self.words.split_whitespace().collect::<Vec<_>>().join(" ");
                let line = self.places.first().map_or(self.first, |(_, line)| *line);
                self.words.clear();
                self.places.clear();
                if !title.is_empty() {
                    self.found.push(Item::Heading { level: level as u8, title, line });
                }
            }
            TagEnd::Paragraph | TagEnd::Item | TagEnd::List(_) | TagEnd::BlockQuote(_) => self.flush(),
            _ => {}
        }
    }

    fn add(&mut self, words: &str, at: usize) {
        self.places.push((self.words.len(), self.line(at)));
        self.words.push_str(words);
    }

    /// The paragraph is over: its sentences are found.
    fn flush(&mut self) {
        let words = std::mem::take(&mut self.words);
        let places = std::mem::take(&mut self.places);
        let mut start = 0;
        // A clause in a policy's own form is one, however many sentences it has.
        let ends = if begins_with_id(&words) { vec![words.len()] } else { ends(&words) };
        for end in ends {
            let begins = words[start..end].find(|c: char| !c.is_whitespace()).map_or(start, |skip| start + skip);
            let text = words[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
            let place = places.partition_point(|(from, _)| *from <= begins);
            if text.contains(char::is_alphanumeric)
                && let Some((_, line)) = place.checked_sub(1).and_then(|at| places.get(at))
            {
                self.found.push(Item::Sentence(Sentence { text, line: *line }));
            }
            start = end;
        }
    }
}

/// Whether a text begins with what has the form of a clause's id: `metric.2`, `tier.1.3`.
fn begins_with_id(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    let mut parts = word.split('.');
    let section = parts.next().unwrap_or_default();
    let numbers: Vec<&str> = parts.collect();
    let named = !section.is_empty() && section.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    named && !numbers.is_empty() && numbers.iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Words that a dot follows without ending a sentence.
const SHORT: [&str; 13] = ["e.g", "i.e", "etc", "vs", "cf", "no", "fig", "dr", "mr", "mrs", "ms", "approx", "incl"];

/// Where the sentences of a paragraph end.
fn ends(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut in_code = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '`' => in_code = !in_code,
            '。' | '！' | '？' if !in_code => found.push(at + c.len_utf8()),
            '.' | '!' | '?' if !in_code => {
                while chars
                    .next_if(|(_, c)| matches!(c, '.' | '!' | '?' | '"' | '\'' | ')' | ']' | '”' | '’'))
                    .is_some()
                {}
                let end = chars.peek().map_or(text.len(), |(end, _)| *end);
                let mut rest = text[end..].chars();
                let spaced = rest.next().is_none_or(char::is_whitespace);
                let next = text[end..].trim_start().chars().next();
                if spaced && next.is_none_or(|next| !next.is_lowercase()) && !(c == '.' && is_short(&text[..at])) {
                    found.push(end);
                }
            }
            _ => {}
        }
    }
    if found.last() != Some(&text.len()) {
        found.push(text.len());
    }
    found
}

/// Whether the dot after this belongs to its last word: an abbreviation, an initial, the number of a list.
fn is_short(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let first = before.trim_start().len() == word.len();
    let number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    SHORT.contains(&word.as_str()) || (word.chars().count() == 1 && !number) || (number && first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(text: &str) -> Vec<(String, usize)> {
        let of = |item| match item {
            Item::Sentence(sentence) => Some((sentence.text, sentence.line)),
            _ => None,
        };
        items(text, 1).into_iter().filter_map(of).collect()
    }

    #[test]
    fn sentences_are_told_apart_with_their_lines() {
        for (text, expected) in [
            ("One. Two!\nThree\ngoes on? Four", vec![("One.", 1), ("Two!", 1), ("Three goes on?", 2), ("Four", 3)]),
            (
                "- One\n- Two. Three.\n  - Four\n\n    Five\n1. Six",
                vec![("One", 1), ("Two.", 2), ("Three.", 2), ("Four", 3), ("Five", 5), ("Six", 6)],
            ),
            (
                "Use e.g. `a. B` i.e. this. Not v1.2 of it.",
                vec![("Use e.g. `a. B` i.e. this.", 1), ("Not v1.2 of it.", 1)],
            ),
            ("**Never** do _this_ [at all](http://x.Y).", vec![("Never do this at all.", 1)]),
            ("> Quoted. \"Yes.\" No.", vec![("Quoted.", 1), ("\"Yes.\"", 1), ("No.", 1)]),
            ("一。二！ 三", vec![("一。", 1), ("二！", 1), ("三", 1)]),
            ("Wait... really? it. said so.", vec![("Wait... really? it. said so.", 1)]),
            ("---\n\n***\n\n<!-- no -->\n\n(1)", vec![("(1)", 7)]),
            ("Step 4. Then.", vec![("Step 4.", 1), ("Then.", 1)]),
            ("- **a.1** One. Two.\n- a.b One. Two.", vec![("a.1 One. Two.", 1), ("a.b One.", 2), ("Two.", 2)]),
            ("a `\n", vec![("a `", 1)]),
            ("", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(text, line)| (text.to_owned(), line)).collect();
            assert_eq!(sentences(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_sentence_is_kept_with_its_line() {
        let text = "# A *b* `c`\n\nText.\n\n| a | b |\n|---|---|\n| Never. | x |\n\n```\nCode. Here.\n```\n\n<div>\nHTML.\n</div>\n\n- item\n\n      Code. Too.\n";
        let found = items(text, 11);
        let sentence = |text: &str, line| Item::Sentence(Sentence { text: text.to_owned(), line });
        let expected = [
            Item::Heading { level: 1, title: "A b `c`".to_owned(), line: 11 },
            sentence("Text.", 13),
            Item::Kept { what: "table", line: 15 },
            Item::Kept { what: "code", line: 19 },
            Item::Kept { what: "HTML", line: 23 },
            sentence("item", 27),
            Item::Kept { what: "code", line: 29 },
        ];
        assert_eq!(found, expected);
    }
}
