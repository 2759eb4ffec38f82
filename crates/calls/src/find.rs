//! Lookups: typed filters on one table, a page at a time. They need an active acting user, no particular role.

use super::association::About;
use super::budget::{ANSWER, PAGE};
use super::call::{Done, Failure, Ledger, Record};
use super::judge::{Stop, Verdict};
use super::{Caller, Episode, Mode, Outcome, Session};
use procedures::halt::{Halt, Kind, Problem};
use procedures::policy::Tool;
use procedures::policy::schema::{
    ACTING_USER, CONTAINS, CURSOR, DETAIL, DETAILED, LIMIT, ROWS, SINCE, UNTIL, finder_name,
};
use records::catalogue::{Filter, Table};
use records::time;
use serde_json::{Map, Value as Json, json};
use store::fixtures::brief_text;
use store::{Fault, Page, Predicate, Query, Row, Value, parse_id};

pub(super) fn find(
    verdict: &Verdict<'_>,
    tool: &Tool,
    table: &'static Table,
    arguments: Map<String, Json>,
    record: &mut Record,
) -> Result<Done, Stop> {
    let mut input = verdict.valid(tool, arguments)?;
    allowed(verdict, input.remove(ACTING_USER), record)?;
    let text = |name: &str| input.get(name).and_then(Json::as_str);
    let after = match text(CURSOR) {
        None => 0,
        Some(cursor) => parse_id(cursor).ok_or_else(|| {
            verdict.invalid(vec![Problem {
                field: CURSOR.to_owned(),
                value: Some(brief_text(cursor).into()),
                problem: "is not a next_cursor that this tool gave".to_owned(),
                allowed: Vec::new(),
                did_you_mean: None,
            }])
        })?,
    };
    let limit = input.get(LIMIT).and_then(Json::as_u64).and_then(|n| u32::try_from(n).ok());
    let limit = limit.unwrap_or(ROWS);
    let mut predicates = Vec::new();
    for column in table.columns {
        match column.filter {
            Filter::None => {}
            Filter::Exact => {
                let Some(given) = input.get(column.name) else { continue };
                match column.value(given) {
                    Some(value) => predicates.push(Predicate::Equal(column, value)),
                    // An id that is no number is nobody's.
                    None => return Ok(answer(table, &[], limit, false)),
                }
            }
            Filter::Contains => {
                let part = text(&format!("{}{CONTAINS}", column.name));
                predicates.extend(part.map(|part| Predicate::Contains(column, part.to_owned())));
            }
            Filter::Time => {
                let value = |bound: &str| column.value(&bound.into());
                predicates.extend(text(SINCE).and_then(value).map(|from| Predicate::AtLeast(column, from)));
                // A day takes in all of its times.
                let until = text(UNTIL).and_then(time::last).and_then(|last| value(&last));
                predicates.extend(until.map(|to| Predicate::AtMost(column, to)));
            }
        }
    }
    // One more row than asked for tells whether there is a next page.
    let page = Page { after, limit: limit.saturating_add(1) };
    let rows = verdict.tx.find(&Query { table, predicates, page })?;
    Ok(answer(table, &rows, limit, text(DETAIL) == Some(DETAILED)))
}

/// Whether whoever acts may look something up.
fn allowed(verdict: &Verdict<'_>, given: Option<Json>, record: &mut Record) -> Result<(), Stop> {
    let actor = verdict.actor(ACTING_USER, given, record)?;
    if verdict.session.mode != Mode::Off
        && let Some(actor) = &actor
    {
        let mut view = verdict.base_view(actor);
        verdict.rules(verdict.policy.find_rules(), &mut view, &About::default(), record)?;
    }
    Ok(())
}

/// All rows that a query asks for, and the answer that the journal has of them: their ids.
pub(super) fn look_up(verdict: &Verdict<'_>, query: &Query<'_>, record: &mut Record) -> Result<(Done, Vec<Row>), Stop> {
    allowed(verdict, None, record)?;
    let rows = verdict.tx.find(query)?;
    let ids = rows.iter().map(|row| Json::from(row.key().to_string())).collect();
    let answer = Map::from_iter([(query.table.plural.to_owned(), ids)]);
    Ok((Done { answer, ledger: Ledger::default() }, rows))
}

/// How many of the rows fit on one page: as many as are no longer together than a page may be, and one at least.
fn fitting(rows: &[Row], detailed: bool) -> usize {
    let mut room = PAGE;
    let fits = rows.iter().take_while(|row| {
        let shown = row.table().columns.iter().zip(row.cells()).filter(|(column, _)| detailed || column.concise);
        let texts = shown.map(|(_, cell)| if let Value::Text(text) = cell { text.len() } else { 0 }).sum();
        let left = room.checked_sub(texts);
        room = left.unwrap_or_default();
        left.is_some()
    });
    fits.count().max(1)
}

impl Episode {
    /// Read one record that is asked for outside any tool: the lookup of its id, journaled as that. Nobody has to act for it,
    /// but whoever does must be allowed to look.
    pub fn read(&mut self, table: &'static Table, id: i64) -> Outcome {
        self.read_in(&self.session(Caller::host(None)), table, id)
    }

    /// The same in that session.
    pub fn read_in(&mut self, session: &Session, table: &'static Table, id: i64) -> Outcome {
        let policy = self.policy.clone();
        let name = finder_name(table);
        let arguments = json!({ (table.key().name): id.to_string(), (DETAIL): DETAILED });
        let given = arguments.to_string();
        if let Some(answer) = self.budget.refusal(&self.tally, given.len()) {
            return Outcome::outside(Kind::Limit, Episode::timed(&self.clock, answer, &session.now));
        }
        self.caught(session, &name, given, |episode, given| {
            episode.attempt(&policy, session, &name, given, ANSWER, |verdict, record| {
                if verdict.session.actor.is_some() {
                    allowed(verdict, None, record)?;
                }
                let rows: Vec<Row> = verdict.tx.get(table, id)?.into_iter().collect();
                Ok(answer(table, &rows, ROWS, true))
            })
        })
    }

    /// Why the session's user may not look anything up; none where there is no such user.
    pub fn may_look(&mut self) -> Result<Option<Halt>, Fault> {
        if self.actor.is_none() {
            return Ok(None);
        }
        let (policy, session) = (self.policy.clone(), self.session(Caller::host(None)));
        let tx = self.store.transaction()?;
        let verdict = Verdict { policy: &policy, tx: &tx, session: &session, foreign: None };
        match allowed(&verdict, None, &mut Record::default()) {
            Err(Stop::Halt(halt)) => Ok(Some(*halt)),
            Err(Stop::Failure(Failure::Store(fault))) => Err(fault),
            // A rule that fails is a fault of the policy, and each lookup tells of it.
            Ok(()) | Err(Stop::Failure(_)) => Ok(None),
        }
    }
}

fn answer(table: &Table, rows: &[Row], limit: u32, detailed: bool) -> Done {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = &rows[..fitting(rows, detailed).min(limit).min(rows.len())];
    let shown = page.iter().map(|row| Json::Object(if detailed { row.to_json() } else { row.to_concise_json() }));
    let mut answer = Map::new();
    answer.insert("count".to_owned(), page.len().into());
    answer.insert(table.plural.to_owned(), shown.collect());
    if rows.len() > page.len()
        && let Some(last) = page.last()
    {
        answer.insert("next_cursor".to_owned(), last.key().to_string().into());
    }
    Done { answer, ledger: Ledger::default() }
}
