//! JSON that says one thing: an object names each of its members once.
//!
//! Parsers differ in which of two members of one name they keep, so that what was checked here need not be what its author reads
//! there. serde_json keeps the last without a word.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Where an object of the text names a member twice, as a path like `params.arguments.note`; none where the text is no JSON.
pub fn repeated(text: &[u8]) -> Option<String> {
    let mut path = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(text);
    let walked = Walk { path: &mut path }.deserialize(&mut reader);
    (walked.is_err() && !path.is_empty()).then(|| {
        path.reverse();
        path.join(".")
    })
}

/// A walk through a value. On its way out of what it found it notes the path, innermost first.
struct Walk<'a> {
    path: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn next(&mut self) -> Walk<'_> {
        Walk { path: self.path }
    }

    /// The value stands in something of that name, which is noted where the value holds what was looked for.
    fn within<T, E>(&mut self, walked: Result<T, E>, name: impl FnOnce() -> String) -> Result<T, E> {
        if walked.is_err() && !self.path.is_empty() {
            self.path.push(name());
        }
        walked
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, form: &mut fmt::Formatter<'_>) -> fmt::Result {
        form.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        loop {
            let walked = items.next_element_seed(self.next());
            match self.within(walked, || index.to_string())? {
                Some(()) => index += 1,
                None => return Ok(()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let mut names: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Name(name)) = members.next_key()? {
            let walked = members.next_value_seed(self.next());
            self.within(walked, || name.clone().into_owned())?;
            names.push(name);
        }
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                self.path.push(pair[0].clone().into_owned());
                Err(A::Error::custom("a member is there twice"))
            }
            None => Ok(()),
        }
    }
}

/// The name of a member, borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_there_twice_is_named_with_its_place() {
        for (text, path) in [
            (r#"{"a":1,"a":1}"#, Some("a")),
            (r#"{"a":1,"b":{"c":[1,{"d":2,"e":3,"d":4}]}}"#, Some("b.c.1.d")),
            (r#"[{"a":1},{"a":1,"\u0061":2}]"#, Some("1.a")),
            (r#"{"":{"":1,"":2}}"#, Some(".")),
            (r#"{"a":{"b":1},"b":{"a":1},"A":1}"#, None),
            (r#"[{"a":1},{"a":1}]"#, None),
            (r#"[null,true,1.5,-1,18446744073709551615,"a"]"#, None),
            (r#"{"a":1,"a":"#, None),
            ("", None),
        ] {
            assert_eq!(repeated(text.as_bytes()).as_deref(), path, "{text}");
        }
        assert_eq!(repeated(&b"[".repeat(100_000)), None);
    }
}
