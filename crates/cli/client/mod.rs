//! `client`: this program in the configuration of MCP clients.

mod change;
mod edit;
mod entry;
pub mod known;
mod shown;

use crate::print::{self, DIM, PLAIN};
use crate::{Answer, Cli, Error};
use change::File;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, Subcommand, ValueEnum};
use known::{CLIENTS, Client};
use std::env;
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub enum Clients {
    /// Write an entry for this program into a client's configuration
    ///
    /// The change is shown. Comments, order and everything else in the file stay as they are; the file as it was is kept
    /// beside it, and `client undo` puts it back. A file that cannot be read, or that changes meanwhile, is left alone.
    Add(Add),
    /// Put back a client's configuration as it was before the last `client add`
    Undo(Place),
    /// Show the clients that are known, their files, and whether this program is in them
    List,
}

/// Which file.
#[derive(Args)]
pub struct Place {
    /// The client
    #[arg(value_name = "CLIENT", value_parser = clients())]
    client: &'static Client,
    /// The client's file in this folder, in place of its user's
    #[arg(long, conflicts_with = "file")]
    project: bool,
    /// Another file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    place: Place,
    /// What the entry is called
    #[arg(long, default_value = env!("CARGO_PKG_NAME"))]
    name: String,
    /// How the client starts the program
    #[arg(long, value_enum, default_value = "program", conflicts_with = "url")]
    with: With,
    /// Connect to this server over HTTP, such as http://127.0.0.1:7330/mcp, and start nothing
    #[arg(long, conflicts_with = "options")]
    url: Option<String>,
    /// The variable of the environment that holds the server's token, so that it does not stand in the file
    #[arg(long, value_name = "NAME", requires = "url")]
    token_variable: Option<String>,
    /// Replace an entry of that name
    #[arg(long)]
    replace: bool,
    /// Show what would be changed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Options of `serve`, behind `--`, such as `-- --policy all --actor 6`
    #[arg(last = true)]
    options: Vec<String>,
}

/// How a client starts the program.
#[derive(Clone, Copy, ValueEnum)]
enum With {
    /// This very file
    Program,
    /// The Python package
    Uvx,
    /// The Node package
    Npx,
}

fn clients() -> impl TypedValueParser<Value = &'static Client> {
    PossibleValuesParser::new(CLIENTS.iter().map(|client| PossibleValue::new(client.name).help(client.title)))
        .try_map(|name| Client::named(&name).ok_or("no such client"))
}

/// Options of `serve` whose values are files or folders: a client starts the program in a folder of its own choice.
const PATHS: [&str; 5] = ["--state", "--fixtures", "--journal", "--policies", "--token-file"];

impl Clients {
    pub fn run(&self) -> Result<Answer, Error> {
        match self {
            Clients::Add(add) => add.run(),
            Clients::Undo(place) => {
                let path = place.path()?;
                File::read(&path)?.undo()?;
                anstream::println!("{} is as it was before", path.display());
                Ok(Answer::Yes)
            }
            Clients::List => list(),
        }
    }
}

impl Place {
    fn path(&self) -> Result<PathBuf, Error> {
        let title = self.client.title;
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        if self.project {
            return self.client.project_file().ok_or_else(|| format!("{title} has no file for a project").into());
        }
        let missing = || format!("there is no home folder in which {title} would have its file; name it with --file");
        self.client.user_file().ok_or_else(|| missing().into())
    }
}

impl Add {
    fn run(&self) -> Result<Answer, Error> {
        let (client, path) = (self.place.client, self.place.path()?);
        let entry = match &self.url {
            Some(url) => entry::reached(client, checked(url)?, self.token_variable.as_deref())?,
            None => {
                let (command, mut arguments) = self.with.command()?;
                arguments.extend(absolute(&self.options)?);
                served(&self.options)?;
                entry::started(client, command, arguments)
            }
        };
        if self.name.is_empty() || self.name.chars().any(char::is_control) {
            return Err("an entry needs a name that can be read".into());
        }
        let file = File::read(&path)?;
        let before = file.text.as_deref().unwrap_or_default();
        let after = edit::put(client.form, before, client.section, &self.name, &entry, self.replace)
            .map_err(|error| format!("{}: {error}\nnothing was changed", path.display()))?;
        anstream::println!("{DIM}{}{PLAIN}", path.display());
        anstream::print!("{}", shown::difference(before, &after));
        if after == before {
            anstream::println!("It says that already.");
        } else if self.dry_run {
            anstream::println!("Nothing was written: this is a dry run.");
        } else {
            let backup = file.change(&after)?;
            anstream::println!("Written. As it was before: {}", backup.display());
            anstream::println!("{DIM}Restart {}. To take it back: {}{PLAIN}", client.title, self.undoing());
        }
        Ok(Answer::Yes)
    }

    /// The command that takes the change back.
    fn undoing(&self) -> String {
        let place = match &self.place.file {
            Some(file) => format!(" --file {}", file.display()),
            None if self.place.project => " --project".to_owned(),
            None => String::new(),
        };
        format!("incident-mcp client undo {}{place}", self.place.client.name)
    }
}

impl With {
    fn command(self) -> Result<(String, Vec<String>), Error> {
        let name = env!("CARGO_PKG_NAME").to_owned();
        Ok(match self {
            With::Uvx => ("uvx".to_owned(), vec![name]),
            With::Npx => ("npx".to_owned(), vec!["-y".to_owned(), name]),
            With::Program => {
                let program = env::current_exe()?.into_os_string().into_string();
                (program.map_err(|path| format!("{} cannot be written as text", path.display()))?, Vec::new())
            }
        })
    }
}

/// An error where `serve` would not take these options, or would not talk to a client with them.
fn served(options: &[String]) -> Result<(), Error> {
    if options.iter().any(|option| option == "--http" || option.starts_with("--http=")) {
        return Err(
            "with --http the program does not talk to the client that starts it; start it, and use --url".into()
        );
    }
    let words = [env!("CARGO_PKG_NAME"), "serve"].into_iter().chain(options.iter().map(String::as_str));
    match Cli::command().try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) if !error.use_stderr() => Err("these options show a text and end; a client needs a server".into()),
        Err(error) => Err(error.to_string().trim_start_matches("error: ").trim_end().into()),
    }
}

/// The options, with paths that lead to the same place from anywhere.
fn absolute(options: &[String]) -> Result<Vec<String>, Error> {
    let whole = |path: &str| -> Result<String, Error> { Ok(std::path::absolute(path)?.to_string_lossy().into_owned()) };
    let mut made = Vec::new();
    let mut is_path = false;
    for option in options {
        made.push(match option.split_once('=') {
            _ if is_path && !option.is_empty() => whole(option)?,
            Some((name, path)) if PATHS.contains(&name) && !path.is_empty() => format!("{name}={}", whole(path)?),
            _ => option.clone(),
        });
        is_path = !is_path && PATHS.contains(&option.as_str());
    }
    Ok(made)
}

/// An address, if it is one that a client can ask.
fn checked(url: &str) -> Result<String, Error> {
    let address: ureq::http::Uri =
        url.parse().map_err(|error| format!("{url:?} is no address such as http://127.0.0.1:7330/mcp: {error}"))?;
    match (address.scheme_str(), address.host(), address.path()) {
        (Some("http" | "https"), Some(_), path) if path.ends_with("/mcp") => Ok(url.to_owned()),
        (Some("http" | "https"), Some(_), _) => {
            Err(format!("{url:?} is no endpoint: those end with /mcp, as http://127.0.0.1:7330/mcp does").into())
        }
        _ => Err(format!("{url:?} is no address over HTTP, such as http://127.0.0.1:7330/mcp").into()),
    }
}

/// What a client's file has of this program.
pub enum Found {
    /// No such file.
    NoFile,
    /// It cannot be read.
    Broken(Error),
    /// So many servers, and not this one.
    Others(usize),
    /// An entry, with the program that it starts, if it starts one.
    Here(Option<String>),
}

/// Look for this program in a client's file.
pub fn look(client: &Client, path: &Path) -> Found {
    let name = env!("CARGO_PKG_NAME");
    let read = || -> Result<Found, Error> {
        let Some(text) = File::read(path)?.text else { return Ok(Found::NoFile) };
        let names = edit::names(client.form, &text, client.section)?;
        if !names.iter().any(|found| found == name) {
            return Ok(Found::Others(names.len()));
        }
        Ok(Found::Here(edit::command(client.form, &text, client.section, name)))
    };
    read().unwrap_or_else(Found::Broken)
}

fn list() -> Result<Answer, Error> {
    let mut rows = Vec::new();
    for client in &CLIENTS {
        for (_, path) in client.files() {
            let found = match look(client, &path) {
                Found::NoFile => "no file".to_owned(),
                Found::Broken(error) => format!("broken: {}", error.to_string().lines().next().unwrap_or_default()),
                Found::Others(number) => print::count(number, "other server"),
                Found::Here(command) => command.unwrap_or_else(|| "added, over HTTP".to_owned()),
            };
            rows.push(vec![client.name.to_owned(), path.display().to_string(), found]);
        }
    }
    print::table(&["client", "file", "in it"], &rows);
    Ok(Answer::Yes)
}
