//! A listener: connections over HTTP/1.1, with limits on what a connection may do before it is a request.

use super::connections::{Connections, Open};
use super::drain::Drain;
use super::timed::Timed;
use super::workers::Workers;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

/// How long a client may take over the head of a request: slower ones hold connections that others need. hyper has one
/// clock for this and for idle connections, so it is longer than the 90 seconds for which clients keep those at most.
const HEAD_TIME: Duration = Duration::from_secs(95);

/// Longest head of a request, in bytes: hosts, tokens and traces need a twentieth of it. hyper also refuses more than 100
/// headers; to set that number, even to 100, costs an allocation a request.
const HEAD: usize = 32 * 1024;

/// Most bytes of a connection that are read ahead, or wait to be written: room for the longest head, and for nearly all bodies.
const BUFFER: usize = 64 * 1024;

/// How a question of health begins.
const HEALTH: [&[u8]; 2] = [b"GET /healthz ", b"GET /readyz "];

/// How long to wait before a connection is accepted again after that failed: others must close first.
const PAUSE: Duration = Duration::from_millis(100);

/// How long connections may take to close once all is answered.
const CLOSING: Duration = Duration::from_secs(2);

/// The client's address, in the extensions of a request; beside it is its [`super::connections::Connection`].
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
    pub async fn serve(self, most: usize, router: Router, drain: Arc<Drain>, workers: Arc<Workers>) {
        let connections = Connections::of(most);
        let graceful = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_header_size(HEAD).max_buf_size(BUFFER);
        let served = Arc::new(Served { http, router, workers });
        loop {
            let (stream, open) = tokio::select! {
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
            let streams = drain.streams().clone();
            tokio::spawn(served.clone().first(stream, open, graceful.watcher(), streams));
        }
        drop(self.socket);
        // Until all is answered, open connections stay open: whoever asks there is told that the server drains.
        drain.streams().cancelled().await;
        if tokio::time::timeout(CLOSING, graceful.shutdown()).await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
    }

    async fn accept(&self, connections: &Arc<Connections>) -> std::io::Result<(TcpStream, Open)> {
        let (stream, peer) = self.socket.accept().await?;
        // Answers are small and written whole: waiting to send more of them at once only delays them.
        stream.set_nodelay(true)?;
        let open = connections.open(peer.ip()).await;
        open.map(|open| (stream, open)).ok_or_else(|| std::io::Error::other("there are no places"))
    }
}

/// How connections are served.
struct Served {
    http: http1::Builder,
    router: Router,
    workers: Arc<Workers>,
}

impl Served {
    /// Wait for the first request. Who asks how the server is stays on this thread, which no call ever keeps busy; all others
    /// go to a thread of their own.
    async fn first(self: Arc<Served>, stream: TcpStream, open: Open, watcher: Watcher, end: CancellationToken) {
        let mut head = [0; 13];
        let came = tokio::select! {
            came = tokio::time::timeout(HEAD_TIME, stream.peek(&mut head)) => came,
            () = open.connection.ended() => return,
            () = end.cancelled() => return,
        };
        match came {
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => return,
        }
        if HEALTH.iter().any(|health| head.starts_with(health)) {
            return self.talk(stream, open, watcher, true).await;
        }
        // It is another runtime that will read from it.
        let handed = stream.into_std();
        let workers = self.workers.clone();
        workers.run(async move {
            match handed.and_then(TcpStream::from_std) {
                Ok(stream) => self.talk(stream, open, watcher, false).await,
                Err(error) => tracing::warn!("a connection could not be served: {error}"),
            }
        });
    }

    /// Answer what comes on a connection; `apart` where only questions of health may be answered on this thread.
    async fn talk(&self, stream: TcpStream, open: Open, watcher: Watcher, apart: bool) {
        let service = service_fn(|mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Peer(open.connection.address));
            request.extensions_mut().insert(open.connection.clone());
            let request: Request = request.map(Body::new);
            let elsewhere = apart && !matches!(request.uri().path(), "/healthz" | "/readyz");
            let answer = self.router.clone().call(request);
            async move { if elsewhere { self.workers.answer(answer).await } else { answer.await } }
        });
        let talk = watcher.watch(self.http.serve_connection(TokioIo::new(Timed::new(stream)), service));
        let done = tokio::select! {
            done = talk => done,
            () = open.connection.ended() => return,
        };
        if let Err(error) = done {
            tracing::debug!("a connection broke off: {error}");
        }
    }
}

/// Who asks: an IPv4 address, or the half of an IPv6 address that a client cannot choose.
pub fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}
