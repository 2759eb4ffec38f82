//! The policy's text: a Markdown file whose list items `- **metric.2** ...` are its clauses.

use super::mistake::{At, Mistake, Place};
use std::sync::Arc;

/// One clause of the text.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Its stable id, with the place where it stands.
    pub id: At<String>,
    /// Its text, on one line.
    pub text: String,
    /// The heading that it stands under.
    pub heading: String,
}

/// Find the clauses of a text, and what is wrong with them.
pub fn clauses(file: &str, text: &str) -> (Vec<Clause>, Vec<Mistake>) {
    let file: Arc<str> = file.into();
    let mut found: Vec<Clause> = Vec::new();
    let mut mistakes = Vec::new();
    let mut heading = String::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        let place = Place { file: file.clone(), line: at + 1 };
        if let Some(title) = line.strip_prefix('#') {
            heading = title.trim_start_matches('#').trim().to_owned();
            open = false;
        } else if let Some(rest) = line.strip_prefix("- **") {
            let parts = rest.split_once("**");
            let Some((id, sentence)) = parts.filter(|(id, _)| is_id(id)) else {
                let message = "a clause begins with its id, such as - **metric.2** Text";
                mistakes.push(Mistake { place, message: message.to_owned() });
                open = false;
                continue;
            };
            let id = At { value: id.to_owned(), place };
            found.push(Clause { id, text: sentence.trim().to_owned(), heading: heading.clone() });
            open = true;
        } else if open && line.starts_with(' ') && !line.trim().is_empty() {
            if let Some(clause) = found.last_mut() {
                clause.text.push(' ');
                clause.text.push_str(line.trim());
            }
        } else {
            open = false;
        }
    }
    for clause in found.iter().filter(|clause| clause.text.is_empty()) {
        mistakes.push(clause.id.mistake(format!("clause {} has no text", clause.id.value)));
    }
    (found, mistakes)
}

/// `section.1`, `section.1.2`.
fn is_id(text: &str) -> bool {
    let mut parts = text.split('.');
    let section = parts.next().unwrap_or_default();
    let mut numbers = parts.peekable();
    section.starts_with(|c: char| c.is_ascii_lowercase())
        && section.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        && numbers.peek().is_some()
        && numbers.all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_runs_over_indented_lines() {
        let text = "# T\n## Metrics\nIntro.\n- **metric.1** One\n  and more.\n- **metric.2** Two.\nEnd.\n";
        let clauses = clauses("p.md", text).0;
        let seen: Vec<_> = clauses.iter().map(|c| (c.id.value.as_str(), c.text.as_str(), c.heading.as_str())).collect();
        assert_eq!(seen, [("metric.1", "One and more.", "Metrics"), ("metric.2", "Two.", "Metrics")]);
    }

    #[test]
    fn bad_ids_and_empty_clauses_are_named_with_their_lines() {
        let (found, mistakes) = clauses("p.md", "- **metric** x\n- **a.1** x\n- **a.2**\n");
        let lines: Vec<_> = mistakes.iter().map(|m| m.place.line).collect();
        assert_eq!((found.len(), &lines[..]), (2, &[1, 3][..]));
    }
}
