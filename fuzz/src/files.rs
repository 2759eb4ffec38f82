//! Files: policies, mappings, traces.

use evaluation::mapping;
use procedures::policy::{self, Source};
use traces::format::{self, Format};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use tempfile::TempDir;

/// A folder in memory, where there is one, for inputs that are read from files.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder can be made")
});

/// What stands between two files in one input.
const BETWEEN: &[u8] = b"\n%%\n";

/// Write an input's two files.
fn two(data: &[u8], first: &str, second: &str) {
    let cut = data.windows(BETWEEN.len()).position(|window| window == BETWEEN);
    let (one, two) = cut.map_or((data, &b""[..]), |cut| (&data[..cut], &data[cut + BETWEEN.len()..]));
    for (name, text) in [(first, one), (second, two)] {
        let path = FOLDER.path().join(name);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
}

/// A policy's two files, which can include the shipped parts. Each mistake has a place that is there.
pub fn policy(data: &[u8]) {
    two(data, "policies/p/policy.toml", "policies/p/policy.md");
    let source = Source::Directory(FOLDER.path().join("policies"));
    let lines = |file: &str| fs::read(file).map_or(1, |text| text.split(|byte| *byte == b'\n').count());
    match policy::load(&source, "p") {
        Ok(policy) => assert!(policy.clauses.iter().all(|clause| !policy.cover(&clause.id.value).is_empty())),
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "it is refused without a word");
            for mistake in mistakes {
                let line = mistake.place.line;
                assert!(
                    line > 0 && (line <= lines(&mistake.place.file) || !mistake.place.file.contains("/p/")),
                    "{mistake}"
                );
            }
        }
    }
}

/// A mapping's two files.
pub fn mapping(data: &[u8]) {
    two(data, "mappings/m/environment.toml", "mappings/m/1.toml");
    let source = mapping::Source::Directory(FOLDER.path().join("mappings"));
    if let Err(mistakes) = mapping::Mapping::check(&source, "m/1", &Source::Embedded) {
        assert!(!mistakes.is_empty(), "it is refused without a word");
    }
}

/// A file of traces, of whatever format it looks like. What is written of it in any format can be read again.
pub fn trace(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(document) = format::read(text, "input") else { return };
    let traces: Vec<_> = document.items.iter().map(|item| item.trace().clone()).collect();
    for to in Format::all().filter(|format| format.is_written()) {
        if let Some(written) = format::write(to, &traces).filter(|_| !traces.is_empty()) {
            format::read_as(Some(to), &written, "written")
                .unwrap_or_else(|mistake| panic!("{}: {mistake:?}", to.name()));
        }
    }
}
