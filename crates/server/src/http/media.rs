//! What a request accepts and what it brings: RFC 9110's `Accept`, `Content-Type` and `Content-Encoding`.
//!
//! rmcp 3.11 knows no ranges in `Accept`; where a request accepts what is answered here, it is handed on as one that says so.

use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// What messages are, and answers to requests without a session.
const JSON: &str = "application/json";
/// What streams are.
const EVENTS: &str = "text/event-stream";

/// Why a request is not taken.
pub struct Unsuitable {
    /// The status.
    pub status: StatusCode,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: &'static str,
    /// What would be right.
    pub remedy: &'static str,
}

/// See to it that the answer to a POST can be read.
pub fn accepts_answers(headers: &mut HeaderMap) -> Result<(), Unsuitable> {
    let both = accepts(headers, JSON) && accepts(headers, EVENTS);
    settle(
        headers,
        both,
        "application/json, text/event-stream",
        "the answer is JSON or a stream of events, as the call has it",
    )
}

/// See to it that a stream can be read.
pub fn accepts_events(headers: &mut HeaderMap) -> Result<(), Unsuitable> {
    let events = accepts(headers, EVENTS);
    settle(headers, events, EVENTS, "what is sent here is a stream of events")
}

fn settle(headers: &mut HeaderMap, accepted: bool, all: &'static str, message: &'static str) -> Result<(), Unsuitable> {
    if accepted {
        headers.insert(ACCEPT, HeaderValue::from_static(all));
        return Ok(());
    }
    let remedy = match all {
        EVENTS => "send Accept: text/event-stream",
        _ => "send Accept: application/json, text/event-stream",
    };
    Err(Unsuitable { status: StatusCode::NOT_ACCEPTABLE, code: "NOT_ACCEPTABLE", message, remedy })
}

/// See to it that a body is JSON as it stands. Where `must` is false, a body that does not say what it is passes too.
pub fn is_json(headers: &HeaderMap, must: bool) -> Result<(), Unsuitable> {
    let unsupported =
        |code, message, remedy| Err(Unsuitable { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, code, message, remedy });
    if items(headers, &CONTENT_ENCODING, ',').any(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return unsupported("UNSUPPORTED_CODING", "the body is coded, as with gzip", "send the body as it is");
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let plain = match (types.next(), types.next()) {
        (None, _) => !must,
        (Some(value), None) => value.to_str().is_ok_and(is_json_type),
        (Some(_), Some(_)) => false,
    };
    match plain {
        true => Ok(()),
        false => {
            unsupported("UNSUPPORTED_TYPE", "the body is not said to be JSON", "send Content-Type: application/json")
        }
    }
}

/// Whether that content type is JSON. It is in UTF-8 whatever is said, and what is said to be another text is refused.
fn is_json_type(value: &str) -> bool {
    let mut parts = split(value, ';');
    parts.next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(JSON))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                let value = value.trim().trim_matches('"');
                value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("us-ascii")
            }
            _ => true,
        })
}

/// Whether the media type is accepted: as the most particular range that covers it says. A request without the header accepts all.
fn accepts(headers: &HeaderMap, media: &str) -> bool {
    if !headers.contains_key(ACCEPT) {
        return true;
    }
    let family = media.split('/').next().unwrap_or_default();
    let mut best = (0, false);
    for range in items(headers, &ACCEPT, ',') {
        let mut parts = split(range, ';');
        let essence = parts.next().unwrap_or_default().trim();
        let weight = match essence.split_once('/') {
            _ if essence.eq_ignore_ascii_case(media) => 3,
            Some((kind, "*")) if kind.eq_ignore_ascii_case(family) => 2,
            Some(("*", "*")) => 1,
            _ => continue,
        };
        // Of two that are alike, the one that accepts.
        let accepted = parts.all(|parameter| !is_zero(parameter));
        if weight > best.0 || weight == best.0 && accepted {
            best = (weight, accepted);
        }
    }
    best.1
}

/// Whether that parameter is a quality of zero. One that does not read is as good as none.
fn is_zero(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>().is_ok_and(|quality| quality == 0.0)
}

/// What a header lists, on all its lines.
fn items<'a>(headers: &'a HeaderMap, name: &HeaderName, delimiter: char) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(move |line| split(line, delimiter)).map(str::trim).filter(|item| !item.is_empty())
}

/// Split at a delimiter that does not stand in quotes.
fn split(text: &str, delimiter: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            _ => {}
        }
        c == delimiter && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), HeaderValue::from_str(line).unwrap())).collect()
    }

    #[test]
    fn ranges_and_qualities_are_read_as_the_standard_says() {
        for (lines, json, events) in [
            (&[][..], true, true),
            (&["application/json, text/event-stream"], true, true),
            (&["application/json", "text/event-stream"], true, true),
            (&["*/*"], true, true),
            (&["application/*, text/*"], true, true),
            (&["text/event-stream, */*;q=0.1"], true, true),
            (&["APPLICATION/JSON;charset=utf-8 , Text/Event-Stream ; q=1.0"], true, true),
            (&["application/json;profile=\"a,b;q=0\", text/event-stream"], true, true),
            (&["application/json"], true, false),
            (&["text/*"], false, true),
            (&["*/*;q=0"], false, false),
            (&["*/*, application/json;q=0"], false, true),
            (&["application/*;q=0, application/json"], true, false),
            (&["text/event-stream;Q=0.000, */*"], true, false),
            (&["*/*;q=high"], true, true),
            (&["text/html"], false, false),
            (&[""], false, false),
        ] {
            let headers = headers(ACCEPT, lines);
            assert_eq!((accepts(&headers, JSON), accepts(&headers, EVENTS)), (json, events), "{lines:?}");
        }
    }

    #[test]
    fn bodies_are_json_as_they_stand() {
        for (lines, expected) in [
            (&["application/json"][..], true),
            (&["Application/JSON ; charset=\"UTF-8\""], true),
            (&["application/json;odata=verbose"], true),
            (&["application/json; charset=utf-16"], false),
            (&["application/json-rpc"], false),
            (&["application/jsonp"], false),
            (&["text/plain"], false),
            (&["application/json", "text/plain"], false),
            (&[], false),
        ] {
            assert_eq!(is_json(&headers(CONTENT_TYPE, lines), true).is_ok(), expected, "{lines:?}");
        }
        assert!(is_json(&HeaderMap::new(), false).is_ok());
        for (coding, expected) in [("identity", true), ("", true), ("gzip", false), ("identity, br", false)] {
            assert_eq!(is_json(&headers(CONTENT_ENCODING, &[coding]), false).is_ok(), expected, "{coding}");
        }
    }
}
