//! What an expression reads, and how the interpreter reads it.
//!
//! The interpreter asks for whole dotted paths, so that a row never becomes a value of its language: a path is walked
//! to one cell, and only that cell is converted. A row that is a value itself, as in `incident != null`, is its id.

use super::check::GREATEST;
use super::types::{Type, link};
use cel::common::ast::IdedExpr;
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelNull, CelString, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Context, Env, ExecutionError, context::VariableResolver};
use records::catalogue::{Kind, Table};
use records::time;
use serde_json::Value as Json;
use std::sync::{Arc, LazyLock};
use store::{Row, Value};

/// The values of the names in view.
#[derive(Clone, Debug, Default)]
pub struct View {
    names: Vec<(Arc<str>, Bound)>,
}

#[derive(Clone, Debug)]
enum Bound {
    Plain(Json),
    Row(Linked),
}

/// A row, and the rows that it leads to by the columns at these positions, as far as they were read.
#[derive(Clone, Debug)]
struct Linked {
    row: Row,
    links: Vec<(usize, Linked)>,
}

/// What a path leads to.
#[derive(Clone, Copy)]
enum Found<'v> {
    Cell(&'v Value, Kind),
    Plain(&'v Json),
}

impl View {
    /// Nothing in view.
    pub fn new() -> View {
        View::default()
    }
    /// How many names are in view.
    pub fn len(&self) -> usize {
        self.names.len()
    }
    /// Whether no name is in view.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
    /// Takes all names out of view but for the first so many.
    pub fn truncate(&mut self, names: usize) {
        self.names.truncate(names);
    }
    /// Brings a value of that type into view. Times in it are brought to the one form that orders as text.
    pub fn bind(&mut self, name: impl Into<Arc<str>>, mut value: Json, of: &Type) {
        normalise(&mut value, of);
        self.names.push((name.into(), Bound::Plain(value)));
    }
    /// Brings a row into view, or null.
    pub fn bind_row(&mut self, name: impl Into<Arc<str>>, row: Option<Row>) {
        let bound = row.map_or(Bound::Plain(Json::Null), |row| Bound::Row(Linked { row, links: vec![] }));
        self.names.push((name.into(), bound));
    }
    /// Reads the rows that `paths` pass through from the rows in view, each once.
    pub fn follow<E>(
        &mut self,
        paths: &[String],
        mut read: impl FnMut(&'static Table, i64) -> Result<Option<Row>, E>,
    ) -> Result<(), E> {
        for path in paths {
            let mut fields = path.split('.').peekable();
            let name = fields.next();
            let bound = self.names.iter_mut().rev().find(|(known, _)| Some(&**known) == name);
            let Some((_, Bound::Row(root))) = bound else { continue };
            let mut at = root;
            while let Some(field) = fields.next()
                && fields.peek().is_some()
            {
                let Some((column, table)) = link(at.row.table(), field) else { break };
                let Value::Integer(id) = at.row.cells()[column] else { break };
                let known = at.links.iter().position(|(known, _)| *known == column);
                let next = match known {
                    Some(next) => next,
                    None => {
                        let Some(row) = read(table, id)? else { break };
                        at.links.push((column, Linked { row, links: vec![] }));
                        at.links.len() - 1
                    }
                };
                at = &mut at.links[next].1;
            }
        }
        Ok(())
    }
    /// The rows that a path passes through, from the one in view.
    pub fn rows(&self, path: &str) -> Vec<&Row> {
        let mut fields = path.split('.');
        let name = fields.next();
        let bound = self.names.iter().rev().find(|(known, _)| Some(&**known) == name);
        let mut rows = Vec::new();
        let mut at = bound.and_then(|(_, bound)| match bound {
            Bound::Row(root) => Some(root),
            Bound::Plain(_) => None,
        });
        while let Some(linked) = at {
            rows.push(&linked.row);
            let column = fields.next().and_then(|field| link(linked.row.table(), field));
            at = column.and_then(|(column, _)| {
                linked.links.iter().find(|(known, _)| *known == column).map(|(_, linked)| linked)
            });
        }
        rows
    }
    /// What `path` leads to, as it is kept: null where something on the way is null, the id where it ends at a row.
    pub fn get(&self, path: &str) -> Json {
        self.find(path).map_or(Json::Null, |found| found.to_json())
    }

    fn find(&self, path: &str) -> Option<Found<'_>> {
        let mut fields = path.split('.');
        let name = fields.next()?;
        match &self.names.iter().rev().find(|(known, _)| **known == *name)?.1 {
            Bound::Plain(value) => fields
                .try_fold(value, |at, field| Some(at.as_object()?.get(field).unwrap_or(&Json::Null)))
                .map(Found::Plain),
            Bound::Row(at) => at.find(fields),
        }
    }
    pub(super) fn truth(&self, path: &str) -> Option<bool> {
        match self.find(path)? {
            Found::Cell(Value::Integer(n), Kind::Bool) => Some(*n != 0),
            Found::Plain(Json::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }
}

impl Linked {
    fn find<'p>(&self, mut fields: impl Iterator<Item = &'p str>) -> Option<Found<'_>> {
        let (mut at, mut field) = (self, fields.next());
        while let Some(name) = field {
            field = fields.next();
            let table = at.row.table();
            if field.is_none() {
                let column = table.position(name).or_else(|| Some(link(table, name)?.0))?;
                return Some(Found::Cell(&at.row.cells()[column], table.columns[column].kind));
            }
            let (column, _) = link(table, name)?;
            at = &at.links.iter().find(|(known, _)| *known == column)?.1;
        }
        Some(Found::Cell(&at.row.cells()[0], Kind::Key))
    }
}

impl<'v> Found<'v> {
    fn to_json(self) -> Json {
        match self {
            Found::Cell(value, kind) => value.to_json(kind),
            Found::Plain(value) => value.clone(),
        }
    }
    fn to_cel(self) -> CowVal<'v, 'v> {
        match self {
            Found::Cell(Value::Null, _) => CowVal::Borrowed(&CelNull),
            Found::Cell(Value::Integer(id), Kind::Key | Kind::Id(_)) => CowVal::owned(CelString::from(id.to_string())),
            Found::Cell(Value::Integer(n), Kind::Bool) => truth(*n != 0),
            Found::Cell(Value::Integer(n), _) => whole(*n),
            Found::Cell(Value::Real(n), _) => CowVal::owned(CelDouble::from(*n)),
            // A day orders among times as its midnight.
            Found::Cell(Value::Text(day), Kind::Date) => {
                CowVal::owned(CelString::from(time::canonical(day).unwrap_or_default()))
            }
            Found::Cell(Value::Text(text), _) => CowVal::owned(CelString::from(text.as_str())),
            Found::Plain(Json::Null) => CowVal::Borrowed(&CelNull),
            Found::Plain(Json::Bool(b)) => truth(*b),
            Found::Plain(Json::Number(n)) => match n.as_i64() {
                Some(n) => whole(n),
                None => CowVal::owned(CelDouble::from(n.as_f64().unwrap_or(f64::MAX))),
            },
            Found::Plain(Json::String(text)) => CowVal::owned(CelString::from(text.as_str())),
            Found::Plain(Json::Array(items)) => {
                let items: Vec<_> = items.iter().map(|item| Found::Plain(item).to_cel().into_owned()).collect();
                CowVal::owned(CelList::from(items))
            }
            // Only ever compared with null: fields are paths of their own.
            Found::Plain(Json::Object(_)) => CowVal::owned(CelMap::default()),
        }
    }
}

fn truth<'v>(b: bool) -> CowVal<'v, 'v> {
    CowVal::Borrowed(if b { &CelBool::TRUE } else { &CelBool::FALSE })
}

fn whole<'v>(n: i64) -> CowVal<'v, 'v> {
    CowVal::owned(CelInt::from(n.clamp(-GREATEST, GREATEST)))
}

impl VariableResolver for View {
    fn resolve<'b>(&'b self, path: &str) -> Option<CowVal<'b, 'b>> {
        self.find(path).map(Found::to_cel)
    }
}

/// Evaluates `e` and hands its value to `read`.
pub(super) fn evaluate<T>(e: &IdedExpr, view: &View, read: impl FnOnce(&dyn Val) -> Option<T>) -> Result<T, String> {
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    context.set_variable_resolver(view);
    let value = cel::Value::resolve_val(e, &context).map_err(|error| error.to_string())?;
    read(value.as_ref()).ok_or_else(|| format!("a value of type {} is of no use here", value.get_type().name()))
}

pub(super) fn to_bool(value: &dyn Val) -> Option<bool> {
    value.downcast_ref::<CelBool>().map(|b| *b.inner())
}

pub(super) fn to_json(value: &dyn Val) -> Option<Json> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        Some(text.inner().into())
    } else if let Some(n) = value.downcast_ref::<CelInt>() {
        Some((*n.inner()).into())
    } else if let Some(n) = value.downcast_ref::<CelDouble>() {
        Some((*n.inner()).into())
    } else if let Some(items) = value.downcast_ref::<CelList>() {
        items.inner().iter().map(|item| to_json(item.as_ref())).collect()
    } else if value.downcast_ref::<CelNull>().is_some() {
        Some(Json::Null)
    } else {
        to_bool(value).map(Json::from)
    }
}

/// The functions of every expression. Building them takes longer than most evaluations, so they are built once.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::default().with_optional_support(false).with_stdlib();
    let declared = env
        .add_overload("minutes_between", "minutes_between", vec![STRING_TYPE, STRING_TYPE], |arguments| {
            time::minutes_between(text(&arguments, 0), text(&arguments, 1))
                .map(|minutes| CowVal::owned(CelInt::from(minutes)))
                .ok_or_else(|| ExecutionError::function_error("minutes_between", "this is no time"))
        })
        .and(env.add_overload("digits", "digits", vec![STRING_TYPE], |arguments| {
            Ok(CowVal::owned(CelString::from(records::text::digits(text(&arguments, 0)).into_owned())))
        }))
        .and(env.add_overload("fold", "fold", vec![STRING_TYPE], |arguments| {
            Ok(CowVal::owned(CelString::from(records::text::folded(text(&arguments, 0)).into_owned())))
        }));
    // The names are new, so that nothing can be in their way.
    debug_assert!(declared.is_ok());
    Arc::new(env)
});

fn text<'a>(arguments: &'a [CowVal], at: usize) -> &'a str {
    arguments[at].downcast_ref::<CelString>().map_or("", CelString::inner)
}

/// Brings the times and whole numbers in a value of that type to their one form.
fn normalise(value: &mut Json, of: &Type) {
    match (&mut *value, of) {
        (value, Type::Optional(plain)) => normalise(value, plain),
        (Json::String(text), Type::Timestamp) => {
            if let Some(canonical) = time::canonical(text) {
                *text = canonical;
            }
        }
        // What is no i64 may still be a whole number to a schema: `3.0`, or one that is too great.
        (Json::Number(n), Type::Int) if n.as_i64().is_none() => *value = (n.as_f64().unwrap_or_default() as i64).into(),
        (Json::Array(items), Type::List(of)) => items.iter_mut().for_each(|item| normalise(item, of)),
        (Json::Object(object), Type::Struct(of)) => {
            for (field, value) in object {
                if let Some((_, of)) = of.fields.iter().find(|(known, _)| known == field) {
                    normalise(value, of);
                }
            }
        }
        _ => {}
    }
}

/// Whether the text is a time in its canonical form.
pub(super) fn is_instant(text: &str) -> bool {
    time::canonical(text).as_deref() == Some(text)
}
