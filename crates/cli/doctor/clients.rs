//! What clients' files have of the program.

use super::Finding;
use super::checks::{find, is_program, version};
use crate::client::known::{CLIENTS, Client, Place};
use crate::client::{Found, look};
use std::path::{Path, PathBuf};

/// The files that are there.
pub fn all() -> Vec<Finding> {
    let mut findings = Vec::new();
    for client in &CLIENTS {
        for (place, path) in client.files() {
            findings.extend(file(client, &path, if place == Place::Project { " --project" } else { "" }));
        }
    }
    findings
}

fn file(client: &Client, path: &Path, place: &str) -> Option<Finding> {
    let (name, shown) = (client.name, path.display());
    let again = format!("incident-mcp client add {name}{place} --replace");
    Some(match look(client, path) {
        Found::NoFile => return None,
        Found::Others(_) => {
            let what = format!("{} does not have this program, {shown}", client.title);
            Finding::good("client", what)
        }
        Found::Broken(error) => {
            let what = format!("{} cannot read {shown}: {error}", client.title);
            Finding::wrong("client", what, "correct the file at that place; `client add` leaves it alone until then")
        }
        Found::Here(None) => Finding::good("client", format!("{} connects over HTTP, {shown}", client.title)),
        Found::Here(Some(command)) => match started(&command) {
            None => {
                let what = format!("{} starts {command}, which is no program that can be found, {shown}", client.title);
                Finding::wrong("client", what, again)
            }
            Some(program) => match own(&program).and_then(version) {
                Some(said) if said != env!("CARGO_PKG_VERSION") => {
                    let what = format!("{} starts version {said}, {command}", client.title);
                    Finding::doubtful("client", what, again)
                }
                _ => Finding::good("client", format!("{} starts {command}", client.title)),
            },
        },
    })
}

/// The program that a command starts.
fn started(command: &str) -> Option<PathBuf> {
    let path = Path::new(command);
    if path.components().count() > 1 { is_program(path).then(|| path.to_owned()) } else { find(command) }
}

/// The program, where it is one of ours: no other is started here.
fn own(program: &Path) -> Option<&Path> {
    program.file_stem().is_some_and(|stem| stem == env!("CARGO_PKG_NAME")).then_some(program)
}
