use super::{Domain, SERVICE_MANAGEMENT};

/// What is wrong with a file of actions.
fn mistakes(text: &str) -> Vec<String> {
    match Domain::read("test", "actions.toml", text) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn what_is_shipped_has_no_mistake() {
    let domain = Domain::read("service-management", "actions.toml", SERVICE_MANAGEMENT)
        .map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    assert_eq!(domain.map(|domain| domain.operations.len()), Ok(45));
}

#[test]
fn a_mistake_is_told_with_its_line() {
    let ticket = "create = \"problem_tickets\"\ninput.incident_id = {}\ninput.title = {}\ninput.status = {}\n";
    let whole = "set = { issued_by_user = \"actor.user_id\", created_at = \"now\", updated_at = \"now\" }\n";
    let of = |rest: &str| mistakes(&format!("[a]\n{ticket}{rest}"));
    assert_eq!(of(whole), [] as [&str; 0]);
    let cases: [(&str, &str); 16] = [
        ("", "actions.toml:1: [a] fills no issued_by_user, which problem_tickets must have"),
        ("set = { issued_by = \"now\" }\n", "problem_tickets has no column \"issued_by\" to set"),
        ("set = { issued_by_user = \"now\" }\n", "issued_by_user: `now` is no value that the column can hold"),
        ("set = { issued_by_user = \"a ++\" }\n", "actions.toml:6: issued_by_user: "),
        ("set = { \"ticket.title\" = \"'x'\" }\n", "no input names a \"ticket\""),
        ("set = { \"incident.incident_id\" = \"'x'\" }\n", "incidents has no column \"incident_id\" to set"),
        ("set = { title = \"'x'\" }\n", "[a] writes title twice"),
        ("input.colour = {}\n", "problem_tickets has no column \"colour\""),
        ("input.colour = { uncopied = true }\n", "colour: say what it takes"),
        ("input.colour = { uncopied = true, takes = \"colour\" }\n", "no input takes \"colour\""),
        ("input.issued_by_user = { takes = \"line\" }\n", "issued_by_user: the column issued_by_user cannot hold what"),
        ("input.issued_by_user = { required = false }\n", "[a] may leave issued_by_user empty"),
        ("input.issued_by_user = { record = \"people\" }\n", "there is no table \"people\""),
        ("answer.id = \"ticket_id\"\n", "problem_tickets has no column \"ticket_id\""),
        ("answer.id = {}\n", "answer.id: a column, or row = true"),
        ("colour = \"red\"\n", "[a]: there is no key \"colour\" here"),
    ];
    for (rest, wanted) in cases {
        let found = of(rest);
        assert!(found.iter().any(|mistake| mistake.contains(wanted)), "{rest}: {found:#?}");
    }
    let alone: [(&str, &str); 5] = [
        ("[a]\n", "[a] says either create or change, and the table"),
        ("[a]\ncreate = \"tickets\"\n", "there is no table \"tickets\""),
        ("[create_incident]\ncoded = true\n", "there is no coded action \"create_incident\" for test"),
        ("[a]\nchange = \"clients\"\ncolumn.status = { takes = \"flag\" }\n", "cannot hold what this takes"),
        ("[a\n", "actions.toml:1: "),
    ];
    for (text, wanted) in alone {
        let found = mistakes(text);
        assert!(found.iter().any(|mistake| mistake.contains(wanted)), "{text}: {found:#?}");
    }
}
