//! The policy's text: Markdown whose list items `- **metric.2** ...` are its clauses.
//!
//! People read every list item, table row and bold number as a duty. So what only looks like a clause is a mistake: no
//! duty may stand in the text and be missing from the policy.

use super::clause::{Clause, Section};
use crate::mistake::{At, Mistake, Place};
use pulldown_cmark::{Event, Options, Parser, Tag};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Find the clauses of a text, and what is wrong with them.
pub fn clauses(file: &str, text: &str) -> (Vec<Clause>, Vec<Mistake>) {
    let mut reader = Reader::new(file, text);
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                let within = reader.open(&tag, range);
                reader.within.push(within);
            }
            Event::End(_) => drop(reader.within.pop()),
            _ => {}
        }
    }
    reader.finish()
}

/// What an open element of the text is, as far as clauses are concerned.
#[derive(Clone, Copy)]
enum Within {
    /// A list at the margin, whose items are clauses.
    Clauses,
    /// One of these items, and whether it has had its paragraph.
    Clause(bool),
    /// Anything else.
    Prose,
}

struct Reader<'a> {
    file: Arc<str>,
    text: &'a str,
    /// Byte offsets at which lines begin.
    lines: Vec<usize>,
    within: Vec<Within>,
    /// The sections that are open, the innermost last.
    sections: Vec<Arc<Section>>,
    found: Vec<Clause>,
    /// Ids that stand in prose where a clause would begin; a mistake unless there is such a clause.
    mentioned: Vec<At<String>>,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    fn new(file: &str, text: &'a str) -> Reader<'a> {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let mut reader = Reader {
            file: file.into(),
            text,
            lines: std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect(),
            within: Vec::new(),
            sections: Vec::new(),
            found: Vec::new(),
            mentioned: Vec::new(),
            mistakes: Vec::new(),
        };
        let place = Place { file: reader.file.clone(), line: 1 };
        let outermost = Section { title: String::new(), level: 0, place, about: String::new(), within: None };
        reader.sections.push(Arc::new(outermost));
        if text.starts_with('\u{feff}') {
            reader.wrong(0, "the file begins with a byte order mark: save it as UTF-8 without one");
        }
        reader
    }

    fn place(&self, offset: usize) -> Place {
        Place { file: self.file.clone(), line: self.lines.partition_point(|start| *start <= offset) }
    }

    fn wrong(&mut self, offset: usize, message: &str) {
        let place = self.place(offset);
        self.mistakes.push(Mistake { place, message: message.to_owned() });
    }

    /// An element where no clause can be.
    fn misplaced(&mut self, offset: usize, what: &str) {
        self.wrong(offset, &format!("{what}: a clause is a list item at the margin, - **metric.2** Text"));
    }

    fn open(&mut self, tag: &Tag<'_>, range: Range<usize>) -> Within {
        let start = range.start;
        match (self.within.last(), tag) {
            (None, Tag::List(None)) => return Within::Clauses,
            (None, Tag::List(Some(_))) => self.misplaced(start, "a numbered list holds no clauses"),
            (None, Tag::Table(_)) => self.misplaced(start, "a table holds no clauses"),
            (None, Tag::HtmlBlock) => self.html(range),
            (None, Tag::Heading { level, .. }) => {
                self.section(*level as u8, &range);
                self.prose(range);
            }
            (None, Tag::Paragraph) => {
                self.about(&range);
                self.prose(range);
            }
            (None, _) => self.prose(range),
            (Some(Within::Clauses), Tag::Item) => return self.item(range),
            (Some(Within::Clause(paragraph)), Tag::Paragraph) => {
                if *paragraph {
                    self.wrong(start, "a clause is one paragraph: nothing follows it after an empty line");
                }
                if let Some(within) = self.within.last_mut() {
                    *within = Within::Clause(true);
                }
            }
            (Some(Within::Clause(_)), Tag::List(_)) => self.misplaced(start, "a list within a clause holds no clauses"),
            (Some(Within::Clause(_)), Tag::Table(_) | Tag::CodeBlock(_) | Tag::BlockQuote(_) | Tag::HtmlBlock) => {
                self.wrong(start, "a clause is one paragraph of text");
            }
            (Some(Within::Clause(_)), Tag::Heading { .. }) => self.wrong(start, "a clause holds no heading"),
            _ => {}
        }
        Within::Prose
    }

    /// A heading: the sections of its level and below end, and its own begins.
    fn section(&mut self, level: u8, range: &Range<usize>) {
        let line = self.text[range.clone()].lines().next().unwrap_or_default();
        self.sections.retain(|open| open.level < level);
        let section = Section {
            title: line.trim_start().trim_start_matches('#').trim().to_owned(),
            level,
            place: self.place(range.start),
            about: String::new(),
            within: self.sections.last().filter(|open| open.level > 0).cloned(),
        };
        self.sections.push(Arc::new(section));
    }

    /// A paragraph, which tells what its section is about where it is the first thing in it.
    fn about(&mut self, range: &Range<usize>) {
        // Once a clause or a section has it, there is something before.
        if let Some(section) = self.sections.last_mut().and_then(Arc::get_mut)
            && section.about.is_empty()
        {
            section.about = self.text[range.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }

    /// A list item at the margin: a clause of the one form, or a mistake.
    fn item(&mut self, range: Range<usize>) -> Within {
        let text = self.text;
        let begins = self.lines[self.place(range.start).line - 1];
        let written = text[begins..range.end.max(begins)].trim_end();
        let mut lines = written.split_inclusive('\n');
        let head = lines.next().unwrap_or_default();
        let parts = head.strip_prefix("- **").and_then(|rest| rest.split_once("**"));
        let well = |(id, rest): &(&str, &str)| is_id(id) && rest.chars().next().is_none_or(char::is_whitespace);
        let Some((id, first)) = parts.filter(well) else {
            self.wrong(range.start, "a clause begins with its id, such as - **metric.2** Text");
            return Within::Prose;
        };
        let mut sentence = first.trim().to_owned();
        let mut at = begins + head.len();
        for line in lines {
            if line.trim().is_empty() {
                // What follows is another paragraph, which is told when it begins.
                break;
            }
            if !line.starts_with([' ', '\t']) {
                let message = "a line that goes on with a clause is indented; before any other, leave a line empty";
                self.wrong(at, message);
            }
            sentence.push(' ');
            sentence.push_str(line.trim());
            at += line.len();
        }
        let id = At { value: id.to_owned(), place: self.place(begins) };
        if sentence.is_empty() {
            self.mistakes.push(id.mistake(format!("clause {} has no text", id.value)));
        }
        if let Some(section) = self.sections.last() {
            self.found.push(Clause { id, text: sentence, section: section.clone() });
        }
        Within::Clause(false)
    }

    /// Text that is no list: nothing in it may be meant as a clause.
    fn prose(&mut self, range: Range<usize>) {
        let text = self.text;
        let mut at = range.start;
        for line in text[range.clone()].split_inclusive('\n') {
            let bare = line.trim_start_matches(|c: char| c.is_whitespace() || c == '>' || c == '\u{feff}');
            let strong = bare.trim_start_matches(|c: char| !c.is_alphanumeric());
            let numbers = strong.trim_start_matches(|c: char| c.is_ascii_digit());
            let inner = match numbers.starts_with(['.', ')']) {
                true => numbers.trim_start_matches(|c: char| !c.is_alphanumeric()),
                false => strong,
            };
            let marks = &bare[..bare.len() - inner.len()];
            let word = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
            let word = inner[..word.unwrap_or(inner.len())].trim_end_matches(['.', '_']);
            if is_id(word) && marks.contains(['*', '_', '`']) {
                self.misplaced(at, &format!("{word} stands here in another form"));
            } else if is_id(word) && (at == range.start || !marks.is_empty()) {
                self.mentioned.push(At { value: word.to_owned(), place: self.place(at) });
            } else if marks.starts_with(BULLETS) {
                self.misplaced(at, "this is no list item of Markdown");
            }
            at += line.len();
        }
    }

    /// HTML is shown as what it makes; a comment is not shown at all.
    fn html(&mut self, range: Range<usize>) {
        let written = &self.text[range.clone()];
        if written.trim_start().starts_with("<!--") && written.trim_end().ends_with("-->") {
            return;
        }
        let words = written.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
        if written.contains("<li") || written.contains("<td") || words.map(|word| word.trim_matches('.')).any(is_id) {
            self.misplaced(range.start, "HTML holds no clauses");
        }
    }

    fn finish(mut self) -> (Vec<Clause>, Vec<Mistake>) {
        let known: BTreeSet<&str> = self.found.iter().map(|clause| clause.id.value.as_str()).collect();
        let unknown: Vec<_> = self.mentioned.iter().filter(|id| !known.contains(id.value.as_str())).collect();
        let message = |id: &str| format!("{id} begins a text but is no clause; write it as - **{id}** Text");
        let unknown: Vec<Mistake> = unknown.iter().map(|id| id.mistake(message(&id.value))).collect();
        self.mistakes.extend(unknown);
        (self.found, self.mistakes)
    }
}

/// What word processors put before the items of a list. Markdown takes it for text.
const BULLETS: [char; 9] = ['•', '◦', '▪', '‣', '●', '○', '■', '∙', '⁃'];

/// `section.1`, `section.1.2`.
fn is_id(text: &str) -> bool {
    let mut parts = text.split('.');
    let section = parts.next().unwrap_or_default();
    let mut numbers = parts.peekable();
    section.starts_with(|c: char| c.is_ascii_lowercase())
        && section.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        && numbers.peek().is_some()
        && numbers.all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_runs_over_indented_lines() {
        let text = "# T\n## Metrics\nIntro.\n- **metric.1** One\n  and more.\n- **metric.2** Two.\n\nEnd.\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n"), text.replace("  and", "\tand")] {
            let (clauses, mistakes) = clauses("p.md", &text);
            let seen: Vec<_> =
                clauses.iter().map(|c| (c.id.value.as_str(), c.text.as_str(), c.section.title.as_str())).collect();
            assert_eq!(seen, [("metric.1", "One and more.", "Metrics"), ("metric.2", "Two.", "Metrics")]);
            assert_eq!(mistakes, []);
        }
    }

    #[test]
    fn bad_ids_and_empty_clauses_are_named_with_their_lines() {
        let (found, mistakes) = clauses("p.md", "- **metric** x\n- **a.1** x\n- **a.2**\n");
        let lines: Vec<_> = mistakes.iter().map(|m| m.place.line).collect();
        assert_eq!((found.len(), &lines[..]), (2, &[1, 3][..]));
    }

    /// The second line of each text is meant as a clause, or belongs to one.
    #[test]
    fn a_clause_in_any_other_form_is_a_mistake_with_its_line() {
        for text in [
            "* **a.1** Other bullet.",
            "+ **a.1** Other bullet.",
            "• **a.1** No bullet of Markdown.",
            "• Each owner signs.",
            "– **a.1** A dash.",
            "-**a.1** No space.",
            "-  **a.1** Two spaces.",
            "-\t**a.1** A tab.",
            " - **a.1** Indented by one.",
            "   - **a.1** Indented by three.",
            "    - **a.1** Indented by four.",
            "\t- **a.1** Indented by a tab.",
            "1. **a.1** A number.",
            "1) **a.1** A number.",
            "1. Each owner signs.",
            "- Each owner signs.",
            "- a.1 Not bold.",
            "- *a.1* Italic.",
            "- __a.1__ Underscores.",
            "- ***a.1*** Bold and italic.",
            "- `a.1` Code.",
            "- **a.1:** A colon.",
            "- **a.1.** A dot.",
            "- **A.1** Upper case.",
            "- **a.1**No space.",
            "- **a.1 All of it is bold.**",
            "- [ ] **a.1** A box.",
            "- \\**a.1** Escaped.",
            "\\- **a.1** Escaped.",
            "**a.1** No list.",
            "__a.1__ No list.",
            "a.1 No list.",
            "a.1: No list.",
            "### a.1 A heading",
            "### **a.1** A heading",
            "> - **a.1** In a quotation.",
            "> **a.1** In a quotation.",
            "| **a.1** | A row. |\n|---|---|\n| **a.2** | Another. |",
            "| id | text |\n|---|---|\n| a.1 | A row. |",
            "```\n- **a.1** In code.\n```",
            "<ul><li><b>a.1</b> In HTML.</li></ul>",
            "\u{feff}- **a.1** After a mark that another file began with.",
        ] {
            let (found, mistakes) = clauses("p.md", &format!("\n{text}\n"));
            assert_eq!(found.len(), 0, "{text}");
            let lines: BTreeSet<_> = mistakes.iter().map(|m| m.place.line).collect();
            let line = 2 + usize::from(text.starts_with("```"));
            assert!(lines.contains(&line) && lines.len() == 1, "{text}: {mistakes:?}");
        }
    }

    #[test]
    fn what_follows_a_clause_and_is_not_read_is_a_mistake_with_its_line() {
        for (text, line) in [
            ("- **a.1** One\nand more.", 2),
            ("- **a.1** One\n\n  and more.", 3),
            ("- **a.1** One:\n  - first\n  - second", 2),
            ("- **a.1** One:\n  - **a.2** Two.", 2),
            ("- **a.1** One\n\n  | a | b |\n  |---|---|", 3),
            ("- **a.1** One\n  ---", 1),
            ("- **a.1** One:\n\n      code", 3),
        ] {
            let lines: BTreeSet<_> = clauses("p.md", text).1.iter().map(|m| m.place.line).collect();
            assert_eq!(lines, BTreeSet::from([line]), "{text}");
        }
    }

    #[test]
    fn prose_is_not_taken_for_clauses() {
        let text = "# Title 1.2\n\nThe clock stands at 2025-09-25T12:00:00, see\na.1 for\n10. October. *Emphasis* and **strength**\n\
                    - **a.1** One, `code`, a | b.\n\n<!-- - **a.9** For later. -->\n\n---\n\n```\nincident-mcp call\n```\n\n\
                    (a.1 comes first.)\n\n> Quoted.\n\nSetext\n======\n\n- **b.1.2** Two.\n";
        let (found, mistakes) = clauses("p.md", text);
        assert_eq!(mistakes, []);
        assert_eq!(found.iter().map(|clause| &*clause.id.value).collect::<Vec<_>>(), ["a.1", "b.1.2"]);
        assert_eq!(found[1].section.title, "Setext");
    }

    #[test]
    fn a_clause_knows_its_section_and_what_that_is_about() {
        let text = "- **a.1** x\n\n# Title\n\nThe\nwhole.\n\n## One\n\nFor one.\n\nMore.\n\n- **a.2** x\n\nLate.\n\n### In one\n\n\
                    - **a.3** x\n\n## Two\n- **a.4** x\n";
        let found = clauses("p.md", text).0;
        let seen: Vec<_> = (found.iter())
            .map(|clause| {
                let section = &clause.section;
                let within = section.within.as_ref().map_or("", |within| &within.title);
                (&*section.title, section.level, section.place.line, &*section.about, within)
            })
            .collect();
        let expected = [
            ("", 0, 1, "", ""),
            ("One", 2, 8, "For one.", "Title"),
            ("In one", 3, 18, "", "One"),
            ("Two", 2, 22, "", "Title"),
        ];
        assert_eq!(seen, expected);
        assert_eq!(found[1].section.within.as_ref().unwrap().about, "The whole.");
    }

    #[test]
    fn a_byte_order_mark_is_a_mistake() {
        let lines: Vec<_> = clauses("p.md", "\u{feff}# T\n\n- **a.1** One.\n").1.iter().map(|m| m.place.line).collect();
        assert_eq!(lines, [1]);
    }
}
