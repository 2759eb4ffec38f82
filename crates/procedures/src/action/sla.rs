//! Service targets: what a subscription tier promises for a severity (seed 000, subscription tier values).

use super::Result;
use super::call::Call;
use indexmap::IndexMap;
use records::catalogue::{INCIDENTS, SUBSCRIPTIONS};
use records::time::add_minutes;
use schemars::JsonSchema;
use serde::Serialize;
use store::{Page, Predicate, Query, Row};

/// The tiers of a policy, by name.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Tiers(pub IndexMap<String, Tier>);

/// One service tier.
#[derive(Clone, Debug, Serialize)]
pub struct Tier {
    /// Whom it is meant for.
    pub clients: String,
    /// Promised availability.
    pub availability: String,
    /// When support answers.
    pub coverage: String,
    /// Targets by severity.
    #[serde(flatten)]
    pub targets: IndexMap<String, Targets>,
}

/// The targets of a tier for a severity.
#[derive(Clone, Debug, Serialize)]
pub struct Targets {
    /// Time to the first response.
    pub response: Span,
    /// Time to resolution.
    pub resolution: Span,
}

/// A range of time; a target is missed beyond its upper end.
#[derive(Clone, Debug, Serialize)]
pub struct Span {
    /// As the procedures state it.
    pub text: String,
    /// Its lower end.
    pub from_minutes: i64,
    /// Its upper end. A business day counts 24 hours.
    pub to_minutes: i64,
}

/// The targets that apply to an incident.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sla {
    /// The subscription that grants them: of the client's active ones the strictest.
    subscription_id: String,
    /// Its tier.
    tier: String,
    /// Time to the first response.
    response: String,
    /// The latest first response that is in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_due: Option<String>,
    /// Time to resolution.
    resolution: String,
    /// The latest resolution that is in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution_due: Option<String>,
}

/// The targets that apply to an incident; none where its client has no active subscription.
pub fn targets(call: &Call<'_>, incident: &Row) -> Result<Option<Sla>> {
    debug_assert_eq!(incident.table(), &INCIDENTS);
    let (Some(client), Some(severity)) = (SUBSCRIPTIONS.column("client_id"), incident.text("severity")) else {
        return Ok(None);
    };
    let Some(status) = SUBSCRIPTIONS.column("status") else { return Ok(None) };
    let subscriptions = call.store().find(&Query {
        table: &SUBSCRIPTIONS,
        predicates: vec![
            Predicate::Equal(client, incident.get("client_id").clone()),
            Predicate::Equal(status, "active".into()),
        ],
        page: Page { after: 0, limit: u32::MAX },
    })?;
    let strictest = (subscriptions.iter())
        .filter_map(|row| {
            let tier = row.text("sla_tier")?;
            Some((row, tier, call.tiers().0.get(tier)?.targets.get(severity)?))
        })
        .min_by_key(|(_, _, targets)| (targets.resolution.to_minutes, targets.response.to_minutes));
    Ok(strictest.map(|(row, tier, targets)| {
        let detected = incident.text("detection_timestamp").unwrap_or_default();
        Sla {
            subscription_id: row.key().to_string(),
            tier: tier.to_owned(),
            response: targets.response.text.clone(),
            response_due: add_minutes(detected, targets.response.to_minutes),
            resolution: targets.resolution.text.clone(),
            resolution_due: add_minutes(detected, targets.resolution.to_minutes),
        }
    }))
}
