//! What the registry refuses, as it is said over HTTP.

use crate::http::refusal::Refusal;
use crate::registry::RegistryError;
use axum::http::StatusCode;
use calls::{ExportError, StartError, StuckError};
use procedures::halt::Kind;
use std::fmt::Display;

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Refusal {
        use RegistryError as E;
        let (code, remedy) = match &error {
            E::NotFound(_) => ("EPISODE_NOT_FOUND", "list the live episodes with GET /episodes"),
            E::Ended(_) => ("EPISODE_ENDED", "create a new episode"),
            E::Full(_) => ("TOO_MANY_EPISODES", "close episodes that are done, or try again when some have expired"),
            E::Taken(_) => ("EPISODE_EXISTS", "choose another id, or leave it out to be given one"),
            E::Name(_) => ("INVALID_NAME", "choose another name"),
            E::Permanent => ("EPISODE_PERMANENT", "reset it with POST /episodes/default/reset"),
            E::NoPolicy { .. } => ("POLICY_NOT_FOUND", "name one that is available"),
            E::Policy { .. } => (
                "POLICY_HAS_MISTAKES",
                "correct the policy's files, or name another policy; `incident-mcp policy check` finds mistakes",
            ),
            E::NoFixtures { .. } => ("FIXTURES_NOT_FOUND", "name a set that is available"),
            E::NoRole { .. } => ("ROLE_NOT_FOUND", "name one that is available, or leave `as_role` out"),
            E::NoTime(_) => ("INVALID_TIME", "write it as YYYY-MM-DDTHH:MM:SS, or leave `clock` out"),
            E::Stuck(StuckError::Fixed) => {
                ("CLOCK_FIXED", "create an episode with the `clock_kind` stepped, or name a policy whose clock is")
            }
            E::Stuck(StuckError::TooOften) => ("TOO_MANY_ADVANCES", "begin another episode, or reset this one"),
            E::Stuck(StuckError::NoDuration(_) | StuckError::NotForward(_) | StuckError::Beyond(_)) => {
                ("INVALID_DURATION", "give a duration that leads forward and not too far, such as PT2H")
            }
            E::Export(ExportError::NoCall { .. }) => {
                ("CALL_NOT_FOUND", "name a call that the journal has, or leave `from` out")
            }
            E::Export(ExportError::Differs { .. }) => {
                ("EXPORT_DIFFERS", "begin at an earlier call, or leave `from` out")
            }
            E::Export(_) => return internal(error),
            E::NoCheckpoint { .. } => ("CHECKPOINT_NOT_FOUND", "name a checkpoint that the episode has"),
            E::Checkpoints => ("TOO_MANY_CHECKPOINTS", "drop a checkpoint, or replace one"),
            E::OwnFile => ("EPISODE_IN_OWN_FILE", "use an episode that was created here"),
            E::Start(StartError::NoSuchUser(_)) => {
                ("ACTOR_NOT_FOUND", "name a user of the fixtures, or leave `actor` out")
            }
            E::Start(StartError::NoAuditTool(_)) => ("NO_AUDIT_TOOL", "set `audit` to automatic or none"),
            E::Start(StartError::OtherState { .. }) => {
                ("OTHER_STATE", "ask for the settings that the state was begun with")
            }
            E::Start(_) | E::Stuck(StuckError::Store(_)) | E::Store(_) | E::Durable(_) | E::Broken(_) => {
                return internal(error);
            }
        };
        let message = match &error {
            // The command line's words of it name an option.
            E::Start(StartError::NoSuchUser(who)) => format!("there is no user with the id or e-mail address {who:?}"),
            error => error.to_string(),
        };
        let status = match &error {
            // The server has no room; this client did not ask too much.
            E::Full(_) => StatusCode::SERVICE_UNAVAILABLE,
            error => status(error.kind()),
        };
        Refusal::new(status, code, message, remedy)
    }
}

/// The status of a kind of refusal.
fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Input => StatusCode::BAD_REQUEST,
        Kind::Reference => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Rule | Kind::Conflict => StatusCode::CONFLICT,
        Kind::Gone => StatusCode::GONE,
        Kind::Precondition => StatusCode::PRECONDITION_FAILED,
        Kind::Limit => StatusCode::TOO_MANY_REQUESTS,
        Kind::Fault => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A failure of ours: logged in full, answered opaquely.
pub fn internal(error: impl Display) -> Refusal {
    tracing::error!("control request failed: {error}");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Refusal::new(status, "INTERNAL", "the server failed; the reason is in its log", "tell whoever runs the server")
}
