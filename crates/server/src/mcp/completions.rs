//! Completions: ids of records, words of vocabularies, names of tables and clauses.

use super::fault;
use super::resources::refused;
use calls::Episode;
use procedures::action::input::Kind;
use procedures::policy::{Policy, Work};
use records::catalogue::{self, TABLES, Table, USERS};
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, ErrorData, Reference};

/// What could stand in an argument of a prompt or of a resource template.
pub fn complete(
    policy: &Policy,
    episode: &mut Episode,
    request: &CompleteRequestParams,
) -> Result<CompleteResult, ErrorData> {
    if let Some(halt) = episode.may_look().map_err(fault)? {
        return Err(refused(serde_json::to_value(halt).map_err(fault)?));
    }
    let (name, typed) = (request.argument.name.as_str(), request.argument.value.as_str());
    let candidates = match &request.r#ref {
        Reference::Prompt(prompt) => of_prompt(policy, &prompt.name, name),
        Reference::Resource(resource) if resource.uri.starts_with("record://") => match name {
            "table" => Candidates::Words(TABLES.iter().map(|table| table.name.to_owned()).collect()),
            _ => {
                let context = request.context.as_ref();
                let table = context.and_then(|context| context.get_argument("table"));
                table.and_then(|name| catalogue::table(name)).map_or(Candidates::None, Candidates::Ids)
            }
        },
        Reference::Resource(_) => {
            Candidates::Words(policy.clauses.iter().map(|clause| clause.id.value.clone()).collect())
        }
        _ => Candidates::None,
    };
    let mut found = match candidates {
        Candidates::None => Vec::new(),
        Candidates::Words(words) => words.into_iter().filter(|word| word.starts_with(typed)).collect(),
        Candidates::Ids(table) => {
            let tx = episode.store().transaction().map_err(fault)?;
            tx.keys(table, typed, CompletionInfo::MAX_VALUES + 1).map_err(fault)?
        }
    };
    let more = found.len() > CompletionInfo::MAX_VALUES;
    found.truncate(CompletionInfo::MAX_VALUES);
    let info = CompletionInfo::with_pagination(found, None, more).map_err(fault)?;
    Ok(CompleteResult::new(info))
}

enum Candidates {
    None,
    Words(Vec<String>),
    Ids(&'static Table),
}

fn of_prompt(policy: &Policy, prompt: &str, argument: &str) -> Candidates {
    let Some(Work::Act(act)) = policy.tool(prompt).map(|tool| &tool.work) else {
        return Candidates::None;
    };
    if argument == act.operation.actor {
        return Candidates::Ids(&USERS);
    }
    let input = act.operation.inputs.iter().find(|input| input.name == argument);
    match input.map(|input| input.kind) {
        Some(Kind::Id(table)) => Candidates::Ids(table),
        Some(Kind::Word(vocabulary)) => {
            Candidates::Words(policy.words.get(vocabulary).map_or(Vec::new(), |words| words.to_vec()))
        }
        _ => Candidates::None,
    }
}
