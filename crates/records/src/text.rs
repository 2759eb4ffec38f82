//! Texts as people read them: what shows, what is one line, and when two texts are the same.
//!
//! What a character is, Unicode says; no list of characters is kept here but where Unicode has no property for it.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_properties::CodePointSetData;
use icu_properties::props::{
    BidiControl, DefaultIgnorableCodePoint, EmojiModifier, ExtendedPictographic, GeneralCategory, VariationSelector,
    WhiteSpace,
};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};
use std::borrow::Cow;

/// Joins two letters or emoji into one shape, or keeps two letters from joining.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// A cell of the Braille script without a dot: a symbol to Unicode, nothing to the eye.
const BRAILLE_BLANK: char = '\u{2800}';

/// Why a text cannot be taken as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It holds this control character, a line break among them.
    Control(char),
    /// It holds this character, which shows nothing or changes the direction of others.
    Hidden(char),
}

/// Whether nothing of the text can be seen.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| white(c) || control(c) || hidden(c) || c == BRAILLE_BLANK)
}

/// What keeps a text from being one line of plain text: a control character, or one that cannot be seen. A joiner between
/// letters or emoji belongs to them, and so does a variation selector behind what it varies.
pub fn line(text: &str) -> Result<(), Unfit> {
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Ok(());
    }
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if control(c) {
            return Err(Unfit::Control(c));
        }
        if JOINERS.contains(&c) {
            if !before.is_some_and(joinable) || !chars.peek().copied().is_some_and(joinable) {
                return Err(Unfit::Hidden(c));
            }
        } else if CodePointSetData::new::<VariationSelector>().contains(c) {
            // It belongs to the character before, and what stands behind it is still next to that one.
            if before.is_none_or(white) {
                return Err(Unfit::Hidden(c));
            }
            continue;
        } else if hidden(c) {
            return Err(Unfit::Hidden(c));
        }
        before = Some(c);
    }
    Ok(())
}

/// What keeps a text from being a text of several lines: a control character that is neither line break nor tab.
pub fn lines(text: &str) -> Result<(), Unfit> {
    let odd = |c: &char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    text.chars().find(odd).map_or(Ok(()), |c| Err(Unfit::Control(c)))
}

/// Whether it has the form of an e-mail address: one `@` with something on both sides, and none of the characters by which
/// lists and comments of addresses are written (RFC 5322 calls them specials).
pub fn is_email(text: &str) -> bool {
    let text = text.trim();
    let special = |c: char| c.is_whitespace() || "()<>[]:;\\,\"".contains(c);
    match text.split_once('@') {
        Some((name, host)) => {
            !name.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(special) && line(text).is_ok()
        }
        None => false,
    }
}

/// The form under which two texts are the same although case, space around them, or the way in which their characters are
/// encoded differ.
pub fn folded(text: &str) -> Cow<'_, str> {
    match caseless(text.trim()) {
        // Some characters are normal as a space and a mark.
        Cow::Owned(text) if text.trim().len() < text.len() => text.trim().to_owned().into(),
        text => text,
    }
}

/// [`folded`], with the space around it: Unicode's compatibility caseless form, without what shows nothing.
pub fn caseless(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return match text.bytes().any(|b| b.is_ascii_uppercase()) {
            true => text.to_ascii_lowercase().into(),
            false => text.into(),
        };
    }
    let (normal, case) = (ComposingNormalizer::new_nfkc(), CaseMapper::new());
    let seen: String =
        text.chars().filter(|c| !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(*c)).collect();
    // Twice: folding can take a text out of its normal form, and normalising can bring up what folds further.
    let once = normal.normalize(&case.fold_string(&seen)).into_owned();
    normal.normalize(&case.fold_string(&once)).into_owned().into()
}

/// The digits of a text, in whatever script they are written: what tells telephone numbers apart.
pub fn digits(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.into();
    }
    // Raised and circled digits are digits too, once they are normal.
    let text = if text.is_ascii() { text.into() } else { ComposingNormalizer::new_nfkc().normalize(text) };
    text.chars().filter_map(digit).collect::<String>().into()
}

/// A decimal digit of any script as that of ours.
fn digit(c: char) -> Option<char> {
    let is_digit = |c: char| category().get(c) == GeneralCategory::DecimalNumber;
    if c.is_ascii() || !is_digit(c) {
        return c.is_ascii_digit().then_some(c);
    }
    // Unicode keeps digits of a script together, ten from zero to nine: the place in the run is the value.
    let run = (0..u32::from(c)).rev().map_while(char::from_u32).take_while(|c| is_digit(*c)).count();
    char::from_digit(u32::try_from(run % 10).ok()?, 10)
}

fn category() -> CodePointMapDataBorrowed<'static, GeneralCategory> {
    CodePointMapData::<GeneralCategory>::new()
}

fn white(c: char) -> bool {
    CodePointSetData::new::<WhiteSpace>().contains(c)
}

/// Controls, and the two characters whose only meaning is the end of a line or paragraph.
fn control(c: char) -> bool {
    use GeneralCategory::{Control, LineSeparator, ParagraphSeparator};
    matches!(category().get(c), Control | LineSeparator | ParagraphSeparator)
}

/// Characters that show nothing and take no room, or that turn the direction of others.
fn hidden(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<BidiControl>().contains(c)
        || category().get(c) == GeneralCategory::Format && !shown_format(c)
}

/// Format characters that do show: signs that stand before or around the number that they mark.
fn shown_format(c: char) -> bool {
    matches!(
        c,
        '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{110bd}' | '\u{110cd}'
    )
}

/// Letters, their marks, and emoji.
fn joinable(c: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark, SpacingMark};
    c.is_alphabetic()
        || matches!(category().get(c), NonspacingMark | SpacingMark | EnclosingMark) && !hidden(c)
        || CodePointSetData::new::<ExtendedPictographic>().contains(c)
        || CodePointSetData::new::<EmojiModifier>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_visible_is_blank() {
        for text in [
            "",
            " ",
            "\t\n",
            "\u{a0}\u{2003}",
            "\u{200b}\u{feff}",
            "\u{3164}",
            "\u{2800}",
            "\u{ffa0}\u{115f}",
            "\u{e0041}",
            "\u{fe0f}",
            "\u{2028}",
            "\0",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["a", ".", "\u{301}", "\u{2801}", "\u{200b}a", "漢"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn a_line_shows_all_that_it_holds() {
        for text in [
            "Outage",
            "Zoë Ünal",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "👩\u{200d}💻 on call",
            "❤\u{fe0f}",
            "🏳\u{fe0f}\u{200d}🌈",
            "👩🏽\u{200d}🔧",
            "a\u{a0}b",
            "٣",
            "\u{600}١",
        ] {
            assert_eq!(line(text), Ok(()), "{text:?}");
        }
        for text in ["a\nb", "a\tb", "a\0", "\u{7f}", "\u{85}", "a\u{2028}b", "\u{1b}[31m"] {
            assert!(matches!(line(text), Err(Unfit::Control(_))), "{text:?}");
        }
        for text in [
            "a\u{202e}b",
            "\u{2066}a\u{2069}",
            "a\u{200e}",
            "\u{61c}a",
            "a\u{200b}b",
            "a\u{2060}b",
            "\u{feff}a",
            "a\u{ad}b",
            "a\u{200d}",
            "\u{200c}a",
            "a\u{200d} b",
            "1\u{200d}2",
            "a\u{200d}\u{200d}b",
            "a\u{e0041}",
            "\u{3164}a",
            " \u{fe0f}",
            "\u{fe0f}",
            "a\u{34f}b",
        ] {
            assert!(matches!(line(text), Err(Unfit::Hidden(_))), "{text:?}");
        }
    }

    #[test]
    fn several_lines_hold_breaks_and_tabs_and_no_other_control() {
        assert_eq!(lines("a\r\n\tb \u{202b}שלום\u{202c}"), Ok(()));
        for text in ["a\0b", "\u{1b}[2J", "\u{8}", "\u{85}"] {
            assert!(lines(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_has_one_at_sign() {
        for text in ["a@b.example", " o'neil+x@b.example ", "ü@ü.example"] {
            assert!(is_email(text), "{text:?}");
        }
        for text in [
            "a",
            "@b",
            "a@",
            "a@b@c",
            "<a@b>",
            "A <a@b>",
            "a@b,c",
            "a@b;c",
            "mailto:a@b",
            "a@[1.2.3.4]",
            "a\u{200b}@b",
            "a@b\0",
            "a b@c",
            "a@b\u{a0}c",
            "a@b(c)",
        ] {
            assert!(!is_email(text), "{text:?}");
        }
    }

    #[test]
    fn case_space_and_encoding_do_not_tell_texts_apart() {
        for (one, other) in [
            (" Acme ", "acme"),
            ("MÜLLER", "müller"),
            ("STRASSE", "straße"),
            ("e\u{301}", "É"),
            ("ＡＣＭＥ", "acme"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("\u{a0}Zoë\u{3000}", "ZOË"),
            ("Ac\u{200c}me", "acme"),
            ("A\u{a0}b", "a b"),
            ("\u{212a}", "k"),
            ("ﬃ", "FFI"),
        ] {
            assert_eq!(folded(one), folded(other), "{one:?} {other:?}");
        }
        assert_ne!(folded("Acme"), folded("Acmé"));
        assert_ne!(folded("a b"), folded("ab"));
        // Folding is done once and for all.
        for text in ["ŉ", "ΐ", "\u{1e9e}", "ǰ\u{345}", "\u{345}\u{301}", "İ"] {
            assert_eq!(folded(&folded(text)), folded(text), "{text:?}");
        }
    }

    #[test]
    fn telephone_numbers_are_their_digits() {
        for text in [
            "+1/555/010",
            "tel:+1-555-010",
            "1\u{a0}555\u{2011}010",
            "1,555,010",
            "１５５５０１０",
            "١٥٥٥٠١٠",
            "𝟏𝟓𝟓𝟓𝟎𝟏𝟎",
            "1\t555 010",
            "१५५५०१०",
            "①⑤⑤⑤⓪①⓪",
        ] {
            assert_eq!(digits(text), "1555010", "{text:?}");
        }
        assert_eq!(digits("none"), "");
        assert_eq!(digits("𝟵𝟘𝟫"), "909");
    }
}
