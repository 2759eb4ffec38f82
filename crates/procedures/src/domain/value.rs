//! Where the values of a plain action come from, as its author writes them.

use crate::action::plain::Source;
use crate::expression::Expression;
use crate::mistake::{At, Mistake};
use records::catalogue::{Column, Kind, USERS};
use records::time;

/// Read a value for a column: `now`, `actor.user_id`, `'a word'`, or any other expression.
pub(super) fn source(column: &Column, text: &At<String>, mistakes: &mut Vec<Mistake>) -> Option<Source> {
    let wrong = |message: String| text.mistake(format!("{}: {message}", column.name));
    let source = match text.value.trim() {
        "now" => Source::Now,
        "actor.user_id" => Source::Actor,
        written => match literal(written) {
            Some(literal) => Source::Literal(literal.to_owned()),
            None => match Expression::parse(written) {
                Ok(expression) => Source::Expression(expression),
                Err(found) => {
                    mistakes.extend(found.into_iter().map(|found| wrong(found.message)));
                    return None;
                }
            },
        },
    };
    let fits = match (&source, column.kind) {
        (Source::Now, kind) => matches!(kind, Kind::Timestamp | Kind::Date),
        (Source::Actor, kind) => matches!(kind, Kind::Id(table) if *table == USERS),
        (Source::Literal(text), Kind::Timestamp) => time::canonical(text).is_some_and(|canonical| canonical == *text),
        (Source::Literal(_), kind) => matches!(kind, Kind::Text | Kind::Word(_) | Kind::Phone),
        (Source::Expression(_), _) => true,
    };
    if !fits {
        mistakes.push(wrong(format!("`{}` is no value that the column can hold", text.value)));
    }
    fits.then_some(source)
}

/// The text between quotation marks, where the whole is one.
fn literal(written: &str) -> Option<&str> {
    let inner = written.strip_prefix('\'')?.strip_suffix('\'')?;
    (!inner.contains(['\'', '\\'])).then_some(inner)
}
