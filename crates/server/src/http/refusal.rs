//! What a client is told that does not get as far as an episode.

use super::message::Message;
use super::reworded;
use axum::Json;
use axum::body::Bytes;
use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refusal over HTTP: a status, a stable code, what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    remedy: String,
    /// The id of the message that it answers, null where that has none.
    answers: Option<Box<Value>>,
}

impl Refusal {
    /// A refusal.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Refusal {
        Refusal { status, code, message: message.into(), remedy: remedy.into(), answers: None }
    }

    /// The same as the answer to that message, whose sender reads JSON-RPC.
    pub fn answering(self, message: &Bytes) -> Refusal {
        Refusal { answers: Some(Box::new(Message::of(message).id)), ..self }
    }

    /// The refusal of what comes when the server is about to end.
    pub fn draining() -> Refusal {
        let message = "the server is about to end and takes no new requests";
        let remedy = "try again, at another server or after the restart";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "DRAINING", message, remedy)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Refusal { status, code, message, remedy, answers } = self;
        let mut response = match answers {
            Some(id) => reworded::error(status, code, &message, &remedy, &id),
            None => {
                let body = json!({ "error": { "code": code, "message": message, "remedy": remedy } });
                (status, Json(body)).into_response()
            }
        };
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // What is still to come of the request is not waited for; where it ends is not known.
            StatusCode::REQUEST_TIMEOUT | StatusCode::NOT_IMPLEMENTED => {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}
