//! The connections of a listener: as many as it may have, and which of them goes where one more is wanted.

use super::listen::client;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::lock::lock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long to wait for a connection that was told to close, before another is: they are closed by busy threads.
const CLOSES: Duration = Duration::from_millis(50);

/// How long a new connection may ask nothing before it gives way to others.
const TO_ASK: Duration = Duration::from_secs(1);

/// The connections of a listener.
pub struct Connections {
    places: Arc<Semaphore>,
    open: Mutex<BTreeMap<u64, Arc<Connection>>>,
    opened: AtomicU64,
}

/// What a connection is used for.
#[derive(Debug)]
struct Use {
    /// Requests at work on it, streams among them.
    at_work: usize,
    /// Whether there was any request.
    asked: bool,
    /// When it was last at work, or opened.
    since: Instant,
}

/// A connection, as far as others may know it.
#[derive(Debug)]
pub struct Connection {
    /// The address at its other end.
    pub address: IpAddr,
    usage: Mutex<Use>,
    end: CancellationToken,
}

impl Connection {
    /// End it, whatever it does.
    pub fn end(&self) {
        self.end.cancel();
    }

    /// Returns when it must end.
    pub async fn ended(&self) {
        self.end.cancelled().await;
    }

    /// A request on it, at work until this is dropped.
    pub fn work(self: &Arc<Connection>) -> AtWork {
        let mut usage = lock(&self.usage);
        usage.at_work += 1;
        usage.asked = true;
        AtWork(self.clone())
    }
}

/// A request at work on a connection.
pub struct AtWork(Arc<Connection>);

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut usage = lock(&self.0.usage);
        usage.at_work -= 1;
        usage.since = Instant::now();
    }
}

/// A connection that is open until this is dropped.
pub struct Open {
    connections: Arc<Connections>,
    number: u64,
    /// The connection.
    pub connection: Arc<Connection>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.connections.open).remove(&self.number);
    }
}

impl Connections {
    /// So many connections.
    pub fn of(most: usize) -> Arc<Connections> {
        let (places, open, opened) = (Arc::new(Semaphore::new(most)), Mutex::default(), AtomicU64::new(0));
        Arc::new(Connections { places, open, opened })
    }

    /// Take a connection in. Where there is no place, one goes that has no request at work.
    pub async fn open(self: &Arc<Connections>, address: IpAddr) -> Option<Open> {
        let place = loop {
            if let Ok(place) = self.places.clone().try_acquire_owned() {
                break place;
            }
            self.end_an_idle_one();
            if let Ok(place) = tokio::time::timeout(CLOSES, self.places.clone().acquire_owned()).await {
                break place.ok()?;
            }
        };
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let usage = Mutex::new(Use { at_work: 0, asked: false, since: Instant::now() });
        let connection = Arc::new(Connection { address, usage, end: CancellationToken::new() });
        lock(&self.open).insert(number, connection.clone());
        Some(Open { connections: self.clone(), number, connection, _place: place })
    }

    /// End the connection that is needed least. First go those on which nobody has asked anything, once they had time to; only
    /// where there are none, those that wait for another request. Of either, the address that has most of them loses the one
    /// that has been idle for longest.
    fn end_an_idle_one(&self) {
        let open = lock(&self.open);
        let mut idle: [BTreeMap<IpAddr, (usize, Instant, &Connection)>; 2] = Default::default();
        for connection in open.values() {
            let usage = lock(&connection.usage);
            if usage.at_work > 0 || connection.end.is_cancelled() {
                continue;
            }
            let same = idle[usize::from(usage.asked)].entry(client(connection.address));
            let (count, first, longest) = same.or_insert((0, usage.since, connection));
            *count += 1;
            if usage.since < *first {
                (*first, *longest) = (usage.since, connection);
            }
        }
        let [silent, waiting] = idle;
        let most = match silent.is_empty() {
            true => waiting.into_values().max_by_key(|(count, ..)| *count),
            false => {
                silent.into_values().filter(|(_, since, _)| since.elapsed() >= TO_ASK).max_by_key(|(count, ..)| *count)
            }
        };
        if let Some((.., longest)) = most {
            longest.end();
        }
    }
}
