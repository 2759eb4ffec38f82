//! A malformed file is named with the place and the reason, and costs no more than it must.

use traces::format::{self, Format};
use traces::{Document, Mistake};

fn read(text: &str) -> Result<Document, Mistake> {
    format::read(text, "f")
}

/// The mistakes in a text, and how many traces and tasks are left.
fn mistakes(text: &str) -> (Vec<String>, usize) {
    match read(text) {
        Ok(document) => (document.mistakes.iter().map(Mistake::to_string).collect(), document.items.len()),
        Err(mistake) => (vec![mistake.to_string()], 0),
    }
}

#[track_caller]
fn wrong(text: &str, expected: &[&str], left: usize) {
    let (found, items) = mistakes(text);
    assert_eq!((found, items), (expected.iter().map(|text| (*text).to_owned()).collect(), left));
}

const HEADER: &str = r#"{"format":"incident-mcp/journal/1","name":"n"}"#;

#[test]
fn what_is_no_trace_is_refused() {
    let formats = "ndjson, mcp, atif, inspect, tau2, tau-bench, openai-responses, anthropic, openai";
    wrong("", &["f: is empty"], 0);
    wrong("hello", &["f:1: is not JSON: expected value at column 1"], 0);
    let none = format!(
        "f: is in none of the formats that are read: {formats}. Write each run as a journal, ndjson: a header, then a call a \
         line, as docs/traces.md describes it"
    );
    wrong("{\"a\": 1}", &[&none], 0);
    wrong("[1, 2]", &[&none], 0);
    wrong("{\n \"traj\": [\n", &["f:2: is not JSON: EOF while parsing a list at column 10"], 0);
    wrong(r#"{"eval":{},"status":"started"}"#, &["f: looks like inspect, but holds neither a trace nor a task"], 0);
}

#[test]
fn a_bad_trace_does_not_lose_the_others() {
    let good = r#"{"messages":[{"role":"user","content":"hi"}]}"#;
    let bad = r#"{"messages":[{"role":"ghost","content":"hi"}]}"#;
    let role = "is \"ghost\", which is no role; there are system, user, assistant and tool";
    wrong(&format!("{good}\n{bad}\n{good}"), &[&format!("f:2 /messages/0/role: {role}")], 2);
    wrong(&format!("[{good},{bad},{good}]"), &[&format!("f /1/messages/0/role: {role}")], 2);
    wrong(
        &format!("{good}\n{{\"messages\": [\n{good}"),
        &["f:2: is not JSON: EOF while parsing a list at column 14"],
        2,
    );
    wrong(
        r#"[{"task_id":0,"traj":[{"role":"tool","tool_call_id":"c9","content":""}]},{"task_id":1,"traj":[]}]"#,
        &["f /0/traj/0: answers the call \"c9\", which was not made before, or has its answer"],
        1,
    );
}

/// Models write such; the run is one all the same.
#[test]
fn arguments_that_are_no_object_are_kept_as_they_were_written() {
    let text = r#"{"messages":[{"role":"assistant","tool_calls":[
        {"id":"1","function":{"name":"t","arguments":"{\"a\":"}},
        {"id":"2","function":{"name":"t","arguments":"[]"}},
        {"id":"3","function":{"name":"t","arguments":""}}]}]}"#;
    let document = read(text).unwrap();
    let malformed = |document: &Document| -> Vec<Option<String>> {
        document.items[0].trace().calls.iter().map(|call| call.malformed.clone()).collect()
    };
    let expected = vec![Some("{\"a\":".to_owned()), Some("[]".to_owned()), None];
    assert_eq!(malformed(&document), expected);
    let traces = [document.items[0].trace().clone()];
    for format in [Format::Ndjson, Format::OpenAi, Format::OpenAiResponses] {
        let written = format::write(format, &traces).unwrap();
        assert_eq!(malformed(&read(&written).unwrap()), expected, "{format}");
    }
}

#[test]
fn all_mistakes_of_a_trace_are_named() {
    wrong(
        r#"{"messages":[{"content":"hi"},{"role":"assistant","tool_calls":[
            {"id":"1","function":{"arguments":"{}"}},
            {"id":"2","function":{"name":"t","arguments":"{\"a\":"}},
            {"id":"3","function":{"name":"t","arguments":"[]"}},
            {"id":"4","function":{"name":"t","arguments":4}}]},
            {"role":"tool","tool_call_id":"2","content":"x"},
            {"role":"tool","tool_call_id":"2","content":"y"}]}"#,
        &[
            "f /messages/0: \"role\" is missing",
            "f /messages/1/tool_calls/0/function: \"name\" is missing",
            "f /messages/1/tool_calls/3/function/arguments: must be an object, not a number",
            "f /messages/3: answers the call \"2\", which was not made before, or has its answer",
        ],
        0,
    );
}

#[test]
fn journals_are_checked_line_by_line() {
    let call = |number| format!(r#"{{"call":{number},"tool":"t","arguments":{{}},"answer":{{}},"outcome":"ok"}}"#);
    wrong(&format!("{}\n{HEADER}", call(1)), &["f:1: stands before the header"], 1);
    wrong(
        &format!("{HEADER}\n{}\n{}\n{}\n", call(1), call(3), call(4)),
        &["f:3 /call: must be 2: calls are numbered from 1 without gaps"],
        0,
    );
    wrong(
        &format!("{HEADER}\n{{\"call\":1,\"tool\":\"t\"}}\n{}\n{HEADER}\n{}", call(2), call(1)),
        &["f:2: \"arguments\" is missing"],
        1,
    );
    wrong(
        r#"{"format":"incident-mcp/journal/9"}"#,
        &["f /format: is \"incident-mcp/journal/9\"; this program reads \"incident-mcp/journal/1\""],
        0,
    );
}

#[test]
fn a_recorder_that_was_cut_short_loses_its_last_line_only() {
    let call = r#"{"call":1,"tool":"t","arguments":{}}"#;
    let text = format!("{HEADER}\n{call}\n{{\"call\":2,\"to");
    wrong(&text, &["f:3: is not JSON: EOF while parsing a string at column 13"], 1);
    let text = format!("{HEADER}\n{{\"call\":1,\"to\n{}", call.replace('1', "2"));
    wrong(&text, &["f:2: is not JSON: EOF while parsing a string at column 13"], 0);
}

#[test]
fn mcp_logs_are_checked_where_they_have_to_do_with_tools() {
    wrong(
        r#"{"message":{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{}}}}
           {"message":{"jsonrpc":"2.0","id":1,"result":{"content":[]}}}
           {"message":{"jsonrpc":"2.0","id":2,"result":{"content":[]}}}
           {"message":{"jsonrpc":"2.0","id":3,"result":{"tools":[]}}}"#,
        &["f:1 /message/params: \"name\" is missing", "f:3 /message: answers the call 2, which was not made"],
        0,
    );
}

#[test]
fn a_broken_line_of_an_mcp_log_may_be_of_any_connection() {
    let call = |session| {
        format!(
            r#"{{"session":"{session}","m":{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t"}}}}}}"#
        )
    };
    let text = format!("{}\n{}\nready\n{{\"session\":\"a\"\n{}", call("a"), call("b"), call("c"));
    wrong(&text, &["f:4: is not JSON: EOF while parsing an object at column 14"], 1);
}

#[test]
fn calls_that_share_an_id_are_answered_in_order() {
    let document = read(
        r#"[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"a"}}]},
            {"role":"tool","tool_call_id":"c","content":"1"},
            {"role":"assistant","tool_calls":[{"id":"c","function":{"name":"b"}}]},
            {"role":"tool","content":"2"}]"#,
    )
    .unwrap();
    let calls = &document.items[0].trace().calls;
    let answers: Vec<(&str, String)> =
        calls.iter().map(|call| (call.tool.as_str(), call.answer.clone().unwrap().value.to_string())).collect();
    assert_eq!(answers, [("a", "1".to_owned()), ("b", "2".to_owned())]);
}
