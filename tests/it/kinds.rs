//! What sort of refusal a halt is, whatever the policy calls it.

use crate::policies::Copy;
use crate::support::{call, episode_with, image, with};
use calls::{Episode, Settings};
use procedures::halt::Kind;
use procedures::policy;
use serde_json::{Value as Json, json};

/// A policy whose codes are like no other's.
const DESK: &str = r#"
id      = "own-words"
title   = "A desk with words of its own"
clock   = "2025-10-05T03:00:00"
audit   = "none"
include = ["parts/access"]

[halts]
SAY_MORE    = "A note says something."
NOT_ON_DUTY = { text = "Only user 12 is on duty.", kind = "forbidden" }

[tool.note]
action       = "add_incident_update"
title        = "Note"
description  = "Leave a note on an incident."
roles        = ["technical_support", "incident_manager"]
roles_clause = "desk.1"

  [[tool.note.rule]]
  id      = "desk.duty"
  unless  = "actor.user_id == '12'"
  halt    = "NOT_ON_DUTY"
  message = "User {actor.user_id} is not on duty."
  clause  = "desk.1"

  [[tool.note.rule]]
  id      = "desk.words"
  unless  = "size(input.note) >= 10"
  halt    = "SAY_MORE"
  message = "The note has fewer than 10 characters."
  clause  = "desk.2"
"#;

const TEXT: &str = "# A desk\n\n- **desk.1** Whoever is on duty may note.\n- **desk.2** A note says something.\n";

#[test]
fn a_kind_is_the_same_whatever_the_policy_calls_the_refusal() {
    let copy = Copy::new();
    copy.write("own-words/policy.toml", DESK);
    copy.write("own-words/policy.md", TEXT);
    let desk = policy::load(&copy.source(), "own-words").unwrap();
    let mut episode = Episode::on_image(desk.into(), image(), &Settings::default()).unwrap();
    let good = json!({ "incident_id": "27", "note": "Looks like the cache.", "acting_user": "12" });
    let cases: [(Json, Option<Kind>); 8] = [
        (json!({}), None),
        (json!({ "note": "Hm." }), Some(Kind::Rule)),
        (json!({ "acting_user": "6" }), Some(Kind::Forbidden)),
        (json!({ "acting_user": "17" }), Some(Kind::Forbidden)),
        (json!({ "acting_user": null }), Some(Kind::Unauthenticated)),
        (json!({ "acting_user": "99999" }), Some(Kind::Reference)),
        (json!({ "incident_id": "99999" }), Some(Kind::Reference)),
        (json!({ "colour": "red" }), Some(Kind::Input)),
    ];
    for (change, kind) in cases {
        let outcome = call(&mut episode, "note", with(good.clone(), change.clone()));
        assert_eq!(outcome.refused, kind, "{change}: {}", outcome.text);
        // What agents read says nothing of it.
        assert!(!outcome.answer.contains_key("kind"), "{}", outcome.text);
    }
}

#[test]
fn who_acts_for_another_is_forbidden_and_a_repeated_call_is_refused_as_the_first_time() {
    let mut episode = episode_with("all", crate::support::acting("6"));
    let other = json!({ "acting_user": "7" });
    assert_eq!(call(&mut episode, "find_incidents", other).refused, Some(Kind::Forbidden));
    let arguments = json!({ "incident_id": "27", "colour": "red" }).as_object().unwrap().clone();
    let first = episode.call_once("update_incident", arguments.clone(), Some("k")).unwrap();
    let again = episode.call_once("update_incident", arguments, Some("k")).unwrap();
    assert_eq!((first.refused, again.refused), (Some(Kind::Input), Some(Kind::Input)), "{}", first.text);
    let taken = episode.call_once("find_incidents", serde_json::Map::new(), Some("k")).unwrap_err();
    assert_eq!(taken.kind(), Kind::Conflict);
}
