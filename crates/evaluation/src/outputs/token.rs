//! A text taken apart into words, numbers, and what stands between them.

use super::number::{Number, Unit, letters};

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word, in lower case.
    Word(String),
    /// A number that stands for itself.
    Number(Number),
    /// Digits that are part of something else, which only counts as a whole: an id, a date, a time, a version, a range.
    Whole(String),
    /// Punctuation and signs that can matter within a phrase.
    Mark(char),
}

/// Where digits begin in scripts that people write numbers in.
const ZEROS: [u32; 6] = [0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0xFF10];

/// Spaces that do not break a line, or are thin: people group digits with them.
const GROUPING: [char; 4] = ['\u{a0}', '\u{202f}', '\u{2009}', '\u{2007}'];

/// A space between the groups of a number, once [`plain`] has gone over it.
const GROUP: char = '\u{a0}';

impl Token {
    /// Whether this, in what was said, tells that, in what is required.
    pub fn tells(&self, required: &Token) -> bool {
        match (self, required) {
            (Token::Number(said), Token::Number(required)) => said.tells(required),
            _ => self == required,
        }
    }

    fn is_dropped(&self) -> bool {
        matches!(
            self,
            Token::Mark('"' | '\'' | '`' | '*' | '_' | '~' | ',' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>')
        )
    }
}

/// The parts of a text, without quotes, brackets, emphasis and commas.
pub fn tokens(text: &str) -> Vec<Token> {
    let text = plain(text);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at).copied() {
        let length = cluster(&text[at..], at.checked_sub(1).and_then(|before| text.get(before)).copied());
        match length {
            0 => {
                if !c.is_whitespace() && c != GROUP {
                    found.push(Token::Mark(c));
                }
                at += 1;
            }
            length => {
                parts(&text[at..at + length], &mut found);
                at += length;
            }
        }
    }
    Unit::join(&mut found);
    found.retain(|token| !token.is_dropped());
    found
}

/// A text in which each sign has one form, however it was typed.
fn plain(text: &str) -> Vec<char> {
    let mut plain: Vec<char> = Vec::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        let c = match c {
            // They show nothing.
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => continue,
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' => '\'',
            '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2033}' => '"',
            '\u{2212}' | '\u{fe63}' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2013}' => '-',
            '\u{2014}' | '\u{2015}' => ' ',
            '\u{66c}' => ',',
            '\u{66b}' => '.',
            c if GROUPING.contains(&c) => GROUP,
            c => digit(c).or_else(|| narrow(c)).unwrap_or(c),
        };
        // Two hyphens are a dash.
        if c == '-' && plain.last().is_some_and(|last| matches!(last, '-' | '\u{0}')) {
            plain.pop();
            plain.push('\u{0}');
            continue;
        }
        plain.push(c);
    }
    plain.iter_mut().filter(|c| **c == '\u{0}').for_each(|c| *c = ' ');
    plain
}

fn digit(c: char) -> Option<char> {
    let value = ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(*zero).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

/// A sign of full width is the same sign.
fn narrow(c: char) -> Option<char> {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xFEE0),
        '\u{3000}' => Some(' '),
        _ => None,
    }
}

/// Scripts that are written without spaces: there each character is a word.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ffff}')
}

fn is_inner(c: char) -> bool {
    c.is_alphanumeric() && !stands_alone(c)
}

/// How many of the characters belong together, with `before` standing before them; none where the first is a mark.
fn cluster(text: &[char], before: Option<char>) -> usize {
    let Some(first) = text.first().copied() else { return 0 };
    if stands_alone(first) {
        return 1;
    }
    let mut length = sign(text, before);
    while let Some(c) = text.get(length).copied() {
        let next = text.get(length + 1).copied().filter(|next| is_inner(*next));
        let last = length.checked_sub(1).and_then(|last| text.get(last)).copied().filter(|last| is_inner(*last));
        let joins = is_inner(c) || last.zip(next).is_some_and(|(last, next)| joins(last, c, next));
        if !joins {
            break;
        }
        length += 1;
    }
    length
}

/// How many characters are a sign of the number that they stand before, and a decimal point without a digit before it.
fn sign(text: &[char], before: Option<char>) -> usize {
    let free = |c: Option<char>| c.is_none_or(|c| !is_inner(c));
    let is_digit = |at: usize| text.get(at).is_some_and(char::is_ascii_digit);
    let minus = usize::from(text.first() == Some(&'-') && free(before));
    let money = usize::from(minus == 1 && text.get(1).copied().and_then(Unit::sign).is_some());
    let point =
        usize::from(text.get(minus + money) == Some(&'.') && (minus == 1 || (free(before) && before != Some('.'))));
    let length = minus + money + point;
    if is_digit(length) { length } else { 0 }
}

/// Whether two characters are of one thing although a sign stands between them.
fn joins(last: char, sign: char, next: char) -> bool {
    let digits = last.is_ascii_digit() && next.is_ascii_digit();
    match sign {
        '.' | ',' | ':' | '/' | '\'' | GROUP => digits,
        '-' | '_' | '@' => true,
        _ => false,
    }
}

/// Take apart what belongs together.
fn parts(text: &[char], found: &mut Vec<Token>) {
    let separates = |c: &char| matches!(*c, ',' | GROUP);
    if !text.iter().any(char::is_ascii_digit) {
        words(text, found);
    } else if !number(text, found) {
        // Numbers with nothing but a comma between them are a list.
        for part in text.split(separates) {
            if !number(part, found) {
                found.push(Token::Whole(part.iter().collect()));
            }
        }
    }
}

/// Whether it is one number, alone or with a word behind it: 12-minute, 12min.
fn number(text: &[char], found: &mut Vec<Token>) -> bool {
    let digits = text.iter().take_while(|c| !c.is_alphabetic() && **c != '_').count();
    let (head, tail) = text.split_at(digits);
    let (head, is_joined) = match head {
        [head @ .., '-'] => (head, true),
        head => (head, false),
    };
    let word: String = tail.iter().collect();
    let is_word = match (is_joined, tail) {
        (false, []) => true,
        (false, _) => Unit::follows(&word),
        (true, _) => tail.iter().all(|c| c.is_alphabetic() || *c == '-') && letters(&word),
    };
    let Some(number) = Number::read(&head.iter().collect::<String>()).filter(|_| is_word) else { return false };
    found.push(Token::Number(number));
    words(tail, found);
    true
}

fn words(text: &[char], found: &mut Vec<Token>) {
    for part in text.chunk_by(|one, other| one.is_alphanumeric() && other.is_alphanumeric()) {
        found.push(match part {
            [mark] if !mark.is_alphanumeric() => Token::Mark(*mark),
            word => Token::Word(word.iter().collect()),
        });
    }
}
