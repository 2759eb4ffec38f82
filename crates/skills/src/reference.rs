//! What stands beside a SKILL.md: the words, the tiers, the whole policy.

use super::File;
use procedures::policy::Policy;
use std::fmt::Write;

/// The folder of these files.
pub const FOLDER: &str = "references";

/// The files, each with what a SKILL.md calls it. Writing to a String cannot fail.
pub fn files(policy: &Policy) -> Vec<File> {
    let mut files = vec![file("words.md", words(policy))];
    if !policy.tiers.0.is_empty() {
        files.push(file("tiers.md", tiers(policy)));
    }
    files.push(file("policy.md", policy.text.clone()));
    files
}

pub fn file(name: &str, text: String) -> File {
    File::new(format!("{FOLDER}/{name}"), text)
}

fn words(policy: &Policy) -> String {
    let mut text = "# Words\n\nThe values that each kind of field accepts; no other is taken.\n".to_owned();
    for (name, words) in &policy.words {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let _ = write!(text, "\n## {name}\n\n{}\n", words.join(", "));
    }
    text
}

fn tiers(policy: &Policy) -> String {
    let mut text = "# Service tiers\n".to_owned();
    for (name, tier) in &policy.tiers.0 {
        let _ = write!(
            text,
            "\n## {name}\n\nFor: {}\n\nAvailability: {}\n\nSupport: {}\n\n| severity | first response | resolution |\n|---|---|---|\n",
            tier.clients, tier.availability, tier.coverage
        );
        for (severity, targets) in &tier.targets {
            let _ = writeln!(text, "| {severity} | {} | {} |", targets.response.text, targets.resolution.text);
        }
    }
    text
}
