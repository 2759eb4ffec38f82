//! Progress of a call, for a client that asks for it.

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext, RoleServer};

/// Steps of a call: its turn comes, and it is done.
const STEPS: f64 = 2.0;

/// Who is told of a call's progress; nobody, where the client gave no token.
pub struct Progress(Option<(Peer<RoleServer>, ProgressToken)>);

impl Progress {
    /// The progress of that request.
    pub fn of(context: &RequestContext<RoleServer>) -> Progress {
        Progress(context.meta.get_progress_token().map(|token| (context.peer.clone(), token)))
    }

    /// The call has its place in the episode's queue.
    pub async fn queued(&self, must_wait: bool) {
        match must_wait {
            true => self.tell(0.0, "waiting for the calls before it").await,
            false => self.tell(1.0, "its turn has come").await,
        }
    }

    /// The call is written and will be answered.
    pub async fn done(&self) {
        self.tell(STEPS, "done").await;
    }

    async fn tell(&self, step: f64, message: &str) {
        let Some((peer, token)) = &self.0 else { return };
        let note = ProgressNotificationParam::new(token.clone(), step).with_total(STEPS).with_message(message);
        if let Err(error) = peer.notify_progress(note).await {
            tracing::debug!("no progress could be told: {error}");
        }
    }
}
