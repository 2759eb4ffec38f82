//! The lines of a stream of messages, each of at most a certain length.

use std::io;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The longest line that is kept, 4 MiB: far beyond any call that the schemas accept.
const LONGEST: usize = 4 << 20;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A whole line, without its end.
    Whole(Vec<u8>),
    /// A line that is too long and was not kept.
    TooLong,
    /// What stands behind the last line's end.
    Rest(Vec<u8>),
}

/// A reader of lines.
pub struct Lines<R> {
    inner: BufReader<R>,
    /// What has been read of the next line. It is kept here, so that a read that is given up loses nothing.
    line: Vec<u8>,
    too_long: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Read the lines of that stream.
    pub fn new(inner: R) -> Lines<R> {
        Lines { inner: BufReader::new(inner), line: Vec::new(), too_long: false }
    }

    /// The next line that is not blank; none at the end of the stream.
    pub async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let buffer = self.inner.fill_buf().await?;
            if buffer.is_empty() {
                let rest = std::mem::take(&mut self.line);
                return Ok((!rest.trim_ascii().is_empty()).then_some(Line::Rest(rest)));
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(buffer.len(), |at| at + 1);
            if self.line.len() + taken > LONGEST {
                self.too_long = true;
                self.line.clear();
            } else if !self.too_long {
                self.line.extend_from_slice(&buffer[..taken]);
            }
            self.inner.consume(taken);
            if end.is_none() {
                continue;
            }
            if std::mem::take(&mut self.too_long) {
                return Ok(Some(Line::TooLong));
            }
            let mut line = std::mem::take(&mut self.line);
            line.truncate(line.trim_ascii_end().len());
            if !line.is_empty() {
                return Ok(Some(Line::Whole(line)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<Line> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut lines, mut read) = (Lines::new(input), Vec::new());
            while let Some(line) = lines.next().await.unwrap() {
                read.push(line);
            }
            read
        })
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.into())
    }

    #[test]
    fn lines_are_read_without_their_ends_and_blank_ones_not_at_all() {
        assert_eq!(lines(b"{\"a\":1}\n\n[2]\r\n  \n3\n"), [whole("{\"a\":1}"), whole("[2]"), whole("3")]);
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"1\n{\"b\":"), [whole("1"), Line::Rest(b"{\"b\":".to_vec())]);
        assert_eq!(lines(b"1\n \r"), [whole("1")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_not_kept() {
        let long = [b"\"".as_slice(), &vec![b'x'; LONGEST], b"\"\n1\n"].concat();
        assert_eq!(lines(&long), [Line::TooLong, whole("1")]);
        let fits = [vec![b'x'; LONGEST - 1], b"\n".to_vec()].concat();
        assert_eq!(lines(&fits), [Line::Whole(vec![b'x'; LONGEST - 1])]);
    }
}
