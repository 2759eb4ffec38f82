//! How a request says that its body comes: what this server does not know is refused, rather than read as if it were not there.

use super::refusal::Refusal;
use axum::http::header::{CONTENT_LENGTH, EXPECT, HeaderName, TRANSFER_ENCODING};
use axum::http::{HeaderMap, StatusCode};

/// Let pass, or say why not. hyper has refused what it cannot frame; it lets pass what it does not look at.
pub fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    if let Some(other) = items(headers, EXPECT).find(|item| !item.eq_ignore_ascii_case("100-continue")) {
        let message = format!("the request expects {other:?}, which this server does not do");
        let remedy = "leave Expect out, or expect 100-continue";
        return Err(Refusal::new(StatusCode::EXPECTATION_FAILED, "EXPECTATION_UNKNOWN", message, remedy));
    }
    let codings: Vec<&str> = items(headers, TRANSFER_ENCODING).collect();
    if let Some(other) = codings.iter().find(|coding| !coding.eq_ignore_ascii_case("chunked")) {
        let message = format!("the body comes as {other:?}, which this server does not decode");
        let remedy = "send the body as it is, with Content-Length or chunked";
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "CODING_UNKNOWN", message, remedy));
    }
    // Whoever passes the request on may have believed the other one.
    if codings.len() > 1 || (!codings.is_empty() && headers.contains_key(CONTENT_LENGTH)) {
        let message = "the request says in two ways where its body ends";
        let remedy = "send Content-Length, or Transfer-Encoding: chunked once";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "FRAMED_TWICE", message, remedy));
    }
    Ok(())
}

/// The items of a header that is a list; what is no text is an item of no name.
fn items(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or("?"));
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use axum::response::IntoResponse;

    #[test]
    fn what_is_not_known_is_refused() {
        for (lines, status) in [
            (&[][..], None),
            (&["content-length: 5"], None),
            (&["transfer-encoding: Chunked"], None),
            (&["transfer-encoding: , chunked"], None),
            (&["expect: 100-Continue", "expect: 100-continue"], None),
            (&["expect: 100-continue, x"], Some(417)),
            (&["expect: 200-ok"], Some(417)),
            (&["transfer-encoding: gzip, chunked"], Some(501)),
            (&["transfer-encoding: gzip", "transfer-encoding: chunked"], Some(501)),
            (&["transfer-encoding: chunked, chunked"], Some(400)),
            (&["transfer-encoding: chunked", "transfer-encoding: chunked"], Some(400)),
            (&["transfer-encoding: chunked", "content-length: 5"], Some(400)),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                let (name, value) = line.split_once(": ").unwrap();
                headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
            }
            let refused = check(&headers).err().map(|refusal| refusal.into_response().status().as_u16());
            assert_eq!(refused, status, "{lines:?}");
        }
    }
}
