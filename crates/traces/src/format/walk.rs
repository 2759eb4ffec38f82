//! A text's values with line ends between them, and whatever else programs print.

use super::lines::{Line, Value, is_rpc, reason};
use super::{lenient, span};
use crate::Source;
use serde_json::Value as Json;

/// How often a value that does not end on its line is looked for on the next ones in vain: each time the text may be gone
/// through to its end.
const TRIES: usize = 100;

/// How many brackets of a line may begin no value, before it is given up.
const BRACKETS: usize = 64;

/// The lines of a text that are left to be read.
pub struct Walk<'a> {
    text: &'a str,
    whole: Source,
    at: usize,
    /// The number of the line that it is in.
    number: usize,
    tries: usize,
    /// Whether the text is a list, one item a line, with a comma too many.
    is_list: bool,
}

/// Values that stand together on a line.
struct Found<'a> {
    before: &'a str,
    values: Vec<(Json, bool)>,
    lenient: bool,
    /// Where the next line begins.
    next: usize,
}

impl<'a> Walk<'a> {
    /// All lines of a text that ends without space.
    pub fn new(text: &'a str, whole: &Source) -> Walk<'a> {
        let mut lines = text.trim_start().lines();
        let is_list = lines.next().is_some_and(|line| line.trim_end() == "[") && lines.next_back() == Some("]");
        Walk { text, whole: whole.clone(), at: 0, number: 1, tries: 0, is_list }
    }

    /// Where the line ends in which that place is.
    fn end_of_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |length| at + length)
    }

    fn go_on(&mut self, to: usize) {
        self.number += self.text[self.at..to].bytes().filter(|byte| *byte == b'\n').count();
        self.at = to;
    }

    /// The value that begins there, on its line or over several: nothing else stands behind it but another value.
    fn value(&mut self, begin: usize) -> Option<Found<'a>> {
        let is_bracketed = self.text[begin..].starts_with(['{', '[']);
        let line = self.end_of_line(begin);
        let on_line = span::end(&self.text[..line], begin);
        let end = match on_line {
            None if is_bracketed => self.over_lines(begin)?,
            end => end?,
        };
        let line = self.end_of_line(end);
        // A list with an item a line has commas.
        let behind = self.text[end..line].trim_start();
        let behind = behind.strip_prefix(',').unwrap_or(behind).trim_start();
        let is_value = is_bracketed && behind.starts_with(['{', '[']) && !is_rpc(&self.text[begin..line]);
        if !behind.is_empty() && !is_value {
            return None;
        }
        let next = line - behind.len();
        let (json, lenient) = match lenient::parse(&self.text[begin..end]) {
            Ok(parsed) => parsed,
            Err(_) => {
                self.tries += usize::from(on_line.is_none());
                return None;
            }
        };
        Some(Found { before: "", values: vec![(json, true)], lenient, next })
    }

    /// The end of a value that does not end on its line.
    fn over_lines(&mut self, begin: usize) -> Option<usize> {
        if self.tries >= TRIES {
            return None;
        }
        let end = span::end(self.text, begin);
        self.tries += usize::from(end.is_none());
        end
    }

    /// The values in a line of a log of JSON-RPC messages. Loggers have times, tags and arrows before them, and their own
    /// objects around them; but all that has to do with JSON-RPC must be among the values.
    fn messages(&mut self, begin: usize) -> Option<Found<'a>> {
        let end_of_line = self.end_of_line(begin);
        let line = &self.text[begin..end_of_line];
        if !is_rpc(line) {
            return self.message_over_lines(begin, end_of_line);
        }
        let mut found = Found { before: line, values: Vec::new(), lenient: false, next: end_of_line };
        let (mut at, mut read, mut others) = (0, 0, 0);
        while let Some(bracket) = line[at..].find(['{', '[']).map(|length| at + length) {
            at = bracket + 1;
            // Tags are in brackets.
            let is_tag = line[bracket..].starts_with('[') && !line[at..].trim_start().starts_with('{');
            let value = (!is_tag).then(|| span::end(line, bracket)).flatten();
            let value = value.and_then(|end| Some((end, lenient::parse(&line[bracket..end]).ok()?)));
            let Some((end, (json, lenient))) = value else {
                others += 1;
                if others > BRACKETS {
                    return None;
                }
                continue;
            };
            if is_rpc(&line[read..bracket]) {
                return None;
            }
            if found.values.is_empty() {
                found.before = &line[..bracket];
            }
            found.values.push((json, is_rpc(&line[bracket..end])));
            found.lenient |= lenient;
            (at, read) = (end, end);
        }
        let is_all = !is_rpc(&line[read..]) && found.values.iter().any(|(_, is_rpc)| *is_rpc);
        is_all.then_some(found)
    }

    /// A message that begins at the end of a line of text.
    fn message_over_lines(&mut self, begin: usize, end_of_line: usize) -> Option<Found<'a>> {
        let line = self.text[begin..end_of_line].trim_end();
        let bracket = begin + line.strip_suffix('{')?.len();
        let end = self.over_lines(bracket)?;
        let text = &self.text[bracket..end];
        let (json, lenient) = lenient::parse(text).ok().filter(|_| is_rpc(text))?;
        let before = &self.text[begin..bracket];
        Some(Found { before, values: vec![(json, true)], lenient, next: self.end_of_line(end) })
    }

    /// Where the reading goes on after a line that is broken: past the rest of a value that was printed over several lines.
    fn past(&self, line: &str, end: usize) -> usize {
        if !matches!(line.trim_end(), "{" | "[") {
            return end;
        }
        let next = ["\n{", "\n["].iter().filter_map(|begin| self.text[end..].find(begin)).min();
        next.map_or(self.text.len(), |length| end + length)
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        loop {
            let rest = self.text[self.at..].trim_start();
            self.go_on(self.text.len() - rest.len());
            if rest.is_empty() {
                return None;
            }
            let (begin, end) = (self.at, self.end_of_line(self.at));
            let line = self.text[begin..end].trim_end();
            let is_edge = begin == 0 && line == "[" || end == self.text.len() && line == "]";
            if self.is_list && is_edge {
                self.go_on(end);
                continue;
            }
            let source = Source { line: Some(self.number), ..self.whole.clone() };
            if let Some(found) = self.value(begin).or_else(|| self.messages(begin)) {
                self.go_on(found.next);
                return Some(Line::Value(found.value(source)));
            }
            let reason = match lenient::parse(line) {
                Err(error) => reason(&error),
                Ok(_) => "is not one value of JSON".to_owned(),
            };
            let next = if line == "[" && begin == 0 { end } else { self.past(line, end) };
            self.go_on(next);
            let last = self.text[next..].trim().is_empty();
            return Some(Line::Broken { mistake: source.mistake(reason), text: line, last });
        }
    }
}

impl<'a> Found<'a> {
    fn value(self, source: Source) -> Value<'a> {
        let Found { before, values, lenient, .. } = self;
        let (mut messages, mut beside) = (Vec::new(), Vec::new());
        for (json, is_message) in values {
            if is_message { messages.push(json) } else { beside.push(json) }
        }
        let json = match messages.pop() {
            Some(only) if messages.is_empty() => only,
            last => Json::Array(messages.into_iter().chain(last).collect()),
        };
        Value { json, source, before, beside, lenient }
    }
}
