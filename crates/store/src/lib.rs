//! The store: one relational schema in SQLite, and the only place that writes SQL.
//!
//! [`records::catalogue`] says which tables and columns exist; everything else here is a projection of it.
#![deny(missing_docs)]

pub mod canonical;
mod connection;
pub mod difference;
pub mod files;
pub mod fixtures;
pub mod image;
mod journal;
pub mod ledger;
pub mod lock;
mod marks;
mod original;
mod query;
mod schema;
mod wal;
mod whole;

pub use connection::{Change, Store, Transaction};
pub use journal::{Entry, Obligation, Tally};
pub use marks::Mark;
pub use original::{Original, Originals};
pub use query::{Agreeing, Page, Predicate, Query};
pub use records::{Row, Value, is_id, parse_id};
pub use rusqlite::ErrorCode;
pub use schema::{ddl, schema_tag};

/// A failure of the database itself; never the caller's doing.
pub type Fault = rusqlite::Error;
