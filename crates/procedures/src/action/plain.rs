//! Plain actions, which are data: one record is created or changed, with values that are copied from inputs or worked out by the
//! call itself, and so are columns of records that inputs name. No loops, no search, no condition but in an expression.

use super::call::{Call, Permit, differing};
use super::input::{CLEAR, Input, Kind};
use super::{Error, Operation, Prepared, Result};
use crate::expression::{Expression, View};
use crate::mistake::Place;
use records::catalogue::{Column, Table};
use serde::de::Error as _;
use serde_json::{Map, Value as Json};
use store::{Row, Value, parse_id};

/// What a plain action does.
pub struct Plain {
    /// The input that names the record to change; none where one is created.
    pub record: Option<&'static str>,
    /// Inputs that are copied, each to its column.
    pub copies: Vec<Copied>,
    /// Values that the call itself decides.
    pub set: Vec<Set>,
    /// What is answered, in this order.
    pub answer: Vec<(&'static str, Part)>,
}

/// An input and the column that it goes to.
pub struct Copied {
    /// The input.
    pub input: Input,
    /// The column.
    pub column: &'static Column,
    /// What stands in where the input is left out.
    pub default: Option<Source>,
}

/// A column that the call sets.
pub struct Set {
    /// The input that names the row; none for the action's own record.
    pub row: Option<&'static str>,
    /// The row's table.
    pub table: &'static Table,
    /// The column.
    pub column: &'static Column,
    /// Its value.
    pub value: Source,
    /// Where this is written.
    pub place: Place,
}

/// Where a value comes from.
pub enum Source {
    /// The call's time.
    Now,
    /// The acting user's id. Where nobody acts, a column that may be empty stays so.
    Actor,
    /// This text or word.
    Literal(String),
    /// What an expression gives.
    Expression(Expression),
}

/// A part of an answer.
pub enum Part {
    /// A column of the record.
    Column(&'static Column),
    /// The whole record.
    Row,
}

/// A plain action with its arguments.
pub(super) struct Ready {
    operation: &'static Operation,
    plain: &'static Plain,
    arguments: Map<String, Json>,
}

impl Ready {
    /// Validated arguments for an action.
    pub(super) fn new(operation: &'static Operation, plain: &'static Plain, arguments: Map<String, Json>) -> Ready {
        Ready { operation, plain, arguments }
    }

    fn set(&self) -> Option<(&'static [Input], &Map<String, Json>)> {
        self.operation.inputs.iter().find_map(|input| match (input.kind, self.arguments.get(input.name)) {
            (Kind::ChangeSet(columns), Some(Json::Object(set))) => Some((columns, set)),
            _ => None,
        })
    }

    /// The row that an input names.
    fn row(&self, call: &Call<'_>, name: &str) -> Result<Option<Row>> {
        let Some(input) = self.operation.inputs.iter().find(|input| input.name == name) else { return Ok(None) };
        let (Kind::Id(table), Some(Json::String(id))) = (input.kind, self.arguments.get(name)) else { return Ok(None) };
        Ok(parse_id(id).map(|key| call.store().get(table, key)).transpose()?.flatten())
    }

    /// The record to change, which exists: references were checked.
    fn record(&self, call: &Call<'_>) -> Result<Option<Row>> {
        let Some(name) = self.plain.record else { return Ok(None) };
        match self.row(call, name)? {
            Some(row) => Ok(Some(row)),
            None => Err(data("the record to change is not there")),
        }
    }

    /// The cells of the change set that differ from the record's.
    fn differing(&self, record: &Row) -> Result<Vec<(&'static str, Value)>> {
        let Some((columns, set)) = self.set() else { return Ok(Vec::new()) };
        let mut cells = Vec::new();
        for column in columns {
            if let Some(value) = set.get(column.name) {
                cells.push((column.name, cell(column, value)?));
            }
        }
        if let Some(Json::Array(names)) = set.get(CLEAR) {
            let named = |column: &&Input| names.iter().any(|name| name == column.name);
            cells.extend(columns.iter().filter(named).map(|column| (column.name, Value::Null)));
        }
        Ok(differing(record, cells))
    }

    /// What expressions see: the inputs, who acts, the time, and each row that an input names.
    fn view(&self, call: &Call<'_>) -> Result<View> {
        let expressions = self.plain.set.iter().filter_map(|set| match &set.value {
            Source::Expression(expression) => Some(expression),
            _ => None,
        });
        let paths: Vec<String> = expressions.flat_map(|expression| expression.paths().to_vec()).collect();
        let mut view = View::new();
        if paths.is_empty() {
            return Ok(view);
        }
        view.bind_row("actor", call.actor_row().cloned());
        view.bind("now", call.now().into(), &crate::expression::Type::Timestamp);
        view.bind("input", Json::Object(self.arguments.clone()), &crate::expression::Type::Null);
        for input in self.operation.inputs {
            if matches!(input.kind, Kind::Id(_)) && paths.iter().any(|path| begins(path, input.row_name())) {
                view.bind_row(input.row_name(), self.row(call, input.name)?);
            }
        }
        view.follow(&paths, |table, key| call.store().get(table, key))?;
        Ok(view)
    }
}

fn begins(path: &str, name: &str) -> bool {
    path.split('.').next() == Some(name)
}

impl Source {
    fn value(&self, column: &Column, call: &Call<'_>, view: &View) -> Result<Value> {
        Ok(match self {
            Source::Now => call.now().into(),
            Source::Actor if column.nullable => call.someone().into(),
            Source::Actor => call.actor()?.into(),
            Source::Literal(text) => text.as_str().into(),
            Source::Expression(expression) => {
                let json = expression.evaluate(view).map_err(|fault| data(&fault.to_string()))?;
                column
                    .value(&json)
                    .ok_or_else(|| data(&format!("`{}` does not fit {}", expression.source(), column.name)))?
            }
        })
    }
}

impl Prepared for Ready {
    fn compute(&self, call: &Call<'_>) -> Result<Vec<Json>> {
        match (self.set(), self.record(call)?) {
            (Some(_), Some(record)) => Ok(vec![self.differing(&record)?.len().into()]),
            _ => Ok(Vec::new()),
        }
    }

    fn run(self: Box<Self>, permit: &Permit<'_>) -> Result<Json> {
        let record = self.record(permit)?;
        let view = self.view(permit)?;
        let mut cells = match &record {
            Some(record) => self.differing(record)?,
            None => Vec::new(),
        };
        for copied in &self.plain.copies {
            match (self.arguments.get(copied.input.name), &copied.default) {
                (Some(value), _) => cells.push((copied.column.name, cell(&copied.input, value)?)),
                (None, Some(default)) => cells.push((copied.column.name, default.value(copied.column, permit, &view)?)),
                (None, None) => {}
            }
        }
        let mut elsewhere: Vec<(&'static str, Vec<(&'static str, Value)>)> = Vec::new();
        for set in &self.plain.set {
            let value = set.value.value(set.column, permit, &view)?;
            match set.row {
                None => cells.push((set.column.name, value)),
                Some(row) => match elsewhere.iter_mut().find(|(known, _)| *known == row) {
                    Some((_, of)) => of.push((set.column.name, value)),
                    None => elsewhere.push((row, vec![(set.column.name, value)])),
                },
            }
        }
        let row = match record {
            None => permit.insert(self.operation.record, cells)?,
            Some(record) => permit.change(record, cells)?,
        };
        for (name, cells) in elsewhere {
            if let Some(row) = self.row(permit, name)? {
                permit.update(&row, cells)?;
            }
        }
        let mut answer = Map::new();
        for (name, part) in &self.plain.answer {
            let value = match part {
                Part::Column(column) => row.get(column.name).to_json(column.kind),
                Part::Row => Json::Object(row.to_json()),
            };
            // What has no value is left out: clients that check a schema know no null.
            if !value.is_null() {
                answer.insert((*name).to_owned(), value);
            }
        }
        Ok(Json::Object(answer))
    }
}

/// An argument as its column stores it. It was checked against the tool's schema.
fn cell(input: &Input, value: &Json) -> Result<Value> {
    let wrong = || data(&format!("{} has a value of another kind", input.name));
    Ok(match (input.kind, value) {
        (Kind::Id(_), Json::String(id)) => parse_id(id).ok_or_else(wrong)?.into(),
        (Kind::Line | Kind::Email | Kind::Phone, Json::String(text)) => text.trim().into(),
        (Kind::Word(_) | Kind::Text | Kind::Timestamp | Kind::Day | Kind::RecordOf(_), Json::String(text)) => {
            text.as_str().into()
        }
        (Kind::Minutes | Kind::Count, value) => value.as_i64().ok_or_else(wrong)?.into(),
        (Kind::Percentage, value) => Value::Real(value.as_f64().ok_or_else(wrong)?),
        (Kind::Flag, Json::Bool(flag)) => (*flag).into(),
        _ => return Err(wrong()),
    })
}

fn data(message: &str) -> Error {
    Error::Data(serde_json::Error::custom(message))
}
