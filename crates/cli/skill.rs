//! `policy export`, `policy new` and `policy coverage`: policies as skills, skills as policies, and one beside the other.

use super::setup::{PolicyChoice, SourceChoice};
use super::{Answer, Error, print};
use clap::Args;
use procedures::policy::coverage::Cover;
use procedures::policy::{self, Policy, Source};
use skills::{Alignment, Skills};
use std::path::{Path, PathBuf};
use store::files;

#[derive(Args)]
pub struct Export {
    /// The folder to write them into, a folder for each: what a host without MCP reads skills from
    #[arg(long, value_name = "DIR")]
    skill: PathBuf,
    #[command(flatten)]
    policy: PolicyChoice,
}

impl Export {
    pub fn run(&self) -> Result<Answer, Error> {
        let policy = self.policy.load()?;
        let skills = Skills::of(&policy, policy.audit);
        for folder in skills::write(&skills, &policy, &self.skill)?.folders {
            anstream::println!("{}", folder.display());
        }
        Ok(Answer::Yes)
    }
}

#[derive(Args)]
pub struct New {
    /// The id of the policy, which is its folder's name
    id: String,
    /// The folder of the skill to begin with, which has a SKILL.md
    #[arg(long, value_name = "DIR")]
    from_skill: PathBuf,
    #[command(flatten)]
    source: SourceChoice,
}

impl New {
    /// Write the folder of a draft below the folder of policies, which is the present one unless another is named.
    pub fn run(&self) -> Result<Answer, Error> {
        let id = &self.id;
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_id || id.starts_with('-') || !files::is_portable(id) {
            return Err(format!("{id:?} is no id of a policy: it has lower-case letters, digits and hyphens").into());
        }
        let skill = skills::Source::read(&self.from_skill)?;
        let draft = skills::draft(id, &skill);
        let policies = self.source.policies.clone().unwrap_or_else(|| PathBuf::from("."));
        let folder = policies.join(id);
        if folder.symlink_metadata().is_ok() {
            return Err(format!("{} is there already: give the policy another id", folder.display()).into());
        }
        files::folder(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        create(&folder.join("policy.md"), &draft.text)?;
        create(&folder.join("policy.toml"), &draft.toml)?;
        create(&folder.join(skills::MAIN), &skill.text)?;
        for note in &skill.notes {
            anstream::eprintln!("note: {note}");
        }
        policy::load_draft(&Source::Directory(policies), id)
            .map_err(|mistakes| super::setup::listed("what was drafted has mistakes:", &mistakes))?;
        anstream::println!(
            "{}: {} to cover, {} to do, {}",
            folder.display(),
            print::count(draft.uncovered, "clause"),
            draft.to_do,
            print::count(draft.tools.len(), "tool"),
        );
        Ok(Answer::Yes)
    }
}

fn create(path: &Path, text: &str) -> Result<(), Error> {
    files::write_new(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}

#[derive(Args)]
pub struct Coverage {
    #[command(flatten)]
    policy: PolicyChoice,
    /// The folder of a skill: print what of it the policy enforces, and which rules it does not tell
    #[arg(long, value_name = "DIR")]
    skill: Option<PathBuf>,
    /// A file that says which clause says what a sentence of the skill says
    #[arg(long, value_name = "FILE", requires = "skill")]
    alignment: Option<PathBuf>,
}

impl Coverage {
    pub fn run(&self) -> Result<Answer, Error> {
        let policy = self.policy.load_draft()?;
        match &self.skill {
            Some(folder) => self.beside(&policy, folder),
            None => {
                of_policy(&policy);
                Ok(Answer::Yes)
            }
        }
    }

    fn beside(&self, policy: &Policy, folder: &Path) -> Result<Answer, Error> {
        let skill = skills::Source::read(folder)?;
        for note in &skill.notes {
            anstream::eprintln!("note: {note}");
        }
        let alignment = match &self.alignment {
            None => Alignment::default(),
            Some(file) => {
                let text = skills::text(file)?;
                Alignment::read(&text).map_err(|why| format!("{}: {why}", file.display()))?
            }
        };
        let found = skills::compare(&skill, policy, &alignment);
        let told = found.sentences.into_iter().map(|told| {
            let like = told.like.map_or(String::new(), |clause| format!("perhaps {clause}"));
            let line = format!("line {}", told.sentence.line);
            let (clauses, looks) = (told.clauses.join(", "), told.looks.join(", "));
            let standing = told.standing.name().to_owned();
            vec![line, standing, clauses, looks, like, told.digest, told.sentence.text]
        });
        let untold = found.untold.iter().map(|id| {
            let text = policy.clause(id).map_or(String::new(), |clause| clause.text.clone());
            vec![String::new(), "not told".to_owned(), id.clone(), by(policy, id), String::new(), String::new(), text]
        });
        let rows: Vec<Vec<String>> = told.chain(untold).collect();
        print::table(&["", "standing", "clauses", "looks like, or held by", "hint", "sentence", "text"], &rows);
        for stale in &found.stale {
            anstream::eprintln!("{}: {stale}", self.alignment.as_deref().unwrap_or(folder).display());
        }
        Ok(if found.stale.is_empty() { Answer::Yes } else { Answer::No })
    }
}

/// What carries out each clause.
fn of_policy(policy: &Policy) {
    let rows: Vec<Vec<String>> = (policy.clauses.iter())
        .map(|clause| {
            let id = &clause.id.value;
            let mut kinds: Vec<&str> = policy.cover(id).iter().map(Cover::kind).collect();
            kinds.dedup();
            let (kinds, by) = match policy.uncovered.get(id) {
                Some(looks) => ("nothing".to_owned(), looks.clone()),
                None => (kinds.join(", "), by(policy, id)),
            };
            vec![id.clone(), clause.text.clone(), kinds, by]
        })
        .collect();
    print::table(&["clause", "text", "covered by", "name"], &rows);
}

fn by(policy: &Policy, clause: &str) -> String {
    policy.cover(clause).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
