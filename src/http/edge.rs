//! What every request passes before its route: the rate, the guard, the limits, and the count of those who wait for an answer.

use super::body;
use super::drain::{Accepted, Drain, hold};
use super::guard::Guard;
use super::listen::Peer;
use super::pages::Page;
use super::refusal::Refusal;
use super::trace;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http_body::Body as _;
use http_body_util::Limited;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much clients may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest body of a request, in bytes.
    pub body: usize,
    /// Most requests at work at once; more are turned away.
    pub concurrency: usize,
    /// How long a request may take until its answer begins.
    pub time: Duration,
    /// Requests a second from one address, and as many at once after a pause; none for any number.
    pub rate: Option<NonZeroU32>,
}

impl Default for Limits {
    /// 4 MiB, as rmcp takes; a thousand requests at once keep two cores busy for a twentieth of a second; half a minute is
    /// much longer than any call takes and less than most clients wait; a rate only where strangers ask.
    fn default() -> Limits {
        Limits { body: 4 << 20, concurrency: 1_024, time: Duration::from_secs(30), rate: None }
    }
}

/// The edge of one listener.
pub struct Edge {
    guard: Guard,
    limits: Limits,
    places: Arc<Semaphore>,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
    drain: Arc<Drain>,
}

impl Edge {
    /// An edge with that guard and those limits.
    pub fn new(guard: Guard, limits: Limits, drain: Arc<Drain>) -> Arc<Edge> {
        let rate = limits.rate.map(|rate| RateLimiter::keyed(Quota::per_second(rate)));
        Arc::new(Edge { guard, limits, places: Arc::new(Semaphore::new(limits.concurrency)), rate, drain })
    }

    /// Put the edge before these routes. Beside it, and open to whoever asks, are the two that tell how the server is: a busy
    /// server that refused its supervisor would be restarted.
    pub fn around(self: &Arc<Edge>, routes: Router) -> Router {
        let health = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .with_state(self.clone());
        let routes = routes
            .fallback(async || no_such(StatusCode::NOT_FOUND, "NO_SUCH_ADDRESS", "there is nothing at this address"))
            .method_not_allowed_fallback(async || {
                no_such(StatusCode::METHOD_NOT_ALLOWED, "NO_SUCH_METHOD", "this address does not know that method")
            })
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
    fn admit(&self, request: &Request) -> Result<(Accepted, OwnedSemaphorePermit), Refusal> {
        let peer = request.extensions().get::<Peer>().map(|peer| client(peer.0));
        if let (Some(rate), Some(peer)) = (&self.rate, peer)
            && rate.check_key(&peer).is_err()
        {
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "RATE_LIMITED",
                "this address sends more requests than it may",
                "wait a second, then go on more slowly",
            ));
        }
        self.guard.check(request.uri(), request.headers())?;
        let accepted = self.drain.accept().ok_or_else(Refusal::draining)?;
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "OVERLOADED",
                "the server has as many requests at work as it takes",
                "try again in a moment",
            )
        })?;
        match request.body().size_hint().lower() > self.limits.body as u64 {
            true => Err(body::too_long()),
            false => Ok((accepted, place)),
        }
    }

    async fn answer(&self, request: Request, next: Next) -> Response {
        let held = match self.admit(&request) {
            Ok(held) => held,
            Err(refusal) => return refusal.into_response(),
        };
        let listens = request.method() == Method::GET;
        // A body of unknown length is cut at the limit.
        let request = request.map(|body| Body::new(Limited::new(body, self.limits.body)));
        match tokio::time::timeout(self.limits.time, trace::within(request, next)).await {
            // A stream that a client only listens to is no answer to wait for.
            Ok(response) if listens => response,
            Ok(response) => hold(response, held),
            Err(_) => Refusal::new(
                StatusCode::GATEWAY_TIMEOUT,
                "TIMED_OUT",
                "the request was not answered in time; if it was a call, it may have been written",
                "repeat it under the same idempotency key",
            )
            .into_response(),
        }
    }
}

async fn pass(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let page = Page::of(&request, &edge.guard);
    if let Some(answer) = page.as_ref().and_then(|page| page.preflight(&request)) {
        return answer;
    }
    let mut response = edge.answer(request, next).await;
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

fn no_such(status: StatusCode, code: &'static str, message: &str) -> Refusal {
    Refusal::new(status, code, message, "see the server's documentation for its addresses")
}

/// Who asks: an IPv4 address, or the half of an IPv6 address that a client cannot choose.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}
