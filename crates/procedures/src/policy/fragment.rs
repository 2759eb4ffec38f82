//! One policy folder as its author wrote it, before it is put together with what it includes and checked.

use super::clause::Clause;
use super::document;

use super::source::{FILE, Source, TEXT};
use crate::mistake::{At, Mistake, Place};
use crate::reader::{Entry, File, Table};
use serde_json::Value as Json;

/// A policy or a part.
pub struct Fragment {
    /// Its folder.
    pub path: String,
    /// Where the file begins.
    pub place: Place,
    /// `id`, which only a policy that can be served has.
    pub id: Option<At<String>>,
    /// `title`, likewise.
    pub title: Option<At<String>>,
    /// `clock`, likewise.
    pub clock: Option<At<String>>,
    /// Whether that moves, likewise.
    pub clock_kind: Option<At<String>>,
    /// `audit`, likewise.
    pub audit: Option<At<String>>,
    /// The licence under which its text may be passed on.
    pub license: Option<At<String>>,
    /// Whether the program ships it.
    pub shipped: bool,
    /// Folders that it includes.
    pub include: Vec<At<String>>,
    /// Tables that can be looked up.
    pub find: Vec<At<String>>,
    /// `[words]`.
    pub words: Vec<(At<String>, Vec<At<String>>)>,
    /// `[halts]`.
    pub halts: Vec<(At<String>, Code)>,
    /// `[refusal.*]`.
    pub refusals: Vec<(At<String>, Wording)>,
    /// `[[rule]]`.
    pub rules: Vec<Rule>,
    /// `[[exempt]]`: clause and reason.
    pub exempt: Vec<(At<String>, At<String>)>,
    /// `[[uncovered]]`: a clause of a draft that is to be covered, and what it looks like.
    pub uncovered: Vec<(At<String>, At<String>)>,
    /// `[tool.*]`.
    pub tools: Vec<(At<String>, Tool)>,
    /// `[tiers.*]`.
    pub tiers: Vec<(At<String>, Tier)>,
    /// The clauses of its policy.md.
    pub clauses: Vec<Clause>,
    /// The text of its policy.md.
    pub text: String,
    /// The text of its policy.toml.
    pub toml: String,
}

/// What a halt code is about, and what sort of refusal it is where that is said.
pub struct Code {
    pub about: At<String>,
    pub kind: Option<At<String>>,
}

/// What a refusal says.
pub struct Wording {
    pub halt: Option<At<String>>,
    pub message: At<String>,
    pub remedy: Option<At<String>>,
    pub clause: At<String>,
}

/// One rule.
#[derive(Clone)]
pub struct Rule {
    pub id: At<String>,
    pub finds: bool,
    pub present: Vec<At<String>>,
    pub when: Option<At<String>>,
    pub looks: Vec<Look>,
    pub unless: At<String>,
    pub halt: At<String>,
    pub message: At<String>,
    pub remedy: Option<At<String>>,
    pub clause: At<String>,
}

/// Something that a rule looks up.
#[derive(Clone)]
pub struct Look {
    pub name: At<String>,
    /// `count`: how many rows of a table agree.
    pub count: Option<At<String>>,
    /// `list` and `of`: a column of the rows that agree.
    pub list: Option<At<String>>,
    pub of: Option<At<String>>,
    /// `concerned`: the rows of a table that the call's references belong to.
    pub concerned: Option<At<String>>,
    /// `written`: those that the record belongs to which the call changes; of a new one, `concerned`.
    pub written: Option<At<String>>,
    pub equal: Vec<(At<String>, At<String>)>,
    pub except: Option<At<String>>,
    /// Whether a list holds an id as often as rows have it.
    pub repeats: bool,
}

/// One tool, or what a folder says anew of a tool that it takes over.
#[derive(Clone)]
pub struct Tool {
    pub place: Place,
    /// Keys that every tool needs and that are not given here.
    pub lacks: Vec<&'static str>,
    pub action: Option<At<String>>,
    pub title: Option<At<String>>,
    pub description: Option<At<String>>,
    /// A list of roles, or a word that must be `any`.
    pub roles: Option<Result<Vec<At<String>>, At<String>>>,
    pub roles_clause: Option<At<String>>,
    pub clauses: Option<Vec<At<String>>>,
    pub audit: Option<At<String>>,
    /// Whether whoever belongs to a client or vendor may use it for what concerns nobody.
    pub open: Option<bool>,
    pub require: Option<Vec<At<String>>>,
    /// Columns of its change set that can be cleared.
    pub clear: Option<Vec<At<String>>>,
    pub hide: Option<Vec<At<String>>>,
    pub defaults: Option<Vec<(At<String>, At<Json>)>>,
    pub rules: Vec<Rule>,
}

impl Tool {
    /// Take over what a folder says anew: a key replaces the one that was included, rules are added.
    pub fn amend(&mut self, anew: &Tool) {
        fn replace<T: Clone>(old: &mut Option<T>, new: &Option<T>) {
            if new.is_some() {
                old.clone_from(new);
            }
        }
        self.lacks.retain(|key| anew.lacks.contains(key));
        replace(&mut self.action, &anew.action);
        replace(&mut self.title, &anew.title);
        replace(&mut self.description, &anew.description);
        replace(&mut self.roles, &anew.roles);
        replace(&mut self.roles_clause, &anew.roles_clause);
        replace(&mut self.clauses, &anew.clauses);
        replace(&mut self.audit, &anew.audit);
        replace(&mut self.open, &anew.open);
        replace(&mut self.require, &anew.require);
        replace(&mut self.clear, &anew.clear);
        replace(&mut self.hide, &anew.hide);
        replace(&mut self.defaults, &anew.defaults);
        self.rules.extend(anew.rules.iter().cloned());
    }
}

/// One service tier.
pub struct Tier {
    pub clients: At<String>,
    pub availability: At<String>,
    pub coverage: At<String>,
    pub targets: Vec<(At<String>, At<String>, At<String>)>,
}

impl Fragment {
    /// Read a folder. All mistakes of form are noted; what could be read is returned with them.
    pub fn read(source: &Source, path: &str) -> (Option<Fragment>, Vec<Mistake>) {
        let toml_path = format!("{path}/{FILE}");
        let name = source.display(&toml_path);
        let text = match source.read(&toml_path) {
            Ok(text) => text,
            Err(why) => {
                let place = Place { file: name.into(), line: 1 };
                return (None, vec![Mistake { place, message: format!("{FILE} {why}") }]);
            }
        };
        let file = File::new(name, &text);
        let document_path = format!("{path}/{TEXT}");
        let document_name = source.display(&document_path);
        let document = source.read(&document_path);
        let (clauses, mut mistakes) = match &document {
            Ok(document) => document::clauses(&document_name, document),
            Err(why) => {
                let place = Place { file: document_name.into(), line: 1 };
                (Vec::new(), vec![Mistake { place, message: format!("{TEXT} {why}") }])
            }
        };
        let Some(table) = file.parse(&text) else {
            mistakes.extend(file.into_mistakes());
            return (None, mistakes);
        };
        let root = Table::root(&file, &table);
        let (clock, clock_kind) = match root.is_table("clock").then(|| root.table("clock")).flatten() {
            Some(table) => {
                let clock = (table.text("start"), table.optional("kind"));
                table.finish();
                clock
            }
            None => (root.optional("clock"), None),
        };
        let fragment = Fragment {
            path: path.to_owned(),
            place: file.place(0),
            id: root.optional("id"),
            title: root.optional("title"),
            clock,
            clock_kind,
            audit: root.optional("audit"),
            license: root.optional("license"),
            shipped: source.ships(&toml_path),
            include: root.texts("include"),
            find: root.texts("find"),
            words: entries(&root, "words", |name, entry| Some(entry.texts(name))),
            halts: entries(&root, "halts", code),
            refusals: entries(&root, "refusal", |name, entry| wording(entry.table(name)?)),
            rules: rules(&root),
            exempt: pairs(&root, "exempt", "reason"),
            uncovered: pairs(&root, "uncovered", "looks_like"),
            tools: entries(&root, "tool", |name, entry| Some(tool(entry.table(name)?))),
            tiers: entries(&root, "tiers", |name, entry| tier(entry.table(name)?)),
            clauses,
            text: document.unwrap_or_default(),
            toml: text.clone(),
        };
        root.finish();
        mistakes.extend(file.into_mistakes());
        (Some(fragment), mistakes)
    }
}

impl Fragment {
    /// Whether it is to be served, and not only to be included.
    pub fn is_policy(&self) -> bool {
        [&self.id, &self.title, &self.clock, &self.audit].into_iter().any(Option::is_some)
    }

    /// Its rules for all tools, then those of its tools.
    pub fn all_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().chain(self.tools.iter().flat_map(|(_, tool)| &tool.rules))
    }
}

fn entries<T>(
    root: &Table<'_>,
    key: &'static str,
    read: impl Fn(&str, &Entry<'_>) -> Option<T>,
) -> Vec<(At<String>, T)> {
    let Some(table) = root.table(key) else { return Vec::new() };
    let entries = table.entries().into_iter();
    entries.filter_map(|(name, entry)| Some((name.clone(), read(&name.value, &entry)?))).collect()
}

/// Tables that say something of a clause.
fn pairs(root: &Table<'_>, key: &'static str, says: &'static str) -> Vec<(At<String>, At<String>)> {
    let pair = |table: Table<'_>| {
        let pair = table.text("clause").zip(table.text(says));
        table.finish();
        pair
    };
    root.tables(key).into_iter().filter_map(pair).collect()
}

fn code(name: &str, entry: &Entry<'_>) -> Option<Code> {
    if !entry.is_table() {
        return Some(Code { about: entry.text(name)?, kind: None });
    }
    let table = entry.table(name)?;
    let (about, kind) = (table.text("text"), table.optional("kind"));
    table.finish();
    Some(Code { about: about?, kind })
}

fn wording(table: Table<'_>) -> Option<Wording> {
    let (halt, message) = (table.optional("halt"), table.text("message"));
    let (remedy, clause) = (table.optional("remedy"), table.text("clause"));
    table.finish();
    Some(Wording { halt, message: message?, remedy, clause: clause? })
}

fn rules(table: &Table<'_>) -> Vec<Rule> {
    table.tables("rule").into_iter().filter_map(rule).collect()
}

fn rule(table: Table<'_>) -> Option<Rule> {
    let looks = table.table("look").map_or(Vec::new(), |looks| {
        let entries = looks.entries().into_iter();
        let looks = entries.filter_map(|(name, entry)| {
            let table = entry.table(&name.value)?;
            Some(look(name, table))
        });
        looks.collect()
    });
    let (id, unless, halt) = (table.text("id"), table.text("unless"), table.text("halt"));
    let (message, clause) = (table.text("message"), table.text("clause"));
    let (finds, present) = (table.flag("finds"), table.texts("where"));
    let (when, remedy) = (table.optional("when"), table.optional("remedy"));
    table.finish();
    Some(Rule {
        id: id?,
        finds,
        present,
        when,
        looks,
        unless: unless?,
        halt: halt?,
        message: message?,
        remedy,
        clause: clause?,
    })
}

fn look(name: At<String>, table: Table<'_>) -> Look {
    let look = Look {
        name,
        count: table.optional("count"),
        list: table.optional("list"),
        of: table.optional("of"),
        concerned: table.optional("concerned"),
        written: table.optional("written"),
        equal: entries(&table, "where", |name, entry| entry.text(name)),
        except: table.optional("except"),
        repeats: table.flag("repeats"),
    };
    table.finish();
    look
}

fn tool(table: Table<'_>) -> Tool {
    let texts = |key| {
        let texts = table.texts(key);
        table.has(key).then_some(texts)
    };
    let defaults = entries(&table, "defaults", |name, entry| entry.json(name));
    let tool = Tool {
        place: table.place(),
        lacks: ["title", "description"].into_iter().filter(|key| !table.has(key)).collect(),
        action: table.optional("action"),
        title: table.optional("title"),
        description: table.optional("description"),
        roles: table.texts_or_word("roles"),
        roles_clause: table.optional("roles_clause"),
        clauses: texts("clauses"),
        audit: table.optional("audit"),
        open: table.has("open").then(|| table.flag("open")),
        require: texts("require"),
        clear: texts("clear"),
        hide: texts("hide"),
        defaults: table.has("defaults").then_some(defaults),
        rules: rules(&table),
    };
    table.finish();
    tool
}

fn tier(table: Table<'_>) -> Option<Tier> {
    let (clients, availability) = (table.text("clients"), table.text("availability"));
    let coverage = table.text("coverage");
    let fixed = ["clients", "availability", "coverage"];
    let targets = (table.entries().into_iter())
        .filter(|(name, _)| !fixed.contains(&name.value.as_str()))
        .filter_map(|(name, entry)| {
            let targets = entry.table(&name.value)?;
            let pair = targets.text("response").zip(targets.text("resolution"));
            targets.finish();
            pair.map(|(response, resolution)| (name, response, resolution))
        })
        .collect();
    Some(Tier { clients: clients?, availability: availability?, coverage: coverage?, targets })
}
