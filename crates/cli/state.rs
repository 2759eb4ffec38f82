//! `state`: hash or dump.

use super::setup::fixtures;
use super::{Answer, Error};
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use store::Store;
use store::canonical::{self, Extent};

#[derive(Subcommand)]
pub enum State {
    /// Print the canonical hash of a state, whole and by table
    Hash(Which),
    /// Print a state as canonical JSON
    Dump(Dump),
}

#[derive(Args)]
pub struct Which {
    /// The state file [default: the state that an episode begins with]
    #[arg(long, value_name = "FILE", env = "INCIDENT_MCP_STATE")]
    state: Option<PathBuf>,
    /// The fixtures to begin with; not used where a state file is named
    #[arg(long, value_name = "DIR", env = "INCIDENT_MCP_FIXTURES")]
    fixtures: Option<PathBuf>,
    /// Include the records of diligence, such as audit entries
    #[arg(long)]
    everything: bool,
}

#[derive(Args)]
pub struct Dump {
    #[command(flatten)]
    which: Which,
    /// Add the journal and the obligations
    #[arg(long)]
    journal: bool,
}

impl State {
    pub fn run(&self) -> Result<Answer, Error> {
        match self {
            State::Hash(which) => {
                let hash = which.open()?.hash(which.extent())?;
                anstream::println!("{}  {}", hash.state, canonical::VERSION);
                for (table, hash) in hash.tables {
                    anstream::println!("{hash}  {table}");
                }
            }
            State::Dump(dump) => anstream::println!("{}", serde_json::to_string_pretty(&dump.json()?)?),
        }
        Ok(Answer::Yes)
    }
}

impl Which {
    fn open(&self) -> Result<Store, Error> {
        match &self.state {
            Some(file) if !file.is_file() => Err(format!("there is no state file {}", file.display()).into()),
            Some(file) => Ok(Store::in_file(file).map_err(|error| format!("{}: {error}", file.display()))?.0),
            None => {
                let set = fixtures(self.fixtures.as_ref());
                let set = set.map_err(|problems| super::setup::listed("the fixtures have problems:", &problems))?;
                Ok(set.store()?)
            }
        }
    }

    fn extent(&self) -> Extent {
        Extent::of(self.everything)
    }
}

impl Dump {
    fn json(&self) -> Result<Json, Error> {
        let mut store = self.which.open()?;
        let tables = canonical::dump(&store.transaction()?, self.which.extent())?;
        let mut state = json!({ "version": canonical::VERSION, "tables": tables });
        if self.journal {
            state["journal"] = serde_json::to_value(store.journal()?)?;
            state["obligations"] = serde_json::to_value(store.obligations()?)?;
            let marks = store.transaction()?.marks(0)?;
            if !marks.is_empty() {
                state["marks"] = serde_json::to_value(marks)?;
            }
        }
        Ok(state)
    }
}
