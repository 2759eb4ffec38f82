//! A listener: connections over HTTP/1.1, with limits on what a connection may do before it is a request.

use super::drain::Drain;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_service::Service;

/// How long a client may take over the head of a request: slower ones hold connections that others need.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Most headers of a request; clients and proxies send about twenty.
const HEADERS: usize = 100;

/// Longest head of a request, in bytes; also the size of a connection's buffer.
const HEAD: usize = 32 * 1024;

/// Most connections at once; more wait until one closes. A process may usually have more files open than that.
const CONNECTIONS: usize = 16_384;

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

    /// Serve until the drain has begun and the connections are closed, or it is over.
    pub async fn serve(self, router: Router, drain: Arc<Drain>) {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_headers(HEADERS).max_buf_size(HEAD);
        loop {
            let Ok(place) = connections.clone().acquire_owned().await else { break };
            let (stream, peer) = tokio::select! {
                () = drain.begun() => break,
                accepted = self.socket.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // Out of files, most likely: others must close first.
                        tracing::warn!("no connection could be accepted: {error}");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let _ = stream.set_nodelay(true);
            let router = router.clone();
            let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(Peer(peer.ip()));
                let request: Request = request.map(Body::new);
                router.clone().call(request)
            });
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!("a connection broke off: {error}");
                }
                drop(place);
            });
        }
        drop(self.socket);
        tokio::select! {
            () = graceful.shutdown() => {}
            () = drain.over() => {}
        }
    }
}
