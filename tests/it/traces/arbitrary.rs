//! Generated traces and texts.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Number, Value as Json};
use traces::{Advance, Answer, Call, Message, Role, Settings, Skill, Trace, Verdict};

/// Keys and words that the formats know, so that generated values reach the readers' depths.
const WORDS: [&str; 72] = [
    "action_id",
    "actions",
    "agent",
    "answer",
    "arguments",
    "assistant",
    "attachments",
    "call",
    "call_id",
    "choices",
    "communicate_info",
    "content",
    "epoch",
    "error",
    "eval",
    "evaluation_criteria",
    "event",
    "events",
    "extra",
    "format",
    "function",
    "function_call",
    "function_call_output",
    "function_name",
    "ground_truth",
    "id",
    "incident-mcp/journal/1",
    "incident_mcp",
    "info",
    "initialize",
    "input",
    "instruction",
    "instructions",
    "is_error",
    "item",
    "jsonrpc",
    "kwargs",
    "mcp_call",
    "message",
    "messages",
    "method",
    "name",
    "observation",
    "output",
    "outputs",
    "params",
    "request",
    "response",
    "result",
    "results",
    "role",
    "samples",
    "schema_version",
    "simulations",
    "source",
    "source_call_id",
    "status",
    "steps",
    "structuredContent",
    "system",
    "task",
    "task_id",
    "tasks",
    "text",
    "tool",
    "tool_calls",
    "tools/call",
    "traj",
    "trial",
    "type",
    "user",
    "user_scenario",
];

/// Any JSON value, of ordinary and of known words.
pub fn json() -> impl Strategy<Value = Json> {
    let word = prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let text = prop_oneof![3 => word.clone(), 1 => Just("ATIF-v1.6".to_owned()), 2 => text()];
    let leaf = prop_oneof![
        1 => Just(Json::Null),
        1 => any::<bool>().prop_map(Json::from),
        1 => any::<i64>().prop_map(Json::from),
        1 => any::<u64>().prop_map(Json::from),
        1 => any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Json::Null, Json::Number)),
        4 => text.prop_map(Json::from),
    ];
    let key = prop_oneof![9 => word, 1 => text_of_any_kind()];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Json::from),
            btree_map(key.clone(), inner.clone(), 0..6).prop_map(|entries| entries.into_iter().collect()),
            // JSON within a text, as arguments and answers are written.
            inner.prop_map(|value| value.to_string().into()),
        ]
    })
}

fn text_of_any_kind() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-z/~]{0,4}"]
}

/// Texts, some of which are JSON by chance.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~]{0,20}", "-?[0-9]{1,20}", Just("null".to_owned()), Just("{}".to_owned())]
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_-]{0,12}"
}

/// A trace such as any format can hold: ids are unique, trials are numbered (a reader numbers those that are not), agents are set up at the
/// beginning, and something is called, without which OpenAI and Anthropic look the same.
pub fn trace() -> impl Strategy<Value = Trace> {
    let label = || option::of(name());
    let settings = (label(), label(), label(), label()).prop_map(|(policy, clock, mode, interface)| Settings {
        policy,
        clock,
        mode,
        interface,
        ..Settings::default()
    });
    let about = (name(), label(), any::<u64>().prop_map(Some), settings, label(), vec(text(), 0..3));
    let skill = (text(), text()).prop_map(|(uri, digest)| Skill { uri, digest });
    let advances = vec((prop_oneof![Just("PT2H"), Just("P1DT30M")], 0..7_usize), 0..3);
    let ending = (option::of(text()), vec(text(), 0..2), option::of(any::<u64>()), vec(skill, 0..2), advances);
    (about, option::of("[a-z ]{1,9}"), ending, vec(vec(message(), 0..3), 7), vec(call(), 1..6)).prop_map(
        |((name, task, trial, settings, actor, outputs), setup, ending, said, calls)| {
            let (unfinished, notes, tokens, skills, advances) = ending;
            let setup = setup.map(|text| Message { role: Role::System, text, after: 0 });
            let said = said.into_iter().take(calls.len() + 1).enumerate();
            let said = said.flat_map(|(after, said)| said.into_iter().map(move |message| Message { after, ..message }));
            let messages = setup.into_iter().chain(said).collect();
            let after = |after: usize| Some(after.min(calls.len()));
            let moves = advances.into_iter().map(|(by, at)| Advance { by: by.to_owned(), after: after(at) });
            let mut advances: Vec<Advance> = moves.collect();
            advances.sort_by_key(|advance| advance.after);
            let calls = calls.into_iter().enumerate();
            let calls = calls.map(|(at, call)| Call { id: format!("{}{at}", call.id), ..call }).collect();
            let about = Trace {
                name,
                task,
                trial,
                settings,
                actor,
                outputs,
                unfinished,
                notes,
                tokens,
                skills,
                ..Trace::default()
            };
            Trace { calls, messages, advances, ..about }
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    let role = prop_oneof![Just(Role::User), Just(Role::Agent)];
    let text = text().prop_filter("messages are not empty", |text| !text.is_empty());
    (role, text).prop_map(|(role, text)| Message { role, text, after: 0 })
}

fn call() -> impl Strategy<Value = Call> {
    let arguments = btree_map(text_of_any_kind(), json(), 0..4).prop_map(|entries| {
        // Not in the order of the keys, so that a reader who sorts them is caught.
        entries.into_iter().rev().collect::<Map<String, Json>>()
    });
    let answer = option::of((json(), option::of(any::<bool>())));
    let lists = (vec(json(), 0..2), vec(json(), 0..2));
    let verdict = option::of((prop_oneof![Just("ok".to_owned()), name()], option::of(name()), lists));
    let verdict = verdict.prop_map(|verdict| {
        verdict.map(|(outcome, rule, (violations, changes))| Verdict { outcome, rule, violations, changes })
    });
    // What no reader takes for an object.
    let malformed = option::of(text().prop_map(|text| format!("no object: {text}")));
    let known = (option::of(name()), option::of(name()), verdict, malformed, option::of(name()));
    (name(), name(), arguments, answer, known).prop_map(
        |(id, tool, arguments, answer, (key, actor, verdict, malformed, now))| {
            // A journal's outcome says whether the answer is an error.
            let implied = verdict.as_ref().map(|verdict| verdict.outcome != "ok");
            let answer = answer.map(|(value, is_error)| Answer { value, is_error: is_error.or(implied) });
            let malformed = malformed.filter(|_| arguments.is_empty());
            let edition = now.clone();
            Call { id, tool, arguments, malformed, answer, key, actor, verdict, now, edition }
        },
    )
}
