//! Domains: which actions there are on which records, as data. docs/domains.md tells how they are written.
//!
//! A plain action is data whole: what it takes, what it writes, what it answers. One that needs more is coded, in Rust, and the
//! domain only names it.

mod input;
mod read;
#[cfg(test)]
mod tests;
mod value;

use crate::action::Operation;
use crate::mistake::Mistake;
use std::sync::LazyLock;

/// What the program ships.
const SERVICE_MANAGEMENT: &str = include_str!("../../../../domain/service-management/actions.toml");

/// The actions on one set of kinds of records.
pub struct Domain {
    /// Every action, in the order in which tools are listed.
    pub operations: Vec<&'static Operation>,
}

impl Domain {
    /// Read a domain's actions; `file` is what mistakes call the text. What is read lives as long as the program does, for there are
    /// no more domains than a person wrote.
    pub fn read(id: &str, file: &str, text: &str) -> Result<Domain, Vec<Mistake>> {
        Ok(Domain { operations: read::operations(id, file, text)? })
    }

    /// The action of that name.
    pub fn find(&self, name: &str) -> Option<&'static Operation> {
        self.operations.iter().copied().find(|operation| operation.name == name)
    }
}

/// The domain that the shipped policies work on.
pub fn service_management() -> &'static Domain {
    static SHIPPED: LazyLock<Domain> = LazyLock::new(|| {
        let file = "domain/service-management/actions.toml";
        Domain::read("service-management", file, SERVICE_MANAGEMENT).unwrap_or_else(|mistakes| {
            for mistake in mistakes {
                tracing::error!("{mistake}");
            }
            Domain { operations: Vec::new() }
        })
    });
    &SHIPPED
}
