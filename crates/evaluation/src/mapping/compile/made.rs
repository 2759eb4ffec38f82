//! The tool of ours behind a creation or a change: which argument becomes which input.

use super::Compiler;
use crate::mapping::table::Twin;
use crate::mapping::template::Template;
use crate::mapping::write::{Input, Made};
use procedures::action::input::{self, Kind as InputKind};
use procedures::mistake::At;
use procedures::policy::{Act, Tool, Work};
use records::catalogue::USERS;
use records::suggest::did_you_mean;
use serde_json::{Map, Value as Json};

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
    fn input(&self, argument: &At<String>, act: &Act, set: Option<Set>) -> Input {
        let pair = self.twin.columns.iter().position(|pair| pair.name == argument.value);
        let column = pair.map_or(argument.value.as_str(), |at| self.twin.columns[at].column.name);
        let named = self.inputs.iter().find(|(name, _)| name.value == argument.value);
        let named = named.map(|(_, input)| input.value.as_str());
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

/// The name of a change set and its columns.
type Set = (&'static str, &'static [input::Input]);

impl Compiler<'_> {
    /// How the arguments of a tool of ours come about; none where the policy has no such tool. Where it is demanded, what
    /// the policy lacks for it is a mistake.
    pub(super) fn made(&self, name: &At<String>, wanted: &Wanted<'_>, demanded: bool) -> Option<Made> {
        let policy = &self.policy.id;
        let Some((tool, act)) = self.policy.tool(&name.value).and_then(|tool| match &tool.work {
            Work::Act(act) => Some((tool, act)),
            Work::Find(_) => None,
        }) else {
            if demanded {
                let hint = did_you_mean(&name.value, self.policy.tools.iter().map(|tool| tool.name.as_str()));
                self.note(name, format!("policy {policy} has no tool {:?} that writes{hint}", name.value));
            }
            return None;
        };
        let set: Option<Set> = act.operation.inputs.iter().find_map(|input| match input.kind {
            InputKind::ChangeSet(columns) => Some((input.name, columns)),
            _ => None,
        });
        let mut inputs: Vec<Input> = Vec::new();
        for argument in &wanted.arguments {
            if wanted.keep.as_ref().is_some_and(|keep| !keep.contains(&argument.value)) {
                continue;
            }
            let input = wanted.input(argument, act, set);
            let offered = offers(tool, &input);
            if demanded && !offered {
                let columns = set.iter().flat_map(|(_, columns)| *columns);
                let known = act.operation.inputs.iter().chain(columns).map(|input| input.name);
                let hint = did_you_mean(&input.name, known);
                self.note(argument, format!("{} of policy {policy} has no input {:?}{hint}", tool.name, input.path()));
            }
            let hidden = input.kind.is_some() && !offered;
            inputs.push(Input { hidden, default: tool.defaults.get(&input.name).cloned(), ..input });
        }
        let mut give = wanted.give.clone();
        // What a creation does not fill, a change makes anew by itself.
        for (column, of) in wanted.twin.fill.iter().filter(|_| wanted.key.is_none()) {
            if properties(&tool.input_schema).is_some_and(|all| all.contains_key(column.name)) {
                give.push((column.name.to_owned(), of.clone()));
            }
        }
        let made = Made { tool: tool.name.clone(), set: set.map(|(name, _)| name.to_owned()), inputs, give };
        if demanded {
            self.unmet(name, &made, tool, act);
        }
        Some(made)
    }

    /// Note the inputs that the tool needs and that nothing becomes.
    fn unmet(&self, name: &At<String>, made: &Made, tool: &Tool, act: &Act) {
        let needed = tool.input_schema.get("required").and_then(Json::as_array).into_iter().flatten();
        for input in needed.filter_map(Json::as_str) {
            let met = made.set.as_deref() == Some(input)
                || act.operation.actor == input
                || made.inputs.iter().any(|made| made.path() == input)
                || made.give.iter().any(|(name, _)| name == input);
            if !met {
                self.note(
                    name,
                    format!("{} needs {input:?}, and no argument becomes it; see inputs and give", tool.name),
                );
            }
        }
    }
}

/// Whether agents can give the input.
fn offers(tool: &Tool, input: &Input) -> bool {
    let properties = properties(&tool.input_schema);
    let properties = match &input.set {
        Some(set) => properties.and_then(|all| self::properties(all.get(set)?.as_object()?)),
        None => properties,
    };
    properties.is_some_and(|all| all.contains_key(&input.name))
}

fn properties(schema: &Map<String, Json>) -> Option<&Map<String, Json>> {
    schema.get("properties").and_then(Json::as_object)
}
