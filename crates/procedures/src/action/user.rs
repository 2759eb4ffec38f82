//! User accounts.

use super::call::{Call, Permit};
use super::input::{Client, Email, Id, Line, Phone, Role, User, UserStatus, Vendor, Word, change_set, inputs};
use super::{Action, Computed, Effect, Result};
use records::catalogue::{Table, USERS};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use store::Row;

change_set! {
    /// The columns of a user that can change.
    pub struct UserChanges {
        name: Line,
        /// Unique e-mail
        email: Email,
        role: Word<Role>,
        department: Line,
        client_id: Id<Client>,
        vendor_id: Id<Vendor>,
        timezone: Line,
        status: Word<UserStatus>,
        first_name: Line,
        last_name: Line,
        phone: Phone,
    }
}

impl UserChanges {
    /// The whole name, where a part of it is given and it is not; none where the other part is not known.
    fn whole_name(&self, user: &Row) -> Option<String> {
        if self.name.is_some() || self.first_name.is_none() && self.last_name.is_none() {
            return None;
        }
        let first = self.first_name.as_ref().map(Line::as_str).or(user.text("first_name"))?;
        let last = self.last_name.as_ref().map(Line::as_str).or(user.text("last_name"))?;
        Some(format!("{first} {last}"))
    }
}

inputs! {
    /// Change a user account.
    pub struct UpdateUser {
        user_id: Id<User>,
        change_set: UserChanges,
    }
}

/// What changing a user answers.
#[derive(Serialize, JsonSchema)]
pub struct Updated {
    user_id: String,
    /// The user as it is now.
    user: Map<String, Json>,
}

impl Action for UpdateUser {
    const NAME: &'static str = "update_user";
    const RECORD: &'static Table = &USERS;
    const EFFECT: Effect = Effect::Update;
    const COMPUTED: &'static [(&'static str, Computed)] = &[("changes", Computed::Integer)];
    type Answer = Updated;

    fn compute(&self, call: &Call<'_>) -> Result<Vec<Json>> {
        call.changes(self.user_id, &self.change_set)
    }

    fn run(self, permit: &Permit<'_>) -> Result<Updated> {
        let user = permit.record(self.user_id)?;
        let mut cells = permit.differing(&user, &self.change_set);
        cells.extend(self.change_set.whole_name(&user).map(|name| ("name", name.into())));
        cells.push(("updated_at", permit.now().into()));
        let user = permit.update(&user, cells)?;
        Ok(Updated { user_id: user.key().to_string(), user: user.to_json() })
    }
}
