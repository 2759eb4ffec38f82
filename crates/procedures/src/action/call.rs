//! A call in progress, as an action sees it: a [`Call`] reads; a [`Permit`] also writes.

use super::input::{ChangeSet, Id, Record};
use super::sla::Tiers;
use super::{Error, Operation, Result};
use records::catalogue::Table;
use serde_json::Value as Json;
use store::{Fault, Row, Transaction, Value};

/// A call whose references exist. It can only read.
pub struct Call<'a> {
    tx: &'a Transaction<'a>,
    now: &'a str,
    tiers: &'a Tiers,
    actor: Option<Row>,
    operations: &'a [&'static Operation],
}

impl<'a> Call<'a> {
    /// A call at that time; `actor` is the acting user, `operations` are those of the domain.
    pub fn new(
        tx: &'a Transaction<'a>,
        now: &'a str,
        tiers: &'a Tiers,
        actor: Option<Row>,
        operations: &'a [&'static Operation],
    ) -> Call<'a> {
        Call { tx, now, tiers, actor, operations }
    }
    /// Every action of the domain.
    pub fn operations(&self) -> &'a [&'static Operation] {
        self.operations
    }
    /// The policy's clock.
    pub fn now(&self) -> &'a str {
        self.now
    }
    /// The policy's service tiers.
    pub fn tiers(&self) -> &'a Tiers {
        self.tiers
    }
    /// The acting user's id, for a record that has to say who.
    pub fn actor(&self) -> Result<i64> {
        self.someone().ok_or(Error::NoActor)
    }
    /// The acting user's id, if anybody acts.
    pub fn someone(&self) -> Option<i64> {
        self.actor.as_ref().map(Row::key)
    }
    /// The acting user.
    pub fn actor_row(&self) -> Option<&Row> {
        self.actor.as_ref()
    }
    /// The record of an id.
    pub fn record<T: Record>(&self, id: Id<T>) -> Result<Row> {
        Ok(self.tx.get(T::TABLE, id.key())?.ok_or(Fault::QueryReturnedNoRows)?)
    }
    /// Reads beyond the call's own references.
    pub fn store(&self) -> &'a Transaction<'a> {
        self.tx
    }
    /// How many columns a change set would change: the fact `computed.changes` of the actions that take one.
    pub fn changes<T: Record>(&self, id: Id<T>, set: &impl ChangeSet) -> Result<Vec<Json>> {
        Ok(vec![self.differing(&self.record(id)?, set).len().into()])
    }
    /// The cells of a change set whose values differ from the record's.
    pub fn differing(&self, record: &Row, set: &impl ChangeSet) -> Vec<(&'static str, Value)> {
        differing(record, set.cells())
    }
}

/// Those cells whose values differ from the record's.
pub fn differing(record: &Row, mut cells: Vec<(&'static str, Value)>) -> Vec<(&'static str, Value)> {
    cells.retain(|(name, value)| record.get(name) != value);
    cells
}

/// A call that the policy lets pass. Only a holder can write.
pub struct Permit<'a> {
    call: Call<'a>,
}

impl<'a> Permit<'a> {
    /// Let a call pass.
    ///
    /// **Invariant:** called in one place, after the rules have been judged (`calls::call`). A test holds it.
    pub fn grant(call: Call<'a>) -> Permit<'a> {
        Permit { call }
    }
    /// Write a new record; columns that are not named stay null.
    pub fn insert(&self, table: &'static Table, cells: Vec<(&str, Value)>) -> Result<Row> {
        Ok(self.call.tx.insert(table, cells)?)
    }
    /// Change columns of a record. One of which nothing is to change is not written.
    pub fn change(&self, record: Row, cells: Vec<(&str, Value)>) -> Result<Row> {
        if cells.is_empty() { Ok(record) } else { self.update(&record, cells) }
    }
    /// Change columns of a record.
    pub fn update(&self, record: &Row, cells: Vec<(&str, Value)>) -> Result<Row> {
        Ok(self.call.tx.update(record, cells)?)
    }
}

impl<'a> std::ops::Deref for Permit<'a> {
    type Target = Call<'a>;
    fn deref(&self) -> &Call<'a> {
        &self.call
    }
}
