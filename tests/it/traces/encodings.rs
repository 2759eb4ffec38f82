//! Files as bytes: compressed, in other encodings, and such as are no text at all.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use traces::format::{self, Format};

const TEXT: &str = r#"{"messages":[{"role":"user","content":"Störung – 12 €"},{"role":"assistant","content":"ok"}]}"#;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

/// What was said in the first run; else the mistake.
fn read(bytes: Vec<u8>) -> Result<String, String> {
    let document = format::read_bytes(None, bytes, "f").map_err(|mistake| mistake.to_string())?;
    let first = document.items.first().ok_or("there is no run")?;
    Ok(first.trace().messages[0].text.clone())
}

#[test]
fn what_is_compressed_with_gzip_is_read() {
    let said = || Ok("Störung – 12 €".to_owned());
    assert_eq!(read(gzip(TEXT.as_bytes())), said());
    // Logs that were compressed one by one can be put together as they are, and the first may begin with a mark.
    let joined = [gzip(format!("\u{feff}{TEXT}\n").as_bytes()), gzip(TEXT.as_bytes())].concat();
    assert_eq!(format::read_bytes(None, joined, "f").unwrap().items.len(), 2);
    // What it is called does not matter, nor whether the format was named.
    let named = format::read_bytes(Some(Format::OpenAi), gzip(TEXT.as_bytes()), "run.json").unwrap();
    assert_eq!(named.items.len(), 1);
    let whole = gzip(TEXT.as_bytes());
    for wrong in [&whole[..whole.len() - 9], &whole[..10], b"\x1f\x8b", b"\x1f\x8bno gzip at all"] {
        let mistake = read(wrong.to_vec()).unwrap_err();
        assert!(mistake.contains("is compressed with gzip and cannot be unpacked"), "{mistake}");
    }
    // What is inside is looked at as if it had not been compressed.
    assert!(read(gzip(b"\xff\xfe{\0")).unwrap_err().contains("is in UTF-16"));
    assert!(read(gzip(b"")).unwrap_err().contains("is empty"));
}

#[test]
fn other_encodings_are_refused_with_the_command_that_converts_them() {
    let wide = |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let wider = |text: &str, to: fn(u32) -> [u8; 4]| text.chars().flat_map(|c| to(c.into())).collect::<Vec<u8>>();
    let (little, big) = (u16::to_le_bytes, u16::to_be_bytes);
    let marked = format!("\u{feff}{TEXT}");
    for (bytes, encoding) in [
        (wide(&marked, little), "UTF-16"),
        (wide(&marked, big), "UTF-16"),
        (wide(TEXT, little), "UTF-16LE"),
        (wide(TEXT, big), "UTF-16BE"),
        (wide("[\n{}]", little), "UTF-16LE"),
        (wider(&marked, u32::to_le_bytes), "UTF-32"),
        (wider(&marked, u32::to_be_bytes), "UTF-32"),
        (wider(TEXT, u32::to_le_bytes), "UTF-32LE"),
        (wider(TEXT, u32::to_be_bytes), "UTF-32BE"),
    ] {
        let hint =
            format!("f: is in {encoding}, not in UTF-8; convert it with: iconv -f {encoding} -t UTF-8 FILE > NEW");
        assert_eq!(read(bytes), Err(hint));
    }
    // What is no ASCII begins on the second line.
    let latin: Vec<u8> = TEXT.replace(['–', '€'], "-").replace("[{", "[\n{").chars().map(|c| c as u8).collect();
    let mistake = read(latin).unwrap_err();
    assert!(mistake.contains("line 2 has the byte 0xf6") && mistake.contains("iconv -f WINDOWS-1252"), "{mistake}");
    assert_eq!(read(marked.into_bytes()), Ok("Störung – 12 €".to_owned()));
}

#[test]
fn what_is_no_text_is_named() {
    for (bytes, what) in [
        (b"\x28\xb5\x2f\xfd....".as_slice(), "is compressed with zstd; unpack it with"),
        (b"\xfd7zXZ\0....", "is compressed with xz; unpack it with"),
        (b"BZh9....", "is compressed with bzip2; unpack it with"),
        (b"PAR1....", "is a Parquet file; write its rows as JSON"),
        (b"SQLite format 3\0", "is an SQLite database"),
        (b"\x7fELF\x02\x01\x01\0\0\0\x90\xff", "is not text: line 1 has the byte 0x90"),
    ] {
        let mistake = read(bytes.to_vec()).unwrap_err();
        assert!(mistake.contains(what), "{mistake}");
    }
}
