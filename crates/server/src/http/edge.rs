//! What every request passes before its route: the rate, the guard, the limits, and the count of those who wait for an answer.

use super::bodies::{Bodies, Mine};
use super::body;
use super::connections::Connection;
use super::drain::{Accepted, Drain, hold};
use super::framing;
use super::guard::Guard;
use super::listen::{Peer, client};
use super::pages::Page;
use super::places::Places;
use super::refusal::Refusal;
use super::trace;
use super::workers::Workers;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::FutureExt;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http_body::Body as _;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Bytes of a body beyond which a request is answered on a thread for such: to read the JSON of the longest takes a good
/// part of a second, for which nobody else should wait.
const LONG: usize = 64 * 1024;

/// How much clients may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest body of a request, in bytes.
    pub body: usize,
    /// Most requests at work at once; more are turned away.
    pub concurrency: usize,
    /// How long a request may take until its answer begins.
    pub time: Duration,
    /// Most streams of events that clients listen to; more are turned away.
    pub streams: usize,
    /// Requests a second from one address, and as many at once after a pause; none for any number.
    pub rate: Option<NonZeroU32>,
}

impl Default for Limits {
    /// 4 MiB, as rmcp takes; a thousand requests at once keep two cores busy for a twentieth of a second; half a minute is
    /// much longer than any call takes and less than most clients wait; a rate only where strangers ask.
    fn default() -> Limits {
        Limits { body: 4 << 20, concurrency: 1_024, time: Duration::from_secs(30), streams: 8_192, rate: None }
    }
}

/// The edge of one listener.
pub struct Edge {
    guard: Guard,
    limits: Limits,
    bodies: Bodies,
    places: Arc<Places>,
    streams: Arc<Places>,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
    drain: Arc<Drain>,
    /// Where requests with long bodies are answered.
    long: Arc<Workers>,
}

impl Edge {
    /// An edge with that guard and those limits.
    pub fn new(guard: Guard, limits: Limits, drain: Arc<Drain>, long: Arc<Workers>) -> Arc<Edge> {
        let rate = limits.rate.map(|rate| RateLimiter::keyed(Quota::per_second(rate)));
        let (places, streams) = (Places::of(limits.concurrency), Places::of(limits.streams));
        Arc::new(Edge { guard, limits, bodies: Bodies::of(limits.body), places, streams, rate, drain, long })
    }

    /// Put the edge before these routes. Beside it, and open to whoever asks, are the two that tell how the server is: a busy
    /// server that refused its supervisor would be restarted.
    pub fn around(self: &Arc<Edge>, routes: Router) -> Router {
        let health = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .method_not_allowed_fallback(no_such_method)
            .with_state(self.clone());
        let routes = routes
            .fallback(async || no_such(StatusCode::NOT_FOUND, "NO_SUCH_ADDRESS", "there is nothing at this address"))
            .method_not_allowed_fallback(no_such_method)
            .layer(from_fn_with_state(self.clone(), pass));
        routes.merge(health)
    }

    /// Forget the addresses that have not asked for a while.
    pub fn tidy(&self) {
        if let Some(rate) = &self.rate {
            rate.retain_recent();
            rate.shrink_to_fit();
        }
    }

    /// Let a request in, or say why not. The rate comes first, so that it also slows down who guesses tokens.
    fn admit(&self, request: &Request, from: Option<IpAddr>) -> Result<Accepted, Refusal> {
        if let (Some(rate), Some(from)) = (&self.rate, from)
            && rate.check_key(&from).is_err()
        {
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "RATE_LIMITED",
                "this address sends more requests than it may",
                "wait a second, then go on more slowly",
            ));
        }
        self.guard.check(request.uri(), request.headers())?;
        framing::check(request.headers())?;
        let accepted = self.drain.accept().ok_or_else(Refusal::draining)?;
        match request.body().size_hint().lower() > self.limits.body as u64 {
            true => Err(body::too_long()),
            false => Ok(accepted),
        }
    }

    /// The request with its body, once that is here whole.
    async fn whole(&self, request: Request, from: Option<IpAddr>) -> Result<(Request, Bytes, Option<Mine>), Refusal> {
        if request.body().is_end_stream() {
            return Ok((request, Bytes::new(), None));
        }
        let (parts, body) = request.into_parts();
        let (body, held) = self.bodies.read(body, from.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))).await?;
        Ok((Request::from_parts(parts, Body::from(body.clone())), body, held))
    }

    async fn respond(&self, request: Request, next: Next) -> Result<Response, Refusal> {
        let from = request.extensions().get::<Peer>().map(|peer| client(peer.0));
        let work = request.extensions().get::<Arc<Connection>>().map(Connection::work);
        let accepted = self.admit(&request, from)?;
        let listens = request.method() == Method::GET;
        let asks = request.method() == Method::POST && is_for_agents(request.uri().path());
        // What is refused from here on has been read.
        let read = OnceLock::new();
        let answering = |refusal: Refusal| match read.get().filter(|_| asks) {
            Some(body) => refusal.answering(body),
            None => refusal,
        };
        let answer = async {
            let (request, body, _held) = self.whole(request, from).await?;
            let body = read.get_or_init(|| body);
            // Only now: a body that is still to come must keep no place from others.
            let place = self.places.take(from).ok_or_else(overloaded)?;
            let answer = trace::within(request, next);
            let response = if body.len() > LONG {
                let Ok(response) = self.long.answer(answer.map(Ok::<_, Infallible>)).await;
                response
            } else {
                answer.await
            };
            Ok::<_, Refusal>((place, response))
        };
        let answered = tokio::time::timeout(self.limits.time, answer).await.map_err(|_| timed_out());
        let (place, response) = answered.flatten().map_err(answering)?;
        // A stream that a client only listens to is no answer to wait for.
        if listens && is_stream(&response) {
            let place = self.streams.take(from).ok_or_else(too_many_streams)?;
            return Ok(hold(response, (place, work)));
        }
        Ok(hold(response, (accepted, place, work)))
    }
}

/// Whether messages are sent to that address.
fn is_for_agents(path: &str) -> bool {
    ["/mcp", "/messages"].iter().any(|end| path.trim_end_matches('/').ends_with(end))
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

fn overloaded() -> Refusal {
    let message = "the server has as many requests at work as it takes, or as it takes from one address";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", message, "try again in a moment")
}

fn too_many_streams() -> Refusal {
    let message = "as many clients listen as may, or as may from one address";
    let remedy = "end a stream before you open another; POST needs none";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_STREAMS", message, remedy)
}

fn timed_out() -> Refusal {
    let message = "the request was not answered in time; if it was a call, it may have been written";
    Refusal::new(StatusCode::GATEWAY_TIMEOUT, "TIMED_OUT", message, "repeat it under the same idempotency key")
}

async fn pass(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let page = Page::of(&request, &edge.guard);
    if let Some(answer) = page.as_ref().and_then(|page| page.preflight(&request)) {
        return answer;
    }
    let mut response = edge.respond(request, next).await.into_response();
    if let Some(page) = page {
        response = page.shown(response);
    }
    if edge.drain.has_begun() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn ready(State(edge): State<Arc<Edge>>) -> Response {
    match edge.drain.has_begun() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
        false => "ready\n".into_response(),
    }
}

async fn no_such_method() -> Refusal {
    no_such(StatusCode::METHOD_NOT_ALLOWED, "NO_SUCH_METHOD", "this address does not know that method")
}

fn no_such(status: StatusCode, code: &'static str, message: &str) -> Refusal {
    Refusal::new(status, code, message, "see the server's documentation for its addresses")
}
