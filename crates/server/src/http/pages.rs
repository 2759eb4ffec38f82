//! What browsers are told before they let a page of another origin read our answers (CORS).
//!
//! By hand: a layer around all routes would cost every answer, and only requests of pages name an origin.

use super::guard::Guard;
use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

/// What a page may read of an answer, beside what every page may.
const READ: HeaderValue = HeaderValue::from_static("mcp-session-id, retry-after, www-authenticate");

/// A browser asks, and is told, whether a page that came over a network may use a server of this machine.
const ASKS_LOCALLY: HeaderName = HeaderName::from_static("access-control-request-private-network");
const MAY_LOCALLY: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The origin of a page that may ask.
pub struct Page(HeaderValue);

impl Page {
    /// The page that a request is of, if its origin is one that may ask.
    pub fn of(request: &Request, guard: &Guard) -> Option<Page> {
        let origin = request.headers().get(ORIGIN)?;
        guard.is_origin(origin.to_str().ok()?).then(|| Page(origin.clone()))
    }

    /// The answer to a browser that asks first, which it does without the page's token.
    pub fn preflight(&self, request: &Request) -> Option<Response> {
        let asked = request.headers();
        if request.method() != Method::OPTIONS || !asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        let mut response = StatusCode::NO_CONTENT.into_response();
        let told = response.headers_mut();
        told.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
        if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            told.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        if asked.contains_key(ASKS_LOCALLY) {
            told.insert(MAY_LOCALLY, HeaderValue::from_static("true"));
        }
        Some(self.shown(response))
    }

    /// The answer, which the page may read.
    pub fn shown(&self, mut response: Response) -> Response {
        let told = response.headers_mut();
        told.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0.clone());
        told.insert(ACCESS_CONTROL_EXPOSE_HEADERS, READ);
        // A cache must not give it to another page.
        told.append(VARY, HeaderValue::from_static("origin"));
        response
    }
}
