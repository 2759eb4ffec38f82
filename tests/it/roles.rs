//! Who may do what: every tool really called, once a role.

use crate::support::{
    PEOPLE, Person, actor_argument, call, episode, policies, policy, tables, tools, valid_call, with,
};
use calls::Episode;
use procedures::policy::{Tool, Work};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::LazyLock;

/// The roles that the procedures name, read from their text and not from the policies. The short names are explained in
/// [`ROLES`].
const PROCEDURES: [(&str, &str); 44] = [
    // Opening and following incidents.
    ("create_incident", "IM TS EX VC SA"),
    ("update_incident", "IM TS EX"),
    ("add_incident_update", "IM TS EX"),
    // Changes and what resolves an incident; the same in every source that has them.
    ("submit_change_request", "IM TS EX SA"),
    ("create_rollback_request", "IM TS EX"),
    ("record_workaround", "IM TS SA"),
    ("conduct_rca", "IM TS SA"),
    ("record_communication", "IM TS"),
    // From the problem to the review.
    ("create_ticket", "IM TS SA"),
    ("update_ticket", "IM TS SA"),
    ("create_workorder", "IM TS SA"),
    ("update_workorder", "IM TS SA"),
    ("log_metric", "IM SA"),
    ("generate_incident_report", "IM EX"),
    ("record_kb_article", "IM TS"),
    ("submit_post_incident_review", "IM EX"),
    // Clients, users, vendors.
    ("create_client", "AM SA"),
    ("update_client", "AM SA"),
    ("register_user", "IM SA"),
    ("update_user", "IM SA"),
    ("create_vendor", "IM EX SA"),
    // Who may record something may change it as well.
    ("record_incident_update", "IM TS EX"),
    ("update_change_request", "IM TS EX SA"),
    ("update_rollback_request", "IM TS EX"),
    ("update_workaround", "IM TS SA"),
    ("update_rca", "IM TS SA"),
    ("update_communication", "IM TS"),
    ("update_metric", "IM SA"),
    ("update_incident_report", "IM EX"),
    ("update_kb_article", "IM TS"),
    ("update_post_incident_review", "IM EX"),
    ("update_vendor", "IM EX SA"),
    // Named by no procedure; the duties of the roles say who.
    ("escalate_incident", "IM TS EX"),
    ("update_escalation", "IM EX"),
    ("create_product", "SA"),
    ("update_product", "SA"),
    ("create_component", "TS SA"),
    ("update_component", "TS SA"),
    ("create_subscription", "AM EX SA"),
    ("update_subscription", "IM AM EX SA"),
    ("create_sla_agreement", "IM AM EX"),
    ("update_sla_agreement", "IM AM EX"),
    // Whoever acted enters it, and anybody may ask for a person.
    ("log_audit", EVERYBODY),
    ("transfer_to_human", EVERYBODY),
];

/// All seven roles: who may look things up, too.
const EVERYBODY: &str = "IM TS AM EX VC SA CC";

/// Roles by the short names of the table, in its order; [`PEOPLE`] has the same order.
const ROLES: [(&str, &str); 7] = [
    ("IM", "incident_manager"),
    ("TS", "technical_support"),
    ("AM", "account_manager"),
    ("EX", "executive"),
    ("VC", "vendor_contact"),
    ("SA", "system_administrator"),
    ("CC", "client_contact"),
];

/// What a call by one user came to: `ok`, or the code and the text of its halt.
struct Said {
    code: String,
    text: String,
}

/// What a tool says to all people of [`PEOPLE`].
struct Answers {
    policy: &'static str,
    tool: &'static Tool,
    active: Vec<Said>,
    on_leave: Vec<Said>,
    inactive: Vec<Said>,
}

/// Every tool of every policy called as it is meant to be, by everybody.
static ANSWERS: LazyLock<Vec<Answers>> = LazyLock::new(|| {
    let mut desks: BTreeMap<&str, Desk> = policies().map(|id| (id, Desk::new(id))).collect();
    let ask = |(policy, tool): (&'static str, &'static Tool)| {
        let desk = desks.get_mut(policy).unwrap();
        let mut of = |user: fn(&Person) -> &str| PEOPLE.iter().map(|person| desk.call(tool, user(person))).collect();
        let active = of(|person| person.active);
        let on_leave = of(|person| person.on_leave);
        let inactive = of(|person| person.inactive);
        desk.check();
        Answers { policy, tool, active, on_leave, inactive }
    };
    tools().map(ask).collect()
});

/// An episode in which nothing has been written yet; renewed after each write.
struct Desk {
    policy: &'static str,
    episode: Episode,
    pristine: BTreeMap<&'static str, Value>,
}

impl Desk {
    fn new(policy: &'static str) -> Desk {
        let mut episode = episode(policy);
        let pristine = tables(&mut episode);
        Desk { policy, episode, pristine }
    }

    fn call(&mut self, tool: &Tool, user: &str) -> Said {
        let arguments = with(valid_call(self.policy, tool), json!({ actor_argument(tool): user }));
        let outcome = call(&mut self.episode, &tool.name, arguments);
        if outcome.is_error() {
            return Said { code: outcome.answer["code"].as_str().unwrap().to_owned(), text: outcome.text };
        }
        if matches!(tool.work, Work::Act(_)) {
            self.unwritten(1);
            self.episode = episode(self.policy);
        }
        Said { code: "ok".to_owned(), text: outcome.text }
    }

    /// Halts and lookups have left no trace.
    fn check(&mut self) {
        self.unwritten(0);
        assert!(tables(&mut self.episode) == self.pristine, "{}: something was written", self.policy);
    }

    /// The journal has so many calls that wrote, and no more.
    fn unwritten(&mut self, written: usize) {
        let journal = self.episode.journal().unwrap();
        let wrote: Vec<_> = journal.iter().filter(|entry| entry.changes != "[]").collect();
        assert_eq!(wrote.len(), written, "{}: {wrote:?}", self.policy);
    }
}

#[test]
fn people_are_in_the_order_of_the_table() {
    assert_eq!(ROLES.map(|(_, role)| role), PEOPLE.map(|person| person.role));
}

#[test]
fn role_matrix() {
    let mut table = String::new();
    for (short, role) in ROLES {
        let _ = writeln!(table, "{short}  {role}, active");
    }
    table.push_str("ok  goes through\n-   ROLE_NOT_ALLOWED\n");
    let mut policy = "";
    for answers in ANSWERS.iter() {
        if policy != answers.policy {
            policy = answers.policy;
            let heads = ROLES.map(|(short, _)| short).join("  ");
            let _ = writeln!(table, "\n{policy:<31} {heads}  on leave, any role  inactive, any role");
        }
        let _ = write!(table, "{:<31}", answers.tool.name);
        for said in &answers.active {
            let _ = write!(table, " {:<3}", if said.code == "ROLE_NOT_ALLOWED" { "-" } else { &said.code });
        }
        let _ = writeln!(table, " {:<18}  {}", one_word(&answers.on_leave), one_word(&answers.inactive));
    }
    insta::assert_snapshot!(table);
}

/// The codes; one word where they agree.
fn one_word(answers: &[Said]) -> String {
    let codes: BTreeSet<&str> = answers.iter().map(|said| said.code.as_str()).collect();
    codes.into_iter().collect::<Vec<_>>().join("/")
}

#[test]
fn the_roles_of_every_write_are_those_of_its_procedure() {
    let procedures: BTreeMap<&str, &str> = PROCEDURES.into();
    let mut wrong = Vec::new();
    let mut never: BTreeSet<&str> = procedures.keys().copied().collect();
    for Answers { policy, tool, active, .. } in ANSWERS.iter() {
        let may = match &tool.work {
            Work::Find(_) => EVERYBODY,
            Work::Act(_) => procedures.get(tool.name.as_str()).copied().unwrap_or_default(),
        };
        never.remove(tool.name.as_str());
        for ((short, role), said) in ROLES.iter().zip(active) {
            let wanted = if may.split(' ').any(|known| known == *short) { "ok" } else { "ROLE_NOT_ALLOWED" };
            if said.code != wanted {
                wrong.push(format!("{policy}: {} by {role}: not {wanted}: {}", tool.name, said.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(never.is_empty(), "no policy offers {never:?}");
}

#[test]
fn who_is_not_active_may_do_nothing() {
    for answers in ANSWERS.iter() {
        for said in answers.on_leave.iter().chain(&answers.inactive) {
            assert_eq!(said.code, "ACTOR_INACTIVE", "{}: {}: {}", answers.policy, answers.tool.name, said.text);
        }
    }
}

#[test]
fn every_procedure_is_in_the_policies_that_it_belongs_to() {
    const INCIDENTS: &str = "create_incident update_incident add_incident_update";
    const RESOLUTION: &str =
        "submit_change_request create_rollback_request record_workaround conduct_rca record_communication";
    const PROBLEMS: &str = "submit_change_request create_rollback_request record_workaround conduct_rca create_ticket \
         update_ticket create_workorder update_workorder log_metric generate_incident_report record_kb_article \
         submit_post_incident_review log_audit";
    const PARTIES: &str = "create_client update_client register_user update_user create_vendor log_audit";
    const ENVIRONMENT: &str = "create_incident update_incident record_incident_update escalate_incident update_escalation \
         submit_change_request update_change_request create_rollback_request update_rollback_request record_workaround \
         update_workaround conduct_rca update_rca record_communication update_communication log_metric update_metric \
         generate_incident_report update_incident_report record_kb_article update_kb_article submit_post_incident_review \
         update_post_incident_review create_client update_client register_user update_user create_vendor update_vendor \
         create_product update_product create_component update_component create_subscription update_subscription \
         create_sla_agreement update_sla_agreement";
    let wanted = [
        ("all", vec![INCIDENTS, RESOLUTION, PROBLEMS, PARTIES]),
        ("change-and-resolution", vec![RESOLUTION]),
        ("client-user-vendor", vec![PARTIES]),
        ("incident-operations", vec![INCIDENTS, RESOLUTION]),
        ("it-incident-management", vec![ENVIRONMENT]),
        ("problem-to-review", vec![PROBLEMS]),
    ];
    assert_eq!(policies().collect::<Vec<_>>(), wanted.each_ref().map(|(id, _)| *id));
    for (id, lists) in wanted {
        let names = lists.iter().flat_map(|list| list.split_whitespace());
        let wanted: BTreeSet<&str> = names.chain(["transfer_to_human"]).collect();
        let policy = policy(id);
        let writes = policy.tools.iter().filter(|tool| matches!(tool.work, Work::Act(_)));
        assert_eq!(writes.map(|tool| tool.name.as_str()).collect::<BTreeSet<_>>(), wanted, "{id}");
    }
}
