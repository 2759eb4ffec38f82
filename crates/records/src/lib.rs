//! Kinds of records: which tables and columns there are, rows and cells, and how texts and times are written and compared.
//!
//! It knows no database and no clock.
#![deny(missing_docs)]

pub mod catalogue;
pub mod json;
mod row;
pub mod suggest;
pub mod text;
pub mod time;

pub use row::{Row, Value, is_id, parse_id};
