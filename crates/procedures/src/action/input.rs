//! The inputs of actions: types that say what a value is, and the description of each input as data.
//!
//! An action declares its inputs once, as a struct inside [`inputs!`](crate::action::input). The struct is what `run`
//! receives; [`Input`] is the same declaration as data, from which the policy writes the tool's JSON Schema.

use records::catalogue::{self as tables, Table};
use serde::de::{Deserialize, Deserializer, Error};
use std::marker::PhantomData;
use store::{Value, parse_id};

/// The most that is accepted of each kind.
pub mod most {
    /// Characters of a line.
    pub const LINE: usize = 200;
    /// Characters of a text.
    pub const TEXT: usize = 10_000;
    /// Minutes, about 190 years: what any two times can lie apart.
    pub const MINUTES: i64 = 100_000_000;
    /// Any other number: more than there is of anything here, and exact in every reader of JSON.
    pub const COUNT: i64 = 1_000_000_000;
    /// A percentage: the whole.
    pub const PERCENTAGE: i64 = 100;
}

/// What kind of value an input takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// The id of a record that must exist.
    Id(&'static Table),
    /// The id of a record that must exist, of the kind that another input names by its entity.
    RecordOf(&'static str),
    /// A word of a vocabulary of the policy.
    Word(&'static str),
    /// A line of text, at most [`most::LINE`] characters.
    Line,
    /// A longer text, at most [`most::TEXT`] characters.
    Text,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A time, or a day for its midnight.
    Timestamp,
    /// A day, or a time for its day.
    Day,
    /// Whole minutes, not negative.
    Minutes,
    /// A whole number, not negative.
    Count,
    /// A percentage, 0 to 100.
    Percentage,
    /// Yes or no.
    Flag,
    /// Columns of the change set that are to have no value. Offered where the policy names any.
    Clear,
    /// The columns of a record to change, at least one of them.
    ChangeSet(&'static [Input]),
}

/// One input of an action.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Name of the argument.
    pub name: &'static str,
    /// What it means, in a few words.
    pub about: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether the action cannot do without it. A policy can demand more.
    pub required: bool,
}

impl Input {
    /// The name under which rules see the record that this input refers to.
    pub fn row_name(&self) -> &'static str {
        self.name.strip_suffix("_id").unwrap_or(self.name)
    }
}

/// A struct of inputs.
pub trait Inputs {
    /// All inputs in the order in which a tool lists them.
    const INPUTS: &'static [Input];
}

/// A type that an input can have.
pub trait InputType {
    /// What it takes.
    const KIND: Kind;
    /// Whether it must be given.
    const REQUIRED: bool = true;
}

impl<T: InputType> InputType for Option<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;
}

/// Declare a struct of inputs; the doc comment of a field, where its name needs one, is what the tool's schema says of it.
#[macro_export]
#[doc(hidden)]
macro_rules! inputs {
    ($(#[doc = $about:literal])* pub struct $name:ident {
        $($(#[doc = $doc:literal])? $field:ident: $type:ty,)*
    }) => {
        $(#[doc = $about])*
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $doc])? $field: $type,)*
        }
        impl $crate::action::input::Inputs for $name {
            const INPUTS: &'static [$crate::action::input::Input] = &[$(
                $crate::action::input::Input {
                    name: stringify!($field),
                    about: concat!($($doc)?).trim_ascii(),
                    kind: <$type as $crate::action::input::InputType>::KIND,
                    required: <$type as $crate::action::input::InputType>::REQUIRED,
                }
            ),*];
        }
    };
}
pub(crate) use inputs;

pub(crate) use super::change_set::change_set;
pub use super::change_set::{CLEAR, ChangeSet, Clear};

/// A record type, for [`Id`].
pub trait Record {
    /// Its table.
    const TABLE: &'static Table;
}

macro_rules! records {
    ($($(#[$doc:meta])* $name:ident = $table:ident;)*) => {$(
        $(#[$doc])* #[derive(Clone, Debug)] pub enum $name {}
        impl Record for $name { const TABLE: &'static Table = &tables::$table; }
    )*};
}
records! {
    /// See [`tables::CLIENTS`].
    Client = CLIENTS;
    /// See [`tables::VENDORS`].
    Vendor = VENDORS;
    /// See [`tables::USERS`].
    User = USERS;
    /// See [`tables::COMPONENTS`].
    Component = COMPONENTS;
    /// See [`tables::INCIDENTS`].
    Incident = INCIDENTS;
    /// See [`tables::CHANGES`].
    ChangeRequest = CHANGES;
}

/// The id of a record of type `T`, known to exist when an action runs.
#[derive(Debug)]
pub struct Id<T>(i64, PhantomData<T>);

impl<T> Id<T> {
    /// The key in the store.
    pub fn key(&self) -> i64 {
        self.0
    }
}
impl<T> Clone for Id<T> {
    fn clone(&self) -> Id<T> {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T: Record> InputType for Id<T> {
    const KIND: Kind = Kind::Id(T::TABLE);
}
impl<T> From<Id<T>> for Value {
    fn from(id: Id<T>) -> Value {
        Value::Integer(id.0)
    }
}
impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Id<T>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let key = parse_id(&text).ok_or_else(|| D::Error::custom("not a record id"))?;
        Ok(Id(key, PhantomData))
    }
}

/// A vocabulary, for [`Word`].
pub trait Vocabulary {
    /// Its name in the policy's `[words]`.
    const NAME: &'static str;
}

macro_rules! vocabularies {
    ($($name:ident = $key:literal;)*) => {$(
        #[doc = concat!("The vocabulary `", $key, "`.")]
        #[derive(Clone, Debug)] pub enum $name {}
        impl Vocabulary for $name { const NAME: &'static str = $key; }
    )*};
}
vocabularies! {
    AuditAction = "audit_action";
    AuditEntity = "audit_entity";
    ChangeStatus = "change_status";
    ChangeType = "change_type";
    IncidentStatus = "incident_status";
    Level = "level";
    MetricType = "metric_type";
    ReportStatus = "report_status";
    ReportType = "report_type";
    RiskLevel = "risk_level";
    Role = "role";
    Severity = "severity";
    UserStatus = "user_status";
}

/// A word of the vocabulary `V`. The code stores words and rarely branches on them; the policy lists them.
#[derive(Clone, Debug)]
pub struct Word<V>(String, PhantomData<V>);

impl<V> Word<V> {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl<V: Vocabulary> InputType for Word<V> {
    const KIND: Kind = Kind::Word(V::NAME);
}
impl<V> From<Word<V>> for Value {
    fn from(word: Word<V>) -> Value {
        Value::Text(word.0)
    }
}
impl<'de, V> Deserialize<'de> for Word<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Word<V>, D::Error> {
        Ok(Word(String::deserialize(deserializer)?, PhantomData))
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($clean:expr);)*) => {$(
        $(#[$doc])* #[derive(Clone, Debug)] pub struct $name(String);
        impl InputType for $name { const KIND: Kind = Kind::$name; }
        impl From<$name> for Value {
            fn from(text: $name) -> Value { Value::Text(text.0) }
        }
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let clean: fn(&str) -> String = $clean;
                Ok($name(clean(&String::deserialize(deserializer)?)))
            }
        }
    )*};
}
texts! {
    /// A title, a name: one line, stored without space around it.
    Line(|text| text.trim().to_owned());
    /// An e-mail address, stored without space around it.
    Email(|text| text.trim().to_owned());
    /// A telephone number, stored without space around it.
    Phone(|text| text.trim().to_owned());
    /// A time, in its canonical form once the tool's arguments are checked.
    Timestamp(|text| text.to_owned());
}

/// The id of a record whose kind the input `entity_type` names.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct EntityId(String);
impl InputType for EntityId {
    const KIND: Kind = Kind::RecordOf("entity_type");
}
impl From<EntityId> for Value {
    fn from(id: EntityId) -> Value {
        Value::Text(id.0)
    }
}

/// Whole minutes.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
pub struct Minutes(pub i64);
impl InputType for Minutes {
    const KIND: Kind = Kind::Minutes;
}
impl From<Minutes> for Value {
    fn from(minutes: Minutes) -> Value {
        Value::Integer(minutes.0)
    }
}

/// A condition that holds or does not.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
pub struct Flag(pub bool);
impl InputType for Flag {
    const KIND: Kind = Kind::Flag;
}
impl From<Flag> for Value {
    fn from(flag: Flag) -> Value {
        flag.0.into()
    }
}
