//! The store: one relational schema in SQLite, and the only place that writes SQL.
//!
//! [`catalogue`] says which tables and columns exist; everything else here is a projection of it.

pub mod canonical;
pub mod catalogue;
mod connection;
pub mod fixtures;
mod journal;
mod row;
mod schema;

pub use connection::{Agreeing, Change, Page, Predicate, Query, Store, Transaction, parse_id};
pub use journal::{Entry, Obligation};
pub use row::{Row, Value};
pub use rusqlite::ErrorCode;
pub use schema::ddl;

/// A failure of the database itself; never the caller's doing.
pub type Fault = rusqlite::Error;
