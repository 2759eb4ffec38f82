//! Where a JSON value ends in a text, found by its brackets alone: it need not be one.

/// The end of the value that begins there; none where it does not end.
pub fn end(text: &str, begin: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes.get(begin)? {
        b'{' | b'[' => bracketed(bytes, begin),
        b'"' => quoted(bytes, begin),
        _ => {
            let is_inside = |byte: &u8| !b",:[]{}\" \t\r\n".contains(byte);
            let length = bytes[begin..].iter().take_while(|byte| is_inside(byte)).count();
            (length > 0).then_some(begin + length)
        }
    }
}

fn bracketed(bytes: &[u8], begin: usize) -> Option<usize> {
    let (mut at, mut depth) = (begin, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = quoted(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn quoted(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            // A text does not go on over the line: its file was cut, or it is no JSON.
            b'\n' => return None,
            _ => at += 1,
        }
    }
}
