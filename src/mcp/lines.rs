//! Lines of a JSON-RPC stream, screened: what is no JSON at all is replaced by an empty object.
//!
//! rmcp drops such lines without a word. A client that sent one is better served by an answer, and the empty object makes
//! rmcp give it: "Invalid request". Bad UTF-8, JSON that is nested too deep and lines over the limit are all met here.

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

/// Whether rmcp will be able to parse it: UTF-8, JSON, and nested no deeper than serde_json follows.
fn is_json(text: &[u8]) -> bool {
    depth(text) < DEEPEST
        && std::str::from_utf8(text).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

/// serde_json gives up at 128 levels, and rmcp reads a message through one level more.
const DEEPEST: usize = 120;

/// How deep brackets are nested, outside of strings.
fn depth(text: &[u8]) -> usize {
    let (mut now, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
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
        assert_eq!(screened(b"{\"a\":\"\xff\"}\n"), b"{}\n");
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
