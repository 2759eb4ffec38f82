//! What a call of another environment tells of an incident, where its update records are calls of their own.

use super::check::plain;
use super::table::{Pair, Twin};
use super::{Mapping, Work};
use records::catalogue::{INCIDENT_UPDATES, INCIDENTS};
use serde_json::{Map, Value as Json};
use store::Value;

/// What an update record says: that a field of an incident has a new value.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The incident's id.
    pub incident: String,
    /// The field: a column of incidents, or a word for something else such as `workaround`.
    pub field: String,
    /// The new value in our words, as a text; none where it is not said.
    pub value: Option<String>,
}

impl Mapping {
    /// Whether update records are calls of their own there.
    pub fn records_apart(&self) -> bool {
        self.tools.values().any(|tool| match &tool.work {
            Work::Write(write) => write.key.is_none() && self.twins[write.twin].table == &INCIDENT_UPDATES,
            Work::Find(_) => false,
        })
    }

    /// What a call that makes an update record tells.
    pub fn told(&self, tool: &str, arguments: &Map<String, Json>) -> Option<Told> {
        let Work::Write(write) = &self.tools.get(tool)?.work else { return None };
        let twin =
            Some(&self.twins[write.twin]).filter(|twin| write.key.is_none() && twin.table == &INCIDENT_UPDATES)?;
        let given = |column| given(twin, column, arguments);
        let (_, incident) = given("incident_id")?;
        let (pair, field) = given("field_changed")?;
        let field = text(pair, field);
        let value = given("new_value").map(|(_, value)| value).filter(|value| !plain(value).trim().is_empty());
        let incidents = self.twins.iter().find(|twin| twin.table == &INCIDENTS);
        let pair = incidents.and_then(|twin| twin.columns.iter().find(|pair| pair.column.name == field));
        let value = value.map(|value| pair.map_or_else(|| plain(value), |pair| text(pair, value)));
        Some(Told { incident: plain(incident), field, value })
    }
}

/// The argument that becomes a column, and the column.
fn given<'a>(twin: &'a Twin, column: &str, arguments: &'a Map<String, Json>) -> Option<(&'a Pair, &'a Json)> {
    let pair = twin.columns.iter().find(|pair| pair.column.name == column)?;
    let value = arguments.get(&pair.name).filter(|value| !value.is_null())?;
    Some((pair, value))
}

/// A value in our words, as a text; as it is given where the column cannot hold it.
fn text(pair: &Pair, value: &Json) -> String {
    match pair.cell(value).map(|cell| cell.value) {
        Some(Value::Null) | None => plain(value),
        Some(value) => plain(&value.to_json(pair.column.kind)),
    }
}
