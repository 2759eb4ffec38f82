//! Prompts: one a procedure, with what it needs as arguments; and the server's instructions.

use super::resources::CLOCK;
use crate::registry::Description;
use procedures::policy::{Act, Audit, Pace, Policy, Tool, Work};
use rmcp::model::{ErrorData, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::{Map, Value as Json};
use std::fmt::Write;

/// What an agent should know before its first call.
pub fn instructions(policy: &Policy, about: &Description) -> String {
    let Policy { id, title, .. } = policy;
    let clock = match about.clock_kind {
        Pace::Fixed => format!("It is {} UTC.", about.clock),
        Pace::Stepped => {
            format!(
                "Time passes, and not by itself: every answer says what time it is, UTC, in `now`, and so does {CLOCK}."
            )
        }
    };
    let audit = match about.audit {
        Audit::Explicit => "An answer with `owes` leaves you a duty: pay it with that tool before you finish. ",
        Audit::Automatic | Audit::None => "",
    };
    format!(
        "Incident management under the policy {id} ({title}). {clock}\n\
         Every call has an acting user: the session's user, else the tool's own user argument or acting_user.\n\
         A refusal is a result with isError and {{halt, code, rule, clause, message, remedy}}: nothing was written; \
         follow the remedy instead of repeating the call. INVALID_INPUT lists every problem of the arguments. {audit}\n\
         Ids are strings of digits. Times are YYYY-MM-DDTHH:MM:SS.\n\
         find_ tools: filters are combined; *_contains matches a part and ignores case; since and until bound the record's \
         time, both inclusive; limit is 1 to 100, 20 if left out; cursor takes next_cursor; detail is concise or detailed.\n\
         The full policy is the resource policy://{id}."
    )
}

/// The procedures of a policy: the tools that write.
fn procedures(policy: &Policy) -> impl Iterator<Item = (&Tool, &Act)> {
    policy.tools.iter().filter_map(|tool| match &tool.work {
        Work::Act(act) => Some((tool, &**act)),
        Work::Find(_) => None,
    })
}

/// The prompts of the tools that a role may use, in the order of the tools; all of them where no role is named.
pub fn list(policy: &Policy, role: Option<&str>) -> Vec<Prompt> {
    procedures(policy)
        .filter(|(tool, _)| role.is_none_or(|role| tool.is_open_to(role)))
        .map(|(tool, _)| {
            let arguments = arguments(tool).map(|(name, schema, required)| {
                let argument = PromptArgument::new(name).with_required(required);
                match schema["description"].as_str() {
                    Some(about) => argument.with_description(about),
                    None => argument,
                }
            });
            Prompt::new(&tool.name, Some(&tool.description), Some(arguments.collect())).with_title(&tool.title)
        })
        .collect()
}

/// The arguments that a prompt takes: the tool's own that are plain values.
fn arguments(tool: &Tool) -> impl Iterator<Item = (&String, &Json, bool)> {
    let required = tool.input_schema.get("required").and_then(Json::as_array);
    let properties = tool.input_schema.get("properties").and_then(Json::as_object);
    let plain = properties.into_iter().flatten().filter(|(_, schema)| schema["type"] != "object");
    plain.map(move |(name, schema)| {
        let required = required.is_some_and(|names| names.iter().any(|known| known == name));
        (name, schema, required)
    })
}

/// The text of a prompt: what is to be done, with which values, and what the policy says of it.
pub fn get(policy: &Policy, name: &str, given: &Map<String, Json>) -> Result<GetPromptResult, ErrorData> {
    let (tool, act) = procedures(policy)
        .find(|(tool, _)| tool.name == name)
        .ok_or_else(|| ErrorData::invalid_params(format!("there is no prompt {name:?}"), None))?;
    if let Some(unknown) = given.keys().find(|given| !arguments(tool).any(|(name, ..)| name == *given)) {
        let message = format!("the prompt {name} has no argument {unknown:?}");
        return Err(ErrorData::invalid_params(message, None));
    }
    if let Some((missing, ..)) = arguments(tool).find(|(name, _, required)| *required && !given.contains_key(*name)) {
        let message = format!("the prompt {name} needs the argument {missing}");
        return Err(ErrorData::invalid_params(message, None));
    }
    let mut text = format!("{}\n\nUse the tool `{name}`.", tool.description);
    if !given.is_empty() {
        text.push_str(" Values that are known:\n");
        for (name, value) in given {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "- {name}: {value}");
        }
    }
    text.push_str("\nLook up what is missing with the find_ tools; do not invent ids. What the policy says:\n");
    for id in clauses(act) {
        if let Some(clause) = policy.clause(&id) {
            let _ = writeln!(text, "- {id}: {}", clause.text);
        }
    }
    text.push_str("\nIf a call halts, do what its remedy says. Do not repeat a refused call unchanged.");
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(tool.description.clone()))
}

/// The clauses that govern a tool, each once: who may, what it does, then what halts it.
fn clauses(act: &Act) -> Vec<String> {
    let rules = act.actor_rules.iter().chain(&act.rules).map(|rule| &rule.clause);
    let all = [&act.roles_clause].into_iter().chain(&act.clauses).chain(rules);
    let mut found: Vec<String> = Vec::new();
    for clause in all {
        if !found.contains(clause) {
            found.push(clause.clone());
        }
    }
    found
}
