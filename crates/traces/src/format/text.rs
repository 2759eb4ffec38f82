//! Answers as texts: formats that hold conversations write JSON answers as a text, or as blocks of texts.

use super::Node;
use serde_json::Value as Json;

/// An answer from its text: JSON where it is that, else the text itself.
pub fn decode(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// An answer as a text from which [`decode`] makes the same answer.
pub fn encode(answer: &Json) -> String {
    match answer {
        Json::String(text) if serde_json::from_str::<Json>(text).is_err() => text.clone(),
        answer => answer.to_string(),
    }
}

/// The answer in a message's content: a text, blocks, or a value as it is.
pub fn answer(content: &Json) -> Json {
    match (content, blocks(content)) {
        (Json::String(text), _) => decode(text),
        (_, Some(texts)) => decode(&texts.join("\n")),
        (content, None) => content.clone(),
    }
}

/// What is said in a message's content: a text, or blocks of which only the texts count.
pub fn said(content: &Node<'_>) -> String {
    match content.json {
        Json::String(text) => text.clone(),
        Json::Array(blocks) => {
            blocks.iter().filter_map(|it| block(it).or_else(|| refusal(it))).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// The texts of a list of nothing but blocks of text.
fn blocks(content: &Json) -> Option<Vec<&str>> {
    let blocks = content.as_array().filter(|blocks| !blocks.is_empty())?;
    blocks.iter().map(block).collect()
}

/// What the agent said in place of what it was asked for.
fn refusal(block: &Json) -> Option<&str> {
    block.get("refusal")?.as_str()
}

fn block(block: &Json) -> Option<&str> {
    let texts = ["text", "input_text", "output_text"];
    match block.get("type") {
        Some(kind) if !texts.contains(&kind.as_str()?) => None,
        Some(_) => block.get("text")?.as_str(),
        None => block.as_str(),
    }
}
