//! Values in the type that a column or an input of ours has, where the environment has them in another.

use super::moment::Moment;
use procedures::action::input::Kind as InputKind;
use records::catalogue::Kind as ColumnKind;
use records::time;
use serde_json::{Number, Value as Json};

/// The types that values are brought to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Type {
    Text,
    Id,
    Whole,
    Decimal,
    Flag,
    Time,
    /// As it is given.
    Same,
}

impl From<ColumnKind> for Type {
    fn from(kind: ColumnKind) -> Type {
        match kind {
            ColumnKind::Key | ColumnKind::Id(_) => Type::Id,
            ColumnKind::Text | ColumnKind::Phone | ColumnKind::Word(_) => Type::Text,
            ColumnKind::Timestamp | ColumnKind::Date => Type::Time,
            ColumnKind::Integer => Type::Whole,
            ColumnKind::Real => Type::Decimal,
            ColumnKind::Bool => Type::Flag,
        }
    }
}

impl From<InputKind> for Type {
    fn from(kind: InputKind) -> Type {
        match kind {
            InputKind::Id(_) | InputKind::RecordOf(_) => Type::Id,
            InputKind::Word(_) | InputKind::Line | InputKind::Text | InputKind::Email | InputKind::Phone => Type::Text,
            InputKind::Timestamp | InputKind::Day => Type::Time,
            InputKind::Minutes | InputKind::Count => Type::Whole,
            InputKind::Percentage => Type::Decimal,
            // Without a column it is a condition of the environment's code, for which any text may count as true.
            InputKind::Flag | InputKind::Clear | InputKind::ChangeSet(_) => Type::Same,
        }
    }
}

impl Type {
    /// The value in this type; as it is where it says no such thing.
    pub fn of(self, value: &Json) -> Json {
        let made = match (self, value) {
            (Type::Text | Type::Id, Json::Number(number)) => Some(number.to_string().into()),
            (Type::Text, Json::Bool(flag)) => Some(if *flag { "True" } else { "False" }.into()),
            (Type::Whole, Json::String(text)) => text.trim().parse::<i64>().ok().map(Into::into),
            (Type::Whole, Json::Number(number)) => whole(number).map(Into::into),
            (Type::Decimal, Json::String(text)) => decimal(text),
            (Type::Flag, Json::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
                "true" => Some(true.into()),
                "false" => Some(false.into()),
                _ => None,
            },
            (Type::Flag, Json::Number(number)) => match whole(number) {
                Some(1) => Some(true.into()),
                Some(0) => Some(false.into()),
                _ => None,
            },
            (Type::Time, Json::String(text)) if !time::is_time(text) => {
                Moment::read(text.trim()).map(|moment| moment.stored().into())
            }
            _ => None,
        };
        made.unwrap_or_else(|| value.clone())
    }
}

/// A number without a fraction, however it is written.
fn whole(number: &Number) -> Option<i64> {
    /// Up to here every whole decimal number is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let exact = |n: &f64| n.fract() == 0.0 && n.abs() < EXACT;
    number.as_i64().or_else(|| number.as_f64().filter(exact).map(|n| n as i64))
}

/// A decimal number, which may be a percentage.
fn decimal(text: &str) -> Option<Json> {
    let text = text.trim();
    let text = text.strip_suffix('%').map_or(text, str::trim_end);
    // Other texts that the library reads, such as `inf`, are no numbers here.
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
    text.parse::<f64>().ok().filter(|_| plain).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_brought_to_the_type_of_their_column() {
        for (of, came, value) in [
            (Type::Text, json!(5), json!("5")),
            (Type::Text, json!(true), json!("True")),
            (Type::Text, json!(" as it is "), json!(" as it is ")),
            (Type::Id, json!(12), json!("12")),
            (Type::Whole, json!("240"), json!(240)),
            (Type::Whole, json!(" -3 "), json!(-3)),
            (Type::Whole, json!(5.0), json!(5)),
            (Type::Whole, json!(5.5), json!(5.5)),
            (Type::Whole, json!("5.5"), json!("5.5")),
            (Type::Whole, json!("many"), json!("many")),
            (Type::Decimal, json!("99.9"), json!(99.9)),
            (Type::Decimal, json!("99.90 %"), json!(99.9)),
            (Type::Decimal, json!("99%"), json!(99.0)),
            (Type::Decimal, json!("inf"), json!("inf")),
            (Type::Decimal, json!("nan%"), json!("nan%")),
            (Type::Decimal, json!("%"), json!("%")),
            (Type::Flag, json!("True"), json!(true)),
            (Type::Flag, json!("false"), json!(false)),
            (Type::Flag, json!(1), json!(true)),
            (Type::Flag, json!(0.0), json!(false)),
            (Type::Flag, json!(2), json!(2)),
            (Type::Flag, json!("yes"), json!("yes")),
            (Type::Time, json!("2025-09-02 05:10"), json!("2025-09-02T05:10:00")),
            (Type::Time, json!(" 2025-09-02 "), json!("2025-09-02T00:00:00")),
            (Type::Time, json!("soon"), json!("soon")),
        ] {
            assert_eq!(of.of(&came), value, "{of:?} {came}");
        }
    }
}
