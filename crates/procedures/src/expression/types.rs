//! What an expression can be made of: the types, and the names in view with theirs.

use super::value::is_instant;
use indexmap::IndexMap;
use records::catalogue::{Column, Kind, Table};
use records::suggest::did_you_mean;
use std::{fmt, sync::Arc};

/// The words of each vocabulary of a policy, by the vocabulary's name.
pub type Vocabularies = IndexMap<String, Arc<[String]>>;

/// The type of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// The literal `null`.
    Null,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A decimal number.
    Double,
    /// Any text.
    Text,
    /// A time as text; times order as their text does.
    Timestamp,
    /// One of these words.
    Word(Arc<[String]>),
    /// String literals. Unlike words, each must be possible wherever it is used, which finds misspellings.
    Literal(Arc<[String]>),
    /// The id of a row of the table, in decimal digits.
    Id(&'static Table),
    /// Several values of one type.
    List(Box<Type>),
    /// A row of the table.
    Row(&'static Table),
    /// Named fields.
    Struct(Arc<Struct>),
    /// A value or null.
    Optional(Box<Type>),
}

/// Named fields that are no table's row, such as a tool's inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// What mistakes call it.
    pub name: String,
    /// The fields in order.
    pub fields: Vec<(String, Type)>,
}

impl Type {
    /// The type of that column of `table`. A vocabulary that the policy leaves out has no words, so that a rule
    /// that compares with one is found.
    pub fn of_column(table: &'static Table, column: &Column, words: &Vocabularies) -> Type {
        let plain = match column.kind {
            Kind::Key => Type::Id(table),
            Kind::Id(target) => Type::Id(target),
            Kind::Text | Kind::Phone => Type::Text,
            Kind::Word(name) => Type::Word(words.get(name).cloned().unwrap_or_default()),
            Kind::Timestamp | Kind::Date => Type::Timestamp,
            Kind::Integer => Type::Int,
            Kind::Real => Type::Double,
            Kind::Bool => Type::Bool,
        };
        if column.nullable { plain.optional() } else { plain }
    }
    /// Named fields.
    pub fn of_fields(name: &str, fields: impl IntoIterator<Item = (String, Type)>) -> Type {
        Type::Struct(Arc::new(Struct { name: name.to_owned(), fields: fields.into_iter().collect() }))
    }
    /// The same type, or null.
    pub fn optional(self) -> Type {
        if self.nullable() { self } else { Type::Optional(Box::new(self)) }
    }
    /// Whether null is one of its values.
    pub fn nullable(&self) -> bool {
        matches!(self, Type::Optional(_) | Type::Null)
    }
    /// The same type without null.
    pub fn plain(&self) -> &Type {
        if let Type::Optional(plain) = self { plain } else { self }
    }
    /// Whether its values are text of the writer's choice: neither an id nor a time.
    pub fn textual(&self) -> bool {
        matches!(self, Type::Text | Type::Word(_) | Type::Literal(_))
    }
    /// Whether a message can show it.
    pub fn printable(&self) -> bool {
        match self {
            Type::Null | Type::Row(_) | Type::Struct(_) | Type::Optional(_) => false,
            Type::List(item) => item.printable(),
            _ => true,
        }
    }
    /// Why a value of this type can never be `literal`.
    pub(super) fn refuses(&self, literal: &str) -> Option<String> {
        match self.plain() {
            Type::Text | Type::Literal(_) => None,
            Type::Word(words) if words.iter().any(|word| word == literal) => None,
            Type::Word(words) if words.is_empty() => {
                Some(format!("'{literal}' is no word here: the policy lists no words for this column"))
            }
            Type::Word(words) => Some(format!(
                "'{literal}' is none of {}{}",
                words.join(", "),
                did_you_mean(literal, words.iter().map(String::as_str))
            )),
            Type::Timestamp if is_instant(literal) => None,
            Type::Timestamp => Some(format!("'{literal}' is no time: write it as YYYY-MM-DDTHH:MM:SS")),
            Type::Id(_) if !literal.is_empty() && literal.bytes().all(|byte| byte.is_ascii_digit()) => None,
            Type::Id(table) => Some(format!("'{literal}' is no id of {}: ids are decimal digits", table.name)),
            other => Some(format!("{other} is never '{literal}'")),
        }
    }
    /// Whether some value has both types. Literals are the business of [`Type::refuses`].
    pub(super) fn meets(&self, other: &Type) -> bool {
        match (self.plain(), other.plain()) {
            (Type::Word(a) | Type::Literal(a), Type::Word(b) | Type::Literal(b)) => {
                a.iter().any(|word| b.contains(word))
            }
            (Type::Text, b) => b.textual() || matches!(b, Type::Id(_)),
            (a, Type::Text) => a.textual() || matches!(a, Type::Id(_)),
            (Type::Int | Type::Double, Type::Int | Type::Double) => true,
            (Type::Row(_) | Type::Struct(_) | Type::List(_), _) => false,
            (a, b) => a == b,
        }
    }
    /// Why a value of this type cannot stand where `wanted` is wanted.
    pub(super) fn misfit(&self, wanted: &Type) -> Option<String> {
        let fits = match (self, wanted) {
            (Type::Null, _) => wanted.nullable(),
            (Type::Optional(a), Type::Optional(b)) => return a.misfit(b),
            (a, Type::Optional(b)) => return a.misfit(b),
            (Type::Literal(words), _) => return words.iter().find_map(|word| wanted.refuses(word)),
            (Type::Word(a), Type::Word(b)) => a.iter().all(|word| b.contains(word)),
            (Type::Word(_) | Type::Id(_), Type::Text) | (Type::Int, Type::Double) => true,
            (Type::List(a), Type::List(b)) => return a.misfit(b),
            (a, b) => a == b,
        };
        (!fits).then(|| format!("this is {self}, not {wanted}"))
    }
    /// The type of a value that has one of the two.
    pub(super) fn join(self, other: Type) -> Option<Type> {
        Some(match (self, other) {
            (Type::Null, t) | (t, Type::Null) => t.optional(),
            (Type::Optional(a), b) | (b, Type::Optional(a)) => a.join(b.plain().clone())?.optional(),
            (a, b) if a == b => a,
            (Type::Literal(a), Type::Literal(b)) => Type::Literal(union(&a, &b)),
            (Type::Word(a) | Type::Literal(a), Type::Word(b) | Type::Literal(b)) => Type::Word(union(&a, &b)),
            (a, b) if a.textual() && b.textual() => Type::Text,
            (Type::Int | Type::Double, Type::Int | Type::Double) => Type::Double,
            _ => return None,
        })
    }
    /// The names of the fields that it has.
    pub(super) fn fields(&self) -> Vec<&str> {
        match self {
            Type::Row(table) => (table.columns.iter())
                .flat_map(|column| [Some(column.name), column.name.strip_suffix("_id")])
                .flatten()
                .filter(|name| table.column(name).is_some() || link(table, name).is_some())
                .collect(),
            Type::Struct(of) => of.fields.iter().map(|(name, _)| name.as_str()).collect(),
            _ => vec![],
        }
    }
}

fn union(a: &[String], b: &[String]) -> Arc<[String]> {
    a.iter().chain(b.iter().filter(|word| !a.contains(word))).cloned().collect()
}

/// Where a row's field leads to another row: the position of the column with the id, and its table.
///
/// `client` leads on by `client_id`. A column of ids that is not called so, such as `requesting_user`, leads on
/// itself: alone it is the id, and with a further field it is the row. A column wins where the names clash.
pub fn link(table: &'static Table, field: &str) -> Option<(usize, &'static Table)> {
    let at = match table.position(field) {
        Some(at) => Some(at).filter(|_| !field.ends_with("_id")),
        None => table.columns.iter().position(|column| column.name.strip_suffix("_id") == Some(field)),
    }?;
    match table.columns[at].kind {
        Kind::Id(target) => Some((at, target)),
        _ => None,
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Type::Null => write!(f, "null"),
            Type::Bool => write!(f, "true or false"),
            Type::Int => write!(f, "a whole number"),
            Type::Double => write!(f, "a number"),
            Type::Text => write!(f, "text"),
            Type::Timestamp => write!(f, "a time"),
            Type::Word(words) => write!(f, "one of {}", words.join(", ")),
            Type::Literal(words) => write!(f, "'{}'", words.join("' or '")),
            Type::Id(table) => write!(f, "an id of {}", table.name),
            Type::List(item) => write!(f, "a list of {item}"),
            Type::Row(table) => write!(f, "a row of {}", table.name),
            Type::Struct(of) => write!(f, "{}", of.name),
            Type::Optional(plain) => write!(f, "{plain} or null"),
        }
    }
}

/// The names that an expression can use, with their types, in the order in which they came into view.
#[derive(Clone, Debug)]
pub struct Scope<'w> {
    names: IndexMap<String, Type>,
    words: &'w Vocabularies,
}

impl<'w> Scope<'w> {
    /// No names yet. `words` gives the words of the columns of rows.
    pub fn new(words: &'w Vocabularies) -> Scope<'w> {
        Scope { names: IndexMap::new(), words }
    }
    /// Brings a name into view, in place of an earlier one of that name.
    pub fn bind(&mut self, name: &str, of: Type) {
        self.names.insert(name.to_owned(), of);
    }
    /// The type of that name.
    pub fn get(&self, name: &str) -> Option<&Type> {
        self.names.get(name)
    }
    /// All names in view.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }
    /// The words of the columns of rows.
    pub fn words(&self) -> &'w Vocabularies {
        self.words
    }
    pub(super) fn column(&self, table: &'static Table, name: &str) -> Option<Type> {
        table.column(name).map(|column| Type::of_column(table, column, self.words))
    }
}
