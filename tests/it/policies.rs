//! Policies: what their authors can get wrong, what the shipped ones say, and that data alone makes a new one.

use crate::support;
use calls::{Episode, Settings};
use procedures::domain::service_management;
use procedures::policy::coverage::Cover;
use procedures::policy::{self, Audit, Policy, Source, Work};
use records::catalogue::{Kind, TABLES, table};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

// ---- mistakes --------------------------------------------------------------------------------------------------------

/// A copy of the shipped policies that a test may spoil.
pub struct Copy {
    folder: TempDir,
}

impl Copy {
    pub fn new() -> Copy {
        let copy = Copy { folder: tempfile::tempdir().unwrap() };
        support::copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policy"), copy.folder.path());
        copy
    }
    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }
    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }
    pub fn write(&self, file: &str, text: &str) {
        fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
        fs::write(self.path(file), text).unwrap();
    }
    pub fn source(&self) -> Source {
        Source::Directory(self.folder.path().to_owned())
    }
    /// The mistakes of a policy as file below the folder, line and message.
    fn mistakes(&self, id: &str) -> Vec<(String, usize, String)> {
        let Err(mistakes) = policy::load(&self.source(), id) else { return Vec::new() };
        let root = format!("{}/", self.folder.path().display());
        let plain = |text: &str| text.replace(&root, "");
        mistakes.into_iter().map(|m| (plain(&m.place.file), m.place.line, plain(&m.message))).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// See the head of the data file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default = "all")]
    policy: String,
    file: String,
    find: String,
    replace: String,
    says: Vec<String>,
    #[serde(default)]
    also: Vec<Elsewhere>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    file: String,
    at: String,
    says: String,
}

fn all() -> String {
    "all".to_owned()
}

fn cases() -> Vec<Case> {
    match toml::from_str::<Cases>(include_str!("data/policies/mistakes.toml")) {
        Ok(cases) => cases.case,
        Err(error) => panic!("{error}"),
    }
}

impl Case {
    /// Make the edit; the text as it was, and the line of the mistakes.
    fn spoil(&self, copy: &Copy) -> (String, usize) {
        let before = copy.read(&self.file);
        let (start, rest) = before
            .split_once(&self.find)
            .unwrap_or_else(|| panic!("{}: {} no longer holds {:?}", self.name, self.file, self.find));
        assert!(!rest.contains(&self.find), "{}: {:?} stands twice in {}", self.name, self.find, self.file);
        let marked = self.replace.find('§').unwrap_or(0);
        let line = start.matches('\n').count() + self.replace[..marked].matches('\n').count() + 1;
        // A mark stands alone, or after a space, or before one.
        let text = ["§ ", " §", "§"].iter().fold(self.replace.clone(), |text, mark| text.replacen(mark, "", 1));
        copy.write(&self.file, &format!("{start}{text}{rest}"));
        (before, line)
    }

    /// The mistakes that are expected, with what of each message is not fixed as `*`.
    fn expected(&self, copy: &Copy, line: usize) -> Vec<(String, usize, String)> {
        let here = self.says.iter().map(|says| (self.file.clone(), line, says.clone()));
        let elsewhere = self.also.iter().map(|other| {
            let text = copy.read(&other.file);
            let at = text.find(&other.at);
            let at = at.unwrap_or_else(|| panic!("{}: {} holds no {:?}", self.name, other.file, other.at));
            (other.file.clone(), text[..at].matches('\n').count() + 1, other.says.clone())
        });
        here.chain(elsewhere).collect()
    }
}

/// Whether the text is the pattern, in which each `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| fits(rest, &text[at..]))
        }),
    }
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let copy = Copy::new();
    let (mut wrong, mut seen) = (String::new(), String::new());
    for case in cases() {
        let (before, line) = case.spoil(&copy);
        let found = copy.mistakes(&case.policy);
        let expected = case.expected(&copy, line);
        let met = |(file, line, message): &(String, usize, String)| {
            expected.iter().any(|(f, l, says)| f == file && l == line && fits(says, message))
        };
        let missing = expected.iter().filter(|(file, line, says)| {
            !found.iter().any(|(f, l, message)| f == file && l == line && fits(says, message))
        });
        for (file, line, says) in missing {
            writeln!(wrong, "{}: expected {file}:{line}: {says}", case.name).unwrap();
        }
        for (file, line, message) in found.iter().filter(|found| !met(found)) {
            writeln!(wrong, "{}: unexpected {file}:{line}: {message}", case.name).unwrap();
        }
        if found.is_empty() {
            writeln!(wrong, "{}: the policy loads", case.name).unwrap();
        }
        writeln!(seen, "{}", case.name).unwrap();
        for (file, _, message) in &found {
            writeln!(seen, "  {file}: {}", without_lines(message)).unwrap();
        }
        copy.write(&case.file, &before);
    }
    assert!(wrong.is_empty(), "{wrong}");
    insta::assert_snapshot!(seen);
}

/// The message with `N` for the numbers of lines, which move whenever a policy is edited.
fn without_lines(message: &str) -> String {
    let mut text = message.to_owned();
    for before in ["policy.toml:", "policy.md:", "in line "] {
        if let Some((start, rest)) = text.split_once(before) {
            text = format!("{start}{before}N{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
    }
    text
}

/// A load does not stop at the first mistake, nor at the first file.
#[test]
fn mistakes_of_several_files_are_named_together() {
    let copy = Copy::new();
    let together = [
        "unknown role",
        "unknown word in an expression",
        "missing key of a tool",
        "unknown table to find",
        "uncovered clause",
        "a tier whose ends are turned",
        "an include that is not there",
        "a clock that is no time",
        "unknown clause of an exemption",
        "a word that stands twice",
        "unknown halt code of a refusal",
    ];
    let cases: Vec<Case> = cases().into_iter().filter(|case| together.contains(&case.name.as_str())).collect();
    assert_eq!(cases.len(), together.len());
    for case in &cases {
        case.spoil(&copy);
    }
    let found = copy.mistakes("all");
    let files: BTreeSet<&str> = found.iter().map(|(file, ..)| file.as_str()).collect();
    for case in &cases {
        let patterns = case.says.iter().chain(case.also.iter().map(|other| &other.says));
        for pattern in patterns {
            assert!(found.iter().any(|(.., message)| fits(pattern, message)), "{}: {pattern}\n{found:#?}", case.name);
        }
    }
    assert!(files.len() >= 7, "{files:?}");
    assert!(found.is_sorted(), "by file and line");
}

#[test]
fn a_missing_file_is_named() {
    let copy = Copy::new();
    fs::remove_file(copy.path("parts/transfer/policy.md")).unwrap();
    let found = copy.mistakes("all");
    let missing = ("parts/transfer/policy.md".to_owned(), 1, "policy.md is missing".to_owned());
    assert!(found.contains(&missing), "{found:#?}");
}

#[test]
fn a_file_that_is_no_text_is_named() {
    let copy = Copy::new();
    fs::write(copy.path("parts/transfer/policy.toml"), [0xff, 0xfe, 0x00]).unwrap();
    let found = copy.mistakes("all");
    assert!(found.iter().any(|(file, ..)| file == "parts/transfer/policy.toml"), "{found:#?}");
}

#[test]
fn a_policy_that_is_not_there_is_named() {
    for source in [Source::Embedded, Copy::new().source()] {
        let mistakes = policy::load(&source, "everything").unwrap_err();
        let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains("everything")), "{said:?}");
    }
}

#[test]
fn a_copy_of_the_shipped_policies_is_the_same() {
    let copy = Copy::new();
    assert_eq!(policy::ids(&copy.source()), policy::ids(&Source::Embedded));
    for id in support::policies() {
        let copied = policy::load(&copy.source(), id).unwrap();
        assert_eq!(copied.fingerprint, support::policy(id).fingerprint, "{id}");
    }
}

// ---- data alone ------------------------------------------------------------------------------------------------------

const DESK: &str = r#"
id      = "night-desk"
title   = "The night desk"
clock   = "2025-10-05T03:00:00"
audit   = "none"
include = ["parts/access"]
find    = ["incidents", "incident_updates"]

[words]
incident_status = ["open", "investigating", "in_progress", "resolved", "closed"]

[halts]
NOTE_TOO_SHORT = "A note says something."

[tool.note_progress]
action       = "add_incident_update"
title        = "Note progress"
description  = "Leave a note on an incident for the day shift."
roles        = ["technical_support"]
roles_clause = "desk.1"

  [[tool.note_progress.rule]]
  id      = "desk.words"
  unless  = "size(input.note) >= 10"
  halt    = "NOTE_TOO_SHORT"
  message = "The note has fewer than 10 characters, so incident {incident.incident_id} keeps its state {incident.status}."
  remedy  = "Say more."
  clause  = "desk.2"

[tool.escalate]
action       = "update_incident"
title        = "Raise"
description  = "Raise an incident."
roles        = "any"
roles_clause = "desk.3"
"#;

const DESK_TEXT: &str = "# The night desk\n\n- **desk.1** Technical support may leave notes.\n- **desk.2** A note says\n  \
     something.\n- **desk.3** Anybody may raise an incident.\n";

#[test]
fn a_new_policy_is_data_alone() {
    let copy = Copy::new();
    for shipped in ["all", "problem-to-review", "client-user-vendor", "it-incident-management"] {
        fs::remove_dir_all(copy.path(shipped)).unwrap();
    }
    copy.write("night-desk/policy.toml", DESK);
    copy.write("night-desk/policy.md", DESK_TEXT);
    assert_eq!(policy::ids(&copy.source()), ["change-and-resolution", "incident-operations", "night-desk"]);
    let desk = policy::load(&copy.source(), "night-desk");
    let desk =
        desk.unwrap_or_else(|mistakes| panic!("{:?}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>()));
    let tools: Vec<&str> = desk.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(tools, ["escalate", "note_progress", "find_incidents", "find_incident_updates"]);
    let mut episode = Episode::on_image(desk.into(), support::image(), &Settings::default()).unwrap();
    let note = json!({ "incident_id": "27", "note": "Looks like the cache.", "acting_user": "12" });
    let answer = support::success(&support::call(&mut episode, "note_progress", note.clone()));
    assert_eq!(answer, json!({ "update_id": "116", "incident_id": "27" }));
    let short = support::with(note.clone(), json!({ "note": "Hm." }));
    let halt = support::halt(&support::call(&mut episode, "note_progress", short), "NOTE_TOO_SHORT");
    assert_eq!(halt["rule"], "desk.words");
    assert_eq!(halt["clause"], "desk.2");
    assert_eq!(halt["message"], "The note has fewer than 10 characters, so incident 27 keeps its state open.");
    let other = support::with(note, json!({ "acting_user": "6" }));
    let halt = support::halt(&support::call(&mut episode, "note_progress", other), "ROLE_NOT_ALLOWED");
    assert_eq!(halt["clause"], "desk.1");
    let unknown = episode.call("add_incident_update", serde_json::Map::new()).unwrap_err();
    assert!(unknown.to_string().contains("add_incident_update"), "the action's own name is not served");
    // Rows are dated by the new policy's clock.
    let found = json!({ "incident_id": "27", "acting_user": "12", "detail": "detailed" });
    let found = support::success(&support::call(&mut episode, "find_incident_updates", found));
    assert_eq!(found["incident_updates"][0]["created_at"], "2025-10-05T03:00:00");
}

#[test]
fn a_policy_replaces_the_words_of_what_it_includes() {
    let shared = |id: &str| support::policy(id).words["analysis_method"].to_vec();
    assert_eq!(
        shared("problem-to-review"),
        ["five_whys", "fishbone_diagram", "fault_tree_analysis", "timeline_analysis"]
    );
    assert_eq!(shared("change-and-resolution"), ["five_whys", "fishbone", "fault_tree", "timeline_analysis"]);
    assert_eq!(shared("incident-operations"), shared("change-and-resolution"));
    assert_eq!(shared("all"), shared("problem-to-review"));
}

// ---- the shipped policies --------------------------------------------------------------------------------------------

#[test]
fn the_shipped_policies_are_these() {
    let heads: Vec<(String, String, Audit)> = support::policies()
        .map(support::policy)
        .map(|policy| (policy.id.clone(), policy.clock.start.clone(), policy.audit))
        .collect();
    let expected = [
        ("all", "2025-09-25T12:00:00", Audit::Explicit),
        ("change-and-resolution", "2025-10-01T00:00:00", Audit::None),
        ("client-user-vendor", "2025-09-25T12:00:00", Audit::Explicit),
        ("incident-operations", "2025-09-02T23:59:59", Audit::None),
        ("it-incident-management", "2025-09-02T23:59:59", Audit::None),
        ("problem-to-review", "2025-09-25T12:00:00", Audit::Explicit),
    ];
    assert_eq!(heads, expected.map(|(id, clock, audit)| (id.to_owned(), clock.to_owned(), audit)));
}

const IM: &str = "incident_manager";
const TS: &str = "technical_support";
const SA: &str = "system_administrator";
const EX: &str = "executive";
const AM: &str = "account_manager";
const VC: &str = "vendor_contact";
const CC: &str = "client_contact";
const EVERYBODY: &[&str] = &[IM, TS, SA, EX, AM, VC, CC];

/// Who may, as the source documents say it, read anew and not from the policies.
const INCIDENTS: &[(&str, &[&str])] = &[
    ("create_incident", &[IM, TS, SA, VC, EX]),
    ("update_incident", &[IM, TS, EX]),
    ("add_incident_update", &[IM, TS, EX]),
];
const RESOLUTION: &[(&str, &[&str])] = &[
    ("submit_change_request", &[TS, SA, EX, IM]),
    ("create_rollback_request", &[TS, IM, EX]),
    ("record_workaround", &[TS, IM, SA]),
    ("conduct_rca", &[TS, IM, SA]),
];
const COMMUNICATION: &[(&str, &[&str])] = &[("record_communication", &[IM, TS])];
const PROBLEMS: &[(&str, &[&str])] = &[
    ("create_ticket", &[IM, TS, SA]),
    ("update_ticket", &[IM, TS, SA]),
    ("create_workorder", &[IM, TS, SA]),
    ("update_workorder", &[IM, TS, SA]),
    ("log_metric", &[IM, SA]),
    ("generate_incident_report", &[IM, EX]),
    ("record_kb_article", &[TS, IM]),
    ("submit_post_incident_review", &[IM, EX]),
];
const PARTIES: &[(&str, &[&str])] = &[
    ("create_client", &[SA, AM]),
    ("update_client", &[SA, AM]),
    ("register_user", &[SA, IM]),
    ("update_user", &[SA, IM]),
    ("create_vendor", &[SA, IM, EX]),
];
/// Where no source names the procedure, who may is read from the duties of the roles.
const ENVIRONMENT: &[(&str, &[&str])] = &[
    ("create_incident", &[IM, TS, SA, VC, EX]),
    ("update_incident", &[IM, TS, EX]),
    ("record_incident_update", &[IM, TS, EX]),
    ("escalate_incident", &[IM, TS, EX]),
    ("update_escalation", &[IM, EX]),
    ("update_change_request", &[TS, SA, EX, IM]),
    ("update_rollback_request", &[TS, IM, EX]),
    ("update_workaround", &[TS, IM, SA]),
    ("update_rca", &[TS, IM, SA]),
    ("update_communication", &[IM, TS]),
    ("log_metric", &[IM, SA]),
    ("update_metric", &[IM, SA]),
    ("generate_incident_report", &[IM, EX]),
    ("update_incident_report", &[IM, EX]),
    ("record_kb_article", &[TS, IM]),
    ("update_kb_article", &[TS, IM]),
    ("submit_post_incident_review", &[IM, EX]),
    ("update_post_incident_review", &[IM, EX]),
    ("update_vendor", &[SA, IM, EX]),
    ("create_product", &[SA]),
    ("update_product", &[SA]),
    ("create_component", &[SA, TS]),
    ("update_component", &[SA, TS]),
    ("create_subscription", &[SA, AM, EX]),
    ("update_subscription", &[SA, AM, EX, IM]),
    ("create_sla_agreement", &[AM, IM, EX]),
    ("update_sla_agreement", &[AM, IM, EX]),
];
const AUDITED: &[(&str, &[&str])] = &[("log_audit", EVERYBODY)];
const TRANSFER: &[(&str, &[&str])] = &[("transfer_to_human", EVERYBODY)];

#[test]
fn the_roles_are_those_of_the_source_documents() {
    let expected: [(&str, &[&[(&str, &[&str])]]); 6] = [
        ("incident-operations", &[INCIDENTS, RESOLUTION, COMMUNICATION, TRANSFER]),
        ("it-incident-management", &[ENVIRONMENT, RESOLUTION, COMMUNICATION, PARTIES, TRANSFER]),
        ("change-and-resolution", &[RESOLUTION, COMMUNICATION, TRANSFER]),
        ("problem-to-review", &[RESOLUTION, PROBLEMS, AUDITED, TRANSFER]),
        ("client-user-vendor", &[PARTIES, AUDITED, TRANSFER]),
        ("all", &[INCIDENTS, RESOLUTION, COMMUNICATION, PROBLEMS, PARTIES, AUDITED, TRANSFER]),
    ];
    for (id, lists) in expected {
        let policy = support::policy(id);
        let found: BTreeMap<&str, BTreeSet<&str>> = (policy.tools.iter())
            .filter_map(|tool| match &tool.work {
                Work::Act(act) => Some((tool.name.as_str(), act.roles.as_ref())),
                Work::Find(_) => None,
            })
            .map(|(name, roles)| match roles {
                Some(roles) => (name, roles.iter().map(String::as_str).collect()),
                None => (name, policy.words["role"].iter().map(String::as_str).collect()),
            })
            .collect();
        let expected: BTreeMap<&str, BTreeSet<&str>> =
            (lists.iter().copied().flatten()).map(|(name, roles)| (*name, roles.iter().copied().collect())).collect();
        assert_eq!(found, expected, "{id}");
    }
}

/// Tier, severity, and in minutes: first response from and to, resolution from and to (seed 000; a business day is 24 hours).
const TARGETS: [(&str, &str, i64, i64, i64, i64); 12] = [
    ("premium", "P1", 15, 30, 120, 240),
    ("premium", "P2", 60, 120, 480, 1440),
    ("premium", "P3", 240, 480, 2880, 4320),
    ("premium", "P4", 1440, 2880, 7680, 7680),
    ("standard", "P1", 60, 120, 480, 1440),
    ("standard", "P2", 240, 480, 1440, 2880),
    ("standard", "P3", 1440, 1440, 4320, 7200),
    ("standard", "P4", 2880, 4320, 10080, 10080),
    ("basic", "P1", 240, 480, 1440, 2880),
    ("basic", "P2", 1440, 1440, 4320, 7200),
    ("basic", "P3", 2880, 4320, 7200, 14400),
    ("basic", "P4", 7200, 10080, 20160, 20160),
];

#[test]
fn the_tiers_are_those_of_the_source_document() {
    for id in ["incident-operations", "it-incident-management", "all"] {
        let policy = support::policy(id);
        let found: Vec<_> = (policy.tiers.0.iter())
            .flat_map(|(name, tier)| tier.targets.iter().map(move |(severity, targets)| (name, severity, targets)))
            .map(|(name, severity, targets)| {
                let (response, resolution) = (&targets.response, &targets.resolution);
                (
                    name.as_str(),
                    severity.as_str(),
                    response.from_minutes,
                    response.to_minutes,
                    resolution.from_minutes,
                    resolution.to_minutes,
                )
            })
            .collect();
        assert_eq!(found, TARGETS, "{id}");
        let availability: Vec<&str> = policy.tiers.0.values().map(|tier| tier.availability.as_str()).collect();
        assert_eq!(availability, ["99.9%", "99.5%", "99.0%"], "{id}");
        assert_eq!(policy.tiers.0["premium"].targets["P1"].response.text, "15-30 minutes");
    }
    for id in ["change-and-resolution", "problem-to-review", "client-user-vendor"] {
        assert!(support::policy(id).tiers.0.is_empty(), "{id}");
    }
}

/// Actions in the order of the one list of actions, then lookups in the order of the catalogue.
#[test]
fn the_order_of_tools_is_fixed() {
    let mut listed = String::new();
    for id in support::policies() {
        let policy = support::policy(id);
        let place = |tool: &policy::Tool| match &tool.work {
            Work::Act(act) => {
                service_management().operations.iter().position(|known| known.name == act.operation.name).unwrap()
            }
            Work::Find(table) => {
                service_management().operations.len() + TABLES.iter().position(|known| known == table).unwrap()
            }
        };
        let places: Vec<usize> = policy.tools.iter().map(place).collect();
        assert!(places.is_sorted_by(|a, b| a < b), "{id}: {places:?}");
        writeln!(listed, "{id}").unwrap();
        for tool in &policy.tools {
            writeln!(listed, "  {}", tool.name).unwrap();
        }
    }
    insta::assert_snapshot!(listed);
}

/// `all` offers what the other policies offer together, but for the one that has a tool for each kind of record and verb.
#[test]
fn all_is_the_union() {
    let names = |policy: &Policy| policy.tools.iter().map(|tool| tool.name.clone()).collect::<BTreeSet<_>>();
    let mut union = BTreeSet::new();
    for id in support::policies().filter(|id| !["all", "it-incident-management"].contains(id)) {
        union.extend(names(&support::policy(id)));
    }
    let all = names(&support::policy("all"));
    assert!(all.is_superset(&union), "{:?}", union.difference(&all).collect::<Vec<_>>());
}

#[test]
fn every_clause_is_carried_out() {
    for id in support::policies() {
        let policy = support::policy(id);
        assert!(!policy.clauses.is_empty(), "{id}");
        let clauses: Vec<&str> = policy.clauses.iter().map(|clause| clause.id.value.as_str()).collect();
        let covered: Vec<&str> = policy.covers.iter().map(|(clause, _)| clause.as_str()).collect();
        assert_eq!(clauses, covered, "{id}");
        for clause in clauses {
            assert!(!policy.cover(clause).is_empty(), "{id}: {clause}");
        }
    }
}

/// The clauses that nothing carries out. The list may only shrink, or say why not.
#[test]
fn the_exempt_clauses_are_these() {
    let mut exempt = String::new();
    for (clause, covers) in &support::policy("all").covers {
        if let [Cover::Exempt(reason)] = &covers[..] {
            writeln!(exempt, "{clause}: {reason}").unwrap();
        }
    }
    insta::assert_snapshot!(exempt);
}

/// Rules and refusals are the covers of clauses that exist; a tool's text and its clauses agree on the id's form.
#[test]
fn every_halt_code_is_used_and_explained() {
    for id in support::policies() {
        let policy = support::policy(id);
        let mut used: BTreeSet<&str> = BTreeSet::new();
        let refusals = &policy.refusals;
        used.extend(
            [&refusals.role, &refusals.actor_missing, &refusals.actor_mismatch, &refusals.input]
                .map(|r| r.code.as_str()),
        );
        for tool in &policy.tools {
            used.extend(tool.find_rules.iter().map(|rule| rule.code.as_str()));
            if let Work::Act(act) = &tool.work {
                used.extend(act.actor_rules.iter().chain(&act.rules).map(|rule| rule.code.as_str()));
            }
        }
        let declared: BTreeSet<&str> = policy.halts.keys().map(String::as_str).collect();
        assert!(used.is_subset(&declared), "{id}");
        assert!(policy.halts.values().all(|about| about.ends_with('.')), "{id}");
        if id == "all" {
            // Parts declare what some of their includers use; the union uses all of it.
            assert_eq!(used, declared);
        }
    }
}

// ---- words -----------------------------------------------------------------------------------------------------------

/// A call of each tool that goes through, for policies with the words of data set B; more than one where a call writes
/// words by itself in several ways.
fn good_calls(policy: &Policy) -> Vec<(&'static str, Json)> {
    let first = |vocabulary: &str| policy.words[vocabulary][0].clone();
    let set = |set: Json| json!({ "incident_id": "24", "change_set": set });
    let calls = vec![
        (
            "create_incident",
            json!({ "title": "T", "category": "Network", "impact_level": "high", "client_id": "2", "reporter_user_id": "40" }),
        ),
        (
            "create_incident",
            json!({
                "title": "T", "category": "Network", "impact_level": "low", "client_id": "7", "reporter_user_id": "6",
                "p3_localized_or_non_critical": true, "severity": "P3", "urgency_level": "critical",
            }),
        ),
        ("update_incident", set(json!({ "title": "New", "category": "New", "component_id": "14" }))),
        ("update_incident", set(json!({ "severity": "P1", "impact_level": "critical", "urgency_level": "high" }))),
        ("update_incident", set(json!({ "status": "resolved", "assigned_to_user_id": "12" }))),
        ("update_incident", set(json!({ "status": "closed" }))),
        ("add_incident_update", json!({ "incident_id": "27", "note": "A note." })),
        ("submit_change_request", json!({ "title": "T", "change_type": first("change_type"), "risk_level": "low" })),
        ("create_rollback_request", json!({ "change_id": "16", "justification": "It failed." })),
        (
            "record_workaround",
            json!({ "incident_id": "27", "effectiveness_level": first("effectiveness_level"), "implemented_at": policy.clock.start }),
        ),
        (
            "record_incident_update",
            json!({ "incident_id": "27", "update_type": "resolution", "field_changed": "note" }),
        ),
        (
            "escalate_incident",
            json!({ "incident_id": "27", "escalated_to_user": "20", "escalation_level": "executive", "reason": "sla_breach" }),
        ),
        ("update_escalation", json!({ "escalation_id": "14", "change_set": { "status": "resolved" } })),
        ("update_change_request", json!({ "change_id": "14", "change_set": { "status": "scheduled" } })),
        ("update_rollback_request", json!({ "rollback_id": "5", "change_set": { "status": "failed" } })),
        ("update_workaround", json!({ "workaround_id": "20", "change_set": { "status": "replaced" } })),
        ("update_rca", json!({ "analysis_id": "10", "change_set": { "status": "completed" } })),
        ("update_communication", json!({ "communication_id": "25", "change_set": { "delivery_method": "sms" } })),
        (
            "update_metric",
            json!({ "metric_id": "1", "change_set": { "metric_type": first("metric_type"), "target_minutes": 7 } }),
        ),
        ("update_incident_report", json!({ "report_id": "5", "change_set": { "status": "published" } })),
        (
            "update_kb_article",
            json!({ "article_id": "8", "change_set": { "article_type": "faq", "status": "archived" } }),
        ),
        ("update_post_incident_review", json!({ "review_id": "9", "change_set": { "status": "cancelled" } })),
        ("update_vendor", json!({ "vendor_id": "2", "change_set": { "status": "inactive" } })),
        ("create_product", json!({ "product_name": "N", "product_type": "api_gateway" })),
        ("update_product", json!({ "product_id": "1", "change_set": { "status": "deprecated" } })),
        (
            "create_component",
            json!({
                "component_name": "N", "component_type": "database", "environment": "staging", "operational_status": "offline",
            }),
        ),
        ("update_component", json!({ "component_id": "1", "change_set": { "environment": "development" } })),
        (
            "create_subscription",
            json!({
                "client_id": "2", "product_id": "1", "subscription_type": "custom", "sla_tier": "basic", "rto_hours": 1,
                "start_date": "2025-09-02",
            }),
        ),
        ("update_subscription", json!({ "subscription_id": "1", "change_set": { "sla_tier": "standard" } })),
        (
            "create_sla_agreement",
            json!({
                "subscription_id": "1", "severity_level": "P1", "response_time_minutes": 5, "resolution_time_hours": 1,
            }),
        ),
        ("update_sla_agreement", json!({ "sla_id": "1", "change_set": { "severity_level": "P2" } })),
        ("conduct_rca", json!({ "incident_id": "27", "analysis_method": first("analysis_method") })),
        (
            "record_communication",
            json!({ "incident_id": "27", "recipient_id": "7", "communication_type": "update", "delivery_method": "email" }),
        ),
        ("create_ticket", json!({ "incident_id": "27", "title": "T" })),
        ("update_ticket", json!({ "ticket_id": "9", "change_set": { "status": "investigating" } })),
        ("create_workorder", json!({ "title": "T", "work_type": "repair" })),
        (
            "update_workorder",
            json!({ "workorder_id": "10", "change_set": { "status": "assigned", "assigned_to_user": "12" } }),
        ),
        ("log_metric", json!({ "incident_id": "15", "metric_type": "response_time", "calculated_value_minutes": 60 })),
        ("generate_incident_report", json!({ "incident_id": "15", "report_type": "post_mortem" })),
        ("record_kb_article", json!({ "title": "T", "article_type": "faq", "category": first("article_category") })),
        (
            "submit_post_incident_review",
            support::with(
                json!({ "incident_id": "15", "facilitator_user": "7", "scheduled_date": "2025-10-10", "overall_rating": "good" }),
                if policy.id == "it-incident-management" { json!({ "overall_rating": null }) } else { json!({}) },
            ),
        ),
        (
            "create_client",
            json!({ "client_name": "N", "registration_number": "X-1", "contact_email": "n@new.example", "client_type": "startup" }),
        ),
        ("update_client", json!({ "client_id": "9", "change_set": { "status": "suspended" } })),
        ("register_user", json!({ "name": "N", "email": "n@new.example", "role": "executive" })),
        ("update_user", json!({ "user_id": "12", "change_set": { "role": "incident_manager" } })),
        (
            "create_vendor",
            json!({
                "vendor_name": "N", "vendor_email": "n@new.example", "vendor_phone": "+1-555-0199",
                "vendor_type": "cloud_provider",
            }),
        ),
        ("log_audit", json!({ "action": "update", "entity_type": "incident", "entity_id": "24" })),
        ("transfer_to_human", json!({ "summary": "Help." })),
    ];
    calls.into_iter().filter(|(name, _)| policy.tool(name).is_some()).collect()
}

/// Who makes the call: somebody whom the procedure names.
fn user_for(tool: &str) -> &'static str {
    match tool {
        "create_client" | "update_client" => "1",
        "create_product" | "update_product" | "create_component" | "update_component" | "create_subscription" => "1",
        _ => "6",
    }
}

/// Words that the program writes by itself, such as the status of a new incident, are words of the policy.
#[test]
fn only_the_words_of_the_policy_are_written() {
    for id in support::policies() {
        let policy = support::policy(id);
        for audit in support::audits(id) {
            let settings = Settings { audit: Some(audit), ..Settings::default() };
            let mut episode = support::episode_with(id, settings);
            let mut called = BTreeSet::new();
            for (name, arguments) in good_calls(&policy) {
                if name == "log_audit" && audit == Audit::Automatic {
                    called.insert(name);
                    continue;
                }
                let Work::Act(act) = &policy.tool(name).unwrap().work else { panic!("{name} is an action") };
                let arguments = support::with(arguments, json!({ act.operation.actor: user_for(name) }));
                let outcome = support::call(&mut episode, name, arguments);
                assert!(!outcome.is_error(), "{id}: {name}: {}", outcome.text);
                called.insert(name);
            }
            let acts = policy.tools.iter().filter(|tool| matches!(tool.work, Work::Act(_)));
            let acts: BTreeSet<&str> = acts.map(|tool| tool.name.as_str()).collect();
            assert_eq!(called, acts, "{id}: every tool is called");
            let mut words = 0;
            for entry in episode.journal().unwrap() {
                let changes: Vec<Json> = serde_json::from_str(&entry.changes).unwrap();
                assert!(!changes.is_empty(), "{id}: {} wrote nothing", entry.tool);
                for change in changes {
                    let table = table(change["table"].as_str().unwrap()).unwrap();
                    for (column, pair) in change["columns"].as_object().unwrap() {
                        let Kind::Word(vocabulary) = table.column(column).unwrap().kind else { continue };
                        let Some(word) = pair[1].as_str() else { continue };
                        let known = &policy.words[vocabulary];
                        assert!(known.iter().any(|known| known == word), "{id}: {}.{column}: {word}", table.name);
                        words += 1;
                    }
                }
            }
            assert!(words > 5, "{id}: {words} words were looked at");
        }
    }
}
