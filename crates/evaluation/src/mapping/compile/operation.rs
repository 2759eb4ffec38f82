//! Operations: their arguments, their checks, and what they come to.

use super::made::Wanted;
use super::{Compiler, Operation, Parts, values};
use crate::mapping::Work;
use crate::mapping::check::{Check, Halting, Kind};
use crate::mapping::lookup::{Filter, Lookup, Zones};
use crate::mapping::refusal::{Refusals, listed};
use crate::mapping::table::Twin;
use crate::mapping::template::Template;
use crate::mapping::write::{Input, Made, Write};
use procedures::action::Effect;
use procedures::mistake::At;
use procedures::policy::Mistake;
use procedures::reader::Table;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What every operation says.
struct Head {
    /// Its table, by its place.
    twin: usize,
    requires: Vec<At<String>>,
    takes: Vec<At<String>>,
}

/// Makes a filter of a column's place.
type OfColumn = fn(usize) -> Filter;

impl Compiler<'_> {
    /// The table and the arguments of an operation.
    fn head(&self, of: &Table<'_>, parts: &Parts) -> Option<Head> {
        let (requires, takes) = (of.texts("requires"), of.texts("takes"));
        let name = of.text("table")?;
        let twin = parts.twins.iter().position(|twin| twin.name == name.value);
        if twin.is_none() {
            self.unknown(&name, "table", parts.twins.iter().map(|twin| twin.name.as_str()));
        }
        Some(Head { twin: twin?, requires, takes })
    }

    /// What the environment checks by itself.
    fn checks(&self, of: &Table<'_>, twin: &Twin, arguments: &[&str]) -> Vec<Check> {
        let sorted = !of.flag("unsorted");
        let kinds = ["word", "integer", "count", "time", "given"];
        let mut checks = Vec::new();
        for table in of.tables("check") {
            let says = table.optional("says").map(|says| says.value);
            let unless = table.json("unless");
            let given: Vec<_> = kinds.into_iter().filter_map(|kind| Some((kind, table.optional(kind)?))).collect();
            if let [(kind, argument)] = given.as_slice() {
                if !arguments.contains(&argument.value.as_str()) {
                    self.unknown(argument, "argument", arguments.iter().copied());
                }
                let kind = match *kind {
                    "word" => self.words_of(argument, twin, sorted),
                    "integer" => Some(Kind::Integer),
                    "count" => Some(Kind::Count),
                    "time" => Some(Kind::Time),
                    _ => self.given(argument, unless.as_ref()),
                };
                checks.extend(kind.map(|kind| Check { argument: argument.value.clone(), kind, says }));
            } else {
                let message = format!("a check has one of {}", kinds.join(", "));
                self.mistakes.borrow_mut().push(Mistake { place: table.place(), message });
            }
            table.finish();
        }
        checks
    }

    /// An argument that can be left out only where another has a value.
    fn given(&self, argument: &At<String>, unless: Option<&At<Json>>) -> Option<Kind> {
        let unless = unless.and_then(|unless| unless.value.as_object()?.iter().next());
        if unless.is_none() {
            self.note(
                argument,
                "unless is missing: another argument, and the value with which this one can be left out",
            );
        }
        unless.map(|(other, value)| Kind::Given(other.clone(), value.clone()))
    }

    /// The words that an argument is checked against: those of the column of its name.
    fn words_of(&self, argument: &At<String>, twin: &Twin, sorted: bool) -> Option<Kind> {
        let words = twin.pair(&argument.value).and_then(|pair| pair.words.as_ref());
        let Some(words) = words.filter(|words| !words.listed.is_empty()) else {
            let message = format!("the table {} does not say which words {:?} has", twin.name, argument.value);
            self.note(argument, message);
            return None;
        };
        let mut shown: Vec<&str> = words.listed.iter().map(String::as_str).collect();
        if sorted {
            shown.sort_unstable();
        }
        Some(Kind::Word(words.listed.clone(), listed(shown)))
    }

    /// A lookup.
    pub(super) fn lookup(&self, of: &Table<'_>, parts: &Parts) -> Option<Operation> {
        let Head { twin: at, requires, takes } = self.head(of, parts)?;
        let twin = &parts.twins[at];
        let arguments: Vec<&str> = requires.iter().chain(&takes).map(|name| name.value.as_str()).collect();
        let place = |column: &At<String>| {
            let found = twin.columns.iter().position(|pair| pair.name == column.value);
            if found.is_none() {
                let what = format!("column of {}", twin.name);
                self.unknown(column, &what, twin.columns.iter().map(|pair| pair.name.as_str()));
            }
            found
        };
        let mut special: BTreeMap<String, Option<Filter>> = BTreeMap::new();
        let mut claim = |argument: &At<String>, filter: Option<Filter>| {
            if !arguments.contains(&argument.value.as_str()) {
                self.unknown(argument, "argument", arguments.iter().copied());
            } else if special.insert(argument.value.clone(), filter).is_some() {
                self.note(argument, format!("{:?} has a meaning already", argument.value));
            }
        };
        for argument in of.texts("never") {
            claim(&argument, Some(Filter::Never));
        }
        for (key, filter) in [("fold", Filter::Fold as OfColumn), ("digits", Filter::Digits)] {
            for argument in of.texts(key) {
                claim(&argument, place(&argument).map(filter));
            }
        }
        let maps: [(_, OfColumn); 4] =
            [("contains", Filter::Contains), ("from", Filter::From), ("to", Filter::To), ("present", Filter::Present)];
        for (key, filter) in maps {
            for (argument, column) in of.names(key) {
                claim(&argument, place(&column).map(filter));
            }
        }
        let filters: Vec<(String, Filter)> = (requires.iter().chain(&takes))
            .filter_map(|argument| {
                let filter = match special.get(&argument.value) {
                    Some(filter) => *filter,
                    None => place(argument).map(Filter::Equal),
                };
                Some((argument.value.clone(), filter?))
            })
            .collect();
        let zones = match (of.optional("zoned"), of.flag("zones")) {
            (Some(says), _) => Zones::Fails(says.value),
            (None, true) => Zones::Compared,
            (None, false) => Zones::Nothing,
        };
        let trims = of.texts("trims");
        for argument in trims.iter().filter(|argument| !arguments.contains(&argument.value.as_str())) {
            self.unknown(argument, "argument", arguments.iter().copied());
        }
        let lookup = Lookup {
            twin: at,
            trims: values(&trims),
            filters,
            checks: self.checks(of, twin, &arguments),
            days: of.flag("days"),
            zones,
            crossed: of.optional("crossed").map(|says| says.value),
            refusals: self.refusals(of, &parts.refusals),
        };
        Some(Operation { requires: values(&requires), takes: values(&takes), work: Work::Find(lookup) })
    }

    /// A creation or a change.
    pub(super) fn write(&self, of: &Table<'_>, parts: &Parts, effect: Effect) -> Option<Operation> {
        let Head { twin: at, requires, takes } = self.head(of, parts)?;
        let twin = &parts.twins[at];
        let arguments: Vec<&str> = requires.iter().chain(&takes).map(|name| name.value.as_str()).collect();
        let key = (effect == Effect::Update).then(|| twin.columns.first().map(|pair| pair.name.clone())).flatten();
        if let Some(key) = key.as_ref().filter(|key| !requires.iter().any(|name| name.value == **key)) {
            let message = format!("a change requires the key of its record, {key:?}");
            self.mistakes.borrow_mut().push(Mistake { place: of.place(), message });
        }
        let wanted = Wanted {
            twin,
            arguments: requires.iter().chain(&takes).collect(),
            key: key.as_deref(),
            actor: of.optional("actor"),
            inputs: of.names("inputs"),
            give: self.give(of, &arguments),
            keep: None,
        };
        let tool = of.text("tool");
        let made = tool.as_ref().and_then(|tool| self.made(tool, &wanted, self.own));
        let made = of.table("else").map_or(made.clone(), |other| {
            let keep = Some(values(&other.texts("keep")));
            let give = self.give(&other, &arguments);
            let instead =
                other.text("tool").and_then(|tool| self.made(&tool, &Wanted { keep, give, ..wanted.clone() }, false));
            other.finish();
            made.or(instead)
        });
        let checks = self.checks(of, twin, &arguments);
        let refusals = self.refusals(of, &parts.refusals);
        let halts = self.halts(of, made.as_ref(), &refusals, &arguments);
        let record = of.optional("record").map_or_else(|| twin.table.entity.replace('_', " "), |record| record.value);
        let columns: Vec<&str> = twin.columns.iter().map(|pair| pair.name.as_str()).chain(["row"]).collect();
        let answer = match of.json("answer") {
            None => Template::Hole("row".to_owned()),
            Some(answer) => {
                let at = At { value: String::new(), place: answer.place };
                self.template(&at, &answer.value, &columns)?
            }
        };
        let work = Work::Write(Box::new(Write { twin: at, checks, made, key, record, answer, halts, refusals }));
        Some(Operation { requires: values(&requires), takes: values(&takes), work })
    }

    /// Inputs that are given besides.
    fn give(&self, of: &Table<'_>, arguments: &[&str]) -> Vec<(String, Template)> {
        let entries = of.table("give").map(|table| table.entries()).unwrap_or_default();
        let read = entries.into_iter().filter_map(|(name, entry)| {
            let value = entry.value(&name.value)?;
            let at = At { value: name.value.clone(), place: value.place };
            Some((name.value, self.template(&at, &value.value, arguments)?))
        });
        read.collect()
    }

    /// What is said where our tool halts.
    fn halts(&self, of: &Table<'_>, made: Option<&Made>, refusals: &Refusals, arguments: &[&str]) -> Vec<Halting> {
        let mut halts = Vec::new();
        for table in of.tables("halts") {
            let (code, field, says) = (table.text("code"), table.optional("field"), table.text("says"));
            table.finish();
            let (Some(code), Some(says)) = (code, says) else { continue };
            if let Some(field) = field.as_ref().filter(|field| !arguments.contains(&field.value.as_str())) {
                self.unknown(field, "argument", arguments.iter().copied());
            }
            // The text is put into the wording first, so that its own holes are the call's arguments.
            let wrapped = refusals.say("says", &[("says", &says.value)]);
            let Some(template) = self.template(&says, &wrapped, arguments) else { continue };
            let field = field.map(|field| {
                let input = made.and_then(|made| made.inputs.iter().find(|input| input.argument == field.value));
                input.map_or(field.value, Input::path)
            });
            let is_of_inputs = self.policy.refusals.input.code == code.value;
            halts.push(Halting { code: code.value, is_of_inputs, field, says: template });
        }
        halts
    }
}
