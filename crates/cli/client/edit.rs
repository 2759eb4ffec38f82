//! Editing a configuration: one entry is put in, and everything else stays as it is, comments and order included.

use super::entry::{Entry, Value};
use super::known::Form;
use crate::Error;
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike};

/// Deepest nesting of a configuration: no client's has a tenth of it, and reading takes stack for each level.
const DEEPEST: usize = 128;

/// What some editors put at the beginning of a file.
const MARK: char = '\u{feff}';

/// The text with the entry in it. An entry of that name is replaced if it may be.
pub fn put(form: Form, text: &str, section: &str, name: &str, entry: &Entry, replace: bool) -> Result<String, Error> {
    let (mark, text) = text.strip_prefix(MARK).map_or(("", text), |rest| ("\u{feff}", rest));
    let edited = match form {
        Form::Toml => put_toml(text, section, name, entry, replace)?,
        Form::Json | Form::Jsonc => put_json(form, text, section, name, entry, replace)?,
    };
    // Written so that it is read: nothing is handed over that the next run would call broken.
    if names(form, &edited, section)?.iter().filter(|found| *found == name).count() != 1 {
        return Err("the file cannot be changed without changing what else is in it".into());
    }
    Ok(format!("{mark}{edited}"))
}

/// The names of the servers of a configuration; an error where it cannot be read.
pub fn names(form: Form, text: &str, section: &str) -> Result<Vec<String>, Error> {
    let text = text.strip_prefix(MARK).unwrap_or(text);
    match form {
        Form::Toml => {
            let document = text.parse::<DocumentMut>()?;
            let Some(found) = document.get(section) else { return Ok(Vec::new()) };
            let table = found.as_table_like().ok_or_else(|| no_map(section))?;
            Ok(table.iter().map(|(name, _)| name.to_owned()).collect())
        }
        Form::Json | Form::Jsonc => {
            let root = parse(form, text)?;
            let Some(object) = outermost(&root)? else { return Ok(Vec::new()) };
            let found = one(&object, section)?;
            let Some(found) = found else { return Ok(Vec::new()) };
            let servers = found.object_value().ok_or_else(|| no_map(section))?;
            Ok(servers.properties().iter().filter_map(jsonc_parser::cst::CstObjectProp::decoded_name).collect())
        }
    }
}

fn no_map(section: &str) -> String {
    format!("{section:?} is there, but it is no map of servers")
}

fn taken(name: &str) -> Error {
    format!("there is an entry {name:?} already; --replace replaces it, --name NAME adds another").into()
}

fn put_json(form: Form, text: &str, section: &str, name: &str, entry: &Entry, replace: bool) -> Result<String, Error> {
    let root = parse(form, text)?;
    let object = match outermost(&root)? {
        Some(object) => object,
        None => root.object_value_or_set(),
    };
    if let Some(found) = one(&object, section)?
        && found.object_value().is_none()
    {
        return Err(no_map(section).into());
    }
    let servers = object.object_value_or_set(section);
    let value = CstInputValue::Object(entry.iter().map(|(key, value)| ((*key).to_owned(), json(value))).collect());
    match one(&servers, name)? {
        Some(_) if !replace => return Err(taken(name)),
        Some(found) => found.set_value(value),
        None => drop(servers.append(name, value)),
    }
    let mut edited = root.to_string();
    if text.trim().is_empty() && !edited.ends_with('\n') {
        edited.push('\n');
    }
    Ok(edited)
}

fn parse(form: Form, text: &str) -> Result<CstRootNode, Error> {
    if depth(text) > DEEPEST {
        return Err(format!("it is nested deeper than {DEEPEST} levels").into());
    }
    let comments = form == Form::Jsonc;
    // The parser that keeps comments overlooks those behind the end.
    if !comments && !text.trim().is_empty() {
        serde_json::from_str::<serde_json::Value>(text)?;
    }
    let options = ParseOptions {
        allow_comments: comments,
        allow_trailing_commas: comments,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    Ok(CstRootNode::parse(text, &options)?)
}

/// How deep brackets are nested at most; those in texts and comments may count too.
fn depth(text: &str) -> usize {
    let mut now = 0_usize;
    let mut most = 0;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' => now += 1,
            b'}' | b']' => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    most
}

/// The object that the file is; nothing where the file is empty.
fn outermost(root: &CstRootNode) -> Result<Option<CstObject>, Error> {
    match root.value() {
        None => Ok(None),
        Some(value) => value.as_object().map(Some).ok_or_else(|| "it is no JSON object".into()),
    }
}

/// The property of that name. Programs differ in which of two they read, so two are a mistake.
fn one(object: &CstObject, name: &str) -> Result<Option<jsonc_parser::cst::CstObjectProp>, Error> {
    let mut found = object.properties().into_iter().filter(|property| property.decoded_name().as_deref() == Some(name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(format!("it has {name:?} twice").into()),
        (first, None) => Ok(first),
    }
}

fn json(value: &Value) -> CstInputValue {
    match value {
        Value::Text(text) => CstInputValue::String(text.clone()),
        Value::List(items) => CstInputValue::Array(items.iter().cloned().map(CstInputValue::String).collect()),
        Value::Map(pairs) => CstInputValue::Object(
            pairs.iter().map(|(key, value)| (key.clone(), CstInputValue::String(value.clone()))).collect(),
        ),
    }
}

fn put_toml(text: &str, section: &str, name: &str, entry: &Entry, replace: bool) -> Result<String, Error> {
    let mut document = text.parse::<DocumentMut>()?;
    let servers = document.entry(section).or_insert_with(|| {
        let mut table = Table::new();
        // Its entries have headings of their own.
        table.set_implicit(true);
        Item::Table(table)
    });
    let is_inline = servers.is_inline_table();
    let table: &mut dyn TableLike = servers.as_table_like_mut().ok_or_else(|| no_map(section))?;
    if table.contains_key(name) && !replace {
        return Err(taken(name));
    }
    let fields = || entry.iter().map(|(key, value)| (*key, toml(value)));
    let inline = || toml_edit::Value::InlineTable(fields().collect());
    let headed = || fields().map(|(key, value)| (key, Item::Value(value))).collect::<Table>();
    match table.get_mut(name) {
        // What stands around it stays there.
        Some(Item::Value(there)) => {
            let around = there.decor().clone();
            *there = inline();
            *there.decor_mut() = around;
        }
        Some(Item::Table(there)) => {
            let (around, position) = (there.decor().clone(), there.position());
            *there = headed();
            *there.decor_mut() = around;
            there.set_position(position);
        }
        Some(_) => return Err(no_map(section).into()),
        None if is_inline => {
            let last = table.iter_mut().last().and_then(|(_, item)| item.as_value_mut());
            // What stands before the closing brace stays there.
            let space = last.map(|last| {
                let space = last.decor().suffix().and_then(|space| space.as_str()).unwrap_or_default().to_owned();
                last.decor_mut().set_suffix("");
                space
            });
            table.insert(name, Item::Value(inline().decorated(" ", space.unwrap_or_default())));
        }
        None => drop(table.insert(name, Item::Table(headed()))),
    }
    Ok(document.to_string())
}

fn toml(value: &Value) -> toml_edit::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(String::as_str).collect::<Array>().into(),
        Value::Map(pairs) => {
            pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<InlineTable>().into()
        }
    }
}

/// What an entry starts, where it starts anything.
pub fn command(form: Form, text: &str, section: &str, name: &str) -> Option<String> {
    let text = text.strip_prefix(MARK).unwrap_or(text);
    match form {
        Form::Toml => {
            let document = text.parse::<DocumentMut>().ok()?;
            let entry = document.get(section)?.as_table_like()?.get(name)?.as_table_like()?;
            Some(entry.get("command")?.as_str()?.to_owned())
        }
        Form::Json | Form::Jsonc => {
            let entry = outermost(&parse(form, text).ok()?).ok()??.object_value(section)?.object_value(name)?;
            entry.get("command")?.value()?.as_string_lit()?.decoded_value().ok()
        }
    }
}
