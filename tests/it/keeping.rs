//! What is kept on the disk: for its owner alone, under names that every platform takes, and served whole or not at all.

use crate::support::{self, call, fixtures, policy};
use calls::{Episode, Settings, StartError};
use procedures::policy::Source;
use rusqlite::Connection;
use serde_json::json;
use server::registry::{Durable, Limits, Recorder, Registry, RegistryError, Setup, Spec};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

async fn open(state: Option<&Path>, journal: Option<&Path>) -> Result<Arc<Registry>, RegistryError> {
    let setup = Setup {
        source: Source::Embedded,
        fixtures: BTreeMap::from([("default".to_owned(), fixtures().clone())]),
        defaults: Spec { policy: Some("all".to_owned()), ..Spec::default() },
        limits: Limits::default(),
        durable: state.map(|directory| Durable::open(directory).unwrap()),
        recorder: journal.map(|directory| Recorder::open(directory).unwrap()),
    };
    Registry::open(setup).await
}

async fn begin(registry: &Arc<Registry>, name: &str) -> Result<(), RegistryError> {
    let spec = Spec { id: Some(name.to_owned()), ..Spec::default() };
    registry.create(spec).await.map(drop)
}

async fn note(registry: &Arc<Registry>, name: &str) {
    let note = json!({ "incident_id": "22", "note": "Seen.", "acting_user": "6" });
    let live = registry.get(name).unwrap();
    let outcome =
        live.call(live.queue(), "add_incident_update", note.as_object().unwrap().clone(), None).await.unwrap();
    assert!(!outcome.is_error(), "{}", outcome.text);
}

/// A state directory with an episode that has a call and a checkpoint, and what is to be done to its file.
async fn spoilt(spoil: impl Fn(&Connection)) -> Result<Arc<Registry>, RegistryError> {
    let folder = tempfile::tempdir().unwrap();
    let registry = open(Some(folder.path()), None).await.unwrap();
    begin(&registry, "A").await.unwrap();
    note(&registry, "A").await;
    registry.get("A").unwrap().checkpoint(Some("before")).await.unwrap();
    registry.finish().await;
    drop(registry);
    assert!(!folder.path().join("episodes.db-wal").exists(), "the log is folded in");
    let file = Connection::open(folder.path().join("episodes.db")).unwrap();
    spoil(&file);
    file.close().unwrap();
    open(Some(folder.path()), None).await
}

#[tokio::test]
async fn damage_in_a_state_directory_is_named_and_nothing_is_served() {
    for (sql, says) in [
        ("UPDATE image SET bytes = CAST(replace(bytes, x'4e', x'4d') AS BLOB)", "the image "),
        (
            "UPDATE page SET data = zeroblob(length(data)) WHERE sheet = (SELECT min(sheet) FROM page)",
            "of the state of episode A",
        ),
        (
            "UPDATE page SET data = zeroblob(length(data)) WHERE sheet = (SELECT max(sheet) FROM page)",
            "of the checkpoint before of episode A",
        ),
        ("UPDATE page SET number = number + 1000 WHERE number = (SELECT max(number) FROM page)", "page 1"),
        ("UPDATE page SET sum = NULL", "page "),
        ("UPDATE sheet SET size = size + 2048 WHERE checkpoint = ''", "the state of episode A"),
        ("UPDATE sheet SET checkpoint = 'after' WHERE checkpoint = 'before'", "the checkpoint after of episode A"),
        ("UPDATE episode SET description = replace(description, 'all', 'any')", "the description of episode A"),
        ("DELETE FROM sheet WHERE checkpoint = ''", "the state of episode A, which is missing"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM image", "the image of episode A, which is missing"),
    ] {
        let error = spoilt(|file| file.execute_batch(sql).unwrap()).await.err().map(|error| error.to_string());
        let error = error.unwrap_or_else(|| panic!("{sql}: it is served"));
        assert!(error.contains("damaged") && error.contains(says), "{sql}: {error}");
    }
}

/// A ledger of the version before this one, which had no checksums.
#[tokio::test]
async fn a_state_directory_of_the_version_before_is_taken_over() {
    let drop_sums =
        "ALTER TABLE episode DROP COLUMN sum; ALTER TABLE sheet DROP COLUMN sum; ALTER TABLE page DROP COLUMN sum;";
    let registry = spoilt(|file| file.execute_batch(drop_sums).unwrap()).await.unwrap();
    note(&registry, "A").await;
    assert_eq!(registry.get("A").unwrap().summary().await.unwrap().calls, 2);
}

fn in_file(path: &Path) -> Result<Episode, StartError> {
    Episode::in_file(policy("all"), fixtures(), &Settings::default(), path)
}

fn begun(path: &Path) -> Episode {
    let mut episode = in_file(path).unwrap();
    let note = json!({ "incident_id": "22", "note": "Seen.", "acting_user": "6" });
    support::success(&call(&mut episode, "add_incident_update", note));
    episode
}

#[test]
fn damage_in_a_state_file_is_named_and_it_is_not_served() {
    for sql in [
        "UPDATE clients SET client_name = replace(client_name, 'a', 'e')",
        "UPDATE journal SET arguments = replace(arguments, 'Seen', 'Sawn')",
        "PRAGMA foreign_keys = OFF; DELETE FROM journal",
        "PRAGMA foreign_keys = OFF; PRAGMA user_version = 0; DELETE FROM clients",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        drop(begun(&path));
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        match in_file(&path) {
            Err(StartError::Damaged(..)) => {}
            Err(error) => panic!("{sql}: {error}"),
            Ok(_) => panic!("{sql}: it is served"),
        }
    }
    // Bytes in the midst of the file.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    drop(begun(&path));
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    // More than a page, so that it is not only room that nothing uses.
    bytes[middle..middle + 3 * 4096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    assert!(matches!(in_file(&path), Err(StartError::Damaged(..))));
}

#[test]
fn a_state_file_that_was_not_closed_goes_on_and_so_does_one_of_the_version_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    // As a crash leaves it: the file and its log.
    let episode = begun(&path);
    for end in ["", "-wal"] {
        fs::copy(format!("{}{end}", path.display()), folder.path().join(format!("crashed{end}"))).unwrap();
    }
    drop(episode);
    assert!(!folder.path().join("state-wal").exists(), "the log is folded in");
    assert!(in_file(&folder.path().join("crashed")).is_ok());
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 0").unwrap();
    assert!(in_file(&path).is_ok());
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_made_is_its_owners_alone() {
    use std::os::unix::fs::{MetadataExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let registry = open(Some(&at("state/dir")), Some(&at("journal"))).await.unwrap();
    begin(&registry, "A").await.unwrap();
    note(&registry, "A").await;
    let _episode = begun(&at("file"));
    let mut seen = 0;
    let mut folders = vec![folder.path().to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            let about = entry.metadata().unwrap();
            assert_eq!(about.mode() & 0o077, 0, "{}", entry.path().display());
            seen += 1;
            folders.extend(about.is_dir().then(|| entry.path()));
        }
    }
    assert!(seen >= 7, "state, dir, episodes.db and its log, journal, A.ndjson, file and its log: {seen}");
    // Nothing is made by way of a link.
    symlink(at("elsewhere"), at("link")).unwrap();
    assert!(in_file(&at("link")).is_err());
    fs::create_dir(at("other")).unwrap();
    symlink(at("elsewhere"), at("other/episodes.db")).unwrap();
    assert!(Durable::open(&at("other")).is_err());
    assert!(!at("elsewhere").exists());
}

#[tokio::test]
async fn names_are_those_of_files_on_every_platform() {
    let folder = tempfile::tempdir().unwrap();
    let registry = open(None, Some(folder.path())).await.unwrap();
    for name in ["CON", "nul.txt", "com1", "a.", ".a", "a b", "a/b", ""] {
        assert!(matches!(begin(&registry, name).await, Err(RegistryError::Name(_))), "{name}");
    }
    begin(&registry, "Run").await.unwrap();
    assert!(matches!(begin(&registry, "rUN").await, Err(RegistryError::Taken(_))));
    // The second recording of one episode and the first of another never have one name.
    begin(&registry, "Run.2").await.unwrap();
    note(&registry, "Run").await;
    registry.get("Run").unwrap().reset().await.unwrap();
    note(&registry, "Run").await;
    note(&registry, "Run.2").await;
    let mut files: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["Run.2.1.ndjson", "Run.2.ndjson", "Run.ndjson"]);
}
