//! Lines of a JSON-RPC stream, screened: what is no JSON at all is replaced by an empty object.
//!
//! rmcp drops such lines without a word. A client that sent one is better served by an answer, and the empty object makes
//! rmcp give it: "Invalid request". Bad UTF-8, JSON that is nested too deep and lines over the limit are all met here.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncBufRead, AsyncRead, BufReader, ReadBuf};

/// The longest line that is read, 4 MiB: far beyond any call that the schemas accept.
const LONGEST: usize = 4 << 20;
/// What stands in for a line that cannot be read.
const REFUSED: &[u8] = b"{}\n";

/// A reader that passes on whole lines of JSON only. What is left of a line at the end of the stream is dropped.
pub struct Lines<R> {
    inner: BufReader<R>,
    /// The line that is being read, then passed on.
    line: Vec<u8>,
    /// How much of a whole line has been passed on; none while it is being read.
    passed: Option<usize>,
    /// The line is too long and is not kept.
    oversized: bool,
}

impl<R: AsyncRead> Lines<R> {
    /// Screen that stream.
    pub fn new(inner: R) -> Lines<R> {
        Lines { inner: BufReader::new(inner), line: Vec::new(), passed: None, oversized: false }
    }

    /// A line is whole: decide what is passed on.
    fn screen(&mut self) {
        let text = self.line.trim_ascii();
        let json = !self.oversized && (text.is_empty() || is_json(text));
        if !json {
            tracing::warn!(bytes = self.line.len(), "a line that is not JSON was refused");
            self.line.clear();
            self.line.extend_from_slice(REFUSED);
        }
        self.oversized = false;
        self.passed = Some(0);
    }
}

/// Whether rmcp will be able to parse it: the same parser reads it in full, and keeps nothing. (serde's own `IgnoredAny`
/// skips what it ignores, and lets through deep nesting, half surrogates and numbers that are out of range.)
fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<Readable>(text).is_ok()
}

struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Readable, D::Error> {
        deserializer.deserialize_any(Readable)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Readable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Readable, E> {
        Ok(self)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Readable, E> {
        Ok(self)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Readable, E> {
        Ok(self)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Readable, E> {
        Ok(self)
    }
    fn visit_str<E>(self, _: &str) -> Result<Readable, E> {
        Ok(self)
    }
    fn visit_unit<E>(self) -> Result<Readable, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Readable, A::Error> {
        while items.next_element::<Readable>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Readable, A::Error> {
        while entries.next_entry::<Readable, Readable>()?.is_some() {}
        Ok(self)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Lines<R> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if let Some(passed) = this.passed {
                let rest = &this.line[passed..];
                let taken = rest.len().min(out.remaining());
                out.put_slice(&rest[..taken]);
                if passed + taken == this.line.len() {
                    this.line.clear();
                    this.passed = None;
                } else {
                    this.passed = Some(passed + taken);
                }
                return Poll::Ready(Ok(()));
            }
            let buffer = ready!(Pin::new(&mut this.inner).poll_fill_buf(context))?;
            if buffer.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(buffer.len(), |at| at + 1);
            if this.line.len() + taken > LONGEST {
                this.oversized = true;
                this.line.clear();
            } else if !this.oversized {
                this.line.extend_from_slice(&buffer[..taken]);
            }
            Pin::new(&mut this.inner).consume(taken);
            if end.is_some() {
                this.screen();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    fn screened(input: &[u8]) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut out = Vec::new();
            Lines::new(input).read_to_end(&mut out).await.unwrap();
            out
        })
    }

    #[test]
    fn json_passes_and_the_rest_is_replaced() {
        assert_eq!(screened(b"{\"a\":1}\n\n[2]\r\n"), b"{\"a\":1}\n\n[2]\r\n");
        assert_eq!(screened(b"nonsense\n{}\n"), b"{}\n{}\n");
        for line in [&b"{\"a\":\"\xff\"}\n"[..], b"\"\\ud800\"\n", b"[1e999]\n"] {
            assert_eq!(screened(line), b"{}\n");
        }
    }

    #[test]
    fn half_a_line_at_the_end_is_dropped() {
        assert_eq!(screened(b"{\"a\":1}\n{\"b\":"), b"{\"a\":1}\n");
    }

    #[test]
    fn too_long_and_too_deep_lines_are_replaced() {
        let long = [b"\"".as_slice(), &vec![b'x'; LONGEST], b"\"\n1\n"].concat();
        assert_eq!(screened(&long), b"{}\n1\n");
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000], b"\n".to_vec()].concat();
        assert_eq!(screened(&deep), b"{}\n");
    }
}
