//! `episode export`: an episode cut in two, as fixtures and a trace in a folder.

use super::Which;
use crate::control::Client;
use crate::{Answer, Error};
use clap::Args;
use serde_json::Value as Json;
use std::fs;
use std::path::{Path, PathBuf};
use store::files;
use ureq::http::Method;

/// Write an episode's records as they were before one of its calls, and the calls since
///
/// DIR/fixtures holds the records, DIR/trace.ndjson the calls: replay DIR/trace.ndjson --fixtures DIR/fixtures ends in the
/// episode's present state. The server tries that before it answers.
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    which: Which,
    /// The folder to write to, which is made; nothing is written over
    directory: PathBuf,
    /// The first call that is not in the records yet [default: 1, so that they are those that the episode began with]
    #[arg(long, value_name = "CALL")]
    from: Option<i64>,
}

impl Export {
    /// Where the server has it.
    pub fn path(&self) -> String {
        let query = self.from.map_or_else(String::new, |from| format!("?from={from}"));
        self.which.path(&format!("/export{query}"))
    }

    pub fn run(&self, client: &Client, as_json: bool) -> Result<Answer, Error> {
        let directory = &self.directory;
        is_free(directory)?;
        let text = client.ask(&Method::GET, &self.path(), None)?;
        let answer: Json = serde_json::from_str(&text)?;
        drop(text);
        let wrong = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
        let fixtures = directory.join("fixtures");
        files::folder(&fixtures).map_err(|error| wrong(&fixtures, error))?;
        let write = |path: PathBuf, text: &str| files::write_new(&path, text).map_err(|error| wrong(&path, error));
        for (table, rows) in answer["fixtures"].as_object().into_iter().flatten() {
            let plain = !table.is_empty() && table.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if !plain {
                return Err(format!("the server named a table {table:?}, which is no name of one").into());
            }
            write(fixtures.join(format!("{table}.json")), &(serde_json::to_string_pretty(rows)? + "\n"))?;
        }
        write(directory.join("trace.ndjson"), answer["trace"].as_str().unwrap_or_default())?;
        let said = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        match as_json {
            true => anstream::println!(
                "{}",
                serde_json::json!({ "from": answer["from"], "before": said("before"), "hash": said("hash") })
            ),
            false => {
                anstream::println!("{}  fixtures", said("before"));
                anstream::println!("{}  after the calls of trace.ndjson", said("hash"));
            }
        }
        Ok(Answer::Yes)
    }
}

/// Whether nothing is there but, at most, an empty folder.
fn is_free(directory: &Path) -> Result<(), Error> {
    let taken = format!("{} is there already: name a folder that is not", directory.display());
    match fs::symlink_metadata(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("{}: {error}", directory.display()).into()),
        Ok(about) if about.is_dir() && fs::read_dir(directory)?.next().is_none() => Ok(()),
        Ok(_) => Err(taken.into()),
    }
}
