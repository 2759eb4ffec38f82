//! What the tools of `it-incident-management` record, where it differs from the other policies or stands there alone.

use crate::support::{call, episode, episode_with, halt, success, tables, with};
use calls::{Episode, Mode, Settings};
use serde_json::{Value, json};

const POLICY: &str = "it-incident-management";
const NOW: &str = "2025-09-02T23:59:59";

fn acting(user: &str) -> Episode {
    episode_with(POLICY, Settings { actor: Some(user.to_owned()), ..Settings::default() })
}

/// Nobody acts, and no rule is judged.
fn unattended() -> Episode {
    episode_with(POLICY, Settings { mode: Mode::Off, ..Settings::default() })
}

/// The row of that id as the store has it.
fn row(episode: &mut Episode, table: &str, key: &str, id: &str) -> Value {
    let rows = tables(episode).remove(table).unwrap();
    rows.as_array().unwrap().iter().find(|row| row[key] == id).unwrap_or_else(|| panic!("{table} {id}")).clone()
}

#[test]
fn an_incident_is_amended_without_update_records() {
    let mut episode = acting("6");
    let updates = tables(&mut episode)["incident_updates"].clone();
    let mut amend = |incident: &str, set: Value| {
        let change = json!({ "incident_id": incident, "change_set": set });
        let answer = success(&call(&mut episode, "update_incident", change));
        ["resolution_timestamp", "closure_timestamp"].map(|name| answer["incident"][name].clone())
    };
    assert_eq!(amend("30", json!({ "status": "resolved", "category": "Network" })), [json!(NOW), Value::Null]);
    // Resolved before: the first time stays, however often.
    assert_eq!(amend("16", json!({ "status": "open" })), [json!("2025-08-07T15:00:00"), Value::Null]);
    assert_eq!(amend("16", json!({ "status": "resolved" })), [json!("2025-08-07T15:00:00"), Value::Null]);
    assert_eq!(tables(&mut episode)["incident_updates"], updates);
}

#[test]
fn a_status_that_stands_already_gives_the_time_that_is_missing() {
    let mut episode = unattended();
    // Closed without a resolution; the rule on changes is not judged here.
    let change = json!({ "incident_id": "9", "change_set": { "status": "closed" } });
    let before = success(&call(&mut episode, "update_incident", change))["incident"].clone();
    assert_eq!(before["resolution_timestamp"], Value::Null);
    let change = json!({ "incident_id": "9", "change_set": { "status": "resolved" } });
    let after = success(&call(&mut episode, "update_incident", change))["incident"].clone();
    assert_eq!(after["resolution_timestamp"], NOW);
    assert_eq!(after["closure_timestamp"], before["closure_timestamp"]);
    assert_eq!(after["updated_at"], NOW);
}

#[test]
fn an_update_is_recorded_as_it_is_told() {
    let mut episode = acting("6");
    let told = json!({
        "incident_id": "30", "update_type": "assignment_change", "field_changed": "assigned_to_user_id",
        "old_value": "12", "new_value": "13", "note": "Until the line card is there.",
    });
    let answer = success(&call(&mut episode, "record_incident_update", told.clone()));
    let found = row(&mut episode, "incident_updates", "update_id", answer["update_id"].as_str().unwrap());
    let expected = json!({ "update_id": answer["update_id"], "updated_by_user": "6", "created_at": NOW });
    assert_eq!(found, sorted(with(told, expected)));
}

/// The columns in the order of the canonical state.
fn sorted(mut row: Value) -> Value {
    row.as_object_mut().unwrap().sort_keys();
    row
}

#[test]
fn a_name_is_made_of_its_parts_anew() {
    let mut episode = acting("1");
    let mut change = |id: &str, set: Value| {
        let change = json!({ "user_id": id, "change_set": set });
        success(&call(&mut episode, "update_user", change))["user"]["name"].clone()
    };
    assert_eq!(change("42", json!({ "last_name": "Brandt" })), "Katrin Brandt");
    assert_eq!(change("42", json!({ "first_name": "Ines", "last_name": "Vogel" })), "Ines Vogel");
    assert_eq!(change("42", json!({ "first_name": "Eva", "name": "E. Vogel" })), "E. Vogel");
    assert_eq!(change("42", json!({ "phone": "+1-555-0199" })), "E. Vogel");
    let new = json!({ "name": "Prince", "email": "prince@harbourlight.example", "role": "executive" });
    let id = success(&call(&mut episode, "register_user", new))["user_id"].clone();
    let registered = row(&mut episode, "users", "user_id", id.as_str().unwrap());
    assert_eq!(registered.get("timezone"), None);
    // The other part is not known, so the name cannot be made.
    let change = json!({ "user_id": id, "change_set": { "first_name": "Roger" } });
    assert_eq!(success(&call(&mut episode, "update_user", change))["user"]["name"], "Prince");
}

#[test]
fn a_metric_that_is_not_stated_is_computed_or_refused() {
    for mode in [Mode::Enforce, Mode::Observe, Mode::Off] {
        let mut episode = episode_with(POLICY, Settings { mode, actor: Some("6".to_owned()), ..Settings::default() });
        let metric = json!({ "incident_id": "1", "metric_type": "resolution_time" });
        let answer = success(&call(&mut episode, "log_metric", metric.clone()));
        assert_eq!(answer["calculated_value_minutes"], 185);
        let before = tables(&mut episode);
        let other = with(metric, json!({ "metric_type": "FTR" }));
        let refused = halt(&call(&mut episode, "log_metric", other), "INVALID_INPUT");
        assert_eq!(refused["problems"][0]["field"], "calculated_value_minutes");
        assert_eq!(tables(&mut episode), before);
    }
}

/// Where the environment names nobody, nobody has to act; everywhere else somebody has to.
#[test]
fn some_records_need_nobody() {
    let mut episode = unattended();
    let metric = json!({ "incident_id": "1", "metric_type": "MTTM", "calculated_value_minutes": 9 });
    let metric = success(&call(&mut episode, "log_metric", metric))["metric_id"].clone();
    let metric = row(&mut episode, "performance_metrics", "metric_id", metric.as_str().unwrap());
    assert_eq!(metric.get("recorded_by_user"), None);
    let escalation = json!({
        "incident_id": "30", "escalated_to_user": "20", "escalation_level": "executive", "reason": "client_demand",
    });
    let escalation = success(&call(&mut episode, "escalate_incident", escalation))["escalation_id"].clone();
    let escalation = row(&mut episode, "incident_escalations", "escalation_id", escalation.as_str().unwrap());
    assert_eq!(escalation.get("escalated_by_user"), None);
    assert_eq!(escalation["status"], "active");
    let workaround = json!({ "incident_id": "30", "effectiveness_level": "partial" });
    halt(&call(&mut episode, "record_workaround", workaround), "UNAUTHENTICATED");
}

#[test]
fn a_change_request_keeps_the_time_of_its_last_update() {
    let mut episode = acting("6");
    let change =
        json!({ "change_id": "14", "change_set": { "status": "scheduled", "scheduled_start_time": "2025-09-04" } });
    let change = success(&call(&mut episode, "update_change_request", change))["change"].clone();
    assert_eq!(change["updated_at"], "2025-09-01T10:40:00");
    assert_eq!(change["scheduled_start_time"], "2025-09-04T00:00:00");
    let article = json!({ "article_id": "1", "change_set": { "view_count": 149.0 } });
    let article = success(&call(&mut episode, "update_kb_article", article))["article"].clone();
    assert_eq!((&article["updated_at"], &article["view_count"]), (&json!(NOW), &json!(149)));
}

#[test]
fn days_and_percentages_are_kept_as_such() {
    let mut episode = acting("1");
    let subscription = json!({
        "client_id": "3", "product_id": "1", "subscription_type": "trial", "sla_tier": "basic", "rto_hours": 24,
        "start_date": "2025-09-02T10:00:00Z", "end_date": "2025-12-31",
    });
    let id = success(&call(&mut episode, "create_subscription", subscription))["subscription_id"].clone();
    let subscription = row(&mut episode, "subscriptions", "subscription_id", id.as_str().unwrap());
    assert_eq!((&subscription["start_date"], &subscription["end_date"]), (&json!("2025-09-02"), &json!("2025-12-31")));
    let agreement = json!({
        "subscription_id": id, "severity_level": "P1", "response_time_minutes": 30, "resolution_time_hours": 4,
        "availability_percentage": 99.5, "acting_user": "20",
    });
    let mut episode = episode_with(POLICY, Settings::default());
    let agreement = with(agreement, json!({ "subscription_id": "2" }));
    let id = success(&call(&mut episode, "create_sla_agreement", agreement))["sla_id"].clone();
    let change = |availability: Value| json!({ "sla_id": id, "change_set": { "availability_percentage": availability }, "acting_user": "20" });
    let changed = success(&call(&mut episode, "update_sla_agreement", change(json!(99))))["sla"].clone();
    assert_eq!(changed["availability_percentage"], 99.0);
    halt(&call(&mut episode, "update_sla_agreement", change(json!(100.5))), "INVALID_INPUT");
}

/// A change that changes nothing, of a record without a time of its last update, is no write.
#[test]
fn what_is_so_already_stays() {
    let mut episode = episode(POLICY);
    let before = tables(&mut episode);
    let change = json!({ "workaround_id": "20", "change_set": { "status": "active" }, "acting_user": "12" });
    let answer = success(&call(&mut episode, "update_workaround", change));
    assert_eq!(answer["workaround"]["status"], "active");
    assert_eq!(tables(&mut episode), before);
}
