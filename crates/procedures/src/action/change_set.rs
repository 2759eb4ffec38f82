//! Columns to change and their new values: one input of the actions that change a record.

use super::input::{InputType, Kind};
use store::Value;

/// Declare the struct of a change set: every field is optional, and [`ChangeSet::cells`] yields those given.
macro_rules! change_set {
    ($(#[doc = $about:literal])* pub struct $name:ident {
        $($(#[doc = $doc:literal])? $field:ident: $type:ty,)*
    }) => {
        $crate::action::input::inputs! {
            $(#[doc = $about])* pub struct $name {
                $($(#[doc = $doc])? $field: Option<$type>,)*
                clear: Option<$crate::action::input::Clear>,
            }
        }
        impl $crate::action::input::InputType for $name {
            const KIND: $crate::action::input::Kind =
                $crate::action::input::Kind::ChangeSet(<$name as $crate::action::input::Inputs>::INPUTS);
        }
        impl $crate::action::input::ChangeSet for $name {
            fn cells(&self) -> Vec<(&'static str, store::Value)> {
                let mut cells = Vec::new();
                $(if let Some(value) = &self.$field {
                    cells.push((stringify!($field), value.clone().into()));
                })*
                if let Some(clear) = &self.clear {
                    $(if clear.names(stringify!($field)) {
                        cells.push((stringify!($field), store::Value::Null));
                    })*
                }
                cells
            }
        }
    };
}
pub(crate) use change_set;

/// Columns to change and their new values.
pub trait ChangeSet {
    /// The given columns, in the order of the declaration.
    fn cells(&self) -> Vec<(&'static str, Value)>;
}

/// The name of the input that is a [`Clear`], in every change set.
pub const CLEAR: &str = "clear";

/// Columns that are to have no value.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Clear(Vec<String>);
impl Clear {
    /// Whether this column is one of them.
    pub fn names(&self, column: &str) -> bool {
        self.0.iter().any(|name| name == column)
    }
}
impl InputType for Clear {
    const KIND: Kind = Kind::Clear;
}
