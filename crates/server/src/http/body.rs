//! The body of a request, read whole.

use super::refusal::Refusal;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError};

/// Read a body, which the edge has limited.
pub async fn read(body: Body) -> Result<Bytes, Refusal> {
    match body.collect().await.map_err(axum::Error::into_inner) {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_long()),
        Err(_) => Err(broken()),
    }
}

/// The refusal of a body beyond the limit.
pub fn too_long() -> Refusal {
    let message = "the body is longer than this server takes";
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LONG", message, "send less in one request")
}

/// The refusal of a body that does not end as it should.
pub fn broken() -> Refusal {
    let message = "the body broke off, or is not framed as its headers say";
    Refusal::new(StatusCode::BAD_REQUEST, "BODY_BROKEN", message, "send the request again")
}
