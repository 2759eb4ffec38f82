use incident_mcp::episode::{Episode, Settings};
use incident_mcp::policy::{Source, load};
use incident_mcp::store::fixtures::Fixtures;
use serde_json::{Value, json};
use std::sync::Arc;

#[test]
fn smoke() {
    let t = std::time::Instant::now();
    let policy = Arc::new(load(&Source::Embedded, "all").unwrap());
    println!("policy {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let fixtures = match Fixtures::shipped(&|_| None) { Ok(f) => f, Err(p) => { for p in p { println!("{p}"); } panic!() } };
    println!("fixtures {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let mut episode = Episode::in_memory(policy, &fixtures, &Settings::default()).unwrap();
    println!("episode {:?}", t.elapsed());
    for (tool, args) in [
        ("find_incidents", json!({"status":"closed","limit":2,"acting_user":"6"})),
        ("log_metric", json!({"incident_id":"27","metric_type":"resolution_time","calculated_value_minutes":12,"recorded_by_user":"6"})),
        ("log_metric", json!({"incident_id":"15","metric_type":"resolution_time","calculated_value_minutes":12,"recorded_by_user":"6"})),
        ("log_audit", json!({"action":"create","entity_type":"performance_metric","entity_id":"28","acting_user":"6"})),
        ("log_metric", json!({"incident":"15","metric_type":"resolutiontime","calculated_value_minutes":"12"})),
        ("update_incident", json!({"incident_id":"27","change_set":{"status":"in_progress","assigned_to_user_id":"12"},"acting_user":"6"})),
        ("create_incident", json!({"title":"t","category":"Network","impact_level":"high","client_id":"2","reporter_user_id":"6","p2_risk_high_priority_sla_breach":true,"acting_user":"6"})),
        ("generate_incident_report", json!({"incident_id":"15","report_type":"post_mortem","generated_by_user":"12"})),
        ("conduct_rca", json!({"incident_id":"999","analysis_method":"five_whys","conducted_by_user":"12"})),
    ] {
        let Value::Object(args) = args else { panic!() };
        let t = std::time::Instant::now();
        let outcome = episode.call(tool, args).unwrap();
        println!("{tool} {:?}\n   {}", t.elapsed(), outcome.text);
    }
    println!("{:?}", episode.hash(incident_mcp::store::canonical::Extent::Result).unwrap().state);
    println!("{:?}", episode.store().integrity().unwrap());
}
