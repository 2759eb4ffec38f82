//! The tool of ours behind a creation or a change: which argument becomes which input.

use super::Compiler;
use crate::action::input::{self, Kind as InputKind};
use crate::mapping::table::Twin;
use crate::mapping::template::Template;
use crate::mapping::write::{Input, Made};
use crate::policy::mistake::At;
use crate::policy::{Act, Work};
use crate::store::catalogue::USERS;
use crate::suggest::did_you_mean;
use serde_json::Value as Json;

/// What a tool of ours is to be called with.
#[derive(Clone)]
pub(super) struct Wanted<'a> {
    pub twin: &'a Twin,
    pub arguments: Vec<&'a At<String>>,
    pub key: Option<&'a str>,
    pub actor: Option<At<String>>,
    pub inputs: Vec<(At<String>, At<String>)>,
    pub give: Vec<(String, Template)>,
    pub keep: Option<Vec<String>>,
}

impl Wanted<'_> {
    /// The input that an argument becomes.
    fn input(&self, argument: &At<String>, act: &Act, set: Option<(&str, &'static [input::Input])>) -> Input {
        let pair = self.twin.columns.iter().position(|pair| pair.name == argument.value);
        let column = pair.map_or(argument.value.as_str(), |at| self.twin.columns[at].column.name);
        let named =
            self.inputs.iter().find(|(name, _)| name.value == argument.value).map(|(_, input)| input.value.as_str());
        let acts = self.actor.as_ref().is_some_and(|actor| actor.value == argument.value);
        let key = self.key == Some(argument.value.as_str());
        let in_set = set.filter(|_| self.key.is_some() && !key && !acts && named.is_none());
        let name = match acts {
            true => act.operation.actor,
            false => named.unwrap_or(column),
        };
        let inputs = in_set.map_or(act.operation.inputs, |(_, columns)| columns);
        let declared = inputs.iter().find(|input| input.name == name).map(|input| input.kind);
        Input {
            argument: argument.value.clone(),
            name: name.to_owned(),
            set: in_set.map(|(name, _)| name.to_owned()),
            kind: if acts { Some(InputKind::Id(&USERS)) } else { declared },
            pair,
            hidden: false,
            default: None,
        }
    }
}

impl Compiler<'_> {
    /// How the arguments of a tool of ours come about; none where the policy has no such tool.
    pub(super) fn made(&self, name: &At<String>, wanted: &Wanted<'_>, demanded: bool) -> Option<Made> {
        let act = match self.policy.tool(&name.value).map(|tool| (tool, &tool.work)) {
            Some((tool, Work::Act(act))) => (tool, act),
            _ => {
                if demanded {
                    let names = self.policy.tools.iter().map(|tool| tool.name.as_str());
                    let hint = did_you_mean(&name.value, names);
                    self.note(
                        name,
                        format!("policy {} has no tool {:?} that writes{hint}", self.policy.id, name.value),
                    );
                }
                return None;
            }
        };
        let (tool, act) = act;
        let set = act.operation.inputs.iter().find_map(|input| match input.kind {
            InputKind::ChangeSet(columns) => Some((input.name, columns)),
            _ => None,
        });
        let offered = |path: &str| {
            let mut at = tool.input_schema.get("properties").and_then(Json::as_object);
            let (parent, name) = path.split_once('.').map_or((None, path), |(parent, name)| (Some(parent), name));
            if let Some(parent) = parent {
                at = at.and_then(|all| all.get(parent)?.get("properties")?.as_object());
            }
            at.is_some_and(|all| all.contains_key(name))
        };
        let kept = |argument: &&&At<String>| wanted.keep.as_ref().is_none_or(|keep| keep.contains(&argument.value));
        let mut inputs: Vec<Input> = Vec::new();
        for argument in wanted.arguments.iter().filter(kept) {
            let input = wanted.input(argument, act, set);
            if demanded && !offered(&input.path()) {
                let known = act.operation.inputs.iter().map(|input| input.name);
                let known = known.chain(set.iter().flat_map(|(_, columns)| columns.iter().map(|column| column.name)));
                let hint = did_you_mean(&input.name, known);
                let message =
                    format!("tool {} of policy {} has no input {:?}{hint}", tool.name, self.policy.id, input.path());
                self.note(argument, message);
            }
            let hidden = input.kind.is_some() && !offered(&input.path());
            let default = tool.defaults.get(&input.name).cloned();
            inputs.push(Input { hidden, default, ..input });
        }
        let mut give = wanted.give.clone();
        let fills = wanted.twin.fill.iter().filter(|_| wanted.key.is_none());
        give.extend(
            fills.filter(|(column, _)| offered(column.name)).map(|(column, of)| (column.name.to_owned(), of.clone())),
        );
        if demanded {
            let required = tool.input_schema.get("required").and_then(Json::as_array).into_iter().flatten();
            for input in required.filter_map(Json::as_str).filter(|input| Some(*input) != set.map(|(name, _)| name)) {
                let made = inputs.iter().any(|made| made.path() == input) || give.iter().any(|(name, _)| name == input);
                if !made && input != act.operation.actor {
                    self.note(
                        name,
                        format!(
                            "tool {} of policy {} needs {input:?}, and nothing here becomes it",
                            tool.name, self.policy.id
                        ),
                    );
                }
            }
        }
        Some(Made { tool: tool.name.clone(), set: set.map(|(name, _)| name.to_owned()), inputs, give })
    }
}
