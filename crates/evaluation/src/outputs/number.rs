//! Numbers as people write them.

use super::token::Token;

/// A number, whose text is the same for equal ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    value: String,
    unit: Option<Unit>,
}

/// What a number counts, where a sign can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Hundredths.
    Percent,
    /// Money, by its sign.
    Money(char),
}

/// Words and signs that say the same.
const UNITS: [(&str, Unit); 13] = [
    ("%", Unit::Percent),
    ("percent", Unit::Percent),
    ("pct", Unit::Percent),
    ("$", Unit::Money('$')),
    ("usd", Unit::Money('$')),
    ("dollars", Unit::Money('$')),
    ("€", Unit::Money('€')),
    ("eur", Unit::Money('€')),
    ("euros", Unit::Money('€')),
    ("£", Unit::Money('£')),
    ("gbp", Unit::Money('£')),
    ("pounds", Unit::Money('£')),
    ("¥", Unit::Money('¥')),
];

/// What is written at once after a number and leaves it the number that it is: 12min. Not `k` or `m`, which make it greater.
const AFTER: [&str; 19] = [
    "ms", "s", "sec", "secs", "min", "mins", "minutes", "h", "hr", "hrs", "hours", "d", "days", "kb", "mb", "gb",
    "usd", "eur", "gbp",
];

/// Letters of a word behind a hyphen: 12-minute. With fewer it is an id: 12-a.
const WORD: usize = 3;

impl Number {
    /// Read a number; none where the text is not just one.
    pub fn read(text: &str) -> Option<Number> {
        let (minus, text) = match text.strip_prefix('-') {
            Some(text) => ("-", text),
            None => ("", text),
        };
        let unit = text.chars().next().and_then(Unit::sign);
        let text = if unit.is_some() { text.trim_start_matches(|c| Unit::sign(c).is_some()) } else { text };
        let (whole, fraction) = halves(text)?;
        // 007 is no number but a name.
        if whole.is_empty() && fraction.is_empty() || whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let whole = if whole.is_empty() { "0" } else { &whole };
        let fraction = fraction.trim_end_matches('0');
        let value = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
        let value = if value == "0" { value } else { format!("{minus}{value}") };
        Some(Number { value, unit })
    }

    /// Whether this, where it was said, tells that, where it is required: without a unit any will do.
    pub fn tells(&self, required: &Number) -> bool {
        self.value == required.value && (required.unit.is_none() || self.unit == required.unit)
    }
}

/// The digits before and behind the decimal point. Digits are grouped by threes.
fn halves(text: &str) -> Option<(String, String)> {
    for (group, points) in [(',', &['.'][..]), ('\'', &['.']), ('\u{a0}', &['.', ',']), ('.', &[','])] {
        let (whole, fraction) = match text.split_once(points) {
            Some((_, "")) => continue,
            Some((whole, fraction)) => (whole, fraction),
            // Points that group are only told from one that divides by a comma behind them.
            None if group == '.' => continue,
            None => (text, ""),
        };
        let mut groups = whole.split(group);
        let first = groups.next().unwrap_or_default();
        let rest: Vec<&str> = groups.collect();
        let grouped = !rest.is_empty();
        let fits = digits(fraction)
            && digits(first)
            && rest.iter().all(|group| group.len() == 3 && digits(group))
            && (!grouped || (1..=3).contains(&first.len()) && first != "0");
        // A comma divides only behind groups: else it would be a list.
        let divides = points.contains(&',') && text.contains(',');
        if fits && (grouped || !divides) {
            return Some((format!("{first}{}", rest.concat()), fraction.to_owned()));
        }
    }
    None
}

fn digits(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}

/// Whether that is a word, and no letter of an id.
pub fn letters(text: &str) -> bool {
    text.chars().take_while(|c| c.is_alphabetic()).count() >= WORD
}

impl Unit {
    /// The unit that a sign before a number stands for.
    pub fn sign(c: char) -> Option<Unit> {
        UNITS.iter().find(|(sign, unit)| *unit != Unit::Percent && sign.chars().eq([c])).map(|(_, unit)| *unit)
    }

    /// Whether a word may be written at once after a number.
    pub fn follows(word: &str) -> bool {
        AFTER.contains(&word)
    }

    fn of(token: &Token) -> Option<Unit> {
        let named = |name: &str| UNITS.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit);
        match token {
            Token::Word(word) => named(word),
            Token::Mark(mark) => named(mark.encode_utf8(&mut [0; 4])),
            Token::Number(_) | Token::Whole(_) => None,
        }
    }

    /// Give numbers the units and the minus that stand beside them, and leave these out.
    pub fn join(tokens: &mut Vec<Token>) {
        let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
        for token in tokens.drain(..) {
            match (joined.last_mut(), &token) {
                // 12 %, 12 percent, 12 USD
                (Some(Token::Number(number)), _) if number.unit.is_none() && Unit::of(&token).is_some() => {
                    number.unit = Unit::of(&token);
                }
                // $12, USD 12, minus 12
                (Some(before), Token::Number(number)) => {
                    let unit = Unit::of(before).filter(|unit| *unit != Unit::Percent && number.unit.is_none());
                    let minus = matches!(before, Token::Word(word) if word == "minus" || word == "negative");
                    let value = if minus { format!("-{}", number.value) } else { number.value.clone() };
                    if unit.is_some() || minus {
                        *before = Token::Number(Number { value, unit: unit.or(number.unit) });
                    } else {
                        joined.push(token);
                    }
                }
                _ => joined.push(token),
            }
        }
        *tokens = joined;
    }
}
