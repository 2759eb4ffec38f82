//! Incident reports.

use super::call::Permit;
use super::input::{Id, Incident, ReportStatus, ReportType, Word, inputs};
use super::{Action, Effect, Result};
use records::catalogue::{REPORTS, TABLES, Table};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use store::Agreeing;

inputs! {
    /// Generate a formal report of an incident.
    pub struct GenerateIncidentReport {
        incident_id: Id<Incident>,
        report_type: Word<ReportType>,
        status: Word<ReportStatus>,
    }
}

/// What generating a report answers.
#[derive(Serialize, JsonSchema)]
pub struct Generated {
    report_id: String,
    status: String,
    /// The incident that it reports on.
    incident: Map<String, Json>,
    /// How many records refer to the incident, by table; this report is counted.
    related: BTreeMap<&'static str, i64>,
}

impl Action for GenerateIncidentReport {
    const NAME: &'static str = "generate_incident_report";
    const RECORD: &'static Table = &REPORTS;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "generated_by_user";
    type Answer = Generated;

    fn run(self, permit: &Permit<'_>) -> Result<Generated> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let report = permit.insert(
            &REPORTS,
            vec![
                ("incident_id", self.incident_id.into()),
                ("report_type", self.report_type.into()),
                ("generated_by_user", permit.actor()?.into()),
                ("status", self.status.into()),
                ("generated_at", now.into()),
                ("created_at", now.into()),
            ],
        )?;
        let mut related = BTreeMap::new();
        for table in TABLES {
            let Some(column) = table.column("incident_id").filter(|column| *column != table.key()) else {
                continue;
            };
            let equal = vec![(column, self.incident_id.into())];
            related.insert(table.name, permit.store().count(&Agreeing { table, equal, except: None })?);
        }
        Ok(Generated {
            report_id: report.key().to_string(),
            status,
            incident: permit.record(self.incident_id)?.to_json(),
            related,
        })
    }
}
