//! What a call is made in: for whom, as whom, when, and how it is judged. A transport makes one for each call; nothing below
//! reads a clock, an environment or anything else that changes by itself.

use super::{Episode, Mode};
use procedures::policy::Audit;

/// Whose records a call sees and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope(());

impl Scope {
    /// All that an episode has: a world with one tenant.
    pub const SOLE: Scope = Scope(());
}

/// Who was let in to make a call, which is not who acts in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Whoever runs the program: an evaluator, the command line.
    Host,
    /// An agent, by an episode's address.
    Agent,
}

/// What a transport knows of a call before its turn has come.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who was let in.
    pub principal: Principal,
    /// The key under which the call may be repeated.
    pub key: Option<String>,
}

impl Caller {
    /// Whoever runs the program.
    pub fn host(key: Option<&str>) -> Caller {
        Caller { principal: Principal::Host, key: key.map(str::to_owned) }
    }
}

/// What one call is made in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose records it sees and writes.
    pub scope: Scope,
    /// Who was let in.
    pub principal: Principal,
    /// The user who acts, unless the call names one itself.
    pub actor: Option<i64>,
    /// What time it is, all through the call.
    pub now: String,
    /// What happens where a rule would halt it.
    pub mode: Mode,
    /// Who writes the audit entry that it owes.
    pub audit: Audit,
    /// The key under which it may be repeated.
    pub key: Option<String>,
}

impl Episode {
    /// The session of a call whose turn has come.
    pub fn session(&self, caller: Caller) -> Session {
        let Caller { principal, key } = caller;
        let (actor, mode, audit) = (self.actor, self.mode, self.audit);
        Session { scope: Scope::SOLE, principal, actor, now: self.now().to_owned(), mode, audit, key }
    }
}
