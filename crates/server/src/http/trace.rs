//! The trace of a request: W3C `traceparent`, so that our log lines can be found from a client's trace.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

/// A client's trace, as its header names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent<'a> {
    /// 32 hexadecimal digits.
    pub trace_id: &'a str,
    /// 16 hexadecimal digits: the client's own span.
    pub parent_id: &'a str,
}

impl<'a> TraceParent<'a> {
    /// Read `00-<trace id>-<parent id>-<flags>`. What is not that is as good as no header, as the recommendation asks.
    pub fn parse(text: &'a str) -> Option<TraceParent<'a>> {
        let mut parts = text.split('-');
        let (version, trace_id, parent_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |part: &str, len| {
            part.len() == len && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let id = |part: &str, len| hex(part, len) && part.bytes().any(|b| b != b'0');
        // A later version may have more parts; the first has exactly these.
        let known = version == "00" && parts.next().is_none() || hex(version, 2) && version != "00" && version != "ff";
        (known && id(trace_id, 32) && id(parent_id, 16) && hex(flags, 2)).then_some(TraceParent { trace_id, parent_id })
    }

    fn of(headers: &'a HeaderMap) -> Option<TraceParent<'a>> {
        TraceParent::parse(headers.get("traceparent")?.to_str().ok()?)
    }
}

/// Run a request, within a span that names its trace where it has one. Paths are logged, bodies never.
pub async fn within(request: Request, next: Next) -> Response {
    let span = match TraceParent::of(request.headers()) {
        Some(TraceParent { trace_id, parent_id }) => {
            let (method, path) = (request.method(), request.uri().path());
            tracing::info_span!("request", trace_id, parent_id, %method, path)
        }
        None => return next.run(request).await,
    };
    let run = next.run(request);
    async {
        let response = run.await;
        tracing::debug!(status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use super::TraceParent;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    #[test]
    fn a_trace_is_read_as_the_recommendation_says() {
        let parse = |version: &str, trace: &str, parent: &str, rest: &str| {
            TraceParent::parse(&format!("{version}-{trace}-{parent}-{rest}")).is_some()
        };
        assert!(parse("00", TRACE, PARENT, "01"));
        assert!(parse("cc", TRACE, PARENT, "01-later"), "a later version may say more");
        assert!(!parse("00", TRACE, PARENT, "01-later"));
        assert!(!parse("ff", TRACE, PARENT, "01"));
        assert!(!parse("0", TRACE, PARENT, "01"));
        assert!(!parse("00", &TRACE[1..], PARENT, "01"));
        assert!(!parse("00", &TRACE.to_uppercase(), PARENT, "01"));
        assert!(!parse("00", &"0".repeat(32), PARENT, "01"));
        assert!(!parse("00", TRACE, &"0".repeat(16), "01"));
        assert!(!parse("00", TRACE, PARENT, "1"));
        assert!(!parse("00", TRACE, PARENT, "0x"));
        assert_eq!(TraceParent::parse(""), None);
    }
}
