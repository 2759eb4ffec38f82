//! Agent Skills: the procedures of a policy as folders with a SKILL.md, and what a skill of somebody else's says beside a
//! policy.
//!
//! A skill of ours is generated from the policy and is never a second source: the same policy gives the same bytes.
//!
//! **Invariant:** nothing here decides what a call may do. A skill tells an agent; the policy holds it to that.

#![deny(missing_docs)]

mod assembly;
mod compare;
mod draft;
mod folder;
mod front;
mod looks;
mod parts;
mod procedure;
mod reference;
mod sentence;
mod source;
mod vocabulary;

pub use compare::{Alignment, Comparison, Standing, Told, compare};
pub use draft::{Draft, draft};
pub use folder::{Refusal, Written, write};
pub use front::{Split, allowed_tools, read};
pub use looks::looks_like;
pub use procedure::Procedure;
pub use sentence::{Item, Sentence, items};
pub use source::{Source, Unreadable, text};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use procedures::policy::{Audit, Policy};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use store::canonical::hex;

/// The file that makes a folder a skill.
pub const MAIN: &str = "SKILL.md";
/// The scheme of addresses of skills.
pub const SCHEME: &str = "skill://";

/// The skills of a policy.
#[derive(Debug)]
pub struct Skills {
    /// The overview, then one a procedure, in the order of the policy's text.
    pub skills: Vec<Skill>,
}

/// One skill.
#[derive(Debug)]
pub struct Skill {
    /// Its name: lower-case letters, digits and single hyphens, at most 64.
    pub name: String,
    /// The address of its folder.
    pub root: String,
    /// Its front matter.
    pub front: Map<String, Json>,
    /// The clauses that its text tells, each once, in its order.
    pub clauses: Vec<String>,
    /// Its files, [`MAIN`] first.
    pub files: Vec<File>,
}

/// A file of a skill.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path within the skill's folder.
    pub path: String,
    /// What it holds.
    pub text: Arc<str>,
    /// The digest of that, `sha256:` and 64 digits.
    pub digest: String,
}

impl File {
    fn new(path: impl Into<String>, text: impl Into<Arc<str>>) -> File {
        let text = text.into();
        File { path: path.into(), digest: digest(text.as_bytes()), text }
    }
}

/// The digest of bytes, as skills give it.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

impl Skills {
    /// The skills of a policy, under that way of keeping the audit log.
    pub fn of(policy: &Policy, audit: Audit) -> Skills {
        let procedures = procedure::procedures(policy);
        let references = reference::files(policy);
        let overview = assembly::overview(policy, &procedures);
        let others = procedures.iter().map(|procedure| assembly::procedure(policy, audit, procedure));
        let skills = std::iter::once(overview).chain(others).map(|text| text.into_skill(policy, &references));
        Skills { skills: skills.collect() }
    }

    /// The skill whose [`MAIN`] has that address.
    pub fn get(&self, uri: &str) -> Option<&Skill> {
        self.skills.iter().find(|skill| skill.uri() == uri)
    }

    /// The file with that address, and the skill that it is of.
    pub fn file(&self, uri: &str) -> Option<(&Skill, &File)> {
        self.skills.iter().find_map(|skill| {
            let path = uri.strip_prefix(&skill.root)?.strip_prefix('/')?;
            Some((skill, skill.files.iter().find(|file| file.path == path)?))
        })
    }
}

impl Skill {
    /// The address of its [`MAIN`].
    pub fn uri(&self) -> String {
        self.address(MAIN)
    }

    /// The address of one of its files.
    pub fn address(&self, path: &str) -> String {
        format!("{}/{path}", self.root)
    }

    /// What it does and when to use it.
    pub fn description(&self) -> &str {
        self.front.get("description").and_then(Json::as_str).unwrap_or_default()
    }

    /// The digest of its [`MAIN`].
    pub fn digest(&self) -> &str {
        self.files.first().map_or("", |main| &main.digest)
    }
}

/// The address of a skill's folder: the policy's id, whose segments stay apart, and the name.
fn root(policy: &str, name: &str) -> String {
    /// What RFC 3986 lets a segment hold as it is.
    const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
    format!("{SCHEME}{}/{name}", utf8_percent_encode(policy, SEGMENT))
}
