//! Episodes over HTTP: a public listener for agents, and a control listener that agents cannot reach.
//!
//! A request passes its listener's [`edge`], then a route. **Invariant:** no rules here, and nothing that runs a call: that is
//! the registry's.

mod bodies;
mod body;
mod channel;
pub mod connections;
pub mod control;
pub mod descriptors;
pub mod drain;
pub mod edge;
mod framing;
pub mod guard;
mod listen;
mod media;
mod message;
mod pages;
pub mod places;
mod public;
mod refusal;
mod replay;
mod reworded;
mod sessions;
pub mod sse;
pub mod timed;
mod trace;
mod workers;

pub use edge::Limits;
pub use listen::{Listener, Peer};
pub use refusal::Refusal;
pub use workers::Workers;

use crate::registry::Registry;
use axum::Router;
use control::Addresses;
use descriptors::Connections;
use drain::Drain;
use edge::Edge;
use guard::{Guard, Secret};
use public::Public;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How often expired episodes, and addresses that ask no more, are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// Threads on which requests with long bodies are answered: as many as are read at once.
const LONG_REQUESTS: usize = 2;

/// How one listener is guarded.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Hosts that the `Host` header may name, beside the listener's own and loopback; `*` for any.
    pub hosts: Vec<String>,
    /// Origins of web pages that may ask, beside those of this machine.
    pub origins: Vec<String>,
    /// The bearer token that every request must have.
    pub token: Option<Secret>,
}

/// What is served, and how.
pub struct Options {
    /// Who may reach the public listener.
    pub access: Access,
    /// How much clients may ask for.
    pub limits: Limits,
    /// How many connections there may be.
    pub connections: Connections,
    /// How long accepted requests may take once the server is to end.
    pub grace: Duration,
    /// Where agents reach the public listener, if not at its own address.
    pub public_url: Option<String>,
}

/// Serve until `end`, then answer what was accepted.
pub async fn serve(
    registry: Arc<Registry>,
    options: Options,
    public: Listener,
    control: Option<(Listener, Access)>,
    end: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let workers = Arc::new(Workers::start()?);
    let (long, evaluators) =
        (Arc::new(Workers::apart("long request", LONG_REQUESTS)?), Arc::new(Workers::apart("control", 1)?));
    let drain = Arc::new(Drain::default());
    let Options { access, limits, connections, grace, public_url } = options;
    let mut edges = Vec::new();
    let mut listeners = Vec::new();
    let mut listen =
        |listener: Listener, access: Access, limits: Limits, routes: Router, workers: &Arc<Workers>, most: usize| {
            let guard = Guard::new(listener.address(), &access.hosts, &access.origins, access.token);
            // Half of them, so that listening clients leave room for those that call.
            let limits = Limits { streams: limits.streams.min(most.div_ceil(2)), ..limits };
            let edge = Edge::new(guard, limits, drain.clone(), long.clone());
            listeners.push(tokio::spawn(listener.serve(most, edge.around(routes), drain.clone(), workers.clone())));
            edges.push(edge);
        };
    let address = public.address();
    let routes = Public::new(registry.clone(), drain.clone(), limits.body).router();
    listen(public, access, limits, routes, &workers, connections.agents);
    if let Some((listener, access)) = control {
        // Evaluators are not rationed.
        let addresses = Addresses { public: public_url.or_else(|| base(address)) };
        let routes = control::router(registry.clone(), addresses);
        listen(listener, access, Limits { rate: None, ..limits }, routes, &evaluators, connections.evaluators);
    }
    let sweeper = async {
        loop {
            tokio::time::sleep(SWEEP).await;
            registry.sweep().await;
            edges.iter().for_each(|edge| edge.tidy());
        }
    };
    tokio::select! {
        () = end => {}
        () = sweeper => {}
    }
    drain.run(grace).await;
    for listener in listeners {
        if let Err(error) = listener.await {
            tracing::error!("a listener failed: {error}");
        }
    }
    Ok(())
}

/// The base URL of a listener; none where it listens at every address of the machine and so has no name of its own.
fn base(address: SocketAddr) -> Option<String> {
    (!address.ip().is_unspecified()).then(|| format!("http://{address}"))
}
