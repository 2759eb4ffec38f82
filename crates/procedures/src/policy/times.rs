//! Arguments that are times, in the form in which they are compared and stored.

use crate::action::input::{Input, Kind};
use records::time;
use serde_json::{Map, Value as Json};

/// Bring the times among arguments that were checked to their canonical form, so that rules, actions and the store know one
/// text for one moment.
pub(super) fn canonical(inputs: &'static [Input], arguments: &mut Map<String, Json>) {
    for input in inputs {
        let form = match input.kind {
            Kind::Timestamp => time::canonical,
            Kind::Day => time::day,
            Kind::ChangeSet(columns) => {
                if let Some(Json::Object(set)) = arguments.get_mut(input.name) {
                    canonical(columns, set);
                }
                continue;
            }
            _ => continue,
        };
        if let Some(Json::String(text)) = arguments.get_mut(input.name)
            && let Some(one) = form(text)
        {
            *text = one;
        }
    }
}
