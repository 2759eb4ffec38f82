//! The key under which a client may repeat a call and have it run once.

use http::request::Parts;
use rmcp::ErrorData;
use rmcp::service::{RequestContext, RoleServer};

/// The HTTP header that holds a key.
pub const HEADER: &str = "idempotency-key";

/// The entry of `_meta` that holds a key, on every transport.
pub const META: &str = "idempotencyKey";

/// Longest key, in bytes: a UUID has 36, and a key is kept with its call.
const LENGTH: usize = 255;

/// The key of a call, where it has one.
pub fn key(context: &RequestContext<RoleServer>) -> Result<Option<String>, ErrorData> {
    let header = || {
        let parts = context.extensions.get::<Parts>()?;
        Some(parts.headers.get(HEADER)?.to_str().unwrap_or_default().to_owned())
    };
    let key = match context.meta.get(META) {
        Some(key) => Some(key.as_str().unwrap_or_default().to_owned()),
        None => header(),
    };
    match key {
        Some(key) if key.is_empty() || key.len() > LENGTH => {
            let message = format!("an idempotency key is a text of 1 to {LENGTH} printable ASCII characters");
            Err(ErrorData::invalid_params(message, None))
        }
        key => Ok(key),
    }
}
