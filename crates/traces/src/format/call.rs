//! One call as the formats write it: the same four things under different names.

use super::{Node, cut, lenient, text};
use crate::{Answer, Call, Mistake};
use serde_json::{Map, Value as Json};

/// The id of a call, or of the call that an answer belongs to.
pub fn id(node: &Node<'_>) -> Result<Option<String>, Mistake> {
    let id = node.first(&["tool_call_id", "call_id", "tool_use_id", "id"]).map(|id| id.label()).transpose()?;
    Ok(id.filter(|id| !id.is_empty()))
}

/// A call: its id, which is empty where it has none, its tool and its arguments.
pub fn call(node: &Node<'_>) -> Result<Call, Mistake> {
    // OpenAI's chat has an object there, Inspect the tool's name. A custom tool takes a text in place of arguments.
    let function = node.first(&["function", "custom"]).filter(|function| function.json.is_object());
    let function = function.unwrap_or_else(|| node.clone());
    let tool = match function.first(&["name", "function_name", "function"]) {
        Some(name) => name.text()?,
        None => function.need("name")?.text()?,
    };
    let arguments = function.first(&["arguments", "kwargs", "input"]);
    let (arguments, mut malformed) = arguments.map_or(Ok(Default::default()), |given| self::arguments(&given))?;
    if let Some(error) = node.get("parse_error") {
        malformed = Some(error.text()?.to_owned());
    }
    Ok(Call { id: id(node)?.unwrap_or_default(), tool: tool.to_owned(), arguments, malformed, ..Call::default() })
}

/// Arguments: an object, or the text of one. A text that is none is kept, for models write such; but what a logger cut off
/// is not what was called.
pub fn arguments(node: &Node<'_>) -> Result<(Map<String, Json>, Option<String>), Mistake> {
    let (arguments, malformed) = match node.json {
        // Models write nothing at all for a tool without inputs.
        Json::String(text) if text.trim().is_empty() => (Map::new(), None),
        Json::String(text) => match lenient::parse(text) {
            Ok((Json::Object(arguments), _)) => (arguments, None),
            Ok(_) | Err(_) => (Map::new(), Some(text.clone())),
        },
        _ => (node.object()?.clone(), None),
    };
    let is_cut = malformed.as_deref().is_some_and(cut::text) || cut::object(&arguments);
    match is_cut {
        true => Err(node.source.mistake("was cut short by what logged it, so that it is not known what was called")),
        false => Ok((arguments, malformed)),
    }
}

/// The answer in a message: its content, and whether it is marked as an error.
pub fn answer(node: &Node<'_>) -> Answer {
    let marks = node.first(&["error", "is_error", "isError"]);
    let is_error = marks.as_ref().map(|mark| mark.json.as_bool().unwrap_or(true));
    let content = node.first(&["content", "output"]).map_or(Json::Null, |content| text::answer(content.json));
    // Inspect says why beside the content, and then that may be empty.
    let reason = marks.filter(|_| matches!(&content, Json::Null) || content == "").and_then(|mark| mark.get("message"));
    Answer { value: reason.map_or(content, |reason| reason.json.clone()), is_error }
}
