//! A listener: connections over HTTP/1.1, with limits on what a connection may do before it is a request.

use super::drain::Drain;
use super::workers::Workers;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service;

/// How long a client may take over the head of a request: slower ones hold connections that others need. hyper has one
/// clock for this and for idle connections, so it is longer than the 90 seconds for which clients keep those at most.
const HEAD_TIME: Duration = Duration::from_secs(95);

/// Longest head of a request, in bytes: hosts, tokens and traces need a twentieth of it. hyper also refuses more than 100
/// headers; to set that number, even to 100, costs an allocation a request.
const HEAD: usize = 32 * 1024;

/// Most bytes of a connection that are read ahead, or wait to be written: room for the longest head, and for nearly all bodies.
const BUFFER: usize = 64 * 1024;

/// Most connections at once; more wait until one closes. A few for each of thousands of agents, in 2 GiB at worst.
const CONNECTIONS: usize = 16_384;

/// How long to wait before a connection is accepted again after that failed: others must close first.
const PAUSE: Duration = Duration::from_millis(100);

/// How long connections may take to close once all is answered.
const CLOSING: Duration = Duration::from_secs(2);

/// The client's address, in the extensions of a request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// A socket that is bound.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Bind that address, such as `127.0.0.1:8080`; port 0 takes a free one.
    pub async fn bind(address: &str) -> std::io::Result<Listener> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Listener { socket, address })
    }

    /// The address that it has.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accept until the drain begins, and answer on open connections until it has ended the streams.
    pub async fn serve(self, router: Router, drain: Arc<Drain>, workers: Arc<Workers>) {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_header_size(HEAD).max_buf_size(BUFFER);
        loop {
            let (stream, peer, place) = tokio::select! {
                () = drain.begun() => break,
                accepted = self.accept(&connections) => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!("no connection could be accepted: {error}");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                },
            };
            let (router, http, watcher) = (router.clone(), http.clone(), graceful.watcher());
            workers.run(async move {
                let service = service_fn(move |mut request: hyper::Request<Incoming>| {
                    request.extensions_mut().insert(Peer(peer.ip()));
                    let request: Request = request.map(Body::new);
                    router.clone().call(request)
                });
                let done = match TcpStream::from_std(stream) {
                    Ok(stream) => watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await,
                    Err(error) => return tracing::warn!("a connection could not be served: {error}"),
                };
                if let Err(error) = done {
                    tracing::debug!("a connection broke off: {error}");
                }
                drop(place);
            });
        }
        drop(self.socket);
        // Until all is answered, open connections stay open: whoever asks there is told that the server drains.
        drain.streams().cancelled().await;
        if tokio::time::timeout(CLOSING, graceful.shutdown()).await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
    }

    async fn accept(
        &self,
        connections: &Arc<Semaphore>,
    ) -> std::io::Result<(std::net::TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = connections.clone().acquire_owned().await.map_err(std::io::Error::other)?;
        let (stream, peer) = self.socket.accept().await?;
        // Answers are small and written whole: waiting to send more of them at once only delays them.
        stream.set_nodelay(true)?;
        // It is another runtime that will read from it.
        Ok((stream.into_std()?, peer, place))
    }
}
