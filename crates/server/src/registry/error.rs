//! Why the registry refuses.

use super::{CHECKPOINTS, NAME_LENGTH};
use calls::{CallError, ExportError, StartError, StuckError};
use procedures::halt::Kind;
use store::Fault;

/// Why the registry refuses.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no such episode.
    #[error("there is no episode {0:?}")]
    NotFound(String),
    /// There was one, and it has ended.
    #[error("episode {0:?} has ended: it was closed, or was not called for longer than its time-to-live")]
    Ended(String),
    /// The cap is reached.
    #[error("{0} episodes are live, which is the most that this server keeps")]
    Full(usize),
    /// The name is in use.
    #[error("there is an episode {0:?} already")]
    Taken(String),
    /// The name is not one.
    #[error(
        "{0:?} is not a name: letters, digits, '-', '_' and '.', at most {NAME_LENGTH} of them, the first and the last no '.', and no device of any platform, such as con"
    )]
    Name(String),
    /// The default episode lives as long as the server.
    #[error("the default episode ends with the server; reset it instead")]
    Permanent,
    /// There is no such policy.
    #[error("there is no policy {name:?}{hint}; available: {available}")]
    NoPolicy {
        /// The name that was asked for.
        name: String,
        /// The name that was probably meant, as a question.
        hint: String,
        /// All names.
        available: String,
    },
    /// The policy's files have mistakes.
    #[error("policy {name} has mistakes:\n{mistakes}")]
    Policy {
        /// The policy.
        name: String,
        /// What is wrong, a line each.
        mistakes: String,
    },
    /// There is no such set of fixtures.
    #[error("there are no fixtures {name:?}{hint}; available: {available}")]
    NoFixtures {
        /// The name that was asked for.
        name: String,
        /// The name that was probably meant, as a question.
        hint: String,
        /// All names.
        available: String,
    },
    /// The policy has no such role.
    #[error("the policy has no role {name:?}{hint}; available: {available}")]
    NoRole {
        /// The name that was asked for.
        name: String,
        /// The name that was probably meant, as a question.
        hint: String,
        /// All names.
        available: String,
    },
    /// A clock cannot begin with that.
    #[error("{0:?} is not a time such as \"2025-09-25T12:00:00\"")]
    NoTime(String),
    /// The clock was not moved.
    #[error(transparent)]
    Stuck(#[from] StuckError),
    /// The episode cannot be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// There is no such checkpoint.
    #[error("the episode has no checkpoint {name:?}; it has: {available}")]
    NoCheckpoint {
        /// The name that was asked for.
        name: String,
        /// All names.
        available: String,
    },
    /// The episode has as many checkpoints as it may.
    #[error("the episode has {CHECKPOINTS} checkpoints, which is the most that are kept")]
    Checkpoints,
    /// The state is in a file of its own.
    #[error("the episode's state is a file of its own, which cannot be copied, reset or compared")]
    OwnFile,
    /// The episode could not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store failed.
    #[error("store: {0}")]
    Store(#[from] Fault),
    /// What was done could not be made durable, and was undone.
    #[error("the state directory: {0}")]
    Durable(String),
    /// A thread failed.
    #[error("a thread failed: {0}")]
    Broken(String),
}

impl RegistryError {
    /// What sort of refusal it is.
    pub fn kind(&self) -> Kind {
        use RegistryError as E;
        match self {
            E::NotFound(_) | E::NoCheckpoint { .. } => Kind::NotFound,
            E::Ended(_) => Kind::Gone,
            E::Full(_) => Kind::Limit,
            E::Taken(_) | E::Permanent | E::Checkpoints | E::OwnFile => Kind::Conflict,
            E::Name(_) | E::NoPolicy { .. } | E::Policy { .. } | E::NoFixtures { .. } => Kind::Input,
            E::NoRole { .. } | E::NoTime(_) => Kind::Input,
            E::Stuck(error) => error.kind(),
            E::Export(error) => error.kind(),
            E::Start(StartError::NoSuchUser(_) | StartError::NoAuditTool(_)) => Kind::Input,
            E::Start(StartError::OtherState { .. }) => Kind::Conflict,
            E::Start(_) | E::Store(_) | E::Durable(_) | E::Broken(_) => Kind::Fault,
        }
    }
}

/// Why a live episode did not answer a call.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The call could not be one.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The episode ended before the call's turn came.
    #[error("episode {0:?} has ended")]
    Ended(String),
    /// The call could not be made durable, and was undone.
    #[error("the call could not be kept, and nothing was written: {0}")]
    Durable(String),
}

impl LiveError {
    /// What sort of refusal it is.
    pub fn kind(&self) -> Kind {
        match self {
            LiveError::Call(error) => error.kind(),
            LiveError::Ended(_) => Kind::Gone,
            LiveError::Durable(_) => Kind::Fault,
        }
    }
}
