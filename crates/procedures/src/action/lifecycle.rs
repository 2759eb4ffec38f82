//! The times that an incident has by its status.

use store::{Row, Value};

/// The columns of such times, each with the statuses that an incident has it in, the one that sets it first.
const TIMES: [(&str, &[&str]); 2] =
    [("resolution_timestamp", &["resolved", "closed"]), ("closure_timestamp", &["closed"])];

/// The time that an incident gets with that status.
pub(super) fn reached(status: &str) -> Option<&'static str> {
    TIMES.iter().find(|(_, statuses)| statuses[0] == status).map(|(column, _)| *column)
}

/// The times that an incident loses with that status.
pub(super) fn lost(incident: &Row, status: &str) -> Vec<&'static str> {
    let lost =
        TIMES.iter().filter(|(column, statuses)| !statuses.contains(&status) && *incident.get(column) != Value::Null);
    lost.map(|(column, _)| *column).collect()
}
