//! Reading requests, so that what cannot be read is refused in the same form as everything else.

use super::SEE_DOCUMENT;
use crate::http::body;
use crate::http::refusal::Refusal;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

/// The named parts of an address.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Refusal))]
pub struct Path<T>(pub T);

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Refusal {
        Refusal::new(rejection.status(), "INVALID_PATH", rejection.body_text(), SEE_DOCUMENT)
    }
}

/// The query of an address.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Refusal))]
pub struct Query<T>(pub T);

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Refusal {
        Refusal::new(rejection.status(), "INVALID_QUERY", rejection.body_text(), SEE_DOCUMENT)
    }
}

/// A JSON body, whatever its content type says. No body and null are an empty object.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Body<T>, Refusal> {
        let bytes = body::read(request.into_body()).await?;
        let text = if bytes.is_empty() || bytes == "null" { b"{}" } else { &bytes[..] };
        match axum::Json::from_bytes(text) {
            Ok(axum::Json(value)) => Ok(Body(value)),
            // Not JSON, or JSON of another shape: the client mends both in the same way.
            Err(rejection) => {
                Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_BODY", rejection.body_text(), SEE_DOCUMENT))
            }
        }
    }
}
