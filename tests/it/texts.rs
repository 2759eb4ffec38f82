//! What a text may be made of, for every argument that takes one; when two texts are the same; and how long a filter may be.

use crate::inputs::{Bench, Property, Refers, properties, says};
use crate::support::{
    acting, call, episode, episode_with, halt, permitted_call, policies, policy, success, tools, with,
};
use procedures::action::input::most;
use procedures::policy::Work;
use records::catalogue::{Filter, Kind};
use serde_json::{Value, json};

/// A property that takes a text of the caller's choice.
fn free(property: &Property) -> bool {
    property.is("string") && !property.is_time && property.words.is_empty()
}

fn several_lines(property: &Property) -> bool {
    property.schema["maxLength"] == most::TEXT
}

/// Put into the middle of a text that is right.
fn holding(property: &Property, odd: &str) -> String {
    match property.schema.get("pattern") {
        Some(_) => format!("ab{odd}@c.example"),
        None => format!("5{odd}5"),
    }
}

#[test]
fn a_control_character_is_refused_in_every_text() {
    Bench::run(|bench, tool, valid, property| {
        if free(property) {
            for odd in ["\0", "\u{1b}[31m", "\u{8}", "\u{7f}", "\u{85}"] {
                let arguments = property.put(valid.clone(), Some(holding(property, odd).into()));
                bench.refuses(tool, arguments, &property.field, |problem| {
                    says("is no id")(problem)
                        || says("is not an e-mail address")(problem)
                        || says("holds the control character U+00")(problem)
                });
            }
        }
    });
}

#[test]
fn what_is_one_line_shows_all_that_it_holds() {
    Bench::run(|bench, tool, valid, property| {
        if free(property) && !several_lines(property) {
            for odd in [
                "\n", "\t", "\u{2028}", "\u{202e}", "\u{2067}", "\u{200e}", "\u{200b}", "\u{feff}", "\u{ad}",
                "\u{200d}",
            ] {
                let arguments = property.put(valid.clone(), Some(holding(property, odd).into()));
                // Nothing is said of a joiner between letters.
                if odd == "\u{200d}" && property.schema.get("pattern").is_some() {
                    continue;
                }
                bench.refuses(tool, arguments, &property.field, |problem| {
                    says("is no id")(problem)
                        || says("is not an e-mail")(problem)
                        || says(" U+")(problem)
                        || says("holds U+")(problem)
                });
            }
        }
    });
}

#[test]
fn honest_texts_of_every_script_are_accepted_and_stored_as_they_came() {
    let texts =
        ["Zoë's Fähre", "می\u{200c}خواهم", "👩\u{200d}💻 on call", "❤\u{fe0f}", "क्\u{200d}ष", "a\u{a0}b", "שלום"];
    for text in texts {
        let mut episode = episode_with("all", acting("6"));
        let change = json!({ "incident_id": "27", "change_set": { "title": text } });
        let answer = success(&call(&mut episode, "update_incident", change));
        assert_eq!(answer["incident"]["title"], text);
        let note = format!("{text}\r\n\t{text}\n\u{202b}{text}\u{202c}");
        success(&call(&mut episode, "add_incident_update", json!({ "incident_id": "27", "note": note })));
        let notes =
            success(&call(&mut episode, "find_incident_updates", json!({ "incident_id": "27", "detail": "detailed" })));
        assert_eq!(notes["incident_updates"].as_array().unwrap().last().unwrap()["note"], note.as_str());
    }
}

#[test]
fn a_filter_or_an_id_has_a_greatest_length() {
    Bench::run(|bench, tool, valid, property| {
        let unlimited = property.schema.get("maxLength").is_none();
        if free(property) && unlimited {
            for length in [most::LINE + 1, 1 << 20] {
                let arguments = property.put(valid.clone(), Some("7".repeat(length).into()));
                let wanted = format!("has {length} characters; at most 200 are accepted");
                bench.refuses(tool, arguments, &property.field, |problem| {
                    says("is no id")(problem) || says(&wanted)(problem)
                });
            }
        }
    });
    for (id, tool) in tools() {
        let Work::Find(_) = &tool.work else { continue };
        let mut episode = episode(id);
        for property in
            properties(tool).iter().filter(|property| free(property) && matches!(property.refers, Refers::Nothing))
        {
            let arguments = property.put(permitted_call(id, tool), Some("x".repeat(most::LINE).into()));
            let outcome = call(&mut episode, &tool.name, arguments);
            let problems = outcome.answer.get("problems").map_or(String::new(), Value::to_string);
            assert!(!problems.contains("at most 200"), "{id}: {} {}", tool.name, property.field);
        }
    }
}

#[test]
fn a_filter_by_what_is_no_id_is_refused() {
    for id in policies() {
        let mut episode = episode(id);
        for tool in &policy(id).tools {
            let Work::Find(table) = &tool.work else { continue };
            for column in table.columns {
                let is_id = matches!(column.kind, Kind::Key | Kind::Id(_));
                if !is_id || column.filter != Filter::Exact {
                    continue;
                }
                for value in ["0", "-1", "01", "x", " 1", "1 ", "1.0", "١", "99999999999999999999"] {
                    let arguments = with(permitted_call(id, tool), json!({ column.name: value }));
                    let answer = halt(&call(&mut episode, &tool.name, arguments), "INVALID_INPUT");
                    assert!(says("is no id")(&answer["problems"][0]), "{}: {answer}", tool.name);
                }
                for value in ["999999", "9223372036854775808"] {
                    let arguments = with(permitted_call(id, tool), json!({ column.name: value }));
                    assert_eq!(success(&call(&mut episode, &tool.name, arguments))["count"], 0, "{}", tool.name);
                }
            }
        }
    }
}

#[test]
fn a_span_that_ends_before_it_begins_is_refused() {
    let mut episode = episode_with("all", acting("6"));
    let mut find = |since: &str, until: &str| {
        call(&mut episode, "find_incidents", json!({ "since": since, "until": until, "limit": 1 }))
    };
    for (since, until) in [
        ("2025-09-02", "2025-09-01"),
        ("2025-09-01T12:00:01", "2025-09-01T12:00:00"),
        ("2025-09-02T00:00:00", "2025-09-01"),
        ("2025-09-01T12:00:00.1", "2025-09-01T12:00:00"),
        ("2025-09-01T00:00:01", "2025-09-01T00:00:00Z"),
    ] {
        let answer = halt(&find(since, until), "INVALID_INPUT");
        assert_eq!(answer["problems"][0]["field"], "since", "{since} {until}");
        assert!(says("lies after until")(&answer["problems"][0]), "{since} {until}");
    }
    for (since, until) in [
        ("2025-09-01", "2025-09-01"),
        ("2025-09-01T23:59:59", "2025-09-01"),
        ("2025-09-01T12:00:00", "2025-09-01T12:00:00Z"),
        ("2025-09-01", "2025-09-01T00:00:00"),
    ] {
        success(&find(since, until));
    }
}

/// A vendor with these marks.
fn vendor(name: &str, email: &str, phone: &str) -> Value {
    json!({ "vendor_name": name, "vendor_email": email, "vendor_phone": phone, "vendor_type": "cloud_provider" })
}

#[test]
fn a_telephone_number_is_taken_however_it_is_written() {
    let mut episode = episode_with("all", acting("1"));
    success(&call(&mut episode, "create_vendor", vendor("First", "first@corvid.example", "+1 555 010 2000")));
    for phone in [
        "+1/555/010/2000",
        "(+1) 555-010.2000",
        "1\u{a0}555\u{2011}010\u{2013}2000",
        "tel:+1-555-010-2000",
        "1,555,010,2000",
        "１５５５０１０２０００",
        "١٥٥٥٠١٠٢٠٠٠",
        "+1 555 010 2000 (desk)",
    ] {
        halt(&call(&mut episode, "create_vendor", vendor("Second", "second@corvid.example", phone)), "PHONE_TAKEN");
        let found =
            success(&call(&mut episode, "find_vendors", json!({ "contact_phone": phone, "detail": "detailed" })));
        assert_eq!(found["vendors"][0]["contact_phone"], "+1 555 010 2000", "the text stays as it came: {phone}");
    }
    let other = vendor("Second", "second@corvid.example", "+1 555 010 2001");
    success(&call(&mut episode, "create_vendor", other));
    let none = vendor("Third", "third@corvid.example", "ring us");
    let answer = halt(&call(&mut episode, "create_vendor", none), "INVALID_INPUT");
    assert_eq!(answer["problems"][0]["problem"], "holds no digit, so it is no telephone number");
}

#[test]
fn case_is_overlooked_in_every_script() {
    let mut episode = episode_with("all", acting("1"));
    success(&call(&mut episode, "create_vendor", vendor("Große Möwe", "möwe@möwe.example", "+1-555-0901")));
    for (name, email, code) in [
        ("GROSSE MÖWE", "a@corvid.example", "VENDOR_NAME_TAKEN"),
        ("große mo\u{308}we", "a@corvid.example", "VENDOR_NAME_TAKEN"),
        ("\u{a0}Große\u{3000}Möwe ", "a@corvid.example", "VENDOR_NAME_TAKEN"),
        ("Gro\u{200c}ße Möwe", "a@corvid.example", "VENDOR_NAME_TAKEN"),
        ("Other", "MÖWE@MÖWE.EXAMPLE", "EMAIL_TAKEN"),
        ("Other", " Möwe@mo\u{308}we.example", "EMAIL_TAKEN"),
    ] {
        halt(&call(&mut episode, "create_vendor", vendor(name, email, "+1-555-0902")), code);
    }
    for part in ["MÖW", "sse m", "SSE Mo\u{308}", "große"] {
        let found = success(&call(&mut episode, "find_vendors", json!({ "vendor_name_contains": part })));
        assert_eq!(found["vendors"][0]["vendor_name"], "Große Möwe", "{part}");
    }
    let found = success(&call(&mut episode, "find_vendors", json!({ "vendor_name_contains": "möwe " })));
    assert_eq!(found["count"], 0, "space in a part counts");
    let found = success(&call(&mut episode, "find_vendors", json!({ "contact_email": "MÖWE@möwe.example" })));
    assert_eq!(found["count"], 1);
}

#[test]
fn an_e_mail_address_has_one_at_sign_and_nothing_that_lists_are_made_of() {
    let mut episode = episode_with("all", acting("1"));
    for email in [
        "a@b@c.example",
        "<a@c.example>",
        "A <a@c.example>",
        "a@c.example,b@c.example",
        "a@c.example;",
        "mailto:a@c.example",
        "a@[10.0.0.1]",
        "a\u{200b}b@c.example",
        "a b@c.example",
    ] {
        let answer = halt(&call(&mut episode, "create_vendor", vendor("Heron", email, "+1-555-0903")), "INVALID_INPUT");
        assert_eq!(answer["problems"][0]["problem"], "is not an e-mail address", "{email:?}");
    }
    success(&call(&mut episode, "create_vendor", vendor("Heron", " o'heron+desk@c.example ", "+1-555-0903")));
}
