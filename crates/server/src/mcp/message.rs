//! JSON-RPC messages of clients: read, or refused with what is wrong with them.
//!
//! rmcp 3.11 tells a client no more than that a message is none, and takes an `initialize` whose parameters it cannot read for a
//! request of another revision. Here the sender is told what is missing, under the id of the request where that can be read.

use records::json;
use rmcp::model::{
    CallToolRequestParams, ClientJsonRpcMessage, ClientRequest, CompleteRequestParams, ErrorCode, GetMeta,
    GetPromptRequestParams, GetSkillRequestParams, InitializeRequestParams, JsonRpcMessage, PaginatedRequestParams,
    ReadResourceDirectoryRequestParams, ReadResourceRequestParams, RequestId,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use store::fixtures::brief_text;

/// What some editors begin a file with, and some shells a pipe. RFC 8259 lets a parser ignore it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a text is no message that can be served.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The code of the error.
    pub code: ErrorCode,
    /// What is wrong.
    pub message: String,
    /// The id of the request, where it has one.
    pub id: Option<Json>,
}

impl Fault {
    /// A fault of a text that has no id.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into(), id: None }
    }

    /// The error that answers it. An id that could not be read is left out, as MCP has it.
    pub fn answer(&self) -> Json {
        let mut answer = json!({ "jsonrpc": "2.0" });
        if let Some(id) = &self.id {
            answer["id"] = id.clone();
        }
        answer["error"] = json!({ "code": self.code, "message": self.message });
        answer
    }
}

/// Read one message.
pub fn read(text: &[u8]) -> Result<ClientJsonRpcMessage, Fault> {
    let text = without_mark(text);
    let message: ClientJsonRpcMessage = serde_json::from_slice(text).map_err(|_| diagnose(text))?;
    if let Some(fault) = ambiguous(text) {
        return Err(fault);
    }
    match &message {
        JsonRpcMessage::Request(request) => match &request.request {
            // 2026-07-28 has no handshake, and its requests name their revision: there it is an unknown method.
            ClientRequest::CustomRequest(custom)
                if custom.method == "initialize" && request.request.get_meta().protocol_version().is_none() =>
            {
                let message = misfit(&custom.method, custom.params.as_ref()).unwrap_or_default();
                Err(Fault { code: ErrorCode::INVALID_PARAMS, message, id: serde_json::to_value(&request.id).ok() })
            }
            _ => Ok(message),
        },
        _ => Ok(message),
    }
}

/// What is wrong with a message that names a member twice, anywhere: it would be served as one of the two things that it says.
pub fn ambiguous(text: &[u8]) -> Option<Fault> {
    let path = json::repeated(without_mark(text))?;
    let code = match path.split('.').next() {
        Some("params") => ErrorCode::INVALID_PARAMS,
        _ => ErrorCode::INVALID_REQUEST,
    };
    let id = serde_json::from_slice(without_mark(text)).ok().and_then(|object: Map<String, Json>| exact_id(&object));
    Some(Fault { code, message: format!("{} is there twice: an object names each member once", brief_text(&path)), id })
}

/// The text without the mark that may stand before it.
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// What is wrong with the parameters of a method that is known; none for an unknown method.
pub fn misfit(method: &str, params: Option<&Json>) -> Option<String> {
    let wrong = match method {
        "initialize" => wrong::<InitializeRequestParams>(params),
        "tools/call" => wrong::<CallToolRequestParams>(params),
        "resources/read" => wrong::<ReadResourceRequestParams>(params),
        "prompts/get" => wrong::<GetPromptRequestParams>(params),
        "completion/complete" => wrong::<CompleteRequestParams>(params),
        "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list" | "skills/list" => {
            wrong::<PaginatedRequestParams>(params)
        }
        "skills/get" => wrong::<GetSkillRequestParams>(params),
        "resources/directory/read" => wrong::<ReadResourceDirectoryRequestParams>(params),
        _ => return None,
    };
    Some(format!("the parameters of {method} are wrong: {wrong}"))
}

fn wrong<T: DeserializeOwned>(params: Option<&Json>) -> String {
    let params = match params {
        None | Some(Json::Null) => return "params is missing".to_owned(),
        Some(params @ Json::Object(_)) => params,
        Some(_) => return "params is not an object".to_owned(),
    };
    match serde_path_to_error::deserialize::<_, T>(params) {
        Err(error) if error.path().iter().len() == 0 => format!("params: {}", error.inner()),
        Err(error) => format!("params.{}: {}", error.path(), error.inner()),
        Ok(_) => "params is not what the method takes".to_owned(),
    }
}

/// Why rmcp cannot read that.
fn diagnose(text: &[u8]) -> Fault {
    let value = match serde_json::from_slice::<Json>(text) {
        Ok(value) => value,
        Err(error) => return Fault::new(ErrorCode::PARSE_ERROR, format!("this is not JSON: {error}")),
    };
    let Json::Object(object) = &value else {
        let message = match value {
            Json::Array(_) => "this is a batch, which only clients that agreed on 2025-03-26 or 2024-11-05 may send",
            _ => "a message is a JSON object",
        };
        return Fault::new(ErrorCode::INVALID_REQUEST, message);
    };
    if let Some(fault) = ambiguous(text) {
        return fault;
    }
    let id = exact_id(object);
    let (code, message) = match (flaw(object), object.get("params")) {
        (Some(flaw), _) => (ErrorCode::INVALID_REQUEST, flaw),
        (None, Some(params)) if !params.is_object() => (ErrorCode::INVALID_PARAMS, "params is an object"),
        (None, _) => (ErrorCode::INVALID_REQUEST, "this is no message of a client"),
    };
    Fault { code, message: message.to_owned(), id }
}

/// The id of a message, where it can be said again.
fn exact_id(object: &Map<String, Json>) -> Option<Json> {
    object.get("id").filter(|id| is_exact(id)).cloned()
}

/// Whether that is an id that can be said again as it came: a number beyond what is kept exactly would be another one.
fn is_exact(id: &Json) -> bool {
    /// From here on, not every whole number is a float.
    const INEXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
    id.is_string() || id.is_i64() || id.is_u64() || id.as_f64().is_some_and(|number| number.abs() < INEXACT)
}

/// What is wrong with the members of a message, the first thing.
fn flaw(object: &Map<String, Json>) -> Option<&'static str> {
    let answers = ["result", "error"].iter().filter(|name| object.contains_key(**name)).count();
    let text = match (object.get("jsonrpc"), object.get("id"), object.get("method")) {
        (None, ..) => "jsonrpc is missing; it is \"2.0\"",
        (Some(version), ..) if version != "2.0" => "jsonrpc is \"2.0\" and nothing else",
        (_, Some(id), _) if RequestId::deserialize(id).is_err() => "id is a text or a whole number of at most 64 bits",
        (.., Some(method)) if !method.is_string() => "method is a text",
        (.., method) if answers + usize::from(method.is_some()) > 1 => {
            "a message has method, or result, or error, and one of them only"
        }
        (.., Some(_)) => return None,
        (_, id, None) => match answers {
            0 => "method is missing",
            _ if id.is_none() => "id is missing",
            _ => return None,
        },
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_JSON: i32 = -32700;
    const INVALID: i32 = -32600;
    const PARAMS: i32 = -32602;

    fn refused(text: &str) -> (i32, Json, String) {
        match read(text.as_bytes()) {
            Ok(message) => panic!("{text} is read as {message:?}"),
            Err(fault) => (fault.code.0, fault.id.unwrap_or_default(), fault.message),
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_the_id() {
        for (text, code, id, part) in [
            ("", NOT_JSON, json!(null), "not JSON"),
            ("{", NOT_JSON, json!(null), "column 1"),
            ("12", INVALID, json!(null), "a JSON object"),
            ("[]", INVALID, json!(null), "2025-03-26"),
            ("{}", INVALID, json!(null), "jsonrpc is missing"),
            (r#"{"id":7,"method":"ping"}"#, INVALID, json!(7), "jsonrpc is missing"),
            (r#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, INVALID, json!("a"), "\"2.0\""),
            (r#"{"jsonrpc":"2.0","id":7}"#, INVALID, json!(7), "method is missing"),
            (r#"{"jsonrpc":"2.0","id":7,"method":8}"#, INVALID, json!(7), "method is a text"),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, INVALID, json!(null), "id is a text"),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, INVALID, json!(null), "id is a text"),
            (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, INVALID, json!(null), "id is a text"),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, INVALID, json!(1.5), "whole number"),
            (r#"{"jsonrpc":"2.0","id":1e300,"method":"ping"}"#, INVALID, json!(null), "whole number"),
            (r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"ping"}"#, INVALID, json!(u64::MAX), "64 bits"),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, INVALID, json!(2), "id is there twice"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"x"}"#, INVALID, json!(1), "method is there twice"),
            (r#"{"jsonrpc":"2.0","result":{}}"#, INVALID, json!(null), "id is missing"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, INVALID, json!(1), "one of them only"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, PARAMS, json!(1), "params is an object"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#, PARAMS, json!(1), "params is missing"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":[]}"#, PARAMS, json!(1), "params is an object"),
        ] {
            let said = refused(text);
            assert_eq!((said.0, &said.1), (code, &id), "{text}: {}", said.2);
            assert!(said.2.contains(part), "{text}: {}", said.2);
        }
    }

    #[test]
    fn what_initialize_lacks_is_named() {
        for (params, part) in [
            (json!({ "protocolVersion": "2025-06-18", "capabilities": {} }), "params: missing field `clientInfo`"),
            (
                json!({ "protocolVersion": "2025-06-18", "clientInfo": { "name": "c", "version": "1" } }),
                "`capabilities`",
            ),
            (
                json!({ "protocolVersion": "2025-06-18", "capabilities": null, "clientInfo": { "name": "c", "version": "1" } }),
                "params.capabilities: ",
            ),
            (
                json!({ "protocolVersion": "x", "capabilities": { "roots": true }, "clientInfo": { "name": "c", "version": "1" } }),
                "params.capabilities.roots: ",
            ),
            (json!({ "protocolVersion": "x", "capabilities": {}, "clientInfo": { "name": "c" } }), "`version`"),
            (json!({ "protocolVersion": 5, "capabilities": {}, "clientInfo": {} }), "params.protocolVersion: "),
        ] {
            let text = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }).to_string();
            let (code, id, message) = refused(&text);
            assert_eq!((code, id), (PARAMS, json!(1)), "{message}");
            assert!(message.contains(part), "{params}: {message}");
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_named() {
        for (text, code, path) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"ping"}"#, INVALID, "method"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":[{"b":1,"b":1}]}}"#, PARAMS, "params.a.0.b"),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
                PARAMS,
                "params.name",
            ),
        ] {
            let (found, id, message) = refused(text);
            assert_eq!((found, id), (code, json!(1)), "{message}");
            assert!(message.starts_with(&format!("{path} is there twice")), "{message}");
        }
    }

    #[test]
    fn honest_messages_are_read() {
        for text in [
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
            r#"{"jsonrpc":"2.0","id":-5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":2.0,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":"","method":"ping"}"#,
            r#"{"method":"ping","id":1,"jsonrpc":"2.0","more":true}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/anything"}"#,
            r#"{"jsonrpc":"2.0","id":9,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":9,"error":{"code":1,"message":"x"}}"#,
        ] {
            assert!(read(text.as_bytes()).is_ok(), "{text}: {:?}", read(text.as_bytes()));
        }
    }
}
