//! `episode`: the live episodes of a running server.

mod export;
mod show;

use super::control::{ControlChoice, escaped};
use super::setup::{audits, modes, paces};
use super::{Answer, Error};
use calls::Mode;
use clap::{Args, Subcommand};
use export::Export;
use procedures::policy::{Audit, Pace};
use serde_json::{Map, Value as Json, json};
use ureq::http::Method;

#[derive(Args)]
pub struct Episode {
    #[command(flatten)]
    control: ControlChoice,
    /// Print the server's answer as it came, JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Begin an episode; what is left out is as the server was started
    Create(Create),
    /// List live episodes: name, policy, mode, calls, seconds without a call, address
    List,
    /// Show an episode, and what has happened in it
    Show(Which),
    /// Begin an episode from another's present state, journal included
    Fork(Fork),
    /// Put an episode back to its fixtures
    Reset(Which),
    /// Move an episode's clock by a duration, such as PT2H, and print the time that it is then
    Advance(Advance),
    /// Keep the present state of an episode, or list or forget what was kept
    Checkpoint(Checkpoint),
    /// Put an episode back to a checkpoint, journal included
    Restore(Restore),
    /// Compare an episode with an earlier state: table, key, column, before, after
    Diff(Diff),
    /// Hash an episode, whole and by table
    Hash(Hash),
    /// Print the calls of an episode, a line of JSON each
    Journal(Which),
    Export(Export),
    /// End an episode, and say what happened in it
    Close(Which),
}

#[derive(Args)]
struct Which {
    /// The episode's name
    episode: String,
}

#[derive(Args)]
struct Create {
    /// Its name [default: a random one that cannot be guessed]
    #[arg(long)]
    id: Option<String>,
    /// The policy to work under
    #[arg(long, value_name = "ID")]
    policy: Option<String>,
    /// The set of fixtures to begin with, by its name on the server
    #[arg(long, value_name = "NAME")]
    fixtures: Option<String>,
    /// What happens to a call that a rule would halt
    #[arg(long, value_parser = modes())]
    mode: Option<Mode>,
    /// Who writes audit entries
    #[arg(long, value_parser = audits())]
    audit: Option<Audit>,
    /// The session's user, by id or e-mail address
    #[arg(long, value_name = "USER")]
    actor: Option<String>,
    /// What time its clock begins with, such as 2025-09-25T12:00:00
    #[arg(long, value_name = "TIME")]
    clock: Option<String>,
    /// Whether its clock moves
    #[arg(long, value_parser = paces())]
    clock_kind: Option<Pace>,
    /// List only the tools that this role may use
    #[arg(long, value_name = "ROLE")]
    as_role: Option<String>,
    /// Seconds without a call after which it ends; 0 for never
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u64>,
}

#[derive(Args)]
struct Advance {
    #[command(flatten)]
    which: Which,
    /// By how much: a duration of ISO 8601 that leads forward, such as PT2H or P1DT30M
    by: String,
}

#[derive(Args)]
struct Fork {
    #[command(flatten)]
    which: Which,
    /// The new episode's name [default: a random one that cannot be guessed]
    #[arg(long)]
    id: Option<String>,
    /// Seconds without a call after which it ends, 0 for never [default: as the first episode's]
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u64>,
}

#[derive(Args)]
struct Checkpoint {
    #[command(flatten)]
    which: Which,
    /// Its name, in place of an older one of that name [default: the next free number]
    name: Option<String>,
    /// List the checkpoints instead
    #[arg(long, conflicts_with_all = ["name", "drop"])]
    list: bool,
    /// Forget the checkpoint of that name instead
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    drop: Option<String>,
}

#[derive(Args)]
struct Restore {
    #[command(flatten)]
    which: Which,
    /// The checkpoint's name
    checkpoint: String,
}

#[derive(Args)]
struct Diff {
    #[command(flatten)]
    which: Which,
    /// The earlier state: image, episode:ID or checkpoint:NAME
    #[arg(long, value_name = "STATE", default_value = "image")]
    against: String,
    /// Include the records of diligence, such as audit entries
    #[arg(long)]
    everything: bool,
}

#[derive(Args)]
struct Hash {
    #[command(flatten)]
    which: Which,
    /// Include the records of diligence, such as audit entries
    #[arg(long)]
    everything: bool,
}

/// What is asked of the server, and how its answer is shown.
struct Ask {
    method: Method,
    path: String,
    body: Option<Json>,
    show: fn(&Json),
}

impl Episode {
    pub fn run(&self) -> Result<Answer, Error> {
        let client = self.control.client()?;
        if let Verb::Export(export) = &self.verb {
            return export.run(&client, self.json);
        }
        let Ask { method, path: first, body, show } = self.verb.ask();
        let mut path = first.clone();
        loop {
            let text = client.ask(&method, &path, body.as_ref())?;
            // Some answers are empty.
            let answer: Json = if text.is_empty() { Json::Null } else { serde_json::from_str(&text)? };
            match self.json {
                true if text.is_empty() => {}
                true => anstream::println!("{text}"),
                false => show(&answer),
            }
            // A list has pages.
            let next = match &answer["next"] {
                Json::Null => return Ok(Answer::Yes),
                Json::String(next) => escaped(next),
                next => next.to_string(),
            };
            path = format!("{first}&after={next}");
        }
    }
}

/// As much of the list as one answer can hold.
const LIST: &str = "/episodes?limit=1000";

impl Verb {
    fn ask(&self) -> Ask {
        let ask = |method, path, body, show| Ask { method, path, body, show };
        let get = |path, show| ask(Method::GET, path, None, show);
        match self {
            Verb::Create(Create { id, policy, fixtures, mode, audit, actor, clock, clock_kind, as_role, ttl }) => {
                let body = given(json!({
                    "id": id, "policy": policy, "fixtures": fixtures, "mode": mode, "audit": audit, "actor": actor,
                    "clock": clock, "clock_kind": clock_kind, "as_role": as_role, "ttl_seconds": ttl,
                }));
                ask(Method::POST, "/episodes".to_owned(), Some(body), show::one)
            }
            Verb::List => get(LIST.to_owned(), |page| show::list(&page["episodes"])),
            Verb::Show(which) => get(which.path(""), show::detail),
            Verb::Fork(Fork { which, id, ttl }) => {
                let body = given(json!({ "id": id, "ttl_seconds": ttl }));
                ask(Method::POST, which.path("/fork"), Some(body), show::one)
            }
            Verb::Reset(which) => ask(Method::POST, which.path("/reset"), Some(json!({})), show::silent),
            Verb::Advance(Advance { which, by }) => {
                ask(Method::POST, which.path("/advance"), Some(json!({ "by": by })), show::time)
            }
            Verb::Checkpoint(checkpoint) => checkpoint.ask(),
            Verb::Restore(Restore { which, checkpoint }) => {
                let body = json!({ "checkpoint": checkpoint });
                ask(Method::POST, which.path("/restore"), Some(body), show::silent)
            }
            Verb::Diff(Diff { which, against, everything }) => {
                let path = format!("/diff?against={}&everything={everything}", escaped(against));
                get(which.path(&path), show::differences)
            }
            Verb::Hash(Hash { which, everything }) => {
                get(which.path(&format!("/hash?everything={everything}")), show::hashes)
            }
            Verb::Journal(which) => get(which.path("/journal?limit=1000"), show::calls),
            // It writes files, and so is run by itself.
            Verb::Export(export) => get(export.path(), show::silent),
            Verb::Close(which) => ask(Method::DELETE, which.path(""), None, show::summary),
        }
    }
}

impl Checkpoint {
    fn ask(&self) -> Ask {
        let path = self.which.path("/checkpoints");
        match &self.drop {
            Some(name) => Ask {
                method: Method::DELETE,
                path: format!("{path}/{}", escaped(name)),
                body: None,
                show: show::silent,
            },
            None if self.list => {
                let show = |answer: &Json| show::items(&answer["checkpoints"]).for_each(show::named);
                Ask { method: Method::GET, path, body: None, show }
            }
            None => {
                Ask { method: Method::POST, path, body: Some(given(json!({ "name": self.name }))), show: show::named }
            }
        }
    }
}

impl Which {
    fn path(&self, rest: &str) -> String {
        format!("/episodes/{}{rest}", escaped(&self.episode))
    }
}

/// The object without what was not given.
fn given(object: Json) -> Json {
    match object {
        Json::Object(all) => all.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into(),
        other => other,
    }
}
