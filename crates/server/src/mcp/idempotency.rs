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
        let mut values = context.extensions.get::<Parts>()?.headers.get_all(HEADER).iter();
        // Of two keys neither is the call's.
        let (value, other) = (values.next()?, values.next());
        Some(value.to_str().ok().filter(|_| other.is_none()).unwrap_or_default().to_owned())
    };
    let key = match context.meta.get(META) {
        Some(key) => Some(key.as_str().unwrap_or_default().to_owned()),
        None => header(),
    };
    match key {
        Some(key) if !is_key(&key) => {
            let message = format!("an idempotency key is one text of 1 to {LENGTH} printable ASCII characters");
            Err(ErrorData::invalid_params(message, None))
        }
        key => Ok(key),
    }
}

fn is_key(key: &str) -> bool {
    (1..=LENGTH).contains(&key.len()) && key.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn a_key_is_printable_and_of_a_length() {
        for key in ["k", "a key", "~", "4bf92f35-77b3", &"x".repeat(255)] {
            assert!(is_key(key), "{key:?}");
        }
        for key in ["", "a\nb", "\t", "\0", "\u{7f}", "é", "a\u{200b}", &"x".repeat(256)] {
            assert!(!is_key(key), "{key:?}");
        }
    }
}
