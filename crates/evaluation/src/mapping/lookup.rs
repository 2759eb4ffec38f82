//! Lookups of the environment: its filters, as conditions on our table.

use super::check::{Check, Refused, plain};
use super::moment::{Moment, is_day};
use super::refusal::Refusals;
use super::table::{Pair, Twin};
use records::catalogue::{Column, Kind};
use serde_json::{Map, Value as Json};
use store::{Page, Predicate, Query, Value};

/// A lookup as the mapping has it.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    /// Which of the tables.
    pub twin: usize,
    /// Its filters, by argument.
    pub filters: Vec<(String, Filter)>,
    /// Arguments around which space does not count.
    pub trims: Vec<String>,
    /// What is checked first.
    pub checks: Vec<Check>,
    /// Whether bounds are days.
    pub days: bool,
    /// What happens to a bound with a zone.
    pub zones: Zones,
    /// What is said where a lower bound is above its upper one.
    pub crossed: Option<String>,
    /// Its wordings.
    pub refusals: Refusals,
}

/// What an argument asks of which column, by its place among the pairs of the table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filter {
    /// The value, to the letter.
    Equal(usize),
    /// The text, whatever its case.
    Fold(usize),
    /// The last digits of a telephone number.
    Digits(usize),
    /// A part of the text, whatever its case.
    Contains(usize),
    /// Not less.
    From(usize),
    /// Not greater.
    To(usize),
    /// Whether there is a value.
    Present(usize),
    /// There is no such column: a value finds nothing.
    Never,
}

/// What the environment does with a bound that has a zone, when its own times have none.
#[derive(Clone, Debug)]
pub(super) enum Zones {
    /// It finds nothing.
    Nothing,
    /// It compares them as times of UTC.
    Compared,
    /// It fails with that text as soon as it comes to a row that has a time.
    Fails(String),
}

/// What a call of a lookup asks for.
pub(super) struct Asked {
    /// The rows.
    pub query: Query<'static>,
    /// What is answered instead, if there is any of those rows.
    pub fails: Option<(Query<'static>, Json)>,
}

/// What a filter comes to.
enum Condition {
    /// Rows that meet it.
    Is(Predicate<'static>),
    /// Every row.
    Any,
    /// A time with a zone, which is not compared.
    Zoned(&'static Column),
}

impl Lookup {
    /// Let case not count for an argument that is equality; false where it is not.
    pub fn fold(&mut self, argument: &str) -> bool {
        for (name, filter) in &mut self.filters {
            if let Filter::Equal(at) = *filter
                && name == argument
            {
                *filter = Filter::Fold(at);
                return true;
            }
        }
        false
    }

    /// The conditions of a call, or what the environment refuses it with.
    pub fn ask(&self, arguments: &Map<String, Json>, twin: &Twin) -> Result<Asked, Refused> {
        // An empty argument is no filter.
        let given: Map<String, Json> = (arguments.iter())
            .filter(|(_, value)| !value.is_null() && value.as_str() != Some(""))
            .map(|(name, value)| (name.clone(), self.trimmed(name, value)))
            .collect();
        if let Some(refused) = self.checks.iter().find_map(|check| check.refuse(&given, &self.refusals)) {
            return Err(refused);
        }
        let mut predicates = Vec::new();
        let mut zoned = None;
        for (argument, value) in &given {
            let Some((_, filter)) = self.filters.iter().find(|(name, _)| name == argument) else { continue };
            match self.condition(argument, *filter, value, twin)? {
                Condition::Is(predicate) => predicates.push(predicate),
                Condition::Any => {}
                Condition::Zoned(column) => zoned = zoned.or(Some(column)),
            }
        }
        self.uncrossed(&given)?;
        let query = |predicates| Query { table: twin.table, predicates, page: Page::WHOLE };
        let Some(column) = zoned else { return Ok(Asked { query: query(predicates), fails: None }) };
        let fails = match &self.zones {
            Zones::Fails(says) => {
                predicates.push(Predicate::Present(column, true));
                Some((query(predicates), self.refusals.say("says", &[("says", says)])))
            }
            Zones::Nothing | Zones::Compared => None,
        };
        Ok(Asked { query: query(vec![Predicate::Never]), fails })
    }

    /// An argument as the environment takes it.
    fn trimmed(&self, argument: &String, value: &Json) -> Json {
        let trimmed = value.as_str().filter(|_| self.trims.contains(argument)).map(|text| text.trim().into());
        trimmed.unwrap_or_else(|| value.clone())
    }

    fn condition(&self, argument: &str, filter: Filter, value: &Json, twin: &Twin) -> Result<Condition, Refused> {
        let pair = |at: usize| &twin.columns[at];
        let text = value.as_str();
        // What is of the wrong type equals nothing.
        let of_text = |at: usize, made: fn(&'static Column, String) -> Predicate<'static>| {
            Condition::Is(text.map_or(Predicate::Never, |text| made(pair(at).column, text.to_owned())))
        };
        Ok(match filter {
            Filter::Never => Condition::Is(Predicate::Never),
            Filter::Equal(at) => equal(pair(at), value),
            Filter::Fold(at) => of_text(at, Predicate::Folded),
            Filter::Contains(at) => of_text(at, Predicate::Contains),
            Filter::Digits(at) => {
                match text.map(|text| text.chars().filter(char::is_ascii_digit).collect::<String>()) {
                    None => Condition::Is(Predicate::Never),
                    Some(digits) if digits.is_empty() => Condition::Any,
                    Some(digits) => Condition::Is(Predicate::EndsWith(pair(at).column, digits)),
                }
            }
            Filter::Present(at) => match value {
                Json::Bool(there) => Condition::Is(Predicate::Present(pair(at).column, *there)),
                _ => Condition::Is(Predicate::Never),
            },
            Filter::From(at) => self.bound(argument, pair(at).column, value, true)?,
            Filter::To(at) => self.bound(argument, pair(at).column, value, false)?,
        })
    }

    fn bound(&self, argument: &str, column: &'static Column, value: &Json, lower: bool) -> Result<Condition, Refused> {
        let bounded = |value: Value| match lower {
            true => Condition::Is(Predicate::AtLeast(column, value)),
            false => Condition::Is(Predicate::AtMost(column, value)),
        };
        if !matches!(column.kind, Kind::Timestamp | Kind::Date) {
            return Ok(value.as_i64().map_or(Condition::Is(Predicate::Never), |number| bounded(number.into())));
        }
        let text = value.as_str().unwrap_or_default();
        match Moment::read(text).filter(|_| !self.days || is_day(text)) {
            None => {
                let holes = [("argument", argument), ("value", &plain(value))];
                Err(Refused { answer: self.refusals.say("bound", &holes), argument: argument.to_owned() })
            }
            Some(moment) if moment.zoned && !matches!(self.zones, Zones::Compared) => Ok(Condition::Zoned(column)),
            Some(moment) => Ok(bounded(moment.bound(column.kind).into())),
        }
    }

    /// Whether no lower bound is above the upper one of its column.
    fn uncrossed(&self, given: &Map<String, Json>) -> Result<(), Refused> {
        let Some(says) = &self.crossed else { return Ok(()) };
        let time = |bound: &Json| Some(Moment::read(bound.as_str()?)?.stored());
        for (lower, from) in &self.filters {
            for (upper, to) in &self.filters {
                if let (Filter::From(at), Filter::To(other)) = (from, to)
                    && at == other
                    && let (Some(least), Some(most)) = (given.get(lower), given.get(upper))
                    && let (Some(least), Some(most)) = (time(least), time(most))
                    && least > most
                {
                    let answer = self.refusals.say("says", &[("says", says)]);
                    return Err(Refused { answer, argument: lower.clone() });
                }
            }
        }
        Ok(())
    }
}

fn equal(pair: &Pair, value: &Json) -> Condition {
    let column = pair.column;
    let typed = match (column.kind, value) {
        (Kind::Bool, Json::Bool(_)) => column.value(value),
        (Kind::Bool, _) => None,
        // Of other columns, nought and false are no filters either.
        (_, Json::Bool(false)) => return Condition::Any,
        (_, Json::Number(number)) if number.as_f64() == Some(0.0) => return Condition::Any,
        (Kind::Integer | Kind::Real, Json::Number(_)) => column.value(value),
        (Kind::Integer | Kind::Real, _) => None,
        (_, Json::String(_)) => column.value(&pair.ours(value)),
        _ => None,
    };
    // What is of another type equals only what came in that type.
    let came = || pair.cell(value).and_then(|cell| Some(Predicate::Came(column, cell.value, cell.came?.to_string())));
    let reads_so = *value == pair.null;
    Condition::Is(match typed {
        Some(typed) if reads_so => Predicate::SameOrNull(column, typed),
        Some(typed) => Predicate::Same(column, typed),
        None if reads_so => Predicate::Present(column, false),
        None => came().unwrap_or(Predicate::Never),
    })
}
