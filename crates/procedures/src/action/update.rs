//! Actions that change columns of one record and do nothing else.

/// Declare such an action: its name and record, the columns that can change, and the row that it answers.
macro_rules! update {
    (
        $(#[doc = $about:literal])*
        pub struct $action:ident = $name:literal {
            $key:ident: $id:ident<$record:ident>,
            change_set: $changes:ident,
        }
        $(#[doc = $columns:literal])*
        pub struct $declared:ident { $($fields:tt)* }
        $(#[doc = $row_about:literal])*
        $row:ident
    ) => {
        $crate::action::input::change_set! {
            $(#[doc = $columns])*
            pub struct $declared { $($fields)* }
        }

        $crate::action::input::inputs! {
            $(#[doc = $about])*
            pub struct $action {
                $key: $id<$record>,
                change_set: $changes,
            }
        }

        /// What the change answers.
        #[derive(serde::Serialize, schemars::JsonSchema)]
        pub struct Updated {
            $key: String,
            $(#[doc = $row_about])*
            $row: serde_json::Map<String, serde_json::Value>,
        }

        impl $crate::action::Action for $action {
            const NAME: &'static str = $name;
            const RECORD: &'static records::catalogue::Table = <$record as $crate::action::input::Record>::TABLE;
            const EFFECT: $crate::action::Effect = $crate::action::Effect::Update;
            const COMPUTED: &'static [(&'static str, $crate::action::Computed)] =
                &[("changes", $crate::action::Computed::Integer)];
            type Answer = Updated;

            fn compute(&self, call: &$crate::action::call::Call<'_>) -> $crate::action::Result<Vec<serde_json::Value>> {
                call.changes(self.$key, &self.change_set)
            }

            fn run(self, permit: &$crate::action::call::Permit<'_>) -> $crate::action::Result<Updated> {
                let row = permit.apply(self.$key, &self.change_set)?;
                Ok(Updated { $key: row.key().to_string(), $row: row.to_json() })
            }
        }
    };
}
pub(crate) use update;
