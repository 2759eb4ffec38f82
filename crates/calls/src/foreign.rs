//! Calls that stand for those of another environment: what that one lets pass, and what it keeps as it came.

use super::budget::ANSWER;
use super::call::{Failure, Record, run};
use super::judge::Verdict;
use super::{CallError, Caller, Episode, Mode, Outcome, find};
use procedures::action::input::{Input, Kind as InputKind};
use procedures::halt::Problem;
use procedures::policy::Work;
use records::catalogue::{Column, Table};
use serde_json::{Map, Value as Json};
use store::{Original, Originals, Query, Row, Value};

/// How a call of another environment is made here.
pub struct Foreign {
    /// The table of its record.
    pub table: &'static Table,
    /// The key of its record, where it changes one.
    pub key: Option<i64>,
    /// The cells of its record.
    pub cells: Vec<Cell>,
    /// Whether the environment refuses what our tool refuses at that input, given as its path.
    pub refuses: Box<dyn Fn(&str) -> bool>,
}

/// A cell as the environment writes it.
pub struct Cell {
    /// The column.
    pub column: &'static Column,
    /// Its value in our words.
    pub value: Value,
    /// What came, where it does not read so from the value.
    pub came: Option<Json>,
}

impl Episode {
    /// Run a call of another environment. In mode `off` the content of texts and the range of numbers are that one's
    /// business; types and references are checked as ever.
    pub fn call_foreign(
        &mut self,
        name: &str,
        arguments: Map<String, Json>,
        foreign: &Foreign,
    ) -> Result<Outcome, CallError> {
        let policy = self.policy.clone();
        let Some((tool, act)) = policy.tool(name).and_then(|tool| match &tool.work {
            Work::Act(act) => Some((tool, act)),
            Work::Find(_) => None,
        }) else {
            return self.call(name, arguments);
        };
        let given = serde_json::to_string(&arguments).unwrap_or_default();
        let session = self.session(Caller::host(None));
        Ok(self.caught(&session, name, given, |episode, given| {
            episode.attempt(&policy, &session, name, given, usize::MAX, |verdict, record| {
                run(&Verdict { foreign: Some(foreign), ..*verdict }, tool, act, arguments, record)
            })
        }))
    }

    /// Look rows up for a call that is no tool of the policy, an evaluator's in the words of another environment: under the
    /// rules that the policy's own lookups have, and journaled as that call. Where it halts, there are no rows.
    pub fn look_up(
        &mut self,
        name: &str,
        arguments: &Map<String, Json>,
        query: &Query<'_>,
    ) -> (Outcome, Vec<Row>, Originals) {
        let policy = self.policy.clone();
        let given = serde_json::to_string(arguments).unwrap_or_default();
        let (mut rows, mut originals) = (Vec::new(), Originals::default());
        let session = self.session(Caller::host(None));
        let outcome = self.caught(&session, name, given, |episode, given| {
            // The evaluator's own question, whose answer is a list of ids.
            episode.attempt(&policy, &session, name, given, usize::MAX, |verdict, record| {
                let (done, found) = find::look_up(verdict, query, record)?;
                originals = verdict.tx.originals(&found)?;
                rows = found;
                Ok(done)
            })
        });
        (outcome, rows, originals)
    }

    /// Halt a call that is no tool of the policy, because its arguments are wrong in the way that is given.
    pub fn refuse(&mut self, name: &str, arguments: &Map<String, Json>, problem: Problem) -> Outcome {
        let policy = self.policy.clone();
        let given = serde_json::to_string(arguments).unwrap_or_default();
        let session = self.session(Caller::host(None));
        self.caught(&session, name, given, |episode, given| {
            let refuse = |verdict: &Verdict<'_>, _: &mut Record| Err(verdict.invalid(vec![problem]).into());
            episode.attempt(&policy, &session, name, given, ANSWER, refuse)
        })
    }
}

impl Foreign {
    /// Whether a problem with the input at that path is none to the environment.
    pub(super) fn passes(&self, inputs: &'static [Input], arguments: &Map<String, Json>, path: &str) -> bool {
        !(self.refuses)(path) && storable(inputs, arguments, path)
    }

    /// Keep what the call's record has as it came.
    pub(super) fn keep(&self, verdict: &Verdict<'_>) -> Result<(), Failure> {
        let tx = verdict.tx;
        let written = tx.changes().into_iter().rev().find(|change| change.after.table() == self.table);
        let mut row = match (written, self.key) {
            (Some(change), _) => change.after,
            (None, Some(key)) => match tx.get(self.table, key)? {
                Some(row) => row,
                None => return Ok(()),
            },
            (None, None) => return Ok(()),
        };
        if verdict.session.mode == Mode::Off {
            let spaced = self.cells.iter().filter(|cell| cell.differs_in_space(row.get(cell.column.name)));
            let spaced: Vec<_> = spaced.map(|cell| (cell.column.name, cell.value.clone())).collect();
            if !spaced.is_empty() {
                row = tx.update(&row, spaced)?;
            }
        }
        for cell in &self.cells {
            let (table, key, column) = (self.table.name, row.key(), cell.column);
            match &cell.came {
                Some(came) => {
                    let value = cell.value.to_json(column.kind);
                    tx.keep(&Original { table, key, column: column.name, value, came: came.clone() })?;
                }
                // A new record has nothing to forget.
                None if self.key.is_none() => {}
                None => tx.forget(table, key, column.name)?,
            }
        }
        Ok(())
    }
}

impl Cell {
    /// Whether a cell lacks only the space around the value.
    fn differs_in_space(&self, cell: &Value) -> bool {
        match (&self.value, cell) {
            (Value::Text(wanted), Value::Text(found)) => wanted != found && wanted.trim() == found.trim(),
            _ => false,
        }
    }
}

/// Whether what is given at a path has the type that its column stores, whatever its content.
fn storable(inputs: &'static [Input], arguments: &Map<String, Json>, path: &str) -> bool {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let (Some(input), Some(given)) = (inputs.iter().find(|input| input.name == name), arguments.get(name)) else {
        return false;
    };
    match (input.kind, rest, given) {
        (InputKind::ChangeSet(columns), Some(rest), Json::Object(set)) => storable(columns, set, rest),
        (InputKind::Word(_) | InputKind::Line | InputKind::Text | InputKind::Email | InputKind::Phone, None, given) => {
            given.is_string()
        }
        (InputKind::Minutes | InputKind::Count, None, given) => given.is_i64(),
        (InputKind::Percentage, None, given) => given.is_number(),
        _ => false,
    }
}
