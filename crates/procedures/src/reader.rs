//! Reading TOML tables key by key: every unknown key, missing key and wrong type is noted with its line, and reading
//! goes on.

use crate::mistake::{At, Mistake, Place};
use records::suggest::did_you_mean;
use serde_json::Value as Json;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file being read, and what is wrong with it so far.
pub struct File {
    name: Arc<str>,
    text: String,
    /// Byte offsets at which lines begin.
    lines: Vec<usize>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl File {
    /// A file of that name with that text.
    pub fn new(name: String, text: &str) -> File {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        File { name: name.into(), text: text.to_owned(), lines, mistakes: RefCell::default() }
    }
    /// The place of a byte offset.
    pub fn place(&self, offset: usize) -> Place {
        Place { file: self.name.clone(), line: self.lines.partition_point(|start| *start <= offset) }
    }
    /// The place of the text written at a byte offset: that of its first line, which in a text of several lines is the one
    /// after the opening quotes.
    fn text_place(&self, offset: usize) -> Place {
        let written = self.text.get(offset..).unwrap_or_default();
        let opened = [r#"""""#, "'''"].iter().find_map(|quotes| written.strip_prefix(quotes));
        let below = opened.is_some_and(|text| text.starts_with('\n') || text.starts_with("\r\n"));
        let mut place = self.place(offset);
        place.line += usize::from(below);
        place
    }
    /// Note a mistake.
    pub fn note(&self, offset: usize, message: impl Into<String>) {
        let mistake = Mistake { place: self.place(offset), message: message.into() };
        self.mistakes.borrow_mut().push(mistake);
    }
    /// The tables of the file, or what keeps it from being TOML. Tables that are there in spite of it are not worth reading:
    /// what they seem to lack is not worth a line.
    pub fn parse<'a>(&self, text: &'a str) -> Option<Spanned<DeTable<'a>>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            self.note(error.span().map_or(0, |span| span.start), error.message());
        }
        errors.is_empty().then_some(table)
    }
    /// All mistakes noted.
    pub fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
    }
}

/// A table of the file.
pub struct Table<'a> {
    file: &'a File,
    table: &'a DeTable<'a>,
    /// How messages call the table, such as `[tool.log_metric]`.
    context: String,
    start: usize,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    /// The whole file.
    pub fn root(file: &'a File, table: &'a Spanned<DeTable<'a>>) -> Table<'a> {
        Table::new(file, table.get_ref(), "the file".to_owned(), 0)
    }

    fn new(file: &'a File, table: &'a DeTable<'a>, context: String, start: usize) -> Table<'a> {
        Table { file, table, context, start, known: RefCell::default() }
    }

    /// Where the table begins.
    pub fn place(&self) -> Place {
        self.file.place(self.start)
    }

    /// The value under a key that the table may have.
    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.borrow_mut().push(key);
        self.table.get(key)
    }

    fn wrong(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'a>>) {
        let given = value.get_ref().type_str();
        let message = format!("{}: {key} must be {wanted}, not {given}", self.context);
        self.file.note(value.span().start, message);
    }

    fn at<T>(&self, span: Range<usize>, value: T) -> At<T> {
        At { value, place: self.file.text_place(span.start) }
    }

    /// A text that may be absent.
    pub fn optional(&self, key: &'static str) -> Option<At<String>> {
        let value = self.get(key)?;
        self.written(key, value)
    }

    fn written(&self, key: &str, value: &Spanned<DeValue<'a>>) -> Option<At<String>> {
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some(self.at(value.span(), text.to_owned())),
            Some(_) => {
                self.file.note(value.span().start, format!("{}: {key} is empty", self.context));
                None
            }
            None => {
                self.wrong(key, "a text", value);
                None
            }
        }
    }

    /// A text that must be there.
    pub fn text(&self, key: &'static str) -> Option<At<String>> {
        if !self.has(key) {
            self.known.borrow_mut().push(key);
            self.file.note(self.start, format!("{}: {key} is missing", self.context));
            return None;
        }
        self.optional(key)
    }

    /// A yes or no that may be absent.
    pub fn flag(&self, key: &'static str) -> bool {
        let Some(value) = self.get(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong(key, "true or false", value);
            false
        })
    }

    /// A yes or no, if either is said.
    pub fn truth(&self, key: &'static str) -> Option<bool> {
        self.has(key).then(|| self.flag(key)).or_else(|| {
            self.known.borrow_mut().push(key);
            None
        })
    }

    /// Whether the table has the key.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A list of texts; empty where it is absent.
    pub fn texts(&self, key: &'static str) -> Vec<At<String>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        self.list(key, value)
    }

    fn list(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Vec<At<String>> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(key, "a list of texts", value);
            return Vec::new();
        };
        let texts = items.iter().filter_map(|item| match item.get_ref().as_str() {
            Some(text) => Some(self.at(item.span(), text.to_owned())),
            None => {
                self.wrong(key, "a list of texts", item);
                None
            }
        });
        texts.collect()
    }

    /// Whether a table stands there.
    pub fn is_table(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// A list of texts, or one text, for keys that take a keyword instead of a list.
    pub fn texts_or_word(&self, key: &'static str) -> Option<Result<Vec<At<String>>, At<String>>> {
        let value = self.get(key)?;
        Some(match value.get_ref().as_str() {
            Some(word) => Err(self.at(value.span(), word.to_owned())),
            None => Ok(self.list(key, value)),
        })
    }

    /// A table that may be absent.
    pub fn table(&self, key: &'static str) -> Option<Table<'a>> {
        let value = self.get(key)?;
        self.descend(key, key, value)
    }

    fn descend(&self, key: &str, name: &str, value: &'a Spanned<DeValue<'a>>) -> Option<Table<'a>> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, "a table", value);
            return None;
        };
        let inner = self.context.trim_matches(['[', ']']);
        let context = match inner {
            "the file" => format!("[{name}]"),
            _ => format!("[{inner}.{name}]"),
        };
        // A table made of dotted headers has an empty span of its own; its first key's will do.
        let start = match value.span().start {
            0 => table.keys().map(|key| key.span().start).min().unwrap_or(0),
            start => start,
        };
        Some(Table::new(self.file, table, context, start))
    }

    /// Any value that JSON has too.
    pub fn json(&self, key: &'static str) -> Option<At<Json>> {
        let value = self.get(key)?;
        match json(value) {
            Some(read) => Some(self.at(value.span(), read)),
            None => {
                self.wrong(key, "a text, a number, true, false, or lists and tables of these", value);
                None
            }
        }
    }

    /// The texts of a table under names of the author's choice; empty where it is absent.
    pub fn names(&self, key: &'static str) -> Vec<(At<String>, At<String>)> {
        let entries = self.table(key).map(|table| table.entries()).unwrap_or_default();
        entries.into_iter().filter_map(|(name, entry)| Some((name.clone(), entry.text(&name.value)?))).collect()
    }

    /// An array of tables; empty where it is absent.
    pub fn tables(&self, key: &'static str) -> Vec<Table<'a>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(key, "a list of tables", value);
            return Vec::new();
        };
        if items.is_empty() {
            let message = format!("{}: {key} = [] says nothing; leave it out", self.context);
            self.file.note(value.span().start, message);
        }
        items.iter().filter_map(|item| self.descend(key, key, item)).collect()
    }

    /// All entries of a table whose keys are names of the author's choice, in the file's order.
    pub fn entries(&self) -> Vec<(At<String>, Entry<'a>)> {
        let entries = self.table.iter().map(|(key, value)| {
            let name = self.at(key.span(), key.get_ref().clone().into_owned());
            (name, Entry { file: self.file, context: self.context.clone(), value })
        });
        entries.collect()
    }

    /// Note every key that nobody asked for.
    pub fn finish(self) {
        let known = self.known.into_inner();
        for key in self.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let hint = did_you_mean(name, known.iter().copied());
            let message = format!("{}: there is no key {name:?} here{hint}", self.context);
            self.file.note(key.span().start, message);
        }
    }
}

/// A value of TOML as JSON; none for times, which JSON does not have.
fn json(value: &Spanned<DeValue<'_>>) -> Option<Json> {
    Some(match value.get_ref() {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok()?.into(),
        DeValue::Float(n) => n.as_str().parse::<f64>().ok()?.into(),
        DeValue::Array(items) => items.iter().map(json).collect::<Option<Vec<Json>>>()?.into(),
        DeValue::Table(table) => {
            let entry =
                |(key, value): (&Spanned<_>, _)| Some((AsRef::<str>::as_ref(key.get_ref()).to_owned(), json(value)?));
            Json::Object(table.iter().map(entry).collect::<Option<_>>()?)
        }
        DeValue::Datetime(_) => return None,
    })
}

/// A value under a name of the author's choice.
pub struct Entry<'a> {
    file: &'a File,
    context: String,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Entry<'a> {
    fn parent(&self) -> Table<'a> {
        static EMPTY: std::sync::LazyLock<DeTable<'static>> = std::sync::LazyLock::new(DeTable::default);
        Table::new(self.file, &EMPTY, self.context.clone(), self.value.span().start)
    }
    /// The value as a table.
    pub fn table(&self, name: &str) -> Option<Table<'a>> {
        self.parent().descend(name, name, self.value)
    }
    /// The value as a text.
    pub fn text(&self, name: &str) -> Option<At<String>> {
        self.parent().written(name, self.value)
    }
    /// The value as a list of texts.
    pub fn texts(&self, name: &str) -> Vec<At<String>> {
        self.parent().list(name, self.value)
    }
    /// Any value that JSON has too.
    pub fn value(&self, name: &str) -> Option<At<Json>> {
        let value = json(self.value);
        if value.is_none() {
            self.parent().wrong(name, "a text, a number, true, false, or lists and tables of these", self.value);
        }
        value.map(|value| self.parent().at(self.value.span(), value))
    }
    /// Whether the value is a table.
    pub fn is_table(&self) -> bool {
        self.value.get_ref().as_table().is_some()
    }
    /// The value as JSON, for defaults: a text, a whole number or a truth value.
    pub fn json(&self, name: &str) -> Option<At<Json>> {
        let scalar = matches!(self.value.get_ref(), DeValue::String(_) | DeValue::Boolean(_) | DeValue::Integer(_));
        let value = scalar.then(|| json(self.value)).flatten();
        if value.is_none() {
            self.parent().wrong(name, "a text, a whole number, true or false", self.value);
        }
        value.map(|value| self.parent().at(self.value.span(), value))
    }
}
