//! Whether SQLite's log beside a file is what was written.
//!
//! After a crash SQLite takes the log up to the first frame whose checksum does not fit, for that is where a write was torn. What
//! was damaged later looks the same to it, and it would drop every commit behind that place without a word. But a commit is on the
//! disk before the next one begins, so nothing but the last can be torn: two commits behind the place say that it was damaged.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Result};
use std::path::Path;

/// Bytes of the log's head, and of the head of each frame.
const HEAD: usize = 32;
const FRAME: usize = 24;

/// Most bytes of a page.
const PAGE: usize = 65_536;

/// What is wrong with the log of a database file; none where there is no log, or one that a crash can leave.
pub(super) fn damage(database: &Path) -> Result<Option<&'static str>> {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    match File::open(name) {
        Ok(file) => scan(BufReader::new(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn scan(mut log: impl Read) -> Result<Option<&'static str>> {
    let mut head = [0; HEAD];
    if !fill(&mut log, &mut head)? || head == [0; HEAD] {
        return Ok(None);
    }
    let order = match number(&head, 0) {
        0x377f_0682 => u32::from_le_bytes,
        0x377f_0683 => u32::from_be_bytes,
        _ => return Ok(Some("its log has no head")),
    };
    let mut sum = add(order, [0; 2], &head[..24]);
    let page = usize::try_from(number(&head, 8)).unwrap_or_default();
    if sum != pair(&head, 24) || !(512..=PAGE).contains(&page) || page % 8 != 0 {
        return Ok(Some("the head of its log is not what was written"));
    }
    let (mut broken, mut commits) = (false, 0);
    let mut frame = vec![0; FRAME + page];
    while fill(&mut log, &mut frame)? {
        let fits = frame[8..16] == head[16..24]
            && add(order, add(order, sum, &frame[..8]), &frame[FRAME..]) == pair(&frame, 16);
        broken |= !fits;
        // Frames of an earlier round of the log have other salts, and fit nothing here.
        commits += u32::from(broken && fits && number(&frame, 4) != 0);
        sum = pair(&frame, 16);
    }
    Ok((commits > 1).then_some("its log was changed in the middle"))
}

/// Read that many bytes; false where the log ends before.
fn fill(log: &mut impl Read, bytes: &mut [u8]) -> Result<bool> {
    match log.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_be_bytes(four.unwrap_or_default())
}

fn pair(bytes: &[u8], at: usize) -> [u32; 2] {
    [number(bytes, at), number(bytes, at + 4)]
}

/// The checksum of SQLite's logs, gone on with.
fn add(order: fn([u8; 4]) -> u32, [mut one, mut two]: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    let (words, _) = bytes.as_chunks::<8>();
    for [a, b, c, d, e, f, g, h] in words {
        one = one.wrapping_add(order([*a, *b, *c, *d])).wrapping_add(two);
        two = two.wrapping_add(order([*e, *f, *g, *h])).wrapping_add(one);
    }
    [one, two]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    /// A log of five commits, of one page each.
    fn log() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let connection = Connection::open(&file).unwrap();
        connection.execute_batch("PRAGMA page_size = 512; PRAGMA journal_mode = WAL; CREATE TABLE t (x)").unwrap();
        let folded = "PRAGMA wal_checkpoint(RESTART)";
        connection.query_row(folded, [], |_| Ok(())).unwrap();
        for number in 0..5 {
            connection.execute("INSERT INTO t VALUES ($1)", [number]).unwrap();
        }
        std::fs::read(folder.path().join("a.db-wal")).unwrap()
    }

    fn found(log: &[u8]) -> Option<&'static str> {
        scan(log).unwrap()
    }

    #[test]
    fn what_a_crash_can_leave_is_whole() {
        let log = log();
        let frame = FRAME + 512;
        assert_eq!((log.len() - HEAD) / frame, 5);
        for length in 0..=log.len() {
            assert_eq!(found(&log[..length]), None, "cut at {length}");
        }
        // The last write is torn.
        for at in log.len() - frame..log.len() {
            let mut torn = log.clone();
            torn[at] ^= 1;
            assert_eq!(found(&torn), None, "torn at {at}");
        }
        assert_eq!(found(&vec![0; log.len()]), None);
    }

    #[test]
    fn what_was_changed_before_the_last_commits_is_damage() {
        let log = log();
        let frame = FRAME + 512;
        for at in 0..HEAD + 2 * frame {
            let mut changed = log.clone();
            changed[at] ^= 1;
            assert!(found(&changed).is_some(), "changed at {at}");
        }
        let mut zeroed = log.clone();
        zeroed[HEAD + 7..HEAD + frame + 99].fill(0);
        assert!(found(&zeroed).is_some());
    }

    /// What an earlier round of the log left behind the present one is no part of it.
    #[test]
    fn an_earlier_round_is_not_looked_at() {
        let (old, log) = (log(), log());
        let mixed = [&log[..HEAD + FRAME + 512], &old[HEAD + FRAME + 512..]].concat();
        assert_eq!(found(&mixed), None);
    }
}
