//! Incidents: opened, changed, commented on.

use super::call::{Call, Permit};
use super::input::{
    Client, Component, Flag, Id, Incident, IncidentStatus, Level, Line, Severity, Timestamp, User, Word, change_set,
    inputs,
};
use super::sla::{self, Sla};
use super::{Action, Computed, Effect, Result, lifecycle};
use records::catalogue::{INCIDENT_UPDATES, INCIDENTS, Table};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use store::Value;

inputs! {
    /// Open an incident. The severity follows from the nine conditions.
    pub struct CreateIncident {
        /// What is wrong, in a line
        title: Line,
        category: Line,
        impact_level: Word<Level>,
        client_id: Id<Client>,
        reporter_user_id: Id<User>,
        component_id: Option<Id<Component>>,
        /// Must equal the computed one
        severity: Option<Word<Severity>>,
        /// Default: the impact
        urgency_level: Option<Word<Level>>,
        assigned_to_user_id: Option<Id<User>>,
        /// Default: now
        detection_timestamp: Option<Timestamp>,
        /// Complete outage of a business-critical service, no workaround
        p1_outage_no_workaround: Option<Flag>,
        /// Whole enterprise, or customers with 5 or more affected parties
        p1_wide_enterprise_or_5plus_customers: Option<Flag>,
        /// Significant regulatory, safety or financial implications
        p1_regulatory_safety_financial: Option<Flag>,
        /// Contractual P1 customer, or recurrent
        p1_high_priority_customer_or_recurrent: Option<Flag>,
        /// Major degradation, workaround available
        p2_major_degradation_with_workaround: Option<Flag>,
        /// Several departments, sites or critical functions
        p2_multi_dept_sites_or_critical_functions: Option<Flag>,
        /// Risks a high-priority SLA breach
        p2_risk_high_priority_sla_breach: Option<Flag>,
        /// One department, local users or a non-critical function
        p3_localized_or_non_critical: Option<Flag>,
        /// Moderate degradation, minimal workaround
        p3_moderate_deg_minimal_workaround: Option<Flag>,
    }
}

impl CreateIncident {
    /// The highest class of which any condition holds (seed 000, severity classification).
    fn computed_severity(&self) -> &'static str {
        let any = |flags: &[Option<Flag>]| flags.iter().flatten().any(|flag| flag.0);
        if any(&[
            self.p1_outage_no_workaround,
            self.p1_wide_enterprise_or_5plus_customers,
            self.p1_regulatory_safety_financial,
            self.p1_high_priority_customer_or_recurrent,
        ]) {
            "P1"
        } else if any(&[
            self.p2_major_degradation_with_workaround,
            self.p2_multi_dept_sites_or_critical_functions,
            self.p2_risk_high_priority_sla_breach,
        ]) {
            "P2"
        } else if any(&[self.p3_localized_or_non_critical, self.p3_moderate_deg_minimal_workaround]) {
            "P3"
        } else {
            "P4"
        }
    }
}

/// What opening an incident answers.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    incident_id: String,
    severity: String,
    status: String,
    detection_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sla: Option<Sla>,
}

impl Action for CreateIncident {
    const NAME: &'static str = "create_incident";
    const RECORD: &'static Table = &INCIDENTS;
    const EFFECT: Effect = Effect::Create;
    const COMPUTED: &'static [(&'static str, Computed)] = &[("severity", Computed::Word("severity"))];
    type Answer = Created;

    fn compute(&self, _: &Call<'_>) -> Result<Vec<Json>> {
        Ok(vec![self.computed_severity().into()])
    }

    fn run(self, permit: &Permit<'_>) -> Result<Created> {
        let now = permit.now();
        // They agree wherever the policy is enforced; elsewhere the caller's word is what is recorded.
        let severity = match &self.severity {
            Some(stated) => stated.as_str().to_owned(),
            None => self.computed_severity().to_owned(),
        };
        let detected = self.detection_timestamp.map_or(now.to_owned(), |time| time.as_str().to_owned());
        let urgency = self.urgency_level.unwrap_or_else(|| self.impact_level.clone());
        let incident = permit.insert(
            &INCIDENTS,
            vec![
                ("title", self.title.into()),
                ("category", self.category.into()),
                ("severity", severity.clone().into()),
                ("impact_level", self.impact_level.into()),
                ("urgency_level", urgency.into()),
                ("status", OPEN.into()),
                ("client_id", self.client_id.into()),
                ("component_id", self.component_id.into()),
                ("reporter_user_id", self.reporter_user_id.into()),
                ("assigned_to_user_id", self.assigned_to_user_id.into()),
                ("detection_timestamp", detected.clone().into()),
                ("created_at", now.into()),
                ("updated_at", now.into()),
            ],
        )?;
        Ok(Created {
            incident_id: incident.key().to_string(),
            severity,
            status: OPEN.to_owned(),
            detection_timestamp: detected,
            sla: sla::targets(permit, &incident)?,
        })
    }
}

const OPEN: &str = "open";

change_set! {
    /// The columns of an incident that can change.
    pub struct IncidentChanges {
        title: Line,
        category: Line,
        severity: Word<Severity>,
        impact_level: Word<Level>,
        urgency_level: Word<Level>,
        status: Word<IncidentStatus>,
        component_id: Id<Component>,
        assigned_to_user_id: Id<User>,
    }
}

inputs! {
    /// Change an incident, with one update record for each field that changes.
    pub struct UpdateIncident {
        incident_id: Id<Incident>,
        change_set: IncidentChanges,
        /// Reopening clears the times of resolution and closure
        reopening_clears: Option<Flag>,
    }
}

/// What changing an incident answers.
#[derive(Serialize, JsonSchema)]
pub struct Updated {
    incident_id: String,
    /// Ids of the update records, one a changed field.
    update_ids: Vec<String>,
    /// Times that the incident lost because it was opened again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cleared: Vec<&'static str>,
    /// The incident as it is now.
    incident: Map<String, Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sla: Option<Sla>,
}

impl Action for UpdateIncident {
    const NAME: &'static str = "update_incident";
    const RECORD: &'static Table = &INCIDENTS;
    const EFFECT: Effect = Effect::Update;
    const COMPUTED: &'static [(&'static str, Computed)] = &[("changes", Computed::Integer)];
    type Answer = Updated;

    fn compute(&self, call: &Call<'_>) -> Result<Vec<Json>> {
        call.changes(self.incident_id, &self.change_set)
    }

    fn run(self, permit: &Permit<'_>) -> Result<Updated> {
        let (now, actor) = (permit.now(), permit.actor()?);
        let incident = permit.record(self.incident_id)?;
        let mut cells = permit.differing(&incident, &self.change_set);
        // The update records come first: the procedure documents a change, then applies it.
        let mut update_ids = Vec::with_capacity(cells.len());
        for (field, value) in &cells {
            let update = permit.insert(
                &INCIDENT_UPDATES,
                vec![
                    ("incident_id", self.incident_id.into()),
                    ("updated_by_user", actor.into()),
                    ("update_type", update_type(field).into()),
                    ("field_changed", (*field).into()),
                    ("old_value", as_text(incident.get(field))),
                    ("new_value", as_text(value)),
                    ("created_at", now.into()),
                ],
            )?;
            update_ids.push(update.key().to_string());
        }
        let status = cells.iter().find_map(|(field, value)| match (*field, value) {
            ("status", Value::Text(status)) => Some(status.clone()),
            _ => None,
        });
        let reached = status.as_deref().and_then(lifecycle::reached);
        cells.extend(reached.map(|column| (column, now.into())));
        let clears = self.reopening_clears.is_some_and(|clears| clears.0);
        let cleared = status.filter(|_| clears).map_or(Vec::new(), |status| lifecycle::lost(&incident, &status));
        cells.extend(cleared.iter().map(|column| (*column, Value::Null)));
        cells.push(("updated_at", now.into()));
        let incident = permit.update(&incident, cells)?;
        Ok(Updated {
            incident_id: incident.key().to_string(),
            update_ids,
            cleared,
            sla: sla::targets(permit, &incident)?,
            incident: incident.to_json(),
        })
    }
}

/// The kind of update that a changed field is (ruling X43).
fn update_type(field: &str) -> &'static str {
    match field {
        "status" => "status_change",
        "severity" | "impact_level" | "urgency_level" => "priority_change",
        "assigned_to_user_id" => "assignment_change",
        _ => "detail_change",
    }
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::Integer(n) => n.to_string().into(),
        value => value.clone(),
    }
}

inputs! {
    /// Change an incident; its update records are written by themselves.
    pub struct AmendIncident {
        incident_id: Id<Incident>,
        change_set: IncidentChanges,
    }
}

/// What amending an incident answers.
#[derive(Serialize, JsonSchema)]
pub struct Amended {
    incident_id: String,
    /// The incident as it is now.
    incident: Map<String, Json>,
}

impl Action for AmendIncident {
    const NAME: &'static str = "amend_incident";
    const RECORD: &'static Table = &INCIDENTS;
    const EFFECT: Effect = Effect::Update;
    const COMPUTED: &'static [(&'static str, Computed)] = &[("changes", Computed::Integer)];
    type Answer = Amended;

    fn compute(&self, call: &Call<'_>) -> Result<Vec<Json>> {
        call.changes(self.incident_id, &self.change_set)
    }

    fn run(self, permit: &Permit<'_>) -> Result<Amended> {
        let now = permit.now();
        let incident = permit.record(self.incident_id)?;
        let mut cells = permit.differing(&incident, &self.change_set);
        // Here the first time counts: who reopens an incident does not forget when it was resolved.
        let reached = self.change_set.status.as_ref().and_then(|status| lifecycle::reached(status.as_str()));
        let reached = reached.filter(|column| *incident.get(column) == Value::Null);
        cells.extend(reached.map(|column| (column, now.into())));
        cells.push(("updated_at", now.into()));
        let incident = permit.update(&incident, cells)?;
        Ok(Amended { incident_id: incident.key().to_string(), incident: incident.to_json() })
    }
}
