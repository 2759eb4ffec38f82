//! A skill put together: its front matter, its SKILL.md, and what is moved out of that where it gets too long.

use super::parts::{Writer, besides, checks, exempt, finders, halts, names, owed, steps, who};
use super::procedure::{self, Procedure};
use super::{File, MAIN, Skill, front, reference, root};
use procedures::policy::{Audit, Policy};
use serde_json::{Map, Value as Json, json};

/// Hosts load a SKILL.md whole, and the format asks for fewer lines than 500.
const LINES: usize = 499;
/// The most characters of a description.
const DESCRIPTION: usize = 1024;

/// A skill before it is put into files.
pub struct Text {
    name: String,
    title: String,
    description: String,
    about: String,
    parts: Vec<Part>,
    /// The tools that it asks its host to allow.
    tools: Vec<String>,
    /// The clauses that it tells.
    clauses: Vec<String>,
}

/// Lines under a heading.
struct Part {
    title: &'static str,
    lines: Vec<String>,
}

/// A procedure's skill.
pub fn procedure(policy: &Policy, audit: Audit, procedure: &Procedure<'_>) -> Text {
    let mut writer = Writer::new(policy);
    let finders = finders(policy, procedure);
    let pays = policy.audit_tool().filter(|_| audit == Audit::Explicit && procedure.owes());
    let parts = vec![
        Part { title: "Who may", lines: who(&mut writer, procedure) },
        Part { title: "What is checked first", lines: checks(&mut writer, procedure) },
        Part { title: "Steps", lines: steps(&mut writer, procedure, &finders) },
        Part { title: "Halts", lines: halts(policy, procedure) },
        Part { title: "What is owed afterwards", lines: owed(&mut writer, procedure, pays) },
        Part { title: "What no tool makes sure of", lines: besides(&mut writer, procedure) },
    ];
    let mut tools: Vec<String> = Vec::new();
    for tool in procedure.tools.iter().map(|(tool, _)| *tool).chain(pays).chain(finders) {
        if !tools.contains(&tool.name) {
            tools.push(tool.name.clone());
        }
    }
    Text {
        name: procedure.name.clone(),
        title: plain(procedure.title),
        description: description(policy, procedure),
        about: procedure.about.to_owned(),
        parts,
        tools,
        clauses: writer.told(),
    }
}

/// What a procedure does and when: the part that says when is never cut.
fn description(policy: &Policy, procedure: &Procedure<'_>) -> String {
    let when = match procedure.about {
        "" => format!("when a task needs {}.", names(procedure.tools.iter().map(|(tool, _)| &tool.name))),
        about => about.to_owned(),
    };
    let when = cut(&format!("When: {when}"), DESCRIPTION / 2);
    let what: Vec<&str> = procedure.tools.iter().map(|(tool, _)| tool.description.as_str()).collect();
    let what = format!("{} ({}): {}", procedure.title, policy.title, what.join(" "));
    format!("{} {when}", cut(&what, DESCRIPTION - 1 - when.chars().count()))
}

/// The skill that names the others, and tells what holds for all of them.
pub fn overview(policy: &Policy, procedures: &[Procedure<'_>]) -> Text {
    let mut writer = Writer::new(policy);
    let each = procedures.iter().map(|procedure| {
        let tools = names(procedure.tools.iter().map(|(tool, _)| &tool.name));
        let about = if procedure.about.is_empty() { String::new() } else { format!(" {}", procedure.about) };
        format!("- `{}`: {}.{about} Tools: {tools}.", procedure.name, plain(procedure.title).trim_end_matches('.'))
    });
    let each = each.collect();
    let mut general = Vec::new();
    for (section, clauses) in procedure::general(policy, procedures) {
        let title = if section.title.is_empty() { &policy.title } else { &section.title };
        general.extend([format!("### {}", plain(title)), String::new()]);
        if !section.about.is_empty() {
            general.extend([section.about.clone(), String::new()]);
        }
        for clause in clauses {
            let id = &clause.id.value;
            general.push(writer.line("-", id, &exempt(policy, id)));
        }
        general.push(String::new());
    }
    let title = plain(&policy.title);
    let mut about = policy.text.split("\n\n").map(str::trim);
    let about = about.find(|block| block.starts_with(char::is_alphanumeric)).map(plain).unwrap_or_default();
    let description = format!(
        "{title}: which procedures there are, and what holds for all of them. When: before the first call, or to find the \
         procedure that fits. {about}"
    );
    Text {
        name: procedure::overview_name(policy),
        title,
        description: cut(&description, DESCRIPTION),
        about,
        parts: vec![
            Part { title: "Procedures", lines: each },
            Part { title: "What holds for all of them", lines: general },
        ],
        tools: Vec::new(),
        clauses: writer.told(),
    }
}

impl Text {
    /// The skill, with the files that stand beside every SKILL.md of its policy.
    pub fn into_skill(mut self, policy: &Policy, references: &[File]) -> Skill {
        let front = self.front(policy);
        let head = front::write(&front);
        self.parts.retain(|part| !part.lines.is_empty());
        let mut files = references.to_vec();
        let mut main = format!("{head}\n{}", self.body(policy, references));
        // The longest part goes first, so that few are moved.
        while main.lines().count() > LINES
            && let Some(longest) = self.parts.iter_mut().max_by_key(|part| part.lines.len())
            && longest.lines.len() > 1
        {
            let file = reference::file(
                &format!("{}.md", longest.title.to_ascii_lowercase().replace(' ', "-")),
                format!("# {}: {}\n\n{}\n", self.title, longest.title, longest.lines.join("\n").trim_end()),
            );
            longest.lines = vec![format!("They stand in [{0}]({0}): read them before the first call.", file.path)];
            files.push(file);
            main = format!("{head}\n{}", self.body(policy, references));
        }
        files.insert(0, File::new(MAIN, main));
        Skill { root: root(&policy.id, &self.name), name: self.name, front, clauses: self.clauses, files }
    }

    fn front(&self, policy: &Policy) -> Map<String, Json> {
        let mut front = Map::new();
        front.insert("name".to_owned(), self.name.clone().into());
        front.insert("description".to_owned(), plain(&self.description).into());
        // What the program ships is under its own licence.
        let shipped = policy.shipped.then(|| env!("CARGO_PKG_LICENSE").to_owned());
        if let Some(license) = policy.license.clone().or(shipped) {
            front.insert("license".to_owned(), plain(&license).into());
        }
        let metadata = json!({
            "policy": policy.id,
            "title": plain(&policy.title),
            "edition": policy.fingerprint,
            "clauses": self.clauses.join(" "),
        });
        front.insert("metadata".to_owned(), metadata);
        if !self.tools.is_empty() {
            // A list, not a text with spaces: every reader of the format takes it, and some take nothing else.
            front.insert("allowed-tools".to_owned(), self.tools.clone().into());
        }
        front
    }

    fn body(&self, policy: &Policy, references: &[File]) -> String {
        let mut text = format!("# {}\n\n", self.title);
        if !self.about.is_empty() {
            text.push_str(&format!("{}\n\n", self.about));
        }
        let policies = if policy.shipped { "" } else { " --policies DIR" };
        text.push_str(&format!(
            "This is generated from the policy `{0}` ({1}). Its tools hold the rules: a call that breaks one halts, and writes \
             nothing. Do what the halt's remedy says, and do not repeat a refused call unchanged. Where the tools are missing, \
             connect the MCP server that has them: `incident-mcp serve --policy {0}{policies}`.\n",
            policy.id,
            plain(&policy.title)
        ));
        for part in &self.parts {
            text.push_str(&format!("\n## {}\n\n{}\n", part.title, part.lines.join("\n").trim_end()));
        }
        let links: Vec<String> = references.iter().map(|file| format!("[{0}]({0})", file.path)).collect();
        text.push_str(&format!("\n## References\n\n{}\n", links.join(", ")));
        text
    }
}

/// A text on one line, without what some readers of front matter take for its end.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("---", "–")
}

/// A text of at most so many characters, cut at a word.
fn cut(text: &str, most: usize) -> String {
    let text = plain(text);
    if text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    let kept = kept.rsplit_once(' ').map_or(kept.as_str(), |(words, _)| words);
    format!("{kept}…")
}
