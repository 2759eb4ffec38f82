//! The store: schema, lookups, canonical state, fixtures.

use crate::support;
use procedures::policy::{self, Source, Work};
use records::catalogue::{Column, Filter, Kind, TABLES, Table};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use store::canonical::{Extent, StateHash, VERSION, hex};
use store::fixtures::{Fixtures, Problem};
use store::{Page, Predicate, Query, Row, Store, Value, ddl};

fn store() -> Store {
    support::fixtures().store().unwrap()
}

fn find(store: &mut Store, table: &'static Table, predicates: Vec<Predicate<'_>>) -> Vec<Row> {
    let page = Page { after: 0, limit: u32::MAX };
    store.transaction().unwrap().find(&Query { table, predicates, page }).unwrap()
}

fn column(table: &'static str, name: &str) -> (&'static Table, &'static Column) {
    let table = TABLES.iter().find(|known| known.name == table).unwrap();
    (table, table.column(name).unwrap())
}

fn filtered(filter: Filter) -> impl Iterator<Item = (&'static Table, &'static Column)> {
    let columns = TABLES.iter().flat_map(|table| table.columns.iter().map(|column| (*table, column)));
    columns.filter(move |(_, column)| column.filter == filter)
}

#[test]
fn the_schema_is_as_committed() {
    insta::assert_snapshot!(ddl());
}

/// An index serves equality and a range of times with two ends, on the first page and on later ones.
#[test]
fn an_index_serves_every_filter() {
    let mut store = store();
    let exact = filtered(Filter::Exact).map(|(table, column)| {
        let value = match column.kind {
            Kind::Key | Kind::Id(_) | Kind::Integer | Kind::Bool => Value::Integer(1),
            _ => "x".into(),
        };
        (table, column, vec![Predicate::Equal(column, value)])
    });
    let time = filtered(Filter::Time).map(|(table, column)| (table, column, vec![since(column), until(column)]));
    let mut slow = Vec::new();
    for (table, column, mut predicates) in exact.chain(time) {
        let index = match column.kind {
            Kind::Key => "USING INTEGER PRIMARY KEY".to_owned(),
            _ => format!("USING INDEX {}_{}", table.name, column.name),
        };
        for after in [0, 1] {
            let query = Query { table, predicates, page: Page { after, limit: 21 } };
            let plan = store.plan(&query).unwrap();
            if !plan.contains("SEARCH") || !plan.contains(&index) {
                slow.push(format!("{}.{} after {after}: {plan}", table.name, column.name));
            }
            predicates = query.predicates;
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

/// A range with one end has no better way than to walk the rows in the order of the answer, from the cursor on, until
/// the page is full: an index would make it collect and sort all that lie beyond the end.
#[test]
fn an_open_range_is_walked_without_sorting() {
    let mut store = store();
    for (table, column) in filtered(Filter::Time) {
        for predicate in [since(column), until(column)] {
            let query = Query { table, predicates: vec![predicate], page: Page { after: 1, limit: 21 } };
            let plan = store.plan(&query).unwrap();
            assert_eq!(plan, format!("SEARCH {} USING INTEGER PRIMARY KEY (rowid>?)", table.name));
        }
    }
}

fn since(column: &Column) -> Predicate<'_> {
    Predicate::AtLeast(column, "2025-01-01T00:00:00".into())
}

fn until(column: &Column) -> Predicate<'_> {
    Predicate::AtMost(column, "2025-02-01T23:59:59.999999999".into())
}

/// Every table has a time to look it up by, and only one: `since` and `until` name none.
#[test]
fn every_table_is_looked_up_by_one_time() {
    for table in TABLES {
        let times = table.columns.iter().filter(|column| column.filter == Filter::Time).count();
        assert_eq!(times, 1, "{}", table.name);
    }
}

#[test]
fn a_cursor_visits_each_row_once() {
    let mut episode = support::episode_with("all", support::acting("1"));
    let policy = support::policy("all");
    for tool in &policy.tools {
        let Work::Find(table) = tool.work else { continue };
        let all: Vec<Json> =
            find(episode.store(), table, Vec::new()).iter().map(|row| row.key().to_string().into()).collect();
        for limit in [1, 7, 100] {
            let (mut seen, mut cursor) = (Vec::new(), Json::Null);
            loop {
                let arguments = support::with(json!({ "limit": limit }), json!({ "cursor": cursor }));
                let page = support::success(&support::call(&mut episode, &tool.name, arguments));
                let rows = page[table.plural].as_array().unwrap();
                assert_eq!(page["count"], rows.len());
                assert!(rows.len() <= limit, "{}", tool.name);
                seen.extend(rows.iter().map(|row| row[table.key().name].clone()));
                cursor = page["next_cursor"].clone();
                if cursor.is_null() {
                    break;
                }
                assert_eq!(rows.len(), limit, "{}: a page that is not the last is full", tool.name);
            }
            assert_eq!(seen, all, "{} by {limit}", tool.name);
        }
    }
}

#[test]
fn a_cursor_goes_on_within_the_filter() {
    let mut episode = support::episode_with("all", support::acting("1"));
    let whole = json!({ "status": "closed", "limit": 100 });
    let whole = support::success(&support::call(&mut episode, "find_incidents", whole));
    let (mut seen, mut cursor) = (Vec::new(), Json::Null);
    loop {
        let arguments = json!({ "status": "closed", "limit": 4 });
        let arguments = support::with(arguments, json!({ "cursor": cursor }));
        let page = support::success(&support::call(&mut episode, "find_incidents", arguments));
        seen.extend(page["incidents"].as_array().unwrap().clone());
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(&seen, whole["incidents"].as_array().unwrap());
    assert_eq!(seen.len(), 15);
}

#[test]
fn a_part_of_a_text_is_found_in_any_case_and_place() {
    let mut store = store();
    let (clients, name) = column("clients", "client_name");
    for part in ["Saltmarsh", "saltMARSH reg", "HOSPITAL", "h r", "Saltmarsh Regional Hospital"] {
        let keys: Vec<i64> = (find(&mut store, clients, vec![Predicate::Contains(name, part.to_owned())]).iter())
            .map(Row::key)
            .collect();
        assert_eq!(keys, [4], "{part}");
    }
    // Characters that patterns give a meaning have none here.
    for part in ["%", "_", "*", "Salt%", "' OR 1=1 --"] {
        let found = find(&mut store, clients, vec![Predicate::Contains(name, part.to_owned())]);
        assert!(found.is_empty(), "{part}");
    }
}

#[test]
fn a_part_of_a_text_beyond_ascii_is_found_as_it_is_written() {
    let mut store = store();
    let (users, name) = column("users", "name");
    let keys: Vec<i64> =
        (find(&mut store, users, vec![Predicate::Contains(name, "Zoë".to_owned())]).iter()).map(Row::key).collect();
    assert_eq!(keys, [16]);
}

#[test]
fn equality_ignores_case_and_space_of_texts_and_all_but_digits_of_phones() {
    let mut store = store();
    let (users, email) = column("users", "email");
    let (vendors, phone) = column("vendors", "contact_phone");
    let known = find(&mut store, vendors, Vec::new())[0].text("contact_phone").unwrap().to_owned();
    let digits: String = known.chars().filter(char::is_ascii_digit).collect();
    let cases = [
        (users, email, " Greta.NYMAN@harbourlight.example ".to_owned(), 1),
        (vendors, phone, known.clone(), 1),
        (vendors, phone, digits.clone(), 1),
        (vendors, phone, format!("+{} ({}) {}.{}", &digits[..1], &digits[1..4], &digits[4..7], &digits[7..]), 1),
    ];
    for (table, column, text, key) in cases {
        let found = find(&mut store, table, vec![Predicate::Equal(column, text.as_str().into())]);
        assert_eq!(found.iter().map(Row::key).collect::<Vec<_>>(), [key], "{text}");
    }
}

/// `since` and `until` include what they name; a bare day is all of it.
#[test]
fn a_time_range_includes_its_ends() {
    let mut episode = support::episode_with("all", support::acting("1"));
    // Incident 19 was detected on 2025-08-19 at 23:58:00, incident 18 on an earlier day.
    for (since, until, found) in [
        ("2025-08-19", "2025-08-19", true),
        ("2025-08-19T23:58:00", "2025-08-19T23:58:00", true),
        ("2025-08-19T23:58:00Z", "2025-08-19T23:58:00Z", true),
        ("2025-08-19", "2025-08-19T23:57:59", false),
        ("2025-08-19T23:58:01", "2025-08-20", false),
        ("2025-08-20", "2025-08-20", false),
        ("2025-08-18", "2025-08-18", false),
    ] {
        let arguments = json!({ "since": since, "until": until, "client_id": "6" });
        let answer = support::success(&support::call(&mut episode, "find_incidents", arguments));
        let ids: Vec<&Json> = answer["incidents"].as_array().unwrap().iter().map(|row| &row["incident_id"]).collect();
        let wanted: &[&str] = if found { &["19"] } else { &[] };
        assert_eq!(ids, wanted, "{since} to {until}");
    }
}

// ---- canonical state -------------------------------------------------------------------------------------------------

fn no_words(_: &str) -> Option<BTreeSet<String>> {
    None
}

/// The hash of a state that was seeded with these files.
fn hash_of(files: &[(&str, Json)], extent: Extent) -> StateHash {
    let texts: Vec<(&str, String)> = files.iter().map(|(name, rows)| (*name, rows.to_string())).collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let fixtures = Fixtures::from_files(&files, &no_words).unwrap_or_else(|problems| panic!("{}", said(&problems)));
    let mut store = fixtures.store().unwrap();
    let whole = store.hash(extent).unwrap();
    assert_eq!(fixtures.image().unwrap().store().hash(extent).unwrap(), whole, "an image has the hash of its rows");
    whole
}

fn product(id: &str) -> Json {
    json!({
        "product_id": id, "product_name": format!("Product {id}"), "product_type": "software", "status": "active",
        "created_at": "2025-01-01T00:00:00", "updated_at": "2025-01-01T00:00:00",
    })
}

fn client(id: &str) -> Json {
    json!({
        "client_id": id, "client_name": format!("Client {id}"), "registration_number": format!("R{id}"),
        "contact_email": format!("c{id}@client.example"), "client_type": "startup", "status": "active",
        "created_at": "2025-01-01T00:00:00", "updated_at": "2025-01-01T00:00:00",
    })
}

fn subscription() -> Json {
    json!({
        "subscription_id": "1", "client_id": "1", "product_id": "1", "subscription_type": "trial", "sla_tier": "basic",
        "start_date": "2025-01-01", "status": "active",
        "created_at": "2025-01-01T00:00:00", "updated_at": "2025-01-01T00:00:00",
    })
}

fn agreement(availability: Json) -> Json {
    json!({
        "sla_id": "1", "subscription_id": "1", "severity_level": "P1", "response_time_minutes": 15,
        "resolution_time_hours": 2, "availability_percentage": availability, "created_at": "2025-01-01T00:00:00",
    })
}

fn user(id: &str) -> Json {
    json!({
        "user_id": id, "name": format!("User {id}"), "email": format!("u{id}@we.example"), "role": "executive",
        "status": "active", "created_at": "2025-01-01T00:00:00", "updated_at": "2025-01-01T00:00:00",
    })
}

/// The form of the hash, written out by hand: a change of it must change [`VERSION`] too.
#[test]
fn the_hash_has_the_documented_form() {
    let rows = [
        concat!(
            r#"{"client_id":"2","client_name":"Client 2","client_type":"startup","contact_email":"c2@client.example","#,
            r#""created_at":"2025-01-01T00:00:00","registration_number":"R2","status":"active","#,
            r#""updated_at":"2025-01-01T00:00:00"}"#,
        ),
        concat!(
            r#"{"client_id":"10","client_name":"Client 10","client_type":"startup","contact_email":"c10@client.example","#,
            r#""created_at":"2025-01-01T00:00:00","registration_number":"R10","status":"active","#,
            r#""updated_at":"2025-01-01T00:00:00"}"#,
        ),
    ];
    let table = hex(&Sha256::digest(rows.map(Sha256::digest).concat()));
    let state = hex(&Sha256::digest(format!("{VERSION}\nclients {table}")));
    let hash = hash_of(&[("clients.json", json!([client("10"), client("2")]))], Extent::Result);
    assert_eq!(hash, StateHash { state, tables: BTreeMap::from([("clients", table)]) });
    assert_eq!(VERSION, "incident-mcp/state/2");
}

#[test]
fn the_order_and_form_of_files_do_not_count() {
    let clients = ("clients.json", json!([client("1"), client("2"), client("10")]));
    let products = ("products.json", json!([product("1")]));
    let hash = hash_of(&[clients, products.clone()], Extent::Everything);
    let turned = ("clients.json", json!([client("10"), client("1"), client("2")]));
    assert_eq!(hash_of(&[products.clone(), turned], Extent::Everything), hash);
    let keyed = ("clients.json", json!({ "10": client("10"), "2": client("2"), "1": client("1") }));
    assert_eq!(hash_of(&[keyed, products], Extent::Everything), hash);
}

#[test]
fn whole_decimals_are_integers_and_others_are_not() {
    let hash = |availability: Json| {
        let files = [
            ("clients.json", json!([client("1")])),
            ("products.json", json!([product("1")])),
            ("subscriptions.json", json!([subscription()])),
            ("service_level_agreements.json", json!([agreement(availability)])),
        ];
        hash_of(&files, Extent::Result).state
    };
    assert_eq!(hash(json!(65)), hash(json!(65.0)));
    assert_ne!(hash(json!(65)), hash(json!(65.5)));
    assert_ne!(hash(json!(65)), hash(json!(66)));
    assert_ne!(hash(json!(0)), hash(Json::Null));
}

#[test]
fn empty_tables_and_nulls_do_not_count() {
    let bare = hash_of(&[("clients.json", json!([client("1")]))], Extent::Everything);
    let empty = [("clients.json", json!([client("1")])), ("vendors.json", json!({})), ("users.json", json!([]))];
    assert_eq!(hash_of(&empty, Extent::Everything), bare);
    let mut row = client("1");
    row["industry"] = Json::Null;
    assert_eq!(hash_of(&[("clients.json", json!([row]))], Extent::Everything), bare);
    assert!(hash_of(&[], Extent::Everything).tables.is_empty());
}

#[test]
fn every_value_counts() {
    let bare = hash_of(&[("clients.json", json!([client("1")]))], Extent::Result);
    for (name, value) in
        [("client_name", "client 1"), ("industry", "x"), ("status", "inactive"), ("contact_email", "C1@client.example")]
    {
        let other = support::with(client("1"), json!({ name: value }));
        assert_ne!(hash_of(&[("clients.json", json!([other]))], Extent::Result), bare, "{name}");
    }
    let two = hash_of(&[("clients.json", json!([client("1"), client("2")]))], Extent::Result);
    assert_ne!(two, bare);
}

#[test]
fn records_of_diligence_are_outside_the_default_extent() {
    let diligence: Vec<&str> = TABLES.iter().filter(|table| table.diligence).map(|table| table.name).collect();
    assert_eq!(diligence, ["audit_logs"]);
    let entry = json!({
        "audit_id": "1", "action": "create", "entity_type": "client", "entity_id": "1", "audit_by_user": "1",
        "created_at": "2025-01-01T00:00:00",
    });
    let users = ("users.json", json!([user("1")]));
    let with = [users.clone(), ("audit_logs.json", json!([entry]))];
    let without = [users];
    assert_eq!(hash_of(&with, Extent::Result), hash_of(&without, Extent::Result));
    assert_ne!(hash_of(&with, Extent::Everything), hash_of(&without, Extent::Everything));
    assert!(hash_of(&with, Extent::Everything).tables.contains_key("audit_logs"));
}

/// Neither a lookup nor a halt nor its journal entry moves the state.
#[test]
fn reading_leaves_the_hash_alone() {
    let mut episode = support::episode_with("all", support::acting("6"));
    let before = episode.hash(Extent::Everything).unwrap();
    support::success(&support::call(&mut episode, "find_incidents", json!({})));
    support::halt(&support::call(&mut episode, "find_incidents", json!({ "limit": 0 })), "INVALID_INPUT");
    assert_eq!(episode.hash(Extent::Everything).unwrap(), before);
    assert_eq!(episode.journal().unwrap().len(), 2);
}

// ---- fixtures --------------------------------------------------------------------------------------------------------

fn said(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn words(vocabulary: &str) -> Option<BTreeSet<String>> {
    let known = match vocabulary {
        "client_type" => ["enterprise", "startup"],
        _ => return None,
    };
    Some(known.map(str::to_owned).into())
}

/// What is wrong with these files, a line a problem.
fn problems(files: &[(&str, String)]) -> String {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    said(&Fixtures::from_files(&files, &words).expect_err("the set is wrong"))
}

#[test]
fn each_kind_of_problem_is_named_with_its_place() {
    let changed = |changes: Json| json!({ "1": support::with(client("1"), changes) });
    let nulled = |name: &str| {
        let mut row = client("1");
        row[name] = Json::Null;
        json!({ "1": row })
    };
    let cases: Vec<(&str, Json, &str)> = vec![
        ("client.json", json!({}), r#"client.json: there is no table "client"; did you mean "clients"?"#),
        ("notes.json", json!({}), r#"notes.json: there is no table "notes""#),
        ("clients.json", json!("rows"), "clients.json: must be an object of rows by id, or an array of rows"),
        ("clients.json", json!([7]), "clients.json: row [0]: must be an object, not 7"),
        (
            "clients.json",
            changed(json!({ "client_nam": "x" })),
            r#"clients.json: row 1, client_nam: there is no such column; did you mean "client_name"?"#,
        ),
        ("clients.json", changed(json!({ "zzz": 1 })), "clients.json: row 1, zzz: there is no such column"),
        ("clients.json", changed(json!({ "client_name": null })), "clients.json: row 1, client_name: is missing"),
        ("clients.json", nulled("client_name"), "clients.json: row 1, client_name: is missing"),
        (
            "clients.json",
            changed(json!({ "client_name": 5 })),
            "clients.json: row 1, client_name: must be a string, not 5",
        ),
        (
            "clients.json",
            changed(json!({ "client_type": "start_up" })),
            r#"clients.json: row 1, client_type: "start_up" is not one of enterprise, startup; did you mean "startup"?"#,
        ),
        (
            "clients.json",
            changed(json!({ "created_at": "soon" })),
            r#"clients.json: row 1, created_at: must be a time such as "2025-09-01T08:30:00", not "soon""#,
        ),
        (
            "clients.json",
            changed(json!({ "created_at": "2025-02-30T00:00:00" })),
            r#"clients.json: row 1, created_at: must be a time such as "2025-09-01T08:30:00", not "2025-02-30T00:00:00""#,
        ),
        (
            "clients.json",
            json!({ "7": client("1") }),
            "clients.json: row 7, client_id: the row stands under id 7 but its own id is 1",
        ),
        ("clients.json", json!([client("1"), client("1")]), "clients.json: row [1], client_id: id 1 stands twice"),
        (
            "clients.json",
            changed(json!({ "client_id": "one" })),
            r#"clients.json: row 1, client_id: must be an id, a string of digits such as "12", not "one""#,
        ),
        (
            "clients.json",
            json!([client("1"), support::with(client("2"), json!({ "contact_email": " C1@Client.Example" }))]),
            "clients.json: row 2, contact_email: is the same as that of row 1, and must be unique",
        ),
        (
            "clients.json",
            json!([client("1"), support::with(client("2"), json!({ "contact_email": "ｃ1@Client.Example" }))]),
            "clients.json: row 2, contact_email: is the same as that of row 1, and must be unique",
        ),
        (
            "clients.json",
            changed(json!({ "client_name": "a\0b" })),
            "clients.json: row 1, client_name: holds the character U+0000, which no text may",
        ),
        (
            "users.json",
            json!([support::with(user("1"), json!({ "client_id": "3" }))]),
            "users.json: row 1, client_id: no client has id 3",
        ),
        (
            "incidents.json",
            json!([{ "incident_id": "1", "is_recurring": "no" }]),
            r#"incidents.json: row [0], is_recurring: must be true or false, not "no""#,
        ),
        (
            "service_level_agreements.json",
            json!([agreement(json!("much"))]),
            r#"service_level_agreements.json: row [0], availability_percentage: must be a number, not "much""#,
        ),
        (
            "performance_metrics.json",
            json!([{ "metric_id": "1", "target_minutes": 1.5 }]),
            "performance_metrics.json: row [0], target_minutes: must be a whole number, not 1.5",
        ),
    ];
    let mut wrong = Vec::new();
    for (file, rows, expected) in cases {
        let found = problems(&[(file, rows.to_string())]);
        if !found.lines().any(|line| line == expected) {
            wrong.push(format!("expected {expected}\n   found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let found = problems(&[("clients.json", "{\"1\": ".to_owned())]);
    assert!(found.starts_with("clients.json: is not JSON: "), "{found}");
    // Which of the two would be served?
    for (text, expected) in [
        (r#"{"1": {}, "2": {}, "1": {}}"#, "clients.json: has 1 twice"),
        (r#"{"1": {"status": "active", "status": "inactive"}}"#, "clients.json: has 1.status twice"),
    ] {
        assert_eq!(problems(&[("clients.json", text.to_owned())]).trim_end(), expected);
    }
}

/// One pass finds everything, over all files.
#[test]
fn all_problems_are_found_at_once() {
    let clients = json!([
        support::with(client("1"), json!({ "client_type": "galaxy", "created_at": "never" })),
        support::with(client("2"), json!({ "status": null })),
    ]);
    let users = json!([support::with(user("1"), json!({ "client_id": "9", "vendor_id": "9" }))]);
    let found = problems(&[("clients.json", clients.to_string()), ("users.json", users.to_string())]);
    insta::assert_snapshot!(found);
}

#[test]
fn long_values_are_cut_in_messages() {
    let rows = json!([support::with(client("1"), json!({ "created_at": "x".repeat(10_000) }))]);
    let found = problems(&[("clients.json", rows.to_string())]);
    assert!(found.len() < 300, "{found}");
}

#[test]
fn a_folder_is_read_and_an_empty_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let problems = Fixtures::from_directory(folder.path(), &no_words).unwrap_err();
    assert!(said(&problems).ends_with("holds no <table>.json file"), "{}", said(&problems));
    std::fs::write(folder.path().join("README.md"), "not a table").unwrap();
    assert!(Fixtures::from_directory(folder.path(), &no_words).is_err());
    std::fs::write(folder.path().join("clients.json"), json!([client("1")]).to_string()).unwrap();
    let fixtures = Fixtures::from_directory(folder.path(), &no_words).unwrap();
    let rows: Vec<_> = fixtures.counts().into_iter().filter(|(_, rows)| *rows > 0).collect();
    assert_eq!(rows, [("clients", 1)]);
    let absent = folder.path().join("absent");
    let problems = Fixtures::from_directory(&absent, &no_words).unwrap_err();
    assert!(said(&problems).contains("absent"), "{}", said(&problems));
    std::fs::write(folder.path().join("users.json"), [0xff, 0xfe]).unwrap();
    let problems = Fixtures::from_directory(folder.path(), &no_words).unwrap_err();
    assert!(said(&problems).contains("users.json"), "{}", said(&problems));
}

/// Every word that any shipped policy knows, by vocabulary.
fn union() -> BTreeMap<String, BTreeSet<String>> {
    let mut union: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for id in policy::ids(&Source::Embedded) {
        for (name, words) in &support::policy(&id).words {
            union.entry(name.clone()).or_default().extend(words.iter().cloned());
        }
    }
    union
}

/// Every vocabulary of a column is known to every policy, so that no word of a fixture goes unchecked.
#[test]
fn every_policy_knows_the_vocabulary_of_every_column() {
    for id in support::policies() {
        let policy = support::policy(id);
        for (table, column) in TABLES.iter().flat_map(|t| t.columns.iter().map(move |column| (t, column))) {
            if let Kind::Word(name) = column.kind {
                assert!(policy.words.contains_key(name), "{id}: {}.{}: {name}", table.name, column.name);
            }
        }
    }
}

#[test]
fn the_shipped_set_is_clean_and_small() {
    let union = union();
    let fixtures = Fixtures::shipped(&|name| Some(union.get(name).cloned().unwrap_or_default()))
        .unwrap_or_else(|problems| panic!("{}", said(&problems)));
    let rows: usize = fixtures.counts().iter().map(|(_, rows)| rows).sum();
    assert!((200..=600).contains(&rows), "{rows} rows");
    for (table, rows) in fixtures.counts() {
        assert!(rows > 0, "{table} is empty");
    }
}

/// Ids from 1 without gaps: `max + 1` is then also the number of the row.
#[test]
fn the_shipped_ids_have_no_gaps() {
    let mut store = store();
    for table in TABLES {
        let keys: Vec<i64> = find(&mut store, table, Vec::new()).iter().map(Row::key).collect();
        let wanted: Vec<i64> = (1..).take(keys.len()).collect();
        assert_eq!(keys, wanted, "{}", table.name);
    }
}

#[test]
fn the_shipped_set_survives_its_way_through_the_store() {
    let mut store = store();
    assert_eq!(store.integrity().unwrap(), Vec::<String>::new());
    let mut files = Vec::new();
    for table in TABLES {
        let rows = find(&mut store, table, Vec::new());
        let rows: Json = rows.iter().map(|row| Json::Object(row.to_json())).collect();
        files.push((format!("{}.json", table.name), rows));
    }
    let files: Vec<(&str, Json)> = files.iter().map(|(name, rows)| (name.as_str(), rows.clone())).collect();
    assert_eq!(hash_of(&files, Extent::Everything), store.hash(Extent::Everything).unwrap());
}

/// The larger set that the procedures of seeds 002 and 003 come from, where it lies beside the project.
#[test]
fn the_original_set_loads_where_it_is_at_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/upstream/incident_management_domain");
    if !folder.is_dir() {
        println!("skipped: the original data set is not at hand");
        return;
    }
    let fixtures =
        Fixtures::from_directory(&folder, &no_words).unwrap_or_else(|problems| panic!("{}", said(&problems)));
    let mut store = fixtures.store().unwrap();
    assert_eq!(store.integrity().unwrap(), Vec::<String>::new());
    let rows = fixtures.counts().iter().filter(|(_, rows)| *rows > 0).count();
    assert!(rows >= 20, "{:?}", fixtures.counts());
}
