//! What every request passes before its route: the guard, the limits, and the count of those who wait for an answer.

use super::drain::{Drain, hold};
use super::guard::Guard;
use super::listen::Peer;
use super::refusal::Refusal;
use super::trace;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

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
    /// 4 MiB, as on standard input; a thousand requests at once keep two cores busy for a twentieth of a second; half a
    /// minute is much longer than any call takes and less than most clients wait.
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

    /// Put the edge before these routes, and add the two that tell how the server is.
    pub fn around(self: &Arc<Edge>, routes: Router) -> Router {
        let health =
            Router::new().route(LIVE, get(|| async { "ok\n" })).route(READY, get(ready)).with_state(self.clone());
        routes.merge(health).layer(from_fn_with_state(self.clone(), pass))
    }

    /// Forget the addresses that have not asked for a while.
    pub fn tidy(&self) {
        if let Some(rate) = &self.rate {
            rate.retain_recent();
            rate.shrink_to_fit();
        }
    }

    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        let open = [LIVE, READY].contains(&request.uri().path());
        self.guard.check(request.headers(), open)?;
        if open {
            return Ok(());
        }
        if self.drain.has_begun() {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "DRAINING",
                "the server is about to end and takes no new requests",
                "try again, at another server or after the restart",
            ));
        }
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
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
        Ok(())
    }
}

const LIVE: &str = "/healthz";
const READY: &str = "/readyz";

async fn ready(State(edge): State<Arc<Edge>>) -> Response {
    match edge.drain.has_begun() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
        false => "ready\n".into_response(),
    }
}

async fn pass(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    if let Err(refusal) = edge.admit(&request) {
        return refusal.into_response();
    }
    let Ok(place) = edge.places.clone().try_acquire_owned() else {
        return Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "OVERLOADED",
            "the server has as many requests at work as it takes",
            "try again in a moment",
        )
        .into_response();
    };
    // A stream that a client only listens to has no answer to wait for.
    let accepted = (request.method() != Method::GET).then(|| edge.drain.accept());
    let run = trace::within(request, next);
    match tokio::time::timeout(edge.limits.time, run).await {
        Ok(response) if accepted.is_some() => hold(response, (accepted, place)),
        Ok(response) => response,
        Err(_) => Refusal::new(
            StatusCode::GATEWAY_TIMEOUT,
            "TIMED_OUT",
            "the request was not answered in time; if it was a call, it may have been written",
            "repeat it under the same idempotency key",
        )
        .into_response(),
    }
}
