//! What the registry refuses, as it is said over HTTP.

use crate::http::refusal::Refusal;
use crate::registry::RegistryError;
use axum::http::StatusCode;
use calls::StartError;
use std::fmt::Display;

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Refusal {
        use RegistryError as E;
        let (status, code, remedy) = match &error {
            E::NotFound(_) => (StatusCode::NOT_FOUND, "EPISODE_NOT_FOUND", "list the live episodes with GET /episodes"),
            E::Ended(_) => (StatusCode::GONE, "EPISODE_ENDED", "create a new episode"),
            E::Full(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "TOO_MANY_EPISODES",
                "close episodes that are done, or try again when some have expired",
            ),
            E::Taken(_) => {
                (StatusCode::CONFLICT, "EPISODE_EXISTS", "choose another id, or leave it out to be given one")
            }
            E::Name(_) => (StatusCode::BAD_REQUEST, "INVALID_NAME", "choose another name"),
            E::Permanent => (StatusCode::CONFLICT, "EPISODE_PERMANENT", "reset it with POST /episodes/default/reset"),
            E::NoPolicy { .. } => (StatusCode::BAD_REQUEST, "POLICY_NOT_FOUND", "name one that is available"),
            E::Policy { .. } => (
                StatusCode::BAD_REQUEST,
                "POLICY_HAS_MISTAKES",
                "correct the policy's files, or name another policy; `incident-mcp policy check` finds mistakes",
            ),
            E::NoFixtures { .. } => (StatusCode::BAD_REQUEST, "FIXTURES_NOT_FOUND", "name a set that is available"),
            E::NoCheckpoint { .. } => {
                (StatusCode::NOT_FOUND, "CHECKPOINT_NOT_FOUND", "name a checkpoint that the episode has")
            }
            E::Checkpoints => (StatusCode::CONFLICT, "TOO_MANY_CHECKPOINTS", "drop a checkpoint, or replace one"),
            E::OwnFile => (StatusCode::CONFLICT, "EPISODE_IN_OWN_FILE", "use an episode that was created here"),
            E::Start(StartError::NoSuchUser(_)) => {
                (StatusCode::BAD_REQUEST, "ACTOR_NOT_FOUND", "name a user of the fixtures, or leave `actor` out")
            }
            E::Start(StartError::NoAuditTool(_)) => {
                (StatusCode::BAD_REQUEST, "NO_AUDIT_TOOL", "set `audit` to automatic or none")
            }
            E::Start(StartError::OtherState { .. }) => {
                (StatusCode::CONFLICT, "OTHER_STATE", "ask for the settings that the state was begun with")
            }
            E::Start(_) | E::Store(_) | E::Durable(_) | E::Broken(_) => return internal(error),
        };
        let message = match &error {
            // The command line's words of it name an option.
            E::Start(StartError::NoSuchUser(who)) => format!("there is no user with the id or e-mail address {who:?}"),
            error => error.to_string(),
        };
        Refusal::new(status, code, message, remedy)
    }
}

/// A failure of ours: logged in full, answered opaquely.
pub fn internal(error: impl Display) -> Refusal {
    tracing::error!("control request failed: {error}");
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL",
        "the server failed; the reason is in its log",
        "tell whoever runs the server",
    )
}
