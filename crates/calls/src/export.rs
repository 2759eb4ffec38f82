//! An episode cut in two: the records as they were before one of its calls, and the calls since, as a task or a test begins.
//!
//! What is written down is tried before it is given away: the calls are made again on those records, and must end in the
//! present state.

use super::{Caller, Episode, RecordError, Session, Settings, StartError, StuckError};
use procedures::halt::Kind;
use procedures::policy::Clock;
use records::catalogue::table;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use store::Fault;
use store::canonical::{Extent, State, dump};
use store::fixtures::Fixtures;
use traces::{Advance, Trace};

/// An episode cut in two.
pub struct Export {
    /// The rows of each table, as fixtures have them.
    pub tables: State,
    /// The hash that these load to.
    pub before: String,
    /// The calls since.
    pub trace: Trace,
    /// The hash of the present state, in which they end.
    pub hash: String,
}

/// Why an episode cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no such call, nor would the next one be it.
    #[error("there is no call {from}: the episode has had {calls}; give a number from 1 to {}", calls + 1)]
    NoCall {
        /// The number that was asked for.
        from: i64,
        /// How many calls there are.
        calls: i64,
    },
    /// The calls end in another state on those records.
    #[error(
        "made again on the records as they were before call {from}, the calls since end in another state; they rest on what \
         records do not hold, such as a duty of an earlier call: begin at an earlier one"
    )]
    Differs {
        /// The first call.
        from: i64,
    },
    /// The rows are no fixtures.
    #[error("the records cannot be loaded again: {0}")]
    Fixtures(String),
    /// The episode could not begin anew.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The clock could not be moved again.
    #[error(transparent)]
    Stuck(#[from] StuckError),
    /// The calls could not be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store failed.
    #[error("store: {0}")]
    Store(#[from] Fault),
    /// What the journal holds is not JSON.
    #[error("data: {0}")]
    Data(#[from] serde_json::Error),
}

impl ExportError {
    /// What sort of refusal it is.
    pub fn kind(&self) -> Kind {
        match self {
            ExportError::NoCall { .. } => Kind::Input,
            ExportError::Differs { .. } => Kind::Conflict,
            _ => Kind::Fault,
        }
    }
}

/// A row that a call wrote, as the journal has it.
#[derive(Deserialize)]
struct Written {
    table: String,
    key: String,
    columns: Map<String, Json>,
}

/// Rows of a table by key.
type Rows = BTreeMap<i64, Map<String, Json>>;

impl Episode {
    /// Cut it before that call, or where it began.
    pub fn export(&mut self, from: Option<i64>) -> Result<Export, ExportError> {
        let calls = i64::try_from(self.tally.calls).unwrap_or(i64::MAX);
        let from = from.unwrap_or(1);
        if !(1..=calls.saturating_add(1)).contains(&from) {
            return Err(ExportError::NoCall { from, calls });
        }
        let earlier = from - 1;
        let tables = self.before(earlier)?;
        let files = tables.iter().map(|(name, rows)| (format!("{name}.json"), Json::from_iter(rows.iter().cloned())));
        let fixtures = Fixtures::from_json(files.collect(), &|_| None).map_err(|problems| {
            ExportError::Fixtures(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        })?;
        let clock = Clock { start: self.at(earlier)?, pace: self.clock.pace };
        let image = fixtures.image()?;
        let before = image.store().hash(Extent::Result)?.state;
        let mut trace = self.header("export")?;
        trace.settings.fixtures = Some(before.clone());
        trace.settings.clock = Some(clock.start.clone());
        trace.calls = self.calls(earlier)?;
        for (at, call) in trace.calls.iter_mut().enumerate() {
            call.id = (at + 1).to_string();
        }
        trace.advances = self
            .advances(earlier)?
            .into_iter()
            .map(|mark| Advance { by: mark.by.unwrap_or_default(), after: usize::try_from(mark.after - earlier).ok() })
            .collect();
        let settings =
            Settings { mode: self.mode, audit: Some(self.audit), actor: trace.actor.clone(), clock: Some(clock) };
        let mut again = Episode::on_image(self.policy.clone(), &image, &settings)?;
        again.repeat(&trace)?;
        let hash = self.hash(Extent::Result)?.state;
        match again.hash(Extent::Result)?.state == hash {
            true => Ok(Export { tables, before, trace, hash }),
            false => Err(ExportError::Differs { from }),
        }
    }

    /// All rows as they were after so many calls: those of now, with what was written since taken back.
    fn before(&mut self, calls: i64) -> Result<State, ExportError> {
        let tx = self.store.transaction()?;
        let mut tables: BTreeMap<&'static str, Rows> = BTreeMap::new();
        for (name, rows) in dump(&tx, Extent::Everything)? {
            let Some(table) = table(name) else { continue };
            let key = |row: &Map<String, Json>| row.get(table.key().name)?.as_str().and_then(store::parse_id);
            tables.insert(table.name, rows.into_iter().filter_map(|row| Some((key(&row)?, row))).collect());
        }
        for entry in tx.journal(calls)?.iter().rev() {
            let changes: Vec<Written> = serde_json::from_str(&entry.changes)?;
            for written in changes.into_iter().rev() {
                take_back(&mut tables, &written);
            }
        }
        let full = tables.into_iter().filter(|(_, rows)| !rows.is_empty());
        Ok(full.map(|(name, rows)| (name, rows.into_values().collect())).collect())
    }

    /// What time it was when so many calls had been made, before the clock was moved again.
    fn at(&mut self, calls: i64) -> Result<String, ExportError> {
        if !self.clock.pace.moves() || calls == 0 {
            return Ok(self.clock.start.clone());
        }
        let marks = self.store.transaction()?.marks(0)?;
        let last = marks.into_iter().rfind(|mark| mark.after < calls);
        Ok(last.map_or_else(|| self.clock.start.clone(), |mark| mark.now))
    }

    /// Make the calls of a trace, and move the clock as it does.
    fn repeat(&mut self, trace: &Trace) -> Result<(), ExportError> {
        let mut advances = trace.advances.iter().peekable();
        for (at, call) in trace.calls.iter().enumerate() {
            while let Some(advance) = advances.next_if(|advance| advance.is_due(at)) {
                self.advance(&advance.by)?;
            }
            let session = self.session(Caller::host(call.key.as_deref()));
            let now = call.now.clone().unwrap_or_else(|| session.now.clone());
            // A call that cannot be made leaves another state, which is seen.
            let _ = self.call_in(Session { now, ..session }, &call.tool, call.arguments.clone());
        }
        advances.try_for_each(|advance| self.advance(&advance.by).map(drop))?;
        Ok(())
    }
}

/// Undo what was written to a row.
fn take_back(tables: &mut BTreeMap<&'static str, Rows>, written: &Written) {
    let (Some(table), Some(key)) = (table(&written.table), store::parse_id(&written.key)) else { return };
    let rows = tables.entry(table.name).or_default();
    let earlier = |column: &str| written.columns.get(column).and_then(|pair| pair.get(0));
    if earlier(table.key().name).is_some_and(Json::is_null) {
        rows.remove(&key);
        return;
    }
    let Some(row) = rows.get_mut(&key) else { return };
    for column in written.columns.keys() {
        match earlier(column) {
            None | Some(Json::Null) => drop(row.remove(column)),
            Some(value) => drop(row.insert(column.clone(), value.clone())),
        }
    }
}
