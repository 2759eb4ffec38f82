//! What is checked of arguments beside the schema, because it is not portable or would be said over and over: what a text
//! is made of, how long a filter or an id may be, that a time is a time, and that a filter's word is a word.

use super::validate::{NO_WORD, join, problem};
use super::{Tool, Work, schema};
use crate::action::input::{CLEAR, Input, Kind, most};
use crate::halt::Problem;
use records::catalogue::{self, Filter, Table};
use records::suggest::nearest;
use records::text::{self, Unfit};
use records::time;
use serde_json::{Map, Value as Json};
use store::is_id;

/// The form that a text has beside what its schema says of it.
#[derive(Clone, Copy)]
enum Form {
    /// The id of a record to act on: one line. Whether there is such a record is the next question.
    Reference,
    /// The id of records to find: an id.
    Id,
    /// One line.
    Line,
    /// One or more lines.
    Lines,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A time or a day.
    Time,
    /// Its schema, or a list of words, says all.
    Said,
}

impl Tool {
    /// Every argument that the schema does not fault and that is faulty all the same.
    pub(super) fn beyond(&self, arguments: &Map<String, Json>, problems: &mut Vec<Problem>) {
        match &self.work {
            Work::Act(act) => {
                let form = |name: &str| match of_inputs(act.operation.inputs, name) {
                    None if name == act.operation.actor => Form::Reference,
                    form => form.unwrap_or(Form::Said),
                };
                texts(arguments, "", form, problems);
                for input in act.operation.inputs {
                    if let (Kind::ChangeSet(columns), Some(Json::Object(set))) = (input.kind, arguments.get(input.name))
                    {
                        texts(set, input.name, |name| of_inputs(columns, name).unwrap_or(Form::Said), problems);
                        problems.extend(given_and_cleared(set, input.name));
                    }
                }
            }
            Work::Find(table) => {
                texts(arguments, "", |name| of_filter(table, name), problems);
                for (name, words) in &self.words {
                    // Where the schema lists the words, it has found the fault already.
                    if !problems.iter().any(|known| known.field == *name) {
                        problems.extend(no_word(name, arguments.get(*name), words));
                    }
                }
                problems.extend(empty_span(arguments));
            }
        }
    }
}

fn of_inputs(inputs: &[Input], name: &str) -> Option<Form> {
    let input = inputs.iter().find(|input| input.name == name)?;
    Some(match input.kind {
        Kind::Id(_) | Kind::RecordOf(_) => Form::Reference,
        Kind::Line => Form::Line,
        Kind::Text => Form::Lines,
        Kind::Email => Form::Email,
        Kind::Phone => Form::Phone,
        Kind::Timestamp | Kind::Day => Form::Time,
        Kind::Word(_)
        | Kind::Minutes
        | Kind::Count
        | Kind::Percentage
        | Kind::Flag
        | Kind::Clear
        | Kind::ChangeSet(_) => Form::Said,
    })
}

fn of_filter(table: &Table, name: &str) -> Form {
    if matches!(name, schema::SINCE | schema::UNTIL) {
        return Form::Time;
    }
    match table.columns.iter().find(|column| column.name == name && column.filter == Filter::Exact) {
        Some(column) => match column.kind {
            catalogue::Kind::Key | catalogue::Kind::Id(_) => Form::Id,
            catalogue::Kind::Word(_) => Form::Said,
            _ => Form::Line,
        },
        None if name == schema::ACTING_USER => Form::Reference,
        None if name == schema::DETAIL => Form::Said,
        None => Form::Line,
    }
}

/// The texts that are blank or have another form than theirs, but for those that are faulted already.
fn texts(arguments: &Map<String, Json>, path: &str, form: impl Fn(&str) -> Form, problems: &mut Vec<Problem>) {
    for (name, value) in arguments {
        let Json::String(text) = value else { continue };
        let fault = if text::is_blank(text) { Some("is empty".to_owned()) } else { fault(form(name), text) };
        let Some(fault) = fault else { continue };
        let field = join(path, name);
        if !problems.iter().any(|known| known.field == field) {
            problems.push(problem(&field, Some(value), fault));
        }
    }
}

fn fault(form: Form, text: &str) -> Option<String> {
    match form {
        Form::Said => None,
        Form::Lines => text::lines(text).err().map(unfit),
        Form::Time => (!time::is_time(text))
            .then(|| "must be a time such as 2025-09-25T12:00:00, or a day such as 2025-09-25".to_owned()),
        Form::Id if !is_id(text) => {
            Some("is no id: an id is digits, without zeros before them or space around them".to_owned())
        }
        Form::Email if !text::is_email(text) => Some(NO_EMAIL.to_owned()),
        Form::Phone if text::digits(text).is_empty() => Some("holds no digit, so it is no telephone number".to_owned()),
        Form::Id | Form::Reference | Form::Line | Form::Email | Form::Phone => {
            too_long(text).or_else(|| text::line(text).err().map(unfit))
        }
    }
}

/// What is said of a text that is no e-mail address.
pub(super) const NO_EMAIL: &str = "is not an e-mail address";

/// A filter or an id has no longer text to agree with than a line.
fn too_long(text: &str) -> Option<String> {
    let length = text.chars().count();
    (length > most::LINE).then(|| format!("has {length} characters; at most {} are accepted", most::LINE))
}

fn unfit(unfit: Unfit) -> String {
    match unfit {
        Unfit::Control(c) => format!("holds the control character U+{:04X}, which is not accepted here", u32::from(c)),
        Unfit::Hidden(c) => {
            format!(
                "holds U+{:04X}, which shows nothing or turns the text around, and is not accepted here",
                u32::from(c)
            )
        }
    }
}

/// A text that is none of the words.
fn no_word(field: &str, value: Option<&Json>, words: &[String]) -> Option<Problem> {
    let text = value?.as_str()?;
    if words.iter().any(|word| word == text) {
        return None;
    }
    let mut problem = problem(field, value, NO_WORD.to_owned());
    problem.allowed = words.iter().map(|word| word.as_str().into()).collect();
    problem.did_you_mean = nearest(text, words.iter().map(String::as_str)).map(str::to_owned);
    Some(problem)
}

/// A column to which a change set gives a value and takes it away.
fn given_and_cleared(set: &Map<String, Json>, path: &str) -> Option<Problem> {
    let cleared = set.get(CLEAR)?.as_array()?;
    let both = cleared.iter().filter_map(Json::as_str).find(|name| set.contains_key(*name))?;
    Some(problem(&join(path, CLEAR), set.get(CLEAR), format!("names {both}, which is given a value as well")))
}

/// A lookup from a time on that ends before it.
fn empty_span(arguments: &Map<String, Json>) -> Option<Problem> {
    let given = |name: &str| arguments.get(name)?.as_str();
    let (since, until) = (given(schema::SINCE)?, given(schema::UNTIL)?);
    let (from, to) = (time::parse(since)?, time::parse(until)?);
    // A bare day includes all of its times.
    let over = if until.contains('T') { from > to } else { from.date() > to.date() };
    let fault = format!("lies after until, {until}, so nothing can be found");
    over.then(|| problem(schema::SINCE, arguments.get(schema::SINCE), fault))
}
