//! Reading the two files of a mapping, and checking them against the catalogue and a policy.

mod made;
mod operation;
mod tables;

use super::refusal::{Refusals, WORDINGS};
use super::source::{SHARED, Source};
use super::table::Twin;
use super::template::Template;
use super::{Mapping, Tool, Work};
use procedures::action::Effect;
use procedures::mistake::At;
use procedures::policy::{Mistake, Place, Policy};
use procedures::reader::{File, Table};
use records::suggest::did_you_mean;
use serde_json::Value as Json;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What a file says that stands above its tables, of any mapping, right or wrong.
pub(in crate::mapping) fn head(source: &Source, path: &str, key: &str) -> Option<String> {
    let table: toml::Table = source.read(path)?.parse().ok()?;
    Some(table.get(key)?.as_str()?.to_owned())
}

/// The file that a mapping shares with the others of its folder.
pub(in crate::mapping) fn shared(id: &str) -> String {
    let folder = id.split_once('/').map_or(id, |(folder, _)| folder);
    format!("{folder}/{SHARED}")
}

/// The file of a mapping itself.
pub(in crate::mapping) fn own(id: &str) -> String {
    format!("{id}.toml")
}

/// Read and check a mapping.
pub(in crate::mapping) fn load(source: &Source, id: &str, policy: &Policy) -> Result<Mapping, Vec<Mistake>> {
    let read = |path: &str| {
        let name = source.display(path);
        source.read(path).map(|text| (File::new(name.clone(), &text), text)).ok_or_else(|| absent(name))
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

fn absent(name: String) -> Vec<Mistake> {
    let place = Place { file: name.into(), line: 1 };
    vec![Mistake { place, message: "there is no such file, or it is not UTF-8".to_owned() }]
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
                // What an operation of no table seems to say too much is not worth a line.
                if let Some(operation) = read {
                    operations.insert(id, operation);
                    of.finish();
                }
            }
        }
        let lookups = || places.iter().map(|place| place.value.as_str()).filter(|id| id.starts_with("find."));
        if let Some(actor) = actor.as_ref().filter(|actor| !lookups().any(|id| id == actor.value)) {
            self.unknown(actor, "lookup", lookups());
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

    /// A text or more with holes.
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

    /// The tools of the vocabulary.
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

fn values(texts: &[At<String>]) -> Vec<String> {
    texts.iter().map(|text| text.value.clone()).collect()
}

/// Why the file that is to name a policy names none.
pub(in crate::mapping) fn no_policy(source: &Source, id: &str) -> Vec<Mistake> {
    let name = source.display(&shared(id));
    let Some(text) = source.read(&shared(id)) else { return absent(name) };
    let file = File::new(name.clone(), &text);
    if file.parse(&text).is_none() {
        return file.into_mistakes();
    }
    let place = Place { file: name.into(), line: 1 };
    let message = "policy is missing: the policy that the mapping is written for".to_owned();
    vec![Mistake { place, message }]
}
