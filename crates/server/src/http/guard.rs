//! Who may ask: the `Host` and `Origin` of a request, and its bearer token.

use super::refusal::Refusal;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode, Uri};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use subtle::ConstantTimeEq;

/// Shortest token: one that is typed by hand can be guessed.
const TOKEN_LENGTH: usize = 16;

/// A token, of which only the hash is kept.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// The token in that text, without the white space around it.
    pub fn new(text: &str) -> Result<Secret, String> {
        let text = text.trim();
        match text.len() >= TOKEN_LENGTH && text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(Secret(Sha256::digest(text).into())),
            false => Err(format!("a token is at least {TOKEN_LENGTH} printable characters without spaces")),
        }
    }

    /// In constant time: hashes of equal length are compared whole.
    fn is(&self, text: &str) -> bool {
        self.0.ct_eq(&Sha256::digest(text)).into()
    }
}

/// What a listener asks of every request.
#[derive(Debug)]
pub struct Guard {
    hosts: BTreeSet<String>,
    any_host: bool,
    /// Whether hosts that are addresses pass. A page that rebinds a name cannot have one.
    addresses: bool,
    origins: BTreeSet<String>,
    token: Option<Secret>,
}

impl Guard {
    /// The guard of a listener: loopback names and the listener's own address pass, and what is added to them.
    pub fn new(address: SocketAddr, hosts: &[String], origins: &[String], token: Option<Secret>) -> Guard {
        let own = address.ip().to_string();
        let names = ["localhost", "127.0.0.1", "::1", own.as_str()].map(str::to_owned);
        Guard {
            hosts: names.into_iter().chain(hosts.iter().map(|host| host.to_ascii_lowercase())).collect(),
            any_host: hosts.iter().any(|host| host == "*"),
            addresses: !address.ip().is_loopback(),
            origins: origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect(),
            token,
        }
    }

    /// Let pass, or say why not.
    pub fn check(&self, target: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let host = self.host(target, headers)?;
        if !self.is_host(host) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "HOST_NOT_ALLOWED",
                format!("the Host header says {host:?}, which is not a name of this server"),
                "use the server's address, or start it with --allow-host",
            ));
        }
        let mut origins = headers.get_all(ORIGIN).iter().map(|value| value.to_str().unwrap_or_default());
        if let Some(origin) = origins.find(|origin| !self.is_origin(origin)) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "ORIGIN_NOT_ALLOWED",
                format!("web pages of {origin:?} may not use this server"),
                "start the server with --allow-origin, if they should",
            ));
        }
        match &self.token {
            Some(token) => {
                let given = text(&AUTHORIZATION).and_then(|value| value.split_once(' '));
                let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
                match given.is_some_and(|(_, given)| token.is(given.trim())) {
                    true => Ok(()),
                    false => Err(Refusal::new(
                        StatusCode::UNAUTHORIZED,
                        "UNAUTHORIZED",
                        "the request has no valid bearer token",
                        "send the header Authorization: Bearer <token>",
                    )),
                }
            }
            None => Ok(()),
        }
    }

    /// The host that is asked, as RFC 9112 has it: a target with a host is what counts, and of two headers neither.
    fn host<'a>(&self, target: &'a Uri, headers: &'a HeaderMap) -> Result<&'a str, Refusal> {
        let mut named = headers.get_all(HOST).iter();
        let (first, second) = (named.next(), named.next());
        let missing = first.is_none() && target.host().is_none() && !self.any_host;
        if missing || second.is_some() {
            let message = "a request names the host that it asks in one Host header";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "BAD_HOST", message, "send one Host header"));
        }
        let header = || first.and_then(|host| host.to_str().ok()).unwrap_or_default();
        Ok(target.host().unwrap_or_else(header))
    }

    fn is_host(&self, host: &str) -> bool {
        let host = without_port(host).to_ascii_lowercase();
        self.any_host
            || self.hosts.contains(host.trim_matches(['[', ']']))
            || self.addresses && host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    }

    /// Pages of this machine pass at any port; others have to be named.
    pub fn is_origin(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        let local = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        self.origins.contains(&origin)
            || local.is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&without_port(host)))
    }
}

/// `host:port` without the port; an IPv6 address is in brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}
