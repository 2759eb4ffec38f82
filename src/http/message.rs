//! JSON-RPC messages, as far as they matter before rmcp reads them.

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rmcp::model::ErrorCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// What must be known of a message before rmcp reads it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Message<'a> {
    #[serde(borrow)]
    /// What is asked for.
    pub method: Cow<'a, str>,
    /// Its id.
    pub id: Value,
}

impl Message<'_> {
    /// What can be read of it; what cannot, rmcp refuses.
    pub fn of(body: &Bytes) -> Message<'_> {
        serde_json::from_slice(body).unwrap_or_default()
    }
}

/// The answer to a body that is no JSON-RPC message.
pub fn malformed(body: &[u8]) -> Response {
    let (code, id, message) = match serde_json::from_slice::<Value>(body) {
        Err(error) => (ErrorCode::PARSE_ERROR, Value::Null, format!("the body is not JSON: {error}")),
        Ok(value) => {
            let id = value.get("id").filter(|id| id.is_string() || id.is_number()).cloned();
            let message = "the body is not one JSON-RPC message of a client".to_owned();
            (ErrorCode::INVALID_REQUEST, id.unwrap_or_default(), message)
        }
    };
    let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } });
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}
