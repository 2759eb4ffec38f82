//! What a procedure asks of an agent beside its rules: that each change of an incident is told in an update record, where
//! the agent makes these itself, and that an incident is not called critical for no reason.

use super::model::{Remark, RowChange, Severity, Step};
use super::step::Deed;
use crate::mapping::{Mapping, Told};
use procedures::action::input::Kind;
use procedures::policy::{Act, Policy, Work};
use records::catalogue::{INCIDENTS, WORKAROUNDS};
use serde_json::Value as Json;

/// A remark's name, how bad it is, and what it means.
pub type Check = (&'static str, Severity, &'static str);

/// An update record says nothing.
pub const WITHOUT_VALUE: Check =
    ("record-without-value", Severity::Error, "an update record does not say the new value");
/// A change has no record.
pub const WITHOUT_RECORD: Check =
    ("change-without-record", Severity::Error, "no update record tells of a change of an incident");
/// A record has no change.
pub const WITHOUT_CHANGE: Check =
    ("record-without-change", Severity::Error, "an update record tells of a change that was not made");
/// An incident is critical for no reason.
pub const WITHOUT_CONDITION: Check = (
    "critical-without-condition",
    Severity::Warning,
    "an incident whose impact is critical is opened without any condition of its severity",
);

/// A change of a field of an incident that a call asked for.
struct Changed<'a> {
    step: &'a Step,
    incident: &'a str,
    field: &'a str,
    value: String,
}

/// What is to be said of calls.
pub(super) fn remarks(policy: &Policy, mapping: Option<&Mapping>, calls: &[Step], deeds: &[Deed]) -> Vec<Remark> {
    let mut found: Vec<Remark> = calls.iter().filter_map(|step| groundless(policy, step)).collect();
    if records_are_asked_for(policy) && mapping.is_some_and(Mapping::records_apart) {
        found.extend(records(policy, calls, deeds));
    }
    found.sort_by_key(|remark| remark.call);
    found
}

/// Whether the policy wants a record of each change: its own tool for changes writes them.
fn records_are_asked_for(policy: &Policy) -> bool {
    policy.tools.iter().any(|tool| matches!(&tool.work, Work::Act(act) if act.operation.name == CHANGE))
}

const CHANGE: &str = "update_incident";
const OPEN: &str = "create_incident";
/// A field of update records that is no column: that there is a workaround.
const WORKAROUND: &str = "workaround";

fn remark(check: Check, step: &Step, message: String) -> Remark {
    let (check, severity, _) = check;
    Remark { call: step.call, tool: step.tool.clone(), check: check.to_owned(), severity, message }
}

/// The action of that name which a call made, and its arguments. They are parsed for no other, since every call is asked.
fn made<'a>(policy: &'a Policy, step: &Step, name: &str) -> Option<(&'a Act, Json)> {
    let (tool, arguments) = match &step.mapped {
        Some(mapped) => (&mapped.tool, &mapped.arguments),
        None => (&step.tool, &step.arguments),
    };
    match &policy.tool(tool).filter(|_| step.went_through())?.work {
        Work::Act(act) if act.operation.name == name => Some((act, arguments.value())),
        Work::Act(_) | Work::Find(_) => None,
    }
}

/// An incident that is opened as critical without any condition.
fn groundless(policy: &Policy, step: &Step) -> Option<Remark> {
    let (act, arguments) = made(policy, step, OPEN)?;
    let critical = arguments.get("impact_level").is_some_and(|impact| impact == "critical");
    let flags = act.operation.inputs.iter().filter(|input| matches!(input.kind, Kind::Flag));
    let holds = flags.filter_map(|flag| arguments.get(flag.name)).any(|value| value == true);
    let message = "its impact is critical, and no condition of its severity is said to hold".to_owned();
    (critical && !holds).then(|| remark(WITHOUT_CONDITION, step, message))
}

/// Changes against records, one to one.
fn records(policy: &Policy, calls: &[Step], deeds: &[Deed]) -> Vec<Remark> {
    let mut found = Vec::new();
    let mut told: Vec<(&Step, &Told)> = (calls.iter().zip(deeds))
        .filter(|(step, _)| step.went_through())
        .filter_map(|(step, deed)| Some((step, deed.told.as_deref()?)))
        .collect();
    for (step, record) in told.iter().filter(|(_, record)| record.value.is_none()) {
        let message = format!("the record of {} of incident {} has no new value", record.field, record.incident);
        found.push(remark(WITHOUT_VALUE, step, message));
    }
    let changes: Vec<Changed<'_>> = calls.iter().flat_map(|step| changed(policy, step)).collect();
    // A record that says the value belongs to that change; one that says none to any of its field.
    let mut untold = Vec::new();
    for change in &changes {
        match told.iter().position(|(_, record)| change.is_told(record)) {
            Some(at) => drop(told.remove(at)),
            None => untold.push(change),
        }
    }
    for change in untold {
        match told.iter().position(|(_, record)| record.value.is_none() && change.is_of(record)) {
            Some(at) => drop(told.remove(at)),
            None => {
                let Changed { field, incident, value, .. } = change;
                let message =
                    format!("{field} of incident {incident} became {value}, and no update record tells of it");
                found.push(remark(WITHOUT_RECORD, change.step, message));
            }
        }
    }
    for (step, record) in told {
        if let Some(value) = record.value.as_ref().filter(|_| !came_about(record, calls)) {
            let Told { field, incident, .. } = record;
            let message =
                format!("the record says that {field} of incident {incident} became {value}, and no call made it so");
            found.push(remark(WITHOUT_CHANGE, step, message));
        }
    }
    found
}

impl Changed<'_> {
    fn is_of(&self, record: &Told) -> bool {
        self.incident == record.incident && self.field == record.field
    }

    fn is_told(&self, record: &Told) -> bool {
        self.is_of(record) && record.value.as_ref().is_some_and(|value| same(value, &self.value))
    }
}

/// The fields that a call changed and had asked to; what follows from them by itself needs no record.
fn changed<'a>(policy: &Policy, step: &'a Step) -> Vec<Changed<'a>> {
    let Some((_, arguments)) = made(policy, step, CHANGE) else {
        return Vec::new();
    };
    let asked = arguments.get("change_set").and_then(Json::as_object);
    let rows = step.changes.iter().filter(|row| row.table == INCIDENTS.name);
    let cells = rows.flat_map(|row| row.columns.iter().map(move |(column, (_, after))| (row, column, after)));
    let wanted = cells.filter(|(_, column, _)| asked.is_some_and(|set| set.contains_key(*column)));
    wanted.map(|(row, field, after)| Changed { step, incident: &row.key, field, value: shown(after) }).collect()
}

/// Whether what a record tells came about at all: by a change that another record tells too, as a consequence of one, with
/// the incident itself, or beside its columns.
fn came_about(record: &Told, calls: &[Step]) -> bool {
    let mut rows = calls.iter().flat_map(|step| &step.changes);
    let says = |after: &Json| record.value.as_ref().is_some_and(|value| same(value, &shown(after)));
    match record.field.as_str() {
        WORKAROUND => rows.any(|row| row.table == WORKAROUNDS.name && of_incident(row, &record.incident)),
        field if INCIDENTS.column(field).is_none() => true,
        field => rows
            .filter(|row| row.table == INCIDENTS.name && row.key == record.incident)
            .any(|row| row.columns.get(field).is_some_and(|(_, after)| says(after))),
    }
}

/// Whether a row that was written is of that incident; a change of one does not say.
fn of_incident(row: &RowChange, incident: &str) -> bool {
    row.columns.get("incident_id").is_none_or(|(_, after)| after == incident)
}

fn shown(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether two texts say the same, by people who write freely.
fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
