//! Comparing a recorded answer with ours.

use super::model::{AnswerDifference, Comparison};
use records::time;
use serde_json::{Map, Value as Json};

/// How closely a recorded answer must agree with ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closeness {
    /// To the byte of its compact JSON.
    Exact,
    /// In its meaning.
    Canonical,
    /// It need not: answers are not compared.
    Ignored,
}

impl Closeness {
    /// All of them, by name.
    pub const NAMES: [(&'static str, Closeness); 3] =
        [("exact", Closeness::Exact), ("canonical", Closeness::Canonical), ("ignored", Closeness::Ignored)];

    /// The closeness of that name.
    pub fn named(name: &str) -> Option<Closeness> {
        Closeness::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, closeness)| closeness)
    }

    /// Whether an answer that compares so is taken to be ours.
    pub fn admits(self, comparison: Comparison) -> bool {
        match self {
            Closeness::Exact => comparison <= Comparison::Exact,
            Closeness::Canonical => comparison <= Comparison::Canonical,
            Closeness::Ignored => true,
        }
    }
}

/// How two answers compare whose texts are not the same, and where they first differ in their meaning.
pub fn compare(recorded: &Json, replayed: &Json) -> (Comparison, Option<AnswerDifference>) {
    let Some(difference) = first_difference(recorded, replayed, &mut String::new()) else {
        return (Comparison::Canonical, None);
    };
    let comparison = if alone(recorded, replayed) { Comparison::Shape } else { Comparison::Different };
    (comparison, Some(difference))
}

/// Whether one of both is a list of the other alone.
fn alone(one: &Json, other: &Json) -> bool {
    let same = |list: &Json, row: &Json| match list.as_array().map(Vec::as_slice) {
        Some([only]) => row.is_object() && same(only, row),
        _ => false,
    };
    same(one, other) || same(other, one)
}

/// Whether two values mean the same.
pub fn same(one: &Json, other: &Json) -> bool {
    first_difference(one, other, &mut String::new()).is_none()
}

/// A null is as good as nothing, a day as its midnight, a time with `Z` as one without, 99 as 99.0. Order counts in lists.
fn first_difference(recorded: &Json, replayed: &Json, at: &mut String) -> Option<AnswerDifference> {
    let differ = |at: &str| {
        Some(AnswerDifference { pointer: at.to_owned(), recorded: recorded.into(), replayed: replayed.into() })
    };
    match (recorded, replayed) {
        (Json::Object(one), Json::Object(other)) => {
            let more = other.keys().filter(|key| !one.contains_key(*key));
            one.keys().chain(more).find_map(|key| {
                let (one, other) = (cell(one, key), cell(other, key));
                within(at, &key.replace('~', "~0").replace('/', "~1"), |at| first_difference(one, other, at))
            })
        }
        (Json::Array(one), Json::Array(other)) => {
            let mut pairs = one.iter().zip(other).enumerate();
            let inside = pairs.find_map(|(number, (one, other))| {
                within(at, &number.to_string(), |at| first_difference(one, other, at))
            });
            inside.or_else(|| if one.len() == other.len() { None } else { longer(one, other, at) })
        }
        (Json::Number(one), Json::Number(other)) => match one == other || one.as_f64() == other.as_f64() {
            true => None,
            false => differ(at),
        },
        (Json::String(one), Json::String(other)) => match one == other || same_time(one, other) {
            true => None,
            false => differ(at),
        },
        _ if recorded == replayed => None,
        _ => differ(at),
    }
}

/// The first item that only one of two lists has.
fn longer(recorded: &[Json], replayed: &[Json], at: &str) -> Option<AnswerDifference> {
    let place = recorded.len().min(replayed.len());
    let item = |list: &[Json]| list.get(place).unwrap_or(&Json::Null).into();
    Some(AnswerDifference { pointer: format!("{at}/{place}"), recorded: item(recorded), replayed: item(replayed) })
}

fn cell<'a>(object: &'a Map<String, Json>, key: &str) -> &'a Json {
    object.get(key).unwrap_or(&Json::Null)
}

fn within<T>(at: &mut String, step: &str, look: impl FnOnce(&mut String) -> T) -> T {
    let length = at.len();
    at.push('/');
    at.push_str(step);
    let found = look(at);
    at.truncate(length);
    found
}

fn same_time(one: &str, other: &str) -> bool {
    // Most texts are none, and the first character tells.
    one.starts_with(|c: char| c.is_ascii_digit()) && time::is_time(one) && time::parse(one) == time::parse(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_compare_by_what_they_mean() {
        use Comparison::{Canonical, Different, Shape};
        let row = json!({"id": "1", "at": "2025-09-01T00:00:00", "share": 99});
        let cases = [
            (row.clone(), Canonical, None),
            (json!({"share": 99, "id": "1", "at": "2025-09-01T00:00:00"}), Canonical, None),
            (json!({"id": "1", "at": "2025-09-01", "share": 99.0, "note": null}), Canonical, None),
            (json!({"id": "1", "at": "2025-09-01T00:00:00Z", "share": 99}), Canonical, None),
            (json!([{"id": "1", "at": "2025-09-01", "share": 99}]), Shape, Some("")),
            (json!({"id": "1", "at": "2025-09-02", "share": 99}), Different, Some("/at")),
            (json!({"id": "1", "at": "2025-09-01", "share": "99"}), Different, Some("/share")),
            (json!({"id": "1", "at": "2025-09-01"}), Different, Some("/share")),
            (json!([]), Different, Some("")),
            (json!("text"), Different, Some("")),
        ];
        for (recorded, comparison, place) in cases {
            let (found, difference) = compare(&recorded, &row);
            assert_eq!((found, difference.as_ref().map(|d| d.pointer.as_str())), (comparison, place), "{recorded}");
        }
    }

    #[test]
    fn lists_compare_in_order_and_length() {
        let place = |one: Json, other: Json| compare(&one, &other).1.map(|d| d.pointer);
        assert_eq!(place(json!([1, 2]), json!([1, 2])), None);
        assert_eq!(place(json!([1, 2]), json!([2, 1])).as_deref(), Some("/0"));
        assert_eq!(place(json!([1]), json!([1, {"a/b": 2}])).as_deref(), Some("/1"));
        assert_eq!(place(json!([{"a/b": 1}]), json!([{"a/b": 2}])).as_deref(), Some("/0/a~1b"));
    }
}
