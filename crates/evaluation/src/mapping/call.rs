//! The life of a foreign call: refuse it as the environment does, look up or write, answer with the row that stands there then.

use super::check::{Refused, plain};
use super::lookup::Lookup;
use super::refusal::{Refusals, enumerated};
use super::table::Twin;
use super::write::{Made, Write};
use super::{Answered, Mapping, Standing, Tool, Work};
use calls::{CallError, Episode, Foreign, Outcome};
use procedures::halt::{Kind, Problem};
use records::catalogue::Table;
use serde_json::{Map, Value as Json};
use store::fixtures::brief_text;
use store::{Originals, Row, parse_id};

impl Mapping {
    /// Make a foreign call.
    pub fn call(&self, episode: &mut Episode, tool: &str, arguments: &Map<String, Json>) -> Answered {
        let Some(known) = self.tools.get(tool) else {
            let answer = self.refusals.say("unknown_tool", &[("tool", &brief_text(tool))]);
            return Answered::alone(answer, Standing::UnknownTool);
        };
        match &known.work {
            Work::Find(lookup) => match known.misfit(tool, arguments, &lookup.refusals) {
                Some(refused) => refuse(episode, tool, arguments, refused),
                None => self.find(episode, tool, arguments, lookup),
            },
            Work::Write(write) => match (&write.made, known.misfit(tool, arguments, &write.refusals)) {
                (None, _) => Answered::alone(write.refusals.say("outside", &[("tool", tool)]), Standing::Outside),
                (Some(_), Some(refused)) => refuse(episode, tool, arguments, refused),
                (Some(made), None) => self.write(episode, tool, arguments, known, write, made),
            },
        }
    }

    fn find(&self, episode: &mut Episode, tool: &str, arguments: &Map<String, Json>, lookup: &Lookup) -> Answered {
        let twin = &self.twins[lookup.twin];
        let asked = match lookup.ask(arguments, twin) {
            Ok(asked) => asked,
            Err(refused) => return refuse(episode, tool, arguments, refused),
        };
        if let Some((query, answer)) = asked.fails
            && episode.store().transaction().and_then(|tx| tx.find(&query)).is_ok_and(|rows| !rows.is_empty())
        {
            return refuse(episode, tool, arguments, Refused { answer, argument: String::new() });
        }
        let (outcome, rows, originals) = episode.look_up(tool, arguments, &asked.query);
        let answer = match outcome.is_error() {
            true => halted(&outcome, &lookup.refusals),
            false => rows.iter().map(|row| Json::Object(twin.row_out(row, &originals))).collect(),
        };
        let seen = rows.iter().map(|row| (twin.table.name, row.key())).collect();
        Answered {
            answer,
            standing: Standing::Made,
            made: None,
            outcome: Some(outcome),
            searched: Some(twin.table.name),
            seen,
        }
    }

    fn write(
        &self,
        episode: &mut Episode,
        tool: &str,
        arguments: &Map<String, Json>,
        known: &Tool,
        write: &Write,
        made: &Made,
    ) -> Answered {
        let twin = &self.twins[write.twin];
        let id = write.key.as_ref().map(|key| arguments.get(key).map(plain).unwrap_or_default());
        if let Some(refused) = write.checks.iter().find_map(|check| check.refuse(arguments, &write.refusals)) {
            // That there is no such record comes before what is wrong with the rest.
            return match &id {
                Some(id) if row(episode, twin.table, id).is_none() => {
                    let argument = write.key.clone().unwrap_or_default();
                    refuse(episode, tool, arguments, Refused { answer: write.not_found(id), argument })
                }
                _ => refuse(episode, tool, arguments, refused),
            };
        }
        let mut ours = made.arguments(arguments, &known.requires, twin);
        if let (Some(id), Some(name)) = (&id, &made.set)
            && ours.get(name).and_then(Json::as_object).is_some_and(Map::is_empty)
            && let Some((row, _)) = row(episode, twin.table, id)
        {
            ours.insert(name.clone(), made.unchanged(&row, twin).into());
        }
        let refuses = write.refuses();
        let cells = made.cells(arguments, &known.requires, twin);
        let foreign = Foreign { table: twin.table, key: id.as_deref().and_then(parse_id), cells, refuses };
        let outcome = match episode.call_foreign(&made.tool, ours.clone(), &foreign) {
            Ok(outcome) => outcome,
            // The policy has the tool, and no key is given.
            Err(error @ (CallError::UnknownTool { .. } | CallError::KeyTaken { .. })) => {
                return Answered::alone(write.refusals.say("says", &[("says", &error.to_string())]), Standing::Outside);
            }
        };
        let mut seen = Vec::new();
        let answer = if outcome.is_error() {
            write.halted(&outcome, id.as_deref(), twin, arguments)
        } else {
            let key = id.or_else(|| Some(outcome.answer.get(twin.table.key().name)?.as_str()?.to_owned()));
            let row = key.and_then(|key| row(episode, twin.table, &key));
            seen.extend(row.as_ref().map(|(row, _)| (twin.table.name, row.key())));
            write.answer.render(&|hole| match &row {
                None => Json::Null,
                Some((row, originals)) if hole == ROW => Json::Object(twin.row_out(row, originals)),
                Some((row, originals)) => twin.value(row, hole, originals),
            })
        };
        Answered {
            answer,
            standing: Standing::Made,
            made: Some((made.tool.clone(), ours)),
            outcome: Some(outcome),
            searched: None,
            seen,
        }
    }
}

/// The hole of an answer that is the whole row.
const ROW: &str = "row";

impl Answered {
    /// An answer to a call that came to nothing.
    fn alone(answer: Json, standing: Standing) -> Answered {
        Answered { answer, standing, made: None, outcome: None, searched: None, seen: Vec::new() }
    }
}

impl Tool {
    /// What the environment says of arguments that the tool does not take, or that it misses.
    fn misfit(&self, name: &str, arguments: &Map<String, Json>, refusals: &Refusals) -> Option<Refused> {
        let class: String = name.split('_').map(capitalised).collect();
        if let Some(unknown) = arguments.keys().find(|argument| !self.takes.contains(argument)) {
            let shown = brief_text(unknown);
            let holes = [("tool", name), ("Tool", &class), ("argument", &shown)];
            return Some(Refused { answer: refusals.say("unknown_argument", &holes), argument: shown.clone() });
        }
        let missing: Vec<&str> =
            self.requires.iter().map(String::as_str).filter(|argument| !arguments.contains_key(*argument)).collect();
        let first = *missing.first()?;
        let count = missing.len().to_string();
        let wording = if missing.len() == 1 { "missing_one" } else { "missing_many" };
        let holes = [("tool", name), ("Tool", &class), ("count", &count), ("arguments", &enumerated(&missing))];
        Some(Refused { answer: refusals.say(wording, &holes), argument: first.to_owned() })
    }
}

impl Write {
    /// Which inputs the environment refuses by itself where our tool refuses them: those of which the mapping says how.
    fn refuses(&self) -> Box<dyn Fn(&str) -> bool> {
        let said: Vec<_> = self.halts.iter().filter(|halting| halting.is_of_inputs).collect();
        let all = said.iter().any(|halting| halting.field.is_none());
        let fields: Vec<String> = said.into_iter().filter_map(|halting| halting.field.clone()).collect();
        Box::new(move |path| all || fields.iter().any(|field| field == path))
    }

    fn not_found(&self, id: &str) -> Json {
        self.refusals.say("not_found", &[("record", &self.record), ("id", &brief_text(id))])
    }

    /// What the environment answers where our call halted.
    fn halted(&self, outcome: &Outcome, id: Option<&str>, twin: &Twin, arguments: &Map<String, Json>) -> Json {
        let code = outcome.answer.get("code").and_then(Json::as_str).unwrap_or_default();
        let problems = outcome.answer.get("problems").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let said = self.halts.iter().find(|halting| {
            let about = |field: &String| problems.iter().any(|problem| problem["field"] == *field);
            halting.code == code && halting.field.as_ref().is_none_or(about)
        });
        if let Some(halting) = said {
            return halting.says.render(&|hole| arguments.get(hole).cloned().unwrap_or_default());
        }
        let evidence = outcome.answer.get("evidence").and_then(|evidence| evidence.get(twin.table.key().name));
        match id {
            Some(id) if outcome.refused == Some(Kind::Reference) && evidence.is_some() => self.not_found(id),
            _ => halted(outcome, &self.refusals),
        }
    }
}

/// A halt or a fault of ours, as the environment would put it.
fn halted(outcome: &Outcome, refusals: &Refusals) -> Json {
    let text = |name: &str| outcome.answer.get(name).and_then(Json::as_str);
    let holes = [
        ("message", text("message").unwrap_or_default()),
        ("code", text("code").unwrap_or_default()),
        ("clause", text("clause").unwrap_or("no clause")),
    ];
    refusals.say("halt", &holes)
}

/// Answer as the environment refuses the call, and journal it as one with wrong arguments.
fn refuse(episode: &mut Episode, tool: &str, arguments: &Map<String, Json>, refused: Refused) -> Answered {
    let Refused { answer, argument } = refused;
    let said = answer.get("error").map_or_else(|| plain(&answer), plain);
    let problem = Problem {
        value: arguments.get(&argument).cloned(),
        field: argument,
        problem: said,
        allowed: Vec::new(),
        did_you_mean: None,
    };
    let outcome = episode.refuse(tool, arguments, problem);
    Answered {
        answer,
        standing: Standing::Refused,
        made: None,
        outcome: Some(outcome),
        searched: None,
        seen: Vec::new(),
    }
}

/// The record of that id as it stands now, and what came for its cells; a store that fails has none, and has failed the
/// call already.
fn row(episode: &mut Episode, table: &'static Table, id: &str) -> Option<(Row, Originals)> {
    let key = parse_id(id)?;
    let tx = episode.store().transaction().ok()?;
    let row = tx.get(table, key).ok().flatten()?;
    let originals = tx.originals(std::slice::from_ref(&row)).ok()?;
    Some((row, originals))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
