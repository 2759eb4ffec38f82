//! JSON-RPC messages, as far as they matter before rmcp reads them.

use crate::mcp::message::{Fault, without_mark};
use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
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
        serde_json::from_slice(without_mark(body)).unwrap_or_default()
    }
}

/// The answer to a body that is no JSON-RPC message, or none that can be served.
pub fn malformed(fault: &Fault) -> Response {
    (StatusCode::BAD_REQUEST, Json(fault.answer())).into_response()
}
