//! Integration tests: behaviour, seen from outside the library.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod smoke;
mod support;
mod store;
mod tidy;
