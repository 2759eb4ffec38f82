//! Performance metrics.

use super::call::{Call, Permit};
use super::input::{Flag, Id, Incident, MetricType, Minutes, Word, inputs};
use super::{Action, Computed, Effect, Error, Result};
use records::catalogue::{COMMUNICATIONS, ESCALATIONS, INCIDENT_UPDATES, METRICS, Table, WORKAROUNDS};
use records::time::minutes_between;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::{Page, Predicate, Query, Row};

inputs! {
    /// Record a performance metric of an incident.
    pub struct LogMetric {
        /// A closed incident
        incident_id: Id<Incident>,
        metric_type: Word<MetricType>,
        calculated_value_minutes: Option<Minutes>,
        target_minutes: Option<Minutes>,
        /// Record nobody where nobody acts
        anonymous: Option<Flag>,
    }
}

/// What recording a metric answers.
#[derive(Serialize, JsonSchema)]
pub struct Logged {
    metric_id: String,
    /// The value that was recorded.
    calculated_value_minutes: i64,
    /// The value that the incident's timestamps give for this metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    computed_minutes: Option<i64>,
    /// Whether the two agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    agrees: Option<bool>,
    /// Whether the recorded value is within the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_met: Option<bool>,
    /// Every duration that the incident's timestamps give.
    durations: Durations,
}

/// Whole minutes from an incident's detection to ...
#[derive(Serialize, JsonSchema)]
pub struct Durations {
    /// ... the record of the incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    detection_time: Option<i64>,
    /// ... the first update, message or workaround.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time: Option<i64>,
    /// ... its resolution, or its closure where no resolution is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution_time: Option<i64>,
    /// ... the first escalation.
    #[serde(skip_serializing_if = "Option::is_none")]
    escalation_time: Option<i64>,
}

impl Durations {
    fn of(call: &Call<'_>, incident: &Row) -> Result<Durations> {
        let detected = incident.text("detection_timestamp").unwrap_or_default();
        let until = |time: Option<&str>| time.and_then(|time| minutes_between(detected, time));
        let mut responses = Vec::new();
        for (table, column) in
            [(&INCIDENT_UPDATES, "created_at"), (&COMMUNICATIONS, "sent_at"), (&WORKAROUNDS, "implemented_at")]
        {
            responses.extend(earliest(call, table, column, incident)?);
        }
        let escalated = earliest(call, &ESCALATIONS, "escalated_at", incident)?;
        let ended = incident.text("resolution_timestamp").or(incident.text("closure_timestamp"));
        Ok(Durations {
            detection_time: until(incident.text("created_at")),
            response_time: until(responses.iter().min().map(String::as_str)),
            resolution_time: until(ended),
            escalation_time: until(escalated.as_deref()),
        })
    }

    fn get(&self, metric_type: &str) -> Option<i64> {
        match metric_type {
            "detection_time" => self.detection_time,
            "response_time" => self.response_time,
            "resolution_time" => self.resolution_time,
            "escalation_time" => self.escalation_time,
            _ => None,
        }
    }
}

/// The earliest time in a column over the records of an incident.
fn earliest(call: &Call<'_>, table: &'static Table, column: &str, incident: &Row) -> Result<Option<String>> {
    let Some(reference) = table.column("incident_id") else { return Ok(None) };
    let rows = call.store().find(&Query {
        table,
        predicates: vec![Predicate::Equal(reference, incident.key().into())],
        page: Page::WHOLE,
    })?;
    Ok(rows.iter().filter_map(|row| row.text(column)).min().map(str::to_owned))
}

impl Action for LogMetric {
    const NAME: &'static str = "log_metric";
    const RECORD: &'static Table = &METRICS;
    const EFFECT: Effect = Effect::Create;
    const ACTOR: &'static str = "recorded_by_user";
    const COMPUTED: &'static [(&'static str, Computed)] = &[("minutes", Computed::OptionalInteger)];
    type Answer = Logged;

    fn compute(&self, call: &Call<'_>) -> Result<Vec<Json>> {
        let durations = Durations::of(call, &call.record(self.incident_id)?)?;
        Ok(vec![json!(durations.get(self.metric_type.as_str()))])
    }

    fn run(self, permit: &Permit<'_>) -> Result<Logged> {
        let durations = Durations::of(permit, &permit.record(self.incident_id)?)?;
        let computed_minutes = durations.get(self.metric_type.as_str());
        // A value that nobody states is the computed one; the clocks of other systems can make that negative.
        let stated = self.calculated_value_minutes.map(|minutes| minutes.0);
        let recorded = stated.or(computed_minutes.filter(|minutes| *minutes >= 0));
        let recorded = recorded.ok_or(Error::Underivable("calculated_value_minutes"))?;
        let recorded_by = match self.anonymous {
            Some(Flag(true)) => permit.someone(),
            _ => Some(permit.actor()?),
        };
        let now = permit.now();
        let metric = permit.insert(
            &METRICS,
            vec![
                ("incident_id", self.incident_id.into()),
                ("metric_type", self.metric_type.into()),
                ("calculated_value_minutes", recorded.into()),
                ("target_minutes", self.target_minutes.into()),
                ("recorded_by_user", recorded_by.into()),
                ("recorded_at", now.into()),
                ("created_at", now.into()),
            ],
        )?;
        Ok(Logged {
            metric_id: metric.key().to_string(),
            calculated_value_minutes: recorded,
            computed_minutes,
            agrees: computed_minutes.map(|computed| computed == recorded),
            target_met: self.target_minutes.map(|target| recorded <= target.0),
            durations,
        })
    }
}
