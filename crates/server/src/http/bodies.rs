//! Bodies of requests: how long they may take to come, and how much of them is held until their requests are answered.

use super::body::{broken, too_long};
use super::refusal::Refusal;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::lock::lock;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long a body may take, before what its length allows.
const TIME: Duration = Duration::from_secs(10);

/// Bytes for which it may take a second more: the slowest network from which somebody still works.
const RATE: u32 = 16 * 1024;

/// Bytes of a body that are not counted: nearly all bodies are shorter, so whoever sends long ones does not shut them out.
const FREE: usize = 16 * 1024;

/// Most bytes of unfinished bodies in all.
const ALL: usize = 256 << 20;

/// Most bytes of unfinished bodies of one address.
const SHARE: usize = 64 << 20;

/// The unfinished bodies of a listener.
pub struct Bodies {
    /// Longest body.
    longest: usize,
    held: Arc<Mutex<Held>>,
}

/// What is held of bodies that are longer than [`FREE`].
struct Held {
    share: usize,
    most: usize,
    all: usize,
    by: BTreeMap<IpAddr, Senders>,
    next: u64,
}

/// The bodies of one address, the oldest first.
#[derive(Default)]
struct Senders {
    bytes: usize,
    bodies: BTreeMap<u64, Unfinished>,
}

struct Unfinished {
    bytes: usize,
    /// None once it is whole: then it stays until its request is answered.
    given_up: Option<CancellationToken>,
}

/// One body among those that are held, until this is dropped.
pub struct Mine {
    held: Arc<Mutex<Held>>,
    from: IpAddr,
    number: u64,
    given_up: CancellationToken,
}

impl Drop for Mine {
    fn drop(&mut self) {
        lock(&self.held).remove(self.from, self.number);
    }
}

impl Mine {
    /// It is whole, and no longer gives way to others.
    fn whole(&self) {
        let mut held = lock(&self.held);
        let senders = held.by.get_mut(&self.from);
        if let Some(body) = senders.and_then(|senders| senders.bodies.get_mut(&self.number)) {
            body.given_up = None;
        }
    }
}

impl Bodies {
    /// Bodies of at most that length.
    pub fn of(longest: usize) -> Bodies {
        // One body must find room, however long it may be.
        let share = SHARE.max(longest);
        let held = Held { share, most: ALL.max(share), all: 0, by: BTreeMap::new(), next: 0 };
        Bodies { longest, held: Arc::new(Mutex::new(held)) }
    }

    /// Read a body whole. What comes with it is to be kept until its request is answered: so long its bytes are held.
    pub async fn read(&self, body: Body, from: IpAddr) -> Result<(Bytes, Option<Mine>), Refusal> {
        let mut body = Limited::new(body, self.longest);
        let begun = Instant::now();
        let mut clock = pin!(sleep_until(begun + TIME));
        let (mut first, mut rest, mut length) = (Bytes::new(), Vec::new(), 0_usize);
        let mut mine: Option<Mine> = None;
        loop {
            let given_up = async {
                match &mine {
                    Some(mine) => mine.given_up.cancelled().await,
                    None => std::future::pending().await,
                }
            };
            let frame = tokio::select! {
                biased;
                frame = body.frame() => frame,
                () = given_up => return Err(crowded_out()),
                () = &mut clock => {
                    let allowed = begun + TIME + Duration::from_secs(1) * u32::try_from(length).unwrap_or(u32::MAX) / RATE;
                    if Instant::now() >= allowed {
                        return Err(too_slow());
                    }
                    clock.as_mut().reset(allowed);
                    continue;
                }
            };
            let data = match frame {
                None => break,
                Some(Err(error)) if error.is::<LengthLimitError>() => return Err(too_long()),
                Some(Err(_)) => return Err(broken()),
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            length += data.len();
            if length > FREE && !self.hold(&mut mine, from, data.len()) {
                return Err(crowded_out());
            }
            match (first.is_empty(), rest.is_empty()) {
                (true, _) => first = data,
                (false, true) => rest = [&first[..], &data].concat(),
                (false, false) => rest.extend_from_slice(&data),
            }
        }
        if let Some(mine) = &mine {
            mine.whole();
        }
        Ok((if rest.is_empty() { first } else { rest.into() }, mine))
    }

    /// Count so many more bytes of a body. Where there is no room, the oldest others give up theirs.
    fn hold(&self, mine: &mut Option<Mine>, from: IpAddr, bytes: usize) -> bool {
        let mut held = lock(&self.held);
        let number = match mine {
            Some(mine) => mine.number,
            None => {
                held.next += 1;
                let (number, given_up) = (held.next, CancellationToken::new());
                let unfinished = Unfinished { bytes: 0, given_up: Some(given_up.clone()) };
                held.by.entry(from).or_default().bodies.insert(number, unfinished);
                *mine = Some(Mine { held: self.held.clone(), from, number, given_up });
                number
            }
        };
        held.add(from, number, bytes)
    }
}

impl Held {
    fn add(&mut self, from: IpAddr, number: u64, bytes: usize) -> bool {
        while self.by.get(&from).is_some_and(|senders| senders.bytes + bytes > self.share) {
            if !self.crowd_out(from, number) {
                return false;
            }
        }
        while self.all + bytes > self.most {
            let most = self.by.iter().max_by_key(|(_, senders)| senders.bytes).map(|(address, _)| *address);
            if !most.is_some_and(|most| self.crowd_out(most, number)) {
                return false;
            }
        }
        let Some(senders) = self.by.get_mut(&from) else { return false };
        let Some(unfinished) = senders.bodies.get_mut(&number) else { return false };
        unfinished.bytes += bytes;
        senders.bytes += bytes;
        self.all += bytes;
        true
    }

    /// Give up the oldest body of an address, other than that one.
    fn crowd_out(&mut self, address: IpAddr, except: u64) -> bool {
        let Some(senders) = self.by.get(&address) else { return false };
        let mut others = senders.bodies.iter().filter(|(number, body)| **number != except && body.given_up.is_some());
        let Some((&oldest, _)) = others.next() else { return false };
        if let Some(given_up) = self.remove(address, oldest).and_then(|body| body.given_up) {
            given_up.cancel();
        }
        true
    }

    fn remove(&mut self, address: IpAddr, number: u64) -> Option<Unfinished> {
        let senders = self.by.get_mut(&address)?;
        let unfinished = senders.bodies.remove(&number);
        let bytes = unfinished.as_ref().map_or(0, |unfinished| unfinished.bytes);
        senders.bytes -= bytes;
        self.all -= bytes;
        if senders.bodies.is_empty() {
            self.by.remove(&address);
        }
        unfinished
    }
}

fn too_slow() -> Refusal {
    let message = format!("the body came more slowly than {} bytes a second", RATE);
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW", message, "send the request again, whole")
}

fn crowded_out() -> Refusal {
    let message = "the server holds as many bytes of requests as it may, of this address or in all";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "BODY_CROWDED_OUT", message, "send fewer long requests at once")
}
