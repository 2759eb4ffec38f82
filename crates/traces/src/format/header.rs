//! What a trace is beside its calls, as an object: the first line of a journal, and an extra of other formats.

use super::{Node, advances};
use crate::{Mistake, Settings, Skill, Trace};
use serde_json::{Map, Value as Json, json};

/// The settings by name: one list for reading and writing.
fn settings(settings: &mut Settings) -> [(&'static str, &mut Option<String>); 10] {
    [
        ("policy", &mut settings.policy),
        ("fingerprint", &mut settings.fingerprint),
        ("clock", &mut settings.clock),
        ("clock_kind", &mut settings.clock_kind),
        ("fixtures", &mut settings.fixtures),
        ("program", &mut settings.program),
        ("mode", &mut settings.mode),
        ("audit", &mut settings.audit),
        ("environment", &mut settings.environment),
        ("interface", &mut settings.interface),
    ]
}

/// The object of a trace.
pub fn write(trace: &Trace) -> Map<String, Json> {
    let mut header = Map::new();
    let mut put = |name: &str, value: Option<Json>| value.map(|value| header.insert(name.to_owned(), value));
    put("name", Some(trace.name.as_str().into()));
    put("task", trace.task.as_deref().map(Into::into));
    put("trial", trace.trial.map(Into::into));
    for (name, value) in settings(&mut trace.settings.clone()) {
        put(name, value.as_deref().map(Into::into));
    }
    put("actor", trace.actor.as_deref().map(Into::into));
    put("unfinished", trace.unfinished.as_deref().map(Into::into));
    put("tokens", trace.tokens.map(Into::into));
    put("outputs", (!trace.outputs.is_empty()).then(|| trace.outputs.clone().into()));
    let skills = trace.skills.iter().map(|skill| json!({ "uri": skill.uri, "digest": skill.digest }));
    put("skills", (!trace.skills.is_empty()).then(|| skills.collect()));
    put("advances", (!trace.advances.is_empty()).then(|| trace.advances.iter().map(advances::write).collect()));
    put("notes", (!trace.notes.is_empty()).then(|| trace.notes.clone().into()));
    header
}

/// Take over what an object says of a trace.
pub fn read(header: &Node<'_>, trace: &mut Trace) -> Result<(), Mistake> {
    header.object()?;
    if let Some(name) = header.label_at("name")? {
        trace.name = name;
    }
    trace.task = header.label_at("task")?;
    trace.trial = header.count_at("trial")?;
    for (name, value) in settings(&mut trace.settings) {
        *value = header.label_at(name)?;
    }
    trace.actor = header.label_at("actor")?;
    trace.unfinished = header.label_at("unfinished")?;
    trace.tokens = header.count_at("tokens")?;
    trace.advances = advances::read(header)?;
    let texts = |name| header.list(name)?.iter().map(Node::label).collect::<Result<Vec<_>, _>>();
    trace.outputs = texts("outputs")?;
    trace.notes = texts("notes")?;
    let skill = |node: &Node<'_>| {
        let text = |key| node.need(key)?.text().map(str::to_owned);
        Ok(Skill { uri: text("uri")?, digest: text("digest")? })
    };
    trace.skills = header.list("skills")?.iter().map(skill).collect::<Result<_, Mistake>>()?;
    Ok(())
}
