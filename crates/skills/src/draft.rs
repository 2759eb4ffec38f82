//! A skill made into the draft of a policy: its sentences are clauses, and what it only hopes for is to be covered.

use crate::looks::looks_like;
use crate::sentence::{Item, items};
use crate::{MAIN, Source, front, vocabulary};
use procedures::action::Operation;
use procedures::domain::service_management;
use procedures::policy::coverage::TO_DO;
use procedures::policy::schema::finder_name;
use records::catalogue::{TABLES, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A policy that is to be written.
#[derive(Debug)]
pub struct Draft {
    /// Its policy.md.
    pub text: String,
    /// Its policy.toml.
    pub toml: String,
    /// How many clauses look like a rule and are to be covered.
    pub uncovered: usize,
    /// How many are exempt for now.
    pub to_do: usize,
    /// Its tools.
    pub tools: Vec<String>,
}

/// The clock of a draft, as of the shipped policies: episodes need one, and no skill has it.
const CLOCK: &str = "2025-09-25T12:00:00";
/// What clauses of allowed tools stand under.
const ALLOWED: &str = "Allowed tools";

/// The draft of a policy with that id. Writing to a String cannot fail.
pub fn draft(id: &str, source: &Source) -> Draft {
    let (body, first) = source.body();
    let mut items = items(body, first);
    let title = match items.first() {
        Some(Item::Heading { level: 1, title, .. }) => title.clone(),
        _ => source.name.clone(),
    };
    if matches!(items.first(), Some(Item::Heading { level: 1, .. })) {
        items.remove(0);
    }
    let mut writer = Writer::new(&title);
    let _ = write!(
        writer.text,
        "\nDrafted from the skill {}, whose {MAIN} stands beside this file as it was. Each clause ends with its line there. The clock \
         stands at {CLOCK}.\n",
        plain(&source.name)
    );
    for item in &items {
        match item {
            Item::Heading { level, title, .. } => writer.heading(*level, title),
            Item::Sentence(sentence) => {
                let looks = looks_like(&sentence.text).join(", ");
                let clause = writer.clause(&sentence.text, sentence.line);
                writer.says.push((clause, looks));
            }
            Item::Kept { what, line } => writer.kept(what, *line),
        }
    }
    let tools = writer.tools(source);
    let (text, head) = (std::mem::take(&mut writer.text), head(id, &title, &tools.find));
    let (uncovered, to_do): (Vec<_>, Vec<_>) = writer.says.into_iter().partition(|(_, looks)| !looks.is_empty());
    let mut toml = head + &words(&tools.operations) + &tools.toml;
    for (clause, looks) in &uncovered {
        let _ = write!(toml, "\n[[uncovered]]\nclause     = {}\nlooks_like = {}\n", quoted(clause), quoted(looks));
    }
    for clause in to_do.iter().map(|(clause, _)| clause).chain(&tools.unmatched) {
        let _ = write!(toml, "\n[[exempt]]\nclause = {}\nreason = {}\n", quoted(clause), quoted(TO_DO));
    }
    Draft { text, toml, uncovered: uncovered.len(), to_do: to_do.len() + tools.unmatched.len(), tools: tools.names }
}

fn head(id: &str, title: &str, find: &[&Table]) -> String {
    let find: Vec<String> = find.iter().map(|table| quoted(table.name)).collect();
    format!(
        "# A draft: cover each clause under [[uncovered]] by a rule, a tool's roles or its clauses, or exempt it with a reason, and\n\
         # give each exemption {TO_DO:?} its reason. Then `policy check` takes it without --draft.\n\
         id      = {}\ntitle   = {}\nclock   = {}\naudit   = \"none\"\ninclude = [{}]\nfind    = [{}]\n",
        quoted(id),
        quoted(title),
        quoted(CLOCK),
        quoted(vocabulary::PART),
        find.join(", ")
    )
}

/// The vocabularies of tools that the included part does not have.
fn words(operations: &[&Operation]) -> String {
    let each = vocabulary::missing(operations).into_iter().map(|(name, words)| {
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        format!("{name} = [{}]\n", words.join(", "))
    });
    let lines: String = each.collect();
    if lines.is_empty() { lines } else { format!("\n[words]\n{lines}") }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A policy.md while it is written.
struct Writer {
    text: String,
    /// The section of ids under the present heading, and the last number in it.
    section: (String, usize),
    /// How often each section was begun.
    begun: BTreeMap<String, usize>,
    /// Ids that are taken.
    ids: BTreeSet<String>,
    /// Clauses, and what they look like.
    says: Vec<(String, String)>,
    /// Whether the last line was a clause, which only another one may follow directly.
    in_list: bool,
}

/// What becomes of the tools that a skill allows.
#[derive(Default)]
struct Tools {
    names: Vec<String>,
    find: Vec<&'static Table>,
    operations: Vec<&'static Operation>,
    toml: String,
    /// Clauses of those that no action matches.
    unmatched: Vec<String>,
}

impl Writer {
    fn new(title: &str) -> Writer {
        let mut writer = Writer {
            text: String::new(),
            section: Default::default(),
            begun: BTreeMap::new(),
            ids: BTreeSet::new(),
            says: Vec::new(),
            in_list: false,
        };
        writer.heading(1, title);
        writer
    }

    fn heading(&mut self, level: u8, title: &str) {
        let before = if self.text.is_empty() { "" } else { "\n" };
        let marks = "#".repeat(level.into());
        let title = plain(title);
        // What begins with a clause's id would be taken for one.
        let on = if looks_like_id(&title) { "On " } else { "" };
        let _ = writeln!(self.text, "{before}{marks} {on}{title}");
        let section = section(&title);
        let times = self.begun.entry(section.clone()).or_default();
        *times += 1;
        // Two headings of one name: ids of the second have one number more.
        let section = if *times == 1 { section } else { format!("{section}.{times}") };
        self.section = (section, 0);
        self.in_list = false;
    }

    fn clause(&mut self, text: &str, line: usize) -> String {
        let id = loop {
            self.section.1 += 1;
            let id = format!("{}.{}", self.section.0, self.section.1);
            if self.ids.insert(id.clone()) {
                break id;
            }
        };
        if !self.in_list {
            self.text.push('\n');
        }
        self.in_list = true;
        let _ = writeln!(self.text, "- **{id}** {text} ({MAIN}:{line})");
        id
    }

    fn kept(&mut self, what: &str, line: usize) {
        let _ = writeln!(self.text, "\nThere is {what} in {MAIN}, line {line}.");
        self.in_list = false;
    }

    /// The tools that the front matter allows, each with a clause that says so.
    fn tools(&mut self, source: &Source) -> Tools {
        let mut tools = Tools::default();
        let allowed = front::allowed_tools(&source.front);
        if allowed.is_empty() {
            return tools;
        }
        let lines = source.text.lines().position(|line| line.trim_start().starts_with("allowed-tools"));
        let line = lines.map_or(1, |at| at + 1);
        self.heading(2, ALLOWED);
        for entry in allowed {
            let clause = self.clause(&format!("The tool {} may be used.", code(&entry)), line);
            let name = name_of(&entry);
            if let Some(operation) = service_management().operations.iter().find(|operation| operation.name == name) {
                if !tools.names.iter().any(|known| known == name) {
                    tools.names.push(name.to_owned());
                    tools.operations.push(operation);
                    tools.toml.push_str(&tool(operation.name, &clause));
                    continue;
                }
            } else if let Some(table) = TABLES.iter().find(|table| finder_name(table) == name)
                && !tools.find.iter().any(|known| known.name == table.name)
            {
                tools.names.push(name.to_owned());
                tools.find.push(table);
            }
            tools.unmatched.push(clause);
        }
        tools
    }
}

/// An entry without its pattern, and without what a client puts before a server's tools.
fn name_of(entry: &str) -> &str {
    let name = entry.split('(').next().unwrap_or_default();
    let name = name.rsplit("__").next().unwrap_or(name);
    name.rsplit(['.', '/', ':']).next().unwrap_or(name)
}

fn tool(name: &str, clause: &str) -> String {
    let words = name.replace('_', " ");
    let title: String = words.chars().take(1).flat_map(char::to_uppercase).chain(words.chars().skip(1)).collect();
    format!(
        "\n[tool.{name}]\ntitle        = {}\ndescription  = {}\nroles        = \"any\"\nroles_clause = {}\n",
        quoted(&title),
        quoted(&format!("{title}.")),
        quoted(clause)
    )
}

/// A text on one line, without control characters.
fn plain(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn code(text: &str) -> String {
    format!("`{}`", plain(text).replace('`', "'"))
}

/// The section of ids below a heading: its ASCII letters, with `_` between words.
fn section(title: &str) -> String {
    /// The most characters: an id is to be said.
    const MOST: usize = 32;
    let letters = |word: &str| word.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    let mut name = String::new();
    for word in title.split(|c: char| !c.is_alphanumeric()).map(letters).filter(|word| !word.is_empty()) {
        if !name.is_empty() && name.len() + word.len() >= MOST {
            break;
        }
        if !name.is_empty() {
            name.push('_');
        }
        name.push_str(&word);
    }
    name.truncate(MOST);
    if name.is_empty() { "section".to_owned() } else { name }
}

/// Whether a text begins with what has the form of an id, whatever marks stand before it.
fn looks_like_id(text: &str) -> bool {
    let bare = text.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    let word = bare.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).next().unwrap_or_default();
    word.contains('.')
}
