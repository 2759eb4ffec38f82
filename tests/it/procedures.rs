//! What the procedures forbid, and what they let pass, beyond what a rule's case can show.

use crate::support::{acting, call, episode, episode_with, halt, success, tables};
use calls::{Episode, Mode, Settings};
use records::catalogue;
use serde_json::{Value, json};

/// The duties, and who pays them.
fn unpaid(episode: &mut Episode) -> usize {
    episode.summary().unwrap().unpaid.len()
}

fn entry(action: &str, kind: &str, id: &str, user: &str) -> Value {
    json!({ "action": action, "entity_type": kind, "entity_id": id, "acting_user": user })
}

#[test]
fn only_the_author_of_a_write_pays_for_it() {
    let mut episode = episode("all");
    let note = json!({ "incident_id": "22", "note": "Seen.", "acting_user": "7" });
    let note = success(&call(&mut episode, "add_incident_update", note));
    let id = note["owes"]["entity_id"].as_str().unwrap();
    // Anybody may enter what they did; it pays for nobody else.
    success(&call(&mut episode, "log_audit", entry("create", "incident_update", id, "6")));
    assert_eq!(unpaid(&mut episode), 1);
    halt(&call(&mut episode, "log_audit", entry("create", "incident_update", id, "39")), "CLIENT_NOT_ASSOCIATED");
    success(&call(&mut episode, "log_audit", entry("create", "incident_update", id, "7")));
    assert_eq!(unpaid(&mut episode), 0);
}

#[test]
fn of_equal_duties_each_author_pays_the_own_one() {
    let mut episode = episode("all");
    for (user, title) in [("6", "A"), ("7", "B")] {
        let change = json!({ "incident_id": "27", "change_set": { "title": title }, "acting_user": user });
        success(&call(&mut episode, "update_incident", change));
    }
    success(&call(&mut episode, "log_audit", entry("update", "incident", "27", "7")));
    let duties = episode.obligations().unwrap();
    assert_eq!((duties[0].paid_by, duties[1].paid_by), (None, Some(3)));
}

/// An account manager who takes on a client is not assigned to it yet, and enters it all the same; once.
#[test]
fn who_wrote_it_may_enter_it_whatever_it_belongs_to() {
    let mut episode = episode_with("all", acting("28"));
    let client = json!({ "client_name": "Tern", "registration_number": "T-1", "contact_email": "t@tern.example", "client_type": "startup" });
    let id = success(&call(&mut episode, "create_client", client))["client_id"].as_str().unwrap().to_owned();
    let paying = json!({ "action": "create", "entity_type": "client", "entity_id": id });
    success(&call(&mut episode, "log_audit", paying.clone()));
    assert_eq!(unpaid(&mut episode), 0);
    halt(&call(&mut episode, "log_audit", paying), "CLIENT_NOT_ASSIGNED");
}

#[test]
fn a_hand_over_needs_no_record() {
    for user in ["39", "44", "31", "35", "25", "6"] {
        let mut episode = episode_with("all", acting(user));
        success(&call(&mut episode, "transfer_to_human", json!({ "summary": "Please call back." })));
    }
}

#[test]
fn where_nothing_is_enforced_what_concerns_nobody_passes() {
    let order = json!({ "title": "Measure", "work_type": "investigation", "created_by_user": "41" });
    for (mode, violations) in [(Mode::Observe, 1), (Mode::Off, 0)] {
        let mut episode = episode_with("all", Settings { mode, ..Settings::default() });
        success(&call(&mut episode, "create_workorder", order.clone()));
        let noted: Value = serde_json::from_str(&episode.journal().unwrap()[0].violations).unwrap();
        assert_eq!(noted.as_array().unwrap().len(), violations);
    }
}

/// Change an incident's status; what it lost, and the two times after it.
fn status(episode: &mut Episode, id: &str, status: &str) -> (Value, Value, Value) {
    let change = json!({ "incident_id": id, "change_set": { "status": status } });
    let answer = success(&call(episode, "update_incident", change));
    let incident = &answer["incident"];
    let cleared = answer.get("cleared").cloned().unwrap_or_default();
    (cleared, incident["resolution_timestamp"].clone(), incident["closure_timestamp"].clone())
}

#[test]
fn an_incident_that_is_opened_again_is_neither_resolved_nor_closed() {
    let mut episode = episode_with("all", acting("6"));
    let now = json!("2025-09-25T12:00:00");
    let both = json!(["resolution_timestamp", "closure_timestamp"]);
    assert_eq!(status(&mut episode, "11", "investigating"), (both, Value::Null, Value::Null));
    assert_eq!(status(&mut episode, "11", "in_progress"), (Value::Null, Value::Null, Value::Null));
    assert_eq!(status(&mut episode, "11", "resolved"), (Value::Null, now.clone(), Value::Null));
    assert_eq!(status(&mut episode, "11", "closed"), (Value::Null, now.clone(), now.clone()));
    let closure = json!(["closure_timestamp"]);
    assert_eq!(status(&mut episode, "11", "resolved"), (closure, now.clone(), Value::Null));
    let resolution = json!(["resolution_timestamp"]);
    assert_eq!(status(&mut episode, "11", "open"), (resolution, Value::Null, Value::Null));
    assert_eq!(status(&mut episode, "11", "closed"), (Value::Null, Value::Null, now));
}

#[test]
fn a_policy_can_keep_the_times_of_an_incident_that_is_opened_again() {
    let mut episode = episode_with("it-incident-management", acting("6"));
    let (_, resolution, closure) = status(&mut episode, "11", "in_progress");
    assert_eq!((resolution, closure), (json!("2025-05-16T14:20:00"), json!("2025-05-21T09:20:00")));
}

#[test]
fn what_the_policy_names_can_be_cleared() {
    let mut episode = episode_with("all", acting("6"));
    let change = |set: Value| json!({ "incident_id": "28", "change_set": set });
    let set = json!({ "clear": ["assigned_to_user_id"], "title": "Slow" });
    let answer = success(&call(&mut episode, "update_incident", change(set)));
    assert_eq!(answer["incident"]["assigned_to_user_id"], Value::Null);
    assert_eq!(answer["update_ids"].as_array().unwrap().len(), 2);
    let updates =
        success(&call(&mut episode, "find_incident_updates", json!({ "incident_id": "28", "detail": "detailed" })));
    let last = updates["incident_updates"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["field_changed"], &last["old_value"], &last["new_value"]),
        (&json!("assigned_to_user_id"), &json!("14"), &Value::Null)
    );
    // What is clear already does not change.
    halt(&call(&mut episode, "update_incident", change(json!({ "clear": ["assigned_to_user_id"] }))), "NO_CHANGES");
    halt(&call(&mut episode, "update_incident", change(json!({ "clear": [] }))), "NO_CHANGES");
    let before = tables(&mut episode);
    for (set, field, problem) in [
        (json!({ "clear": ["title"] }), "change_set.clear.0", "allowed words"),
        (json!({ "clear": ["component_id"] }), "change_set.clear.0", "allowed words"),
        (json!({ "clear": ["nothing"] }), "change_set.clear.0", "allowed words"),
        (json!({ "clear": "assigned_to_user_id" }), "change_set.clear", "must be of type array"),
        (json!({ "clear": [7] }), "change_set.clear.0", "must be of type string"),
        (
            json!({ "clear": ["assigned_to_user_id"], "assigned_to_user_id": "6" }),
            "change_set.clear",
            "which is given a value as well",
        ),
    ] {
        let answer = halt(&call(&mut episode, "update_incident", change(set)), "INVALID_INPUT");
        let found = &answer["problems"][0];
        assert_eq!(found["field"], field, "{answer}");
        assert!(found["problem"].as_str().unwrap().contains(problem), "{answer}");
    }
    assert_eq!(tables(&mut episode), before);
    // Where the policy names nothing, there is no such argument.
    let set = json!({ "ticket_id": "1", "change_set": { "clear": ["incident_id"] } });
    let answer = halt(&call(&mut episode, "update_ticket", set), "INVALID_INPUT");
    assert_eq!(answer["problems"][0]["field"], "change_set.clear");
}

#[test]
fn a_record_that_is_read_is_journaled_as_the_lookup_of_its_id() {
    let mut episode = episode_with("all", acting("39"));
    let table = catalogue::table("incidents").unwrap();
    let read = episode.read(table, 16);
    let found = call(&mut episode, "find_incidents", json!({ "incident_id": "16", "detail": "detailed" }));
    assert_eq!(read.answer, found.answer);
    let journal = episode.journal().unwrap();
    let said = |at: usize| {
        let entry = &journal[at];
        (&entry.tool, &entry.actor, &entry.arguments, &entry.answer, &entry.outcome)
    };
    assert_eq!(said(0), said(1));
    assert_eq!(episode.read(table, 999).answer["count"], 0);
}

#[test]
fn an_inactive_user_reads_no_record() {
    let table = catalogue::table("incidents").unwrap();
    for (mode, refused) in [(Mode::Enforce, true), (Mode::Observe, false), (Mode::Off, false)] {
        let mut episode = episode_with("all", Settings { mode, ..acting("10") });
        assert_eq!(episode.may_look().unwrap().map(|halt| halt.code), refused.then(|| "ACTOR_INACTIVE".to_owned()));
        let read = episode.read(table, 16);
        assert_eq!(read.is_error(), refused);
        if refused {
            halt(&read, "ACTOR_INACTIVE");
        }
        assert_eq!(episode.journal().unwrap().len(), 1);
    }
    let mut nobody = episode("all");
    assert_eq!(nobody.may_look().unwrap(), None);
    success(&nobody.read(table, 16));
}
