//! The place of a call in its episode's queue, taken where the request arrives.
//!
//! rmcp runs each request as a task of its own, on any thread, so the order in which tools are called says nothing of the
//! order in which requests came. Transports that know it take a place at once and send it along with the request.

use crate::registry::Place;
use http::request::Parts;
use rmcp::service::{RequestContext, RoleServer};
use std::sync::{Arc, Mutex};
use store::lock::lock;

/// A place that travels with a request. If the request comes to nothing, the place is given up with it.
#[derive(Clone)]
pub struct Arrival(Arc<Mutex<Option<Place>>>);

impl Arrival {
    /// Send that place along, in the extensions of an HTTP request or of an rmcp message.
    pub fn new(place: Place) -> Arrival {
        Arrival(Arc::new(Mutex::new(Some(place))))
    }

    /// The place that came with a request.
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Option<Place> {
        let extensions = &context.extensions;
        let arrival = extensions.get::<Arrival>().or_else(|| extensions.get::<Parts>()?.extensions.get::<Arrival>())?;
        lock(&arrival.0).take()
    }
}
