//! What is refused at an episode's address: always a JSON-RPC error with our code and remedy, and with the id of the request.
//!
//! rmcp 3.11 refuses in bare text. What it says is put into that form; no version that mends this is known.

use axum::Json;
use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};

/// The code of the JSON-RPC error, one of those that are left to servers. What it is in particular is in its data.
const REFUSED: i32 = -32001;

/// A refusal at an episode's address. An id that is null could not be read.
pub fn error(status: StatusCode, code: &str, message: &str, remedy: &str, id: &Value) -> Response {
    let mut body = json!({ "jsonrpc": "2.0" });
    if id.is_string() || id.is_number() {
        body["id"] = id.clone();
    }
    body["error"] = json!({ "code": REFUSED, "message": message, "data": { "code": code, "remedy": remedy } });
    (status, Json(body)).into_response()
}

/// The refusal of a session that there is not.
pub fn no_session(id: &Value) -> Response {
    let message = "there is no such session: it was ended, or silent for too long";
    error(StatusCode::NOT_FOUND, "SESSION_NOT_FOUND", message, "begin a new one with initialize", id)
}

/// An answer of rmcp's, in our form where it is a refusal in none.
pub async fn reworded(response: Response, id: &Value) -> Response {
    let status = response.status();
    let is_json = |value: &HeaderValue| value.as_bytes().starts_with(b"application/json");
    if !(status.is_client_error() || status.is_server_error())
        || response.headers().get(CONTENT_TYPE).is_some_and(is_json)
    {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = match Body::collect(body).await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(_) => String::new(),
    };
    // The status, before what is said of it in particular.
    let message = text.split_once(": ").map_or(text.as_str(), |(_, message)| message);
    let mut answer = match status {
        StatusCode::BAD_REQUEST if text.contains("Session ID is required") => {
            let message = "the request names no session, and no revision that does without";
            let remedy = "send initialize first, and its Mcp-Session-Id with every further request";
            error(status, "SESSION_REQUIRED", message, remedy, id)
        }
        StatusCode::BAD_REQUEST if text.contains("MCP-Protocol-Version") => {
            error(status, "UNSUPPORTED_REVISION", message, "send the revision that initialize agreed on", id)
        }
        StatusCode::NOT_FOUND => no_session(id),
        // Between two looks at it, the session ended.
        StatusCode::INTERNAL_SERVER_ERROR if text.contains("ession") => no_session(id),
        StatusCode::METHOD_NOT_ALLOWED => {
            let message = "this address does not know that method, or not in that revision";
            error(status, "NO_SUCH_METHOD", message, "send messages with POST", id)
        }
        _ if status.is_server_error() => {
            tracing::error!("a request failed: {text}");
            error(status, "FAULT", "the server failed; the reason is in its log", "try again", id)
        }
        _ => error(status, "BAD_REQUEST", message, "see the server's documentation", id),
    };
    if let Some(allow) = parts.headers.get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allow.clone());
    }
    answer
}
