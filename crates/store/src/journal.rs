//! The journal of an episode's calls, the obligations that they left, and the episode's own settings.

use super::{Fault, Store, Transaction, parse_id};
use records::catalogue::table;
use rusqlite::{OptionalExtension, Row as SqlRow};
use serde::ser::Error;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;

/// One call, as it went. Serialized, its JSON texts are JSON, and its key is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Its number, from 1 without gaps.
    pub call: i64,
    /// The key under which the caller may repeat it.
    #[serde(skip)]
    pub key: Option<String>,
    /// The tool's name.
    pub tool: String,
    /// The acting user's id, where there was one.
    pub actor: Option<String>,
    /// The arguments as they were given, JSON.
    #[serde(serialize_with = "as_json")]
    pub arguments: String,
    /// The structured answer, JSON.
    #[serde(serialize_with = "as_json")]
    pub answer: String,
    /// `ok`, the halt's code, or `FAULT`.
    pub outcome: String,
    /// The rule that halted it.
    pub rule: Option<String>,
    /// In observe mode, what would have halted: a JSON list of halts.
    #[serde(serialize_with = "as_json")]
    pub violations: String,
    /// The rows that it wrote, a JSON list.
    #[serde(serialize_with = "as_json")]
    pub changes: String,
    /// What time it was; none where only the episode's own clock tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// The edition of the policy under which it was judged; none where only the episode tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
}

fn as_json<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serde_json::from_str::<Json>(text).map_err(S::Error::custom)?.serialize(serializer)
}

/// A duty that a write left to the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Obligation {
    /// The call that left it.
    pub call: i64,
    /// The audit entry's verb.
    pub action: String,
    /// The record's entity name.
    pub entity_type: String,
    /// The record's id.
    pub entity_id: String,
    /// The call that paid it.
    pub paid_by: Option<i64>,
}

impl fmt::Display for Obligation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Obligation { call, action, entity_type, entity_id, .. } = self;
        write!(f, "the {action} of {entity_type} {entity_id} by call {call} has no audit entry")
    }
}

/// What journals say of a call that went through.
const OK: &str = "ok";

impl Entry {
    /// Whether it neither halted nor failed.
    pub fn went_through(&self) -> bool {
        self.outcome == OK
    }

    /// What it takes of the journal, in bytes.
    pub fn bytes(&self) -> usize {
        let Entry { key, tool, arguments, answer, violations, changes, .. } = self;
        let key = key.as_ref().map_or(0, String::len);
        key + tool.len() + arguments.len() + answer.len() + violations.len() + changes.len()
    }
}

/// What a journal comes to, counted along with the calls: to work it out again each time, all of it would have to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many calls there are.
    pub calls: usize,
    /// Bytes of their entries.
    pub bytes: usize,
    /// Bytes of the rows that they wrote: about what the records have grown by.
    pub written: usize,
    /// How many of them each rule halted.
    pub halts: BTreeMap<String, usize>,
}

impl Tally {
    /// Count one more call.
    pub fn add(&mut self, entry: &Entry) {
        self.calls += 1;
        self.bytes += entry.bytes();
        self.written += entry.changes.len();
        if let Some(rule) = &entry.rule {
            match self.halts.get_mut(rule) {
                Some(count) => *count += 1,
                None => drop(self.halts.insert(rule.clone(), 1)),
            }
        }
    }
}

impl Transaction<'_> {
    /// What the journal comes to, from all of it.
    pub fn tally(&self) -> Result<Tally, Fault> {
        let db = self.db()?;
        // The lengths of texts are known without reading them.
        let mut tally = db.query_row(
            "SELECT count(*), coalesce(sum(coalesce(octet_length(idempotency_key), 0) + octet_length(tool) + \
             octet_length(arguments) + octet_length(answer) + octet_length(violations) + octet_length(changes)), 0), \
             coalesce(sum(octet_length(changes)), 0) FROM journal",
            [],
            |row| {
                let (calls, bytes, written) = (count(row, 0)?, count(row, 1)?, count(row, 2)?);
                Ok(Tally { calls, bytes, written, halts: BTreeMap::new() })
            },
        )?;
        let mut statement =
            db.prepare("SELECT halt_rule, count(*) FROM journal WHERE halt_rule IS NOT NULL GROUP BY halt_rule")?;
        tally.halts = statement.query_map([], |row| Ok((row.get(0)?, count(row, 1)?)))?.collect::<Result<_, _>>()?;
        Ok(tally)
    }

    /// The number that this call will have in the journal.
    pub fn next_call(&self) -> Result<i64, Fault> {
        self.db()?.prepare_cached("SELECT coalesce(max(call), 0) + 1 FROM journal")?.query_row([], |row| row.get(0))
    }

    /// The call that was made under that key.
    pub fn keyed(&self, key: &str) -> Result<Option<Entry>, Fault> {
        self.db()?
            .prepare_cached("SELECT * FROM journal WHERE idempotency_key = $1")?
            .query_row([key], entry)
            .optional()
    }

    /// Add the call's entry.
    pub fn append(&self, entry: &Entry) -> Result<(), Fault> {
        self.db()?.prepare_cached("INSERT INTO journal VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")?.execute(
            (
                entry.call,
                &entry.key,
                &entry.tool,
                &entry.actor,
                &entry.arguments,
                &entry.answer,
                &entry.outcome,
                &entry.rule,
                &entry.violations,
                &entry.changes,
            ),
        )?;
        Ok(())
    }

    /// Note a duty. The call's own entry must be there already.
    pub fn oblige(&self, duty: &Obligation) -> Result<(), Fault> {
        self.db()?
            .prepare_cached(
                "INSERT INTO obligations (call, action, entity_type, entity_id) \
                 VALUES ($1, $2, $3, $4)",
            )?
            .execute((duty.call, &duty.action, &duty.entity_type, &duty.entity_id))?;
        Ok(())
    }

    /// The oldest unpaid duty of that kind that the acting user has. The duty of a write for which nobody acted is everybody's.
    pub fn unpaid(
        &self,
        action: &str,
        entity_type: &str,
        entity_id: &str,
        actor: Option<i64>,
    ) -> Result<Option<i64>, Fault> {
        self.db()?
            .prepare_cached(
                "SELECT min(obligation) FROM obligations JOIN journal USING (call) \
                 WHERE action = $1 AND entity_type = $2 AND entity_id = $3 AND paid_by IS NULL \
                 AND (actor IS NULL OR actor = $4)",
            )?
            .query_row((action, entity_type, entity_id, actor.map(|id| id.to_string())), |row| row.get(0))
    }

    /// Note that `call` paid the duty.
    pub fn pay(&self, obligation: i64, call: i64) -> Result<(), Fault> {
        self.db()?
            .prepare_cached("UPDATE obligations SET paid_by = $1 WHERE obligation = $2")?
            .execute((call, obligation))?;
        Ok(())
    }

    /// One of the episode's settings.
    pub fn setting(&self, name: &str) -> Result<Option<String>, Fault> {
        self.db()?
            .prepare_cached("SELECT value FROM episode WHERE name = $1")?
            .query_row([name], |row| row.get(0))
            .optional()
    }

    /// Keep one of the episode's settings.
    pub fn set(&self, name: &str, value: &str) -> Result<(), Fault> {
        self.db()?
            .prepare_cached(
                "INSERT INTO episode (name, value) VALUES ($1, $2) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )?
            .execute([name, value])?;
        Ok(())
    }

    /// The calls after that one, in order; all after 0.
    pub fn journal(&self, after: i64) -> Result<Vec<Entry>, Fault> {
        self.db()?
            .prepare_cached("SELECT * FROM journal WHERE call > $1 ORDER BY call")?
            .query_map([after], entry)?
            .collect()
    }

    /// The calls after that one, at most so many, and no more once they are that long; one at least.
    pub fn journal_page(&self, after: i64, limit: usize, bytes: usize) -> Result<Vec<Entry>, Fault> {
        let mut statement = self.db()?.prepare_cached("SELECT * FROM journal WHERE call > $1 ORDER BY call")?;
        let mut rows = statement.query([after])?;
        let (mut page, mut length) = (Vec::new(), 0);
        while page.len() < limit && length < bytes {
            let Some(row) = rows.next()? else { break };
            let entry = entry(row)?;
            length += entry.bytes();
            page.push(entry);
        }
        Ok(page)
    }

    /// The rows that the calls wrote, by table: nothing else of the domain is other than in the beginning.
    pub fn touched(&self) -> Result<BTreeMap<&'static str, BTreeSet<i64>>, Fault> {
        #[derive(Deserialize)]
        struct Place<'a> {
            table: &'a str,
            key: &'a str,
        }
        let mut touched: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let mut statement = self.db()?.prepare_cached("SELECT changes FROM journal WHERE changes <> '[]'")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let changes = row.get_ref(0)?.as_str()?;
            let places: Vec<Place<'_>> =
                serde_json::from_str(changes).map_err(|error| Fault::ToSqlConversionFailure(error.into()))?;
            for place in places {
                if let (Some(table), Some(key)) = (table(place.table), parse_id(place.key)) {
                    touched.entry(table.name).or_default().insert(key);
                }
            }
        }
        Ok(touched)
    }

    /// All duties, in the order in which they arose.
    pub fn obligations(&self) -> Result<Vec<Obligation>, Fault> {
        self.duties(0, i64::MAX, "true")
    }

    /// The duties that no call has paid, in the order in which they arose.
    pub fn unpaid_duties(&self) -> Result<Vec<Obligation>, Fault> {
        self.duties(0, i64::MAX, "paid_by IS NULL")
    }

    /// The duties that the calls after one, up to another, left.
    pub fn duties_of(&self, after: i64, last: i64) -> Result<Vec<Obligation>, Fault> {
        self.duties(after, last, "true")
    }

    fn duties(&self, after: i64, last: i64, which: &str) -> Result<Vec<Obligation>, Fault> {
        self.db()?
            .prepare_cached(&format!(
                "SELECT call, action, entity_type, entity_id, paid_by FROM obligations \
                 WHERE call > $1 AND call <= $2 AND {which} ORDER BY obligation"
            ))?
            .query_map([after, last], |row| {
                Ok(Obligation {
                    call: row.get(0)?,
                    action: row.get(1)?,
                    entity_type: row.get(2)?,
                    entity_id: row.get(3)?,
                    paid_by: row.get(4)?,
                })
            })?
            .collect()
    }
}

impl Store {
    /// All calls, in order.
    pub fn journal(&mut self) -> Result<Vec<Entry>, Fault> {
        let tx = self.transaction()?;
        let mut calls = tx.journal(0)?;
        let (clock, edition) = (tx.setting("clock")?, tx.setting("policy fingerprint")?);
        let now = clock.as_deref().and_then(|clock| clock.split(' ').next());
        tx.dated(&mut calls, now, edition.as_deref())?;
        Ok(calls)
    }

    /// The calls of those numbers, in order.
    pub fn entries(&mut self, numbers: RangeInclusive<i64>) -> Result<Vec<Entry>, Fault> {
        self.transaction()?
            .db()?
            .prepare_cached("SELECT * FROM journal WHERE call BETWEEN $1 AND $2 ORDER BY call")?
            .query_map([numbers.start(), numbers.end()], entry)?
            .collect()
    }

    /// All duties, in the order in which they arose.
    pub fn obligations(&mut self) -> Result<Vec<Obligation>, Fault> {
        self.transaction()?.obligations()
    }
}

fn count(row: &SqlRow<'_>, at: usize) -> Result<usize, Fault> {
    Ok(usize::try_from(row.get::<_, i64>(at)?).unwrap_or_default())
}

fn entry(row: &SqlRow<'_>) -> Result<Entry, Fault> {
    Ok(Entry {
        call: row.get(0)?,
        key: row.get(1)?,
        tool: row.get(2)?,
        actor: row.get(3)?,
        arguments: row.get(4)?,
        answer: row.get(5)?,
        outcome: row.get(6)?,
        rule: row.get(7)?,
        violations: row.get(8)?,
        changes: row.get(9)?,
        now: None,
        edition: None,
    })
}
