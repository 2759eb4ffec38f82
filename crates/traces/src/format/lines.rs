//! A file as its JSON values, one after the other: the whole as one, the items of a list, one a line, or several that are
//! printed over lines of their own. Each is parsed when its turn comes, for a tree takes ten times what its text takes.

use super::walk::Walk;
use super::{Node, lenient, span};
use crate::{Mistake, Source};
use serde::de::IgnoredAny;
use serde_json::Value as Json;
use std::sync::Arc;

/// A file, and how its values stand in it.
pub struct Text<'a> {
    text: &'a str,
    whole: Source,
    layout: Layout,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One value.
    Whole,
    /// One list, whose items are read one by one: they may be traces.
    List,
    /// Values with line ends between them, and whatever else programs print.
    Lines,
}

/// A value to be read, or the mistake in its place.
pub enum Line<'a> {
    /// The value.
    Value(Value<'a>),
    /// A line that is not JSON.
    Broken {
        /// What is wrong with it.
        mistake: Mistake,
        /// The line as it stands.
        text: &'a str,
        /// Whether the file ends with it: then only the recorder was cut short.
        last: bool,
    },
}

/// A value as it was read.
pub struct Value<'a> {
    /// The value; of a line with several messages of JSON-RPC, the list of them.
    pub json: Json,
    /// Where it stands.
    pub source: Source,
    /// What stands before it on its line.
    pub before: &'a str,
    /// Other values on the line of a message of JSON-RPC, by loggers that put their own before it.
    pub beside: Vec<Json>,
    /// Whether it has numbers in it that JSON does not have.
    pub lenient: bool,
}

impl Value<'_> {
    /// The value with its place.
    pub fn node(&self) -> Node<'_> {
        Node::new(&self.json, self.source.clone())
    }
}

impl<'a> Text<'a> {
    /// The text of a file; a mistake where it is empty, or meant as one value and broken.
    pub fn new(text: &'a str, file: &Arc<str>) -> Result<Text<'a>, Mistake> {
        // Some editors put a byte order mark before the first value.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end();
        let whole = Source { file: file.clone(), ..Source::default() };
        let begin = text.len() - text.trim_start().len();
        let layout = match text.as_bytes().get(begin) {
            None => return Err(whole.mistake("is empty")),
            Some(b'[') if span::end(text, begin) == Some(text.len()) => Layout::List,
            Some(_) if span::end(text, begin) == Some(text.len()) => Layout::Whole,
            Some(_) => Layout::Lines,
        };
        let text = Text { text, whole, layout };
        // A list that does not end was cut, though each line of it may be a value.
        let is_cut =
            text.text[begin..].lines().next().is_some_and(|line| line.trim_end() == "[") && !text.text.ends_with("]");
        match layout == Layout::Lines && (is_cut || !text.is_lines()) {
            true => Err(text.broken()),
            false => Ok(text),
        }
    }

    /// The text itself.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Whether the first line has a value, or as many lines that are meant as values have one as not. A value printed over
    /// several lines that is broken has lines that are JSON by chance, but fewer than others.
    fn is_lines(&self) -> bool {
        let (mut good, mut bad) = (0_usize, 0_usize);
        for (at, line) in self.walk().enumerate() {
            match line {
                Line::Value(value) if at == 0 && !is_bare(&value.json) => return true,
                Line::Value(value) => good += usize::from(!is_bare(&value.json)),
                Line::Broken { text, .. } => bad += usize::from(is_meant(text)),
            }
        }
        good > 0 && good >= bad
    }

    /// Why the text as a whole is not JSON.
    fn broken(&self) -> Mistake {
        self.error().unwrap_or_else(|| self.whole.mistake("is not JSON that can be read"))
    }

    /// Why the one value that the text is meant as cannot be read; none where it can, or the text is meant as several.
    pub fn error(&self) -> Option<Mistake> {
        let error = match self.layout {
            Layout::Lines => serde_json::from_str::<IgnoredAny>(self.text).err()?,
            Layout::Whole | Layout::List => lenient::parse(self.text).err()?,
        };
        Some(Source { line: Some(error.line()), ..self.whole.clone() }.mistake(reason(&error)))
    }

    /// Whether there is any value in it.
    pub fn has_values(&self) -> bool {
        self.find(|_| Some(())).is_some()
    }

    /// What is found for the first value for which something is. A list may be a trace of its own, of messages say; only
    /// then is it not looked into.
    pub fn find<T>(&self, find: impl Fn(&Json) -> Option<T>) -> Option<T> {
        let inside = |json: &Json| json.as_array().into_iter().flatten().find_map(&find);
        if self.layout == Layout::List {
            for line in self.items() {
                let Line::Value(item) = line else { continue };
                let alone = Json::Array(vec![item.json]);
                if find(&alone).is_some() {
                    return lenient::parse(self.text).ok().and_then(|(list, _)| find(&list));
                }
                if let Some(found) = inside(&alone) {
                    return Some(found);
                }
            }
            return None;
        }
        let found = |line: Line<'_>| match line {
            Line::Value(value) => find(&value.json).or_else(|| inside(&value.json)),
            Line::Broken { .. } => None,
        };
        match self.layout {
            Layout::Whole => self.value().and_then(found),
            Layout::List | Layout::Lines => self.walk().find_map(found),
        }
    }

    /// The values to be read: those of the text, and of a list of values that fit the format each of them.
    pub fn lines(&self, fits: fn(&Json) -> bool) -> impl Iterator<Item = Line<'a>> {
        // What an item is by itself, and what a list of it is.
        let decides = |line: Line<'_>| match line {
            Line::Value(item) => {
                let is_alone = fits(&item.json);
                let is_listed = fits(&Json::Array(vec![item.json]));
                (is_alone || is_listed).then_some(is_listed)
            }
            Line::Broken { .. } => None,
        };
        // The first item that is any tells, so that not all are parsed twice. Where none is, they are told one by one.
        let is_one = || self.items().find_map(decides).unwrap_or(false);
        let lines: Box<dyn Iterator<Item = Line<'a>>> = match self.layout {
            Layout::Whole => Box::new(self.value().into_iter()),
            Layout::List if is_one() => Box::new(self.value().into_iter()),
            Layout::List => Box::new(self.items()),
            Layout::Lines => Box::new(self.walk()),
        };
        lines.flat_map(move |line| unpack(line, fits))
    }

    fn walk(&self) -> Walk<'a> {
        Walk::new(self.text, &self.whole)
    }

    /// The text as one value.
    fn value(&self) -> Option<Line<'a>> {
        Some(parsed(self.text, self.whole.clone(), true))
    }

    /// The items of the one list.
    fn items(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        let (text, whole) = (self.text, self.whole.clone());
        let mut at = text.find('[').map_or(text.len(), |begin| begin + 1);
        (0..).map_while(move |number: usize| {
            let rest = text[at..].trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
            let begin = text.len() - rest.len();
            let end = span::end(text, begin)?;
            at = end;
            let source = Source { pointer: format!("/{number}"), ..whole.clone() };
            Some(parsed(&text[begin..end], source, false))
        })
    }
}

/// A value from its text.
fn parsed(text: &str, source: Source, last: bool) -> Line<'_> {
    match lenient::parse(text) {
        Ok((json, lenient)) => Line::Value(Value { json, source, before: "", beside: Vec::new(), lenient }),
        Err(error) => Line::Broken { mistake: source.mistake(reason(&error)), text, last },
    }
}

/// Each item of a list that is no value of the format, but holds such.
fn unpack(line: Line<'_>, fits: fn(&Json) -> bool) -> Vec<Line<'_>> {
    let value = match line {
        Line::Value(value) if is_list_of(&value.json, fits) => value,
        line => return vec![line],
    };
    let Value { json, source, before, beside, lenient } = value;
    let Json::Array(items) = json else { return Vec::new() };
    let each = items.into_iter().enumerate().map(|(at, json)| {
        let source = Source { pointer: format!("{}/{at}", source.pointer), ..source.clone() };
        Line::Value(Value { json, source, before, beside: beside.clone(), lenient })
    });
    each.collect()
}

fn is_list_of(value: &Json, fits: fn(&Json) -> bool) -> bool {
    value.as_array().is_some_and(|items| !fits(value) && items.iter().any(fits))
}

/// Whether it is neither an object nor a list, which a line of text can be by chance.
fn is_bare(value: &Json) -> bool {
    !value.is_object() && !value.is_array()
}

/// Why something is not JSON. The line in the error is left out: it counts from the value's own beginning.
pub fn reason(error: &serde_json::Error) -> String {
    let column = error.column();
    let place = format!(" at line {} column {column}", error.line());
    let what = error.to_string();
    format!("is not JSON: {} at column {column}", what.strip_suffix(&place).unwrap_or(&what))
}

/// Whether a line is meant as a value, and not as what programs print besides.
pub fn is_meant(line: &str) -> bool {
    // Logs have times and levels in brackets, so a bracket alone does not tell.
    let line = line.trim_start();
    line.starts_with('{') || line.starts_with("[{") || is_rpc(line)
}

/// Whether a line that may not be JSON has to do with JSON-RPC.
pub fn is_rpc(line: &str) -> bool {
    // Inside a text, the quotation mark is escaped; Python writes another one.
    ["jsonrpc\"", "jsonrpc\\\"", "'jsonrpc'"].iter().any(|mark| line.contains(mark))
}
