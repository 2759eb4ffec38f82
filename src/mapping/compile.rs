//! Reading the two files of a mapping, and checking them against the catalogue and a policy.

use super::check::{Check, Halting, Kind};
use super::lookup::{Filter, Lookup, Zones};
use super::refusal::{Refusals, WORDINGS, listed};
use super::source::{SHARED, Source};
use super::table::{Pair, Twin, Vocabulary};
use super::template::Template;
use super::write::{Input, Made, Write};
use super::{Mapping, Tool, Work};
use crate::action::Effect;
use crate::action::input::{self, Kind as InputKind};
use crate::policy::mistake::At;
use crate::policy::reader::{File, Table};
use crate::policy::{self, Act, Mistake, Place, Policy};
use crate::store::catalogue::{self, Kind as ColumnKind, TABLES, USERS};
use crate::suggest::did_you_mean;
use serde_json::Value as Json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a file says that stands above its tables, of any mapping, right or wrong.
pub(super) fn head(source: &Source, path: &str, key: &str) -> Option<String> {
    let table: toml::Table = source.read(path)?.parse().ok()?;
    Some(table.get(key)?.as_str()?.to_owned())
}

/// The file that a mapping shares with the others of its folder.
pub(super) fn shared(id: &str) -> String {
    let folder = id.split_once('/').map_or(id, |(folder, _)| folder);
    format!("{folder}/{SHARED}")
}

/// The file of a mapping itself.
pub(super) fn own(id: &str) -> String {
    format!("{id}.toml")
}

/// Read and check a mapping.
pub(super) fn load(source: &Source, id: &str, policy: &Policy) -> Result<Mapping, Vec<Mistake>> {
    let read = |path: &str| {
        let name = source.display(path);
        source.read(path).map(|text| (File::new(name.clone(), &text), text)).ok_or_else(|| {
            let place = Place { file: name.into(), line: 1 };
            vec![Mistake { place, message: "there is no such file, or it is not UTF-8".to_owned() }]
        })
    };
    let (environment, environment_text) = read(&shared(id))?;
    let (vocabulary, vocabulary_text) = read(&own(id))?;
    let loaded = match (environment.parse(&environment_text), vocabulary.parse(&vocabulary_text)) {
        (Some(below), Some(above)) => {
            let compiler = Compiler { policy, own: false, mistakes: RefCell::default() };
            compiler.mapping(id, Table::root(&environment, &below), Table::root(&vocabulary, &above))
        }
        _ => Err(Vec::new()),
    };
    let (mapping, mut mistakes) = match loaded {
        Ok(mapping) => (Some(mapping), Vec::new()),
        Err(mistakes) => (None, mistakes),
    };
    mistakes.extend(environment.into_mistakes());
    mistakes.extend(vocabulary.into_mistakes());
    mistakes.sort();
    mistakes.dedup();
    mapping.filter(|_| mistakes.is_empty()).ok_or(mistakes)
}

struct Compiler<'a> {
    policy: &'a Policy,
    /// Whether that is the policy that the mapping is written for, and so has all that it needs.
    own: bool,
    mistakes: RefCell<Vec<Mistake>>,
}

/// What operations are put together from.
struct Parts {
    twins: Vec<Twin>,
    refusals: Refusals,
}

/// An operation before a vocabulary gives it a name.
struct Operation {
    requires: Vec<String>,
    takes: Vec<String>,
    work: Work,
}

/// The families of operations.
const FAMILIES: [&str; 3] = [FIND, CREATE, CHANGE];
const FIND: &str = "find";
const CREATE: &str = "create";
const CHANGE: &str = "change";

impl Compiler<'_> {
    fn note(&self, at: &At<String>, message: impl Into<String>) {
        self.mistakes.borrow_mut().push(at.mistake(message));
    }

    /// Note that something goes by no such name.
    fn unknown<'k>(&self, at: &At<String>, what: &str, known: impl IntoIterator<Item = &'k str>) {
        let hint = did_you_mean(&at.value, known);
        self.note(at, format!("there is no {what} {:?}{hint}", at.value));
    }

    fn mapping(mut self, id: &str, below: Table<'_>, above: Table<'_>) -> Result<Mapping, Vec<Mistake>> {
        let _ = (below.text("environment"), above.optional("interface"));
        self.own = below.text("policy").is_some_and(|policy| policy.value == self.policy.id);
        let actor = below.optional("actor");
        let words = self.words(&below);
        let parts = Parts { twins: self.twins(&below, &words), refusals: self.refusals(&below, &Refusals::default()) };
        let mut operations: BTreeMap<String, Operation> = BTreeMap::new();
        let mut places = Vec::new();
        for family in FAMILIES {
            let Some(table) = below.table(family) else { continue };
            for (name, entry) in table.entries() {
                let id = format!("{family}.{}", name.value);
                let Some(of) = entry.table(&name.value) else { continue };
                places.push(At { value: id.clone(), place: name.place });
                let read = match family {
                    FIND => self.lookup(&of, &parts),
                    CREATE => self.write(&of, &parts, Effect::Create),
                    _ => self.write(&of, &parts, Effect::Update),
                };
                if let Some(operation) = read {
                    operations.insert(id, operation);
                }
                of.finish();
            }
        }
        let known = || places.iter().map(|place| place.value.as_str());
        if let Some(actor) = &actor
            && !actor.value.starts_with("find.")
        {
            self.note(actor, "who acts is found by a lookup: find.NAME");
        } else if let Some(actor) = actor.as_ref().filter(|actor| !known().any(|id| id == actor.value)) {
            self.unknown(actor, "operation", known());
        }
        let tools = self.tools(&above, &operations, &places);
        below.finish();
        above.finish();
        let mistakes = self.mistakes.into_inner();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let Parts { twins, refusals } = parts;
        let actor = actor.map(|actor| actor.value);
        Ok(Mapping { id: id.to_owned(), tools, twins, refusals, actor, operations: operations.len() })
    }

    // ---- words and tables

    fn words(&self, below: &Table<'_>) -> BTreeMap<String, Arc<Vocabulary>> {
        let mut found: BTreeMap<String, Vocabulary> = BTreeMap::new();
        for (name, entry) in below.table("words").into_iter().flat_map(|table| table.entries()) {
            let words = entry.texts(&name.value);
            found.entry(name.value).or_default().listed = words.into_iter().map(|word| word.value).collect();
        }
        for (name, entry) in below.table("differs").into_iter().flat_map(|table| table.entries()) {
            let vocabulary = found.entry(name.value.clone()).or_default();
            for (theirs, ours) in entry.table(&name.value).into_iter().flat_map(|table| table.entries()) {
                let Some(ours) = ours.text(&theirs.value) else { continue };
                if !vocabulary.listed.is_empty() && !vocabulary.listed.contains(&theirs.value) {
                    self.unknown(
                        &theirs,
                        &format!("word of {}", name.value),
                        vocabulary.listed.iter().map(String::as_str),
                    );
                }
                // A word that keeps its name is somebody else's too, unless it goes by another one here.
                let kept = vocabulary.listed.contains(&ours.value) && !vocabulary.ours.contains_key(&ours.value);
                let later = entry.table(&name.value).is_some_and(|table| table.has(&ours.value));
                if let Some(other) = vocabulary.theirs.get(&ours.value) {
                    self.note(&ours, format!("{:?} stands for {other:?} already: words go one to one", ours.value));
                } else if kept && !later {
                    self.note(
                        &ours,
                        format!("{:?} is a word of theirs that keeps its name: words go one to one", ours.value),
                    );
                }
                vocabulary.theirs.insert(ours.value.clone(), theirs.value.clone());
                vocabulary.ours.insert(theirs.value, ours.value);
            }
        }
        found.into_iter().map(|(name, words)| (name, Arc::new(words))).collect()
    }

    fn twins(&self, below: &Table<'_>, words: &BTreeMap<String, Arc<Vocabulary>>) -> Vec<Twin> {
        let tables = below.table("table").map(|table| table.entries()).unwrap_or_default();
        let mut twins: Vec<Twin> = Vec::new();
        for (name, entry) in tables {
            let Some(of) = entry.table(&name.value) else { continue };
            let is = of.optional("is").unwrap_or_else(|| name.clone());
            match catalogue::table(&is.value) {
                None => self.unknown(&is, "table", TABLES.iter().map(|table| table.name)),
                Some(table) if twins.iter().any(|twin| twin.table == table) => {
                    self.note(&is, format!("{:?} stands for another table already", is.value));
                }
                Some(table) => twins.push(self.twin(&name.value, table, &of, words)),
            }
            // What a table that is not known seems to have wrong is not worth a line.
            if catalogue::table(&is.value).is_some() {
                of.finish();
            }
        }
        twins
    }

    fn twin(
        &self,
        name: &str,
        table: &'static catalogue::Table,
        of: &Table<'_>,
        words: &BTreeMap<String, Arc<Vocabulary>>,
    ) -> Twin {
        let column = |at: &At<String>| {
            let found = table.column(&at.value);
            if found.is_none() {
                let what = format!("column of {}", table.name);
                self.unknown(at, &what, table.columns.iter().map(|column| column.name));
            }
            found
        };
        let mut renamed: BTreeMap<&str, String> = BTreeMap::new();
        for (theirs, ours) in of.names("columns") {
            let Some(found) = column(&ours) else { continue };
            if let Some(other) = renamed.insert(found.name, theirs.value.clone()) {
                self.note(&ours, format!("{:?} stands for {other:?} already", ours.value));
            }
        }
        let mut lacks: Vec<&str> =
            of.texts("lacks").iter().filter_map(|at| column(at).map(|column| column.name)).collect();
        let fills = of.names("fill");
        lacks.extend(fills.iter().filter_map(|(at, _)| column(at).map(|column| column.name)));
        let mut columns: Vec<Pair> = Vec::new();
        for (at, column) in table.columns.iter().enumerate().filter(|(_, column)| !lacks.contains(&column.name)) {
            let name = renamed.get(column.name).map_or(column.name, String::as_str).to_owned();
            columns.push(Pair { name, at, column, words: None, null: Json::Null });
        }
        let names: Vec<String> = columns.iter().map(|pair| pair.name.clone()).collect();
        let mut theirs =
            |at: &At<String>, set: &dyn Fn(&mut Pair)| match columns.iter_mut().find(|pair| pair.name == at.value) {
                Some(pair) => set(pair),
                None => self.unknown(at, &format!("column of {name}"), names.iter().map(String::as_str)),
            };
        for (at, vocabulary) in of.names("words") {
            match words.get(&vocabulary.value) {
                None => self.unknown(&vocabulary, "vocabulary", words.keys().map(String::as_str)),
                Some(words) => theirs(&at, &|pair| {
                    self.known_words(&vocabulary, pair, words);
                    pair.words = Some(words.clone());
                }),
            }
        }
        for (at, entry) in of.table("null").into_iter().flat_map(|table| table.entries()) {
            let Some(value) = entry.json(&at.value) else { continue };
            theirs(&at, &|pair| pair.null = value.value.clone());
        }
        let fill = fills.iter().filter_map(|(at, text)| {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let template = self.template(text, &text.value.clone().into(), &known)?;
            Some((table.column(&at.value)?, template))
        });
        Twin { name: name.to_owned(), table, fill: fill.collect(), columns }
    }

    /// Whether the policy has the words that a column takes.
    fn known_words(&self, at: &At<String>, pair: &Pair, words: &Vocabulary) {
        let ColumnKind::Word(name) = pair.column.kind else { return };
        let Some(list) = self.policy.words.get(name).filter(|_| self.own) else { return };
        for word in
            words.listed.iter().map(|word| words.word(word)).filter(|word| !list.iter().any(|known| known == word))
        {
            let hint = did_you_mean(word, list.iter().map(String::as_str));
            let policy = &self.policy.id;
            self.note(
                at,
                format!(
                    "policy {policy} has no word {word:?} in its list {name}{hint}; name its own word in [differs.{}]",
                    at.value
                ),
            );
        }
    }

    // ---- wordings

    fn template(&self, at: &At<String>, json: &Json, holes: &[&str]) -> Option<Template> {
        let Some(template) = Template::parse(json) else {
            self.note(at, "a brace has no other: a hole is a name in braces, {name}");
            return None;
        };
        for hole in template.holes().into_iter().filter(|hole| !holes.contains(hole)) {
            let hint = did_you_mean(hole, holes.iter().copied());
            self.note(at, format!("there is nothing to put into {{{hole}}} here{hint}; there is {}", holes.join(", ")));
        }
        Some(template)
    }

    /// The wordings of a table's `refusals`, over those that hold elsewhere.
    fn refusals(&self, of: &Table<'_>, base: &Refusals) -> Refusals {
        let mut refusals = base.clone();
        for (name, entry) in of.table("refusals").into_iter().flat_map(|table| table.entries()) {
            let Some((known, holes, _)) = WORDINGS.iter().find(|(known, ..)| *known == name.value) else {
                self.unknown(&name, "refusal", WORDINGS.iter().map(|(known, ..)| *known));
                continue;
            };
            let Some(value) = entry.value(&name.value) else { continue };
            let at = At { value: name.value.clone(), place: value.place };
            if let Some(wording) = self.template(&at, &value.value, holes) {
                refusals.set(known, wording);
            }
        }
        refusals
    }

    // ---- operations

    /// The table, by its place, and the arguments of an operation.
    fn head(&self, of: &Table<'_>, parts: &Parts) -> Option<(usize, Vec<At<String>>, Vec<At<String>>)> {
        let (requires, takes) = (of.texts("requires"), of.texts("takes"));
        let name = of.text("table")?;
        let twin = parts.twins.iter().position(|twin| twin.name == name.value);
        if twin.is_none() {
            self.unknown(&name, "table", parts.twins.iter().map(|twin| twin.name.as_str()));
        }
        Some((twin?, requires, takes))
    }

    fn checks(&self, of: &Table<'_>, twin: &Twin, arguments: &[&str]) -> Vec<Check> {
        let unsorted = of.json("sorted").is_some_and(|sorted| sorted.value == Json::Bool(false));
        let mut checks = Vec::new();
        for table in of.tables("check") {
            let says = table.optional("says").map(|says| says.value);
            let kinds = ["word", "integer", "count", "time", "given"];
            let given: Vec<(&str, At<String>)> =
                kinds.into_iter().filter_map(|kind| Some((kind, table.optional(kind)?))).collect();
            let unless = table.json("unless");
            if let [(kind, argument)] = given.as_slice() {
                if !arguments.contains(&argument.value.as_str()) {
                    self.unknown(argument, "argument", arguments.iter().copied());
                }
                let kind = match *kind {
                    "word" => self.words_of(argument, twin, !unsorted),
                    "integer" => Some(Kind::Integer),
                    "count" => Some(Kind::Count),
                    "time" => Some(Kind::Time),
                    _ => {
                        match unless.as_ref().and_then(|unless| unless.value.as_object()?.iter().next()) {
                            Some((other, value)) => Some(Kind::Given(other.clone(), value.clone())),
                            None => {
                                self.note(argument, "unless is missing: the argument and the value with which this one need not be given");
                                None
                            }
                        }
                    }
                };
                checks.extend(kind.map(|kind| Check { argument: argument.value.clone(), kind, says }));
            } else {
                let mistake =
                    Mistake { place: table.place(), message: format!("a check has one of {}", kinds.join(", ")) };
                self.mistakes.borrow_mut().push(mistake);
            }
            table.finish();
        }
        checks
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

    fn lookup(&self, of: &Table<'_>, parts: &Parts) -> Option<Operation> {
        let (at, requires, takes) = self.head(of, parts)?;
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
        for (key, filter) in [("fold", Filter::Fold as fn(usize) -> Filter), ("digits", Filter::Digits)] {
            for argument in of.texts(key) {
                claim(&argument, place(&argument).map(filter));
            }
        }
        let maps: [(_, fn(usize) -> Filter); 4] =
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
        let lookup = Lookup {
            twin: at,
            filters,
            checks: self.checks(of, twin, &arguments),
            days: of.flag("days"),
            zones,
            crossed: of.optional("crossed").map(|says| says.value),
            refusals: self.refusals(of, &parts.refusals),
        };
        Some(Operation { requires: values(&requires), takes: values(&takes), work: Work::Find(lookup) })
    }

    fn write(&self, of: &Table<'_>, parts: &Parts, effect: Effect) -> Option<Operation> {
        let (at, requires, takes) = self.head(of, parts)?;
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
            halts.push(Halting { code: code.value, field, says: template });
        }
        halts
    }

    /// How the arguments of a tool of ours come about; none where the policy has no such tool.
    fn made(&self, name: &At<String>, wanted: &Wanted<'_>, demanded: bool) -> Option<Made> {
        let act = match self.policy.tool(&name.value).map(|tool| (tool, &tool.work)) {
            Some((tool, policy::Work::Act(act))) => (tool, act),
            _ => {
                if demanded {
                    let names = self.policy.tools.iter().map(|tool| tool.name.as_str());
                    let hint = did_you_mean(&name.value, names);
                    self.note(
                        name,
                        format!("policy {} has no tool {:?} that writes{hint}", self.policy.id, name.value),
                    );
                }
                return None;
            }
        };
        let (tool, act) = act;
        let set = act.operation.inputs.iter().find_map(|input| match input.kind {
            InputKind::ChangeSet(columns) => Some((input.name, columns)),
            _ => None,
        });
        let offered = |path: &str| {
            let mut at = tool.input_schema.get("properties").and_then(Json::as_object);
            let (parent, name) = path.split_once('.').map_or((None, path), |(parent, name)| (Some(parent), name));
            if let Some(parent) = parent {
                at = at.and_then(|all| all.get(parent)?.get("properties")?.as_object());
            }
            at.is_some_and(|all| all.contains_key(name))
        };
        let kept = |argument: &&&At<String>| wanted.keep.as_ref().is_none_or(|keep| keep.contains(&argument.value));
        let mut inputs: Vec<Input> = Vec::new();
        for argument in wanted.arguments.iter().filter(kept) {
            let input = wanted.input(argument, act, set);
            if demanded && !offered(&input.path()) {
                let known = act.operation.inputs.iter().map(|input| input.name);
                let known = known.chain(set.iter().flat_map(|(_, columns)| columns.iter().map(|column| column.name)));
                let hint = did_you_mean(&input.name, known);
                let message =
                    format!("tool {} of policy {} has no input {:?}{hint}", tool.name, self.policy.id, input.path());
                self.note(argument, message);
            }
            let hidden = input.kind.is_some() && !offered(&input.path());
            let default = tool.defaults.get(&input.name).cloned();
            inputs.push(Input { hidden, default, ..input });
        }
        let mut give = wanted.give.clone();
        let fills = wanted.twin.fill.iter().filter(|_| wanted.key.is_none());
        give.extend(
            fills.filter(|(column, _)| offered(column.name)).map(|(column, of)| (column.name.to_owned(), of.clone())),
        );
        if demanded {
            let required = tool.input_schema.get("required").and_then(Json::as_array).into_iter().flatten();
            for input in required.filter_map(Json::as_str).filter(|input| Some(*input) != set.map(|(name, _)| name)) {
                let made = inputs.iter().any(|made| made.path() == input) || give.iter().any(|(name, _)| name == input);
                if !made && input != act.operation.actor {
                    self.note(
                        name,
                        format!(
                            "tool {} of policy {} needs {input:?}, and nothing here becomes it",
                            tool.name, self.policy.id
                        ),
                    );
                }
            }
        }
        Some(Made { tool: tool.name.clone(), set: set.map(|(name, _)| name.to_owned()), inputs, give })
    }

    // ---- tools

    fn tools(
        &self,
        above: &Table<'_>,
        operations: &BTreeMap<String, Operation>,
        known: &[At<String>],
    ) -> BTreeMap<String, Tool> {
        let mut tools = BTreeMap::new();
        for (name, entry) in above.table("tools").into_iter().flat_map(|table| table.entries()) {
            let (does, without, fold) = match entry.is_table() {
                false => (entry.text(&name.value), Vec::new(), Vec::new()),
                true => {
                    let Some(of) = entry.table(&name.value) else { continue };
                    let read = (of.text("does"), of.texts("without"), of.texts("fold"));
                    of.finish();
                    read
                }
            };
            let Some(does) = does else { continue };
            let Some(operation) = operations.get(&does.value) else {
                // One that is there and wrong is noted already.
                if !known.iter().any(|place| place.value == does.value) {
                    self.unknown(&does, "operation", known.iter().map(|place| place.value.as_str()));
                }
                continue;
            };
            for argument in without.iter().filter(|argument| !operation.takes.contains(&argument.value)) {
                self.unknown(argument, "argument", operation.takes.iter().map(String::as_str));
            }
            let mut work = operation.work.clone();
            for argument in &fold {
                let folded = match &mut work {
                    Work::Find(lookup) => lookup.fold(&argument.value),
                    Work::Write(_) => false,
                };
                if !folded {
                    self.note(argument, format!("{} has no filter {:?} that is equality", does.value, argument.value));
                }
            }
            let without = values(&without);
            let takes = operation.requires.iter().chain(&operation.takes).filter(|name| !without.contains(name));
            let tool =
                Tool { does: does.value, requires: operation.requires.clone(), takes: takes.cloned().collect(), work };
            tools.insert(name.value, tool);
        }
        tools
    }
}

/// What a tool of ours is to be called with.
#[derive(Clone)]
struct Wanted<'a> {
    twin: &'a Twin,
    arguments: Vec<&'a At<String>>,
    key: Option<&'a str>,
    actor: Option<At<String>>,
    inputs: Vec<(At<String>, At<String>)>,
    give: Vec<(String, Template)>,
    keep: Option<Vec<String>>,
}

impl Wanted<'_> {
    /// The input that an argument becomes.
    fn input(&self, argument: &At<String>, act: &Act, set: Option<(&str, &'static [input::Input])>) -> Input {
        let pair = self.twin.columns.iter().position(|pair| pair.name == argument.value);
        let column = pair.map_or(argument.value.as_str(), |at| self.twin.columns[at].column.name);
        let named =
            self.inputs.iter().find(|(name, _)| name.value == argument.value).map(|(_, input)| input.value.as_str());
        let acts = self.actor.as_ref().is_some_and(|actor| actor.value == argument.value);
        let key = self.key == Some(argument.value.as_str());
        let in_set = set.filter(|_| self.key.is_some() && !key && !acts && named.is_none());
        let name = match acts {
            true => act.operation.actor,
            false => named.unwrap_or(column),
        };
        let inputs = in_set.map_or(act.operation.inputs, |(_, columns)| columns);
        let declared = inputs.iter().find(|input| input.name == name).map(|input| input.kind);
        Input {
            argument: argument.value.clone(),
            name: name.to_owned(),
            set: in_set.map(|(name, _)| name.to_owned()),
            kind: if acts { Some(InputKind::Id(&USERS)) } else { declared },
            pair,
            hidden: false,
            default: None,
        }
    }
}

fn values(texts: &[At<String>]) -> Vec<String> {
    texts.iter().map(|text| text.value.clone()).collect()
}

/// A policy that is not there, as a mistake of the file that names it.
pub(super) fn no_policy(source: &Source, id: &str) -> Vec<Mistake> {
    let place = Place { file: source.display(&shared(id)).into(), line: 1 };
    vec![Mistake {
        place,
        message: "policy is missing: the id of the policy that the mapping is written for".to_owned(),
    }]
}
