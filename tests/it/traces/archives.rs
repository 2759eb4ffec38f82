//! Archives of Inspect, in each of the ways in which it has packed them.

use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value as Json, json};
use std::io::{Cursor, Write};
use traces::format::{self, Format};
use traces::{Document, Mistake};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// An archive whose files are deflated, as Inspect packed them at first.
fn deflated(files: &[(&str, Json)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, value) in files {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(value.to_string().as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// An archive whose files are packed with zstd, as Inspect packs them now; no writer at hand makes such.
fn zstd(files: &[(&str, Json)]) -> Vec<u8> {
    let (mut out, mut list) = (Vec::new(), Vec::new());
    for (name, value) in files {
        let text = value.to_string();
        let packed = compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
        let mut facts = Vec::new();
        facts.extend([45_u16, 0, 93, 0, 0].iter().flat_map(|it| it.to_le_bytes()));
        // The check of the contents is left at nothing: zstd has its own.
        facts.extend([0, packed.len() as u32, text.len() as u32].iter().flat_map(|it| it.to_le_bytes()));
        facts.extend([name.len() as u16, 0].iter().flat_map(|it| it.to_le_bytes()));
        list.extend(b"PK\x01\x02\x2d\x00");
        list.extend(&facts);
        list.extend([0_u8; 10]);
        list.extend((out.len() as u32).to_le_bytes());
        list.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&facts);
        out.extend(name.as_bytes());
        out.extend(packed);
    }
    let (number, at, length) = (files.len() as u16, out.len() as u32, list.len() as u32);
    out.extend(list);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend([number, number].iter().flat_map(|it| it.to_le_bytes()));
    out.extend([length, at].iter().flat_map(|it| it.to_le_bytes()));
    out.extend([0, 0]);
    out
}

fn sample(epoch: u64) -> Json {
    let call = json!({"id": "c", "function": "find", "arguments": {"n": epoch}, "type": "function"});
    let messages = json!([{"role": "assistant", "content": "Look.", "tool_calls": [call]}]);
    json!({"id": "t", "epoch": epoch, "messages": messages, "scores": null})
}

fn read(bytes: Vec<u8>) -> Result<Document, Mistake> {
    format::read_bytes(None, bytes, "log.eval")
}

/// Name, number of calls and ending of each run, and the mistakes.
fn show(document: &Document) -> Vec<String> {
    let runs = document.items.iter().map(|item| {
        let trace = item.trace();
        format!("{} {} {:?}", trace.name, trace.calls.len(), trace.unfinished)
    });
    runs.chain(document.mistakes.iter().map(Mistake::to_string)).collect()
}

#[test]
fn samples_are_read_however_they_are_packed() {
    let header = json!({"version": 2, "status": "success", "eval": {}});
    let files = [
        ("_journal/start.json", json!({"version": 2, "eval": {}})),
        ("samples/t_epoch_1.json", sample(1)),
        ("_journal/summaries/1.json", json!([{"id": "t", "epoch": 1}])),
        ("samples/t_epoch_2.json", sample(2)),
        ("summaries.json", json!([])),
        ("header.json", header),
    ];
    for bytes in [deflated(&files), zstd(&files)] {
        let document = read(bytes).unwrap();
        assert_eq!(
            (document.format, show(&document)),
            (Format::Inspect, vec!["t/1 1 None".into(), "t/2 1 None".into()])
        );
    }
}

#[test]
fn a_log_that_does_not_say_how_it_ended_was_only_started() {
    let started = [("_journal/start.json", json!({"version": 2})), ("samples/t_epoch_1.json", sample(1))];
    assert_eq!(show(&read(deflated(&started)).unwrap()), [r#"t/1 1 Some("started")"#]);
    let first = [
        ("start.json", json!({})),
        ("samples/a/b_epoch_1.json", sample(1)),
        ("results.json", json!({"status": "error"})),
    ];
    assert_eq!(show(&read(deflated(&first)).unwrap()), [r#"t/1 1 Some("error")"#]);
}

#[test]
fn a_sample_in_pieces_is_put_together() {
    let call = |n: u64| json!({"event": "tool", "id": format!("c{n}"), "function": "note", "arguments": {"text": "attachment://1"}, "result": "{}"});
    let files = [
        ("header.json", json!({"status": "success"})),
        ("samples/t_epoch_1/sample.json", json!({"id": "t", "epoch": 1})),
        ("samples/t_epoch_1/messages/0.json", json!([{"role": "user", "content": "q"}])),
        ("samples/t_epoch_1/events/0.json", json!([call(1), call(2)])),
        ("samples/t_epoch_1/events/10.json", json!([call(4)])),
        ("samples/t_epoch_1/events/2.json", json!([call(3)])),
        ("samples/t_epoch_1/events/stats.json", json!({})),
        ("samples/t_epoch_1/attachments/0.json", json!(["short", "a long text"])),
    ];
    let document = read(zstd(&files)).unwrap();
    let calls = &document.items[0].trace().calls;
    assert_eq!(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["c1", "c2", "c3", "c4"]);
    assert_eq!(calls[0].arguments["text"], "a long text");
}

#[test]
fn what_is_wrong_with_an_archive_is_told_with_its_place() {
    let files = [
        ("header.json", json!({"status": "success"})),
        ("samples/a_epoch_1.json", json!({"id": "a"})),
        ("samples/t_epoch_1.json", sample(1)),
        ("samples/x_epoch_1.json", json!(3)),
    ];
    assert_eq!(
        show(&read(deflated(&files)).unwrap()),
        [
            "t/1 1 None",
            "log.eval /samples/a_epoch_1.json: has neither messages nor events, so it is no run",
            "log.eval /samples/x_epoch_1.json: must be an object, not a number",
        ]
    );
    let error = |bytes: Vec<u8>| read(bytes).unwrap_err().to_string();
    assert_eq!(
        error(deflated(&[("photo.json", json!(1))])),
        "log.eval: is a zip archive, but holds no sample of Inspect; unpack what else it may hold"
    );
    let whole = deflated(&files);
    for end in 4..whole.len() {
        if let Ok(document) = read(whole[..end].to_vec()) {
            panic!("cut at {end}: {:?}", show(&document));
        }
    }
    for at in 0..whole.len() {
        let mut other = whole.clone();
        other[at] ^= 0x41;
        drop(read(other));
    }
}

/// A small archive can unpack to any size; it is not unpacked to its end.
#[test]
fn an_archive_that_unpacks_to_more_than_is_read_is_refused() {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("samples/t_epoch_1.json", SimpleFileOptions::default()).unwrap();
    let blank = vec![b' '; 1 << 20];
    (0..257).for_each(|_| archive.write_all(&blank).unwrap());
    let document = read(archive.finish().unwrap().into_inner()).unwrap();
    assert_eq!(show(&document), ["log.eval /samples/t_epoch_1.json: is longer than 256 MiB"]);
}
