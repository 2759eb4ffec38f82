//! HTTP by hand, over a socket: what a client library would hide is what is tested.

use axum::Router;
use server::http::drain::Drain;
use server::http::edge::{Edge, Limits};
use server::http::guard::Guard;
use server::http::{Listener, Workers};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Most connections at once.
pub const CONNECTIONS: usize = 8;

/// A listener that serves.
pub struct Served {
    pub address: SocketAddr,
    pub drain: Arc<Drain>,
    pub serving: JoinHandle<()>,
}

/// Serve what `routes` makes, on a free port.
pub async fn serve(limits: Limits, routes: impl FnOnce(&Arc<Drain>) -> Router) -> Served {
    let drain = Arc::new(Drain::default());
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.address();
    let edge = Edge::new(Guard::new(address, &[], &[], None), limits, drain.clone(), Arc::new(Workers::here()));
    let serving = tokio::spawn(listener.serve(
        CONNECTIONS,
        edge.around(routes(&drain)),
        drain.clone(),
        Arc::new(Workers::here()),
    ));
    Served { address, drain, serving }
}

/// A connection to a server.
pub struct Wire(pub BufReader<TcpStream>);

/// The status, head and body of an answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Wire {
    pub async fn to(address: SocketAddr) -> Wire {
        Wire(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    pub async fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    pub async fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    }

    pub async fn post(&mut self, path: &str, body: &str) -> Reply {
        self.begin(path, body).await;
        self.reply().await
    }

    pub async fn begin(&mut self, path: &str, body: &str) {
        let length = body.len();
        self.send(&format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")).await;
    }

    /// The status line and the headers of an answer, in lower case.
    pub async fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).await.unwrap(), 0, "closed within {head:?}");
        }
        head.to_lowercase()
    }

    /// An answer of known length.
    pub async fn reply(&mut self) -> Reply {
        let head = self.head().await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        Reply { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// The next event's name and data; none at the end of the stream.
    pub async fn event(&mut self) -> Option<(String, String)> {
        let mut name = String::new();
        let mut line = String::new();
        loop {
            line.clear();
            // An empty chunk ends an answer, the connection stays.
            if self.0.read_line(&mut line).await.unwrap_or_default() == 0 || line == "0\r\n" {
                return None;
            }
            if let Some(text) = line.strip_prefix("event: ") {
                name = text.trim().to_owned();
            } else if let Some(text) = line.strip_prefix("data: ") {
                return Some((name, text.trim().to_owned()));
            }
        }
    }

    /// Returns when the server has closed the connection, with what it sent before that.
    pub async fn closed(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest).await;
        String::from_utf8_lossy(&rest).into_owned()
    }
}
