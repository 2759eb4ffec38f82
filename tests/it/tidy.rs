//! The invariants of the architecture, held by reading the sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A line of code that a test objects to.
struct Line {
    file: String,
    number: usize,
    /// The line without its comment; text literals are kept.
    code: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every line of code below a folder of `crates`, without comments and without tests.
fn code(folder: &str) -> Vec<Line> {
    let mut files = Vec::new();
    collect(&root().join("crates").join(folder), &mut files);
    files.sort();
    assert!(!files.is_empty(), "crates/{folder} holds no sources");
    files.iter().flat_map(|file| lines(file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        let is_source = path.extension().is_some_and(|end| end == "rs");
        match path.is_dir() {
            true => collect(&path, files),
            // A file of tests alone.
            false if path.file_name().is_some_and(|name| name == "tests.rs") => {}
            false if is_source => files.push(path),
            false => {}
        }
    }
}

fn lines(file: &Path) -> Vec<Line> {
    let text = fs::read_to_string(file).unwrap();
    let name = file.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    // The tests of a file stand at its end.
    let end = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\nmod test {"]
        .iter()
        .filter_map(|start| text.find(start))
        .min()
        .unwrap_or(text.len());
    let lines = text[..end].lines().enumerate().map(|(at, line)| Line {
        file: name.clone(),
        number: at + 1,
        code: without_comment(line).to_owned(),
    });
    lines.filter(|line| !line.code.trim().is_empty()).collect()
}

/// The line up to its `//`, unless that stands in a text, as in `https://`.
fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find("//").map(|at| from + at) {
        if line[..at].matches('"').count().is_multiple_of(2) {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

/// Whether the word stands in the code by itself.
fn names(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(part) && !code[at + word.len()..].starts_with(part))
}

#[track_caller]
fn none(lines: impl IntoIterator<Item = Line>, why: &str) {
    let found: Vec<String> =
        (lines.into_iter()).map(|line| format!("{}:{}: {}", line.file, line.number, line.code.trim())).collect();
    assert!(found.is_empty(), "{why}:\n{}", found.join("\n"));
}

/// Crates depend one way, which the compiler holds; within a crate of several layers no layer names those above it.
#[test]
fn a_layer_knows_nothing_of_those_above() {
    let crates: [(&str, &[&str]); 3] = [
        ("procedures/src", &["mistake", "reader", "halt", "expression", "action", "domain", "policy"]),
        ("evaluation/src", &["mapping", "report"]),
        ("server/src", &["registry", "mcp", "http"]),
    ];
    for (folder, layers) in crates {
        for (at, layer) in layers.iter().enumerate() {
            let above: Vec<String> = layers[at + 1..].iter().map(|above| format!("crate::{above}")).collect();
            let path = match root().join("crates").join(folder).join(layer).is_dir() {
                true => format!("{folder}/{layer}"),
                false => continue,
            };
            let wrong =
                code(&path).into_iter().filter(|line| above.iter().any(|word| line.code.contains(word.as_str())));
            none(wrong, &format!("{path} names what lies above it"));
        }
    }
    let outside: [(&str, &[&str]); 2] =
        [("server/src/registry", &["rmcp", "axum", "hyper", "http"]), ("server/src/mcp", &["axum", "hyper"])];
    for (path, words) in outside {
        let wrong = code(path).into_iter().filter(|line| words.iter().any(|word| names(&line.code, word)));
        none(wrong, &format!("{path} names what only those above it may use"));
    }
}

#[test]
fn only_the_store_writes_sql() {
    let sql = [
        "rusqlite",
        "SELECT",
        "INSERT INTO",
        "UPDATE",
        "DELETE FROM",
        "CREATE TABLE",
        "CREATE INDEX",
        "PRAGMA",
        "ATTACH",
        "ORDER BY",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
    ];
    let wrong = code("")
        .into_iter()
        .filter(|line| !line.file.starts_with("crates/store/src/") && sql.iter().any(|word| names(&line.code, word)));
    none(wrong, "only crates/store speaks SQL");
}

#[test]
fn only_the_vfs_is_unsafe() {
    let words = ["unsafe", "unsafe_code"];
    let wrong = code("").into_iter().filter(|line| {
        line.file != "crates/store/src/image/vfs.rs" && words.iter().any(|word| names(&line.code, word))
    });
    none(wrong, "unsafe code is in one module");
}

#[test]
fn only_expressions_name_the_interpreter() {
    let wrong = code("")
        .into_iter()
        .filter(|line| !line.file.starts_with("crates/procedures/src/expression/") && names(&line.code, "cel"));
    none(wrong, "only procedures/expression names cel");
}

#[test]
fn a_call_is_let_pass_in_one_place() {
    let grants = code("").into_iter().filter(|line| line.code.contains("Permit::grant"));
    let files: Vec<String> = grants.map(|line| line.file).collect();
    assert_eq!(files, ["crates/calls/src/call.rs"], "Permit::grant is called once, after the rules");
    // Nor can one be made otherwise: the struct's fields are its module's own.
    let made = code("").into_iter().filter(|line| {
        line.code.contains("Permit {") && !["struct", "impl", "->"].iter().any(|word| line.code.contains(word))
    });
    let files: Vec<String> = made.map(|line| line.file).collect();
    assert_eq!(files, ["crates/procedures/src/action/call.rs"], "a Permit is made by Permit::grant alone");
}

/// What a refusal is follows from its kind: a code is the policy's name for it, which another policy may not use.
#[test]
fn no_code_of_a_refusal_is_compared_as_text() {
    let constants = ["OK", "FAULT", "INVALID_INPUT", "REFUSED", "OUTSIDE", "UNKNOWN_TOOL", "ANSWER_TOO_LONG"];
    let is_code = |text: &str| {
        let text = text.trim().trim_start_matches("Some(").trim_end_matches([')', ',', '{', ' ']);
        let literal = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        literal.is_some_and(|text| {
            text == "ok" || text.len() > 3 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        }) || constants.iter().any(|name| text == *name || text.ends_with(&format!("::{name}")))
    };
    let compares = |code: &str| {
        let sides = ["==", "!="].iter().flat_map(|sign| {
            code.split(sign)
                .collect::<Vec<_>>()
                .windows(2)
                .map(|pair| {
                    let last = pair[0].trim_end().rsplit([' ', '(']).next().unwrap_or_default().to_owned();
                    let first = pair[1].trim_start().split([' ', ')', ';']).next().unwrap_or_default().to_owned();
                    [last, first]
                })
                .collect::<Vec<_>>()
        });
        let arm = code.split_once("=>").map(|(pattern, _)| pattern.to_owned()).unwrap_or_default();
        sides.flatten().chain(arm.split('|').map(str::to_owned)).any(|side| is_code(&side))
    };
    for wrong in [
        "if code == FAULT {",
        "x.code != \"NOT_THERE\"",
        "\"FAULT\" => {",
        "OK | REFUSED => 1,",
        "step.outcome == \"ok\"",
    ] {
        assert!(compares(wrong), "{wrong}");
    }
    for right in ["Came::Outside => \"OUTSIDE\",", "let code = FAULT;", "a == OKAY", "kind == Kind::Fault"] {
        assert!(!compares(right), "{right}");
    }
    let wrong = code("").into_iter().filter(|line| compares(&line.code));
    // What a journal says of a call that went through is read in one place, as is what a trace says; and SQLite says "ok" too.
    let reads = |line: &Line| line.file.starts_with("crates/store/src/") || line.file == "crates/traces/src/lib.rs";
    none(wrong.filter(|line| !reads(line)), "a refusal is told by its kind");
}

#[test]
fn nothing_outside_tests_gives_up() {
    let ends = [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "unreachable!(", "dbg!("];
    let wrong = code("").into_iter().filter(|line| ends.iter().any(|end| line.code.contains(end)));
    none(wrong, "a failure is a value");
}

/// An episode has only its policy's clock, and nothing in it depends on chance or on the order of a hash map.
#[test]
fn nothing_depends_on_time_or_chance() {
    let words = ["SystemTime", "Instant", "Timestamp::now", "Zoned::now", "rand", "HashMap", "HashSet"];
    for layer in ["records", "store", "procedures", "skills", "calls"] {
        let wrong = code(layer).into_iter().filter(|line| words.iter().any(|word| names(&line.code, word)));
        none(wrong, "time, chance and hash order are out of place");
    }
}

/// Below the transports nothing is read that changes by itself: what a call depends on is in its session.
#[test]
fn nothing_below_the_transports_reads_the_environment_or_a_global_that_changes() {
    let environment =
        ["env::var", "env::var_os", "env::vars", "env::vars_os", "env::args", "env::current_dir", "env::temp_dir"];
    let cells = [
        "Mutex",
        "RwLock",
        "OnceLock",
        "OnceCell",
        "Cell",
        "RefCell",
        "AtomicBool",
        "AtomicU64",
        "AtomicUsize",
        "AtomicI64",
    ];
    for layer in ["records", "store", "traces", "procedures", "calls", "evaluation"] {
        // Which page of which image SQLite asks for is found by globals; no answer depends on them.
        let own = code(layer).into_iter().filter(|line| !line.file.starts_with("crates/store/src/image/"));
        let wrong = own.filter(|line| {
            let global = line.code.trim_start().trim_start_matches("pub ").starts_with("static ");
            line.code.contains("thread_local!")
                || line.code.contains("static mut")
                || environment.iter().any(|word| line.code.contains(word))
                || global && cells.iter().any(|word| names(&line.code, word))
        });
        none(wrong, "a call depends on its session, and on nothing that changes by itself");
    }
    for layer in ["traces", "evaluation"] {
        let words = ["SystemTime", "Instant", "Timestamp::now", "Zoned::now", "rand"];
        none(
            code(layer).into_iter().filter(|line| words.iter().any(|word| names(&line.code, word))),
            "no time, no chance",
        );
    }
}

/// Files that belong to the project: tracked, or new and not ignored. None outside a work tree.
fn committed() -> Option<Vec<String>> {
    let git = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let names = String::from_utf8_lossy(&git.stdout).into_owned();
    Some(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

#[test]
fn no_file_names_this_machine_or_a_registry() {
    let Some(files) = committed() else {
        println!("skipped: this is no work tree of git");
        return;
    };
    // Put together here, so that this file does not hold them.
    let hosts = [["crates", "io"], ["pypi", "org"], ["npmjs", "com"], ["npmjs", "org"]].map(|parts| parts.join("."));
    let machine = ["", "work", ""].join("/");
    let mut found = Vec::new();
    for file in files {
        // Cargo writes the registry into its lock files.
        if file.ends_with("Cargo.lock") {
            continue;
        }
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        for (at, line) in text.lines().enumerate() {
            let path = line
                .match_indices(&machine)
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-*".contains(c)));
            if path || hosts.iter().any(|host| line.contains(host)) {
                found.push(format!("{file}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "paths of this machine, or hosts of registries:\n{}", found.join("\n"));
}

#[test]
fn comments_and_texts_are_told_apart() {
    assert_eq!(without_comment("let a = 1; // unwrap()"), "let a = 1; ");
    assert_eq!(without_comment("let a = \"https://x\"; // b"), "let a = \"https://x\"; ");
    assert_eq!(without_comment("//! tokio"), "");
    assert!(names("use cel::parser;", "cel") && !names("cancel()", "cel") && !names("cells", "cel"));
}

/// Rulings have numbers for those who change the program; nobody else should have to look one up.
#[test]
fn nothing_that_agents_or_users_read_names_a_ruling() {
    let names_one = |text: &str| {
        text.match_indices('X').any(|(at, _)| {
            let before = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
            let digits = text[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
            !before && digits == 2
        })
    };
    assert!(names_one("(ruling X49)") && !names_one("TX49 X1"));
    for folder in [
        "policy",
        "mapping",
        "tools",
        "fixtures",
        "examples",
        "crates/cli",
        "crates/server/src/mcp",
        "tests/it/snapshots",
    ] {
        for file in every(&root().join(folder)) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            assert!(!names_one(&text), "{} names a ruling", file.display());
        }
    }
    let decisions = root().join("docs/decisions");
    let documents = every(&root().join("docs")).into_iter().filter(|path| !path.starts_with(&decisions));
    for file in documents.chain([root().join("README.md")]) {
        assert!(!names_one(&fs::read_to_string(&file).unwrap()), "{} names a ruling", file.display());
    }
}

/// Every file below a folder.
fn every(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { every(&path) } else { vec![path] }).collect()
}
