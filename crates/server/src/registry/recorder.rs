//! Recording: each episode's calls in a file of its own, written while it runs, which is a trace.
//!
//! A file replays from the fixtures. So it begins with the calls that the episode brings along, as a fork or a resumed one
//! does; and an episode that goes back, by a reset or to a checkpoint, goes on in a new file. A file begins with the first
//! call that is made, and none is ever written over. What could not be written is written with the next call, so that a file is
//! at most late.

use calls::{Episode, Happened};
use std::error::Error;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::files;
use traces::format::ndjson;

/// The directory in which episodes are recorded.
#[derive(Clone)]
pub struct Recorder {
    directory: Arc<Path>,
}

/// The recording of one episode.
#[derive(Clone)]
pub(super) struct Recording {
    recorder: Recorder,
    episode: String,
    stage: Stage,
    /// Whether the last calls could not be written. They are written with the next that can be.
    behind: bool,
}

#[derive(Clone)]
enum Stage {
    /// Nothing was called since the episode began or went back.
    Waiting,
    /// There is a file.
    Writing(Written),
}

/// How far a file has come.
#[derive(Clone)]
struct Written {
    path: PathBuf,
    /// The name that its trace has.
    name: String,
    /// The last call in it.
    call: i64,
    /// How many moves of the clock stand in it after that call.
    advances: usize,
    /// Its length in bytes, all of it whole lines; 0 before its header.
    length: u64,
}

impl Recorder {
    /// Record in that directory, which is made where there is none.
    pub fn open(directory: &Path) -> Result<Recorder, String> {
        let wrong = |error| format!("episodes cannot be recorded in {}: {error}", directory.display());
        files::folder(directory).map_err(wrong)?;
        // Better now than at the first call, which is made all the same.
        files::probe(directory).map_err(wrong)?;
        files::tell_open(directory);
        Ok(Recorder { directory: directory.into() })
    }

    pub(super) fn record(&self, episode: &str) -> Recording {
        Recording { recorder: self.clone(), episode: episode.to_owned(), stage: Stage::Waiting, behind: false }
    }

    /// A new file for an episode, and its name: the episode's, and a number where that is taken. An episode whose own name
    /// ends in a number begins with one, so that each name of a file is that of one episode.
    fn create(&self, episode: &str) -> io::Result<(File, PathBuf, String)> {
        let mut number = 1_u64;
        let numbered = episode.rsplit_once('.').is_some_and(|(_, end)| end.bytes().all(|b| b.is_ascii_digit()));
        loop {
            let name = if number == 1 && !numbered { episode.to_owned() } else { format!("{episode}.{number}") };
            let path = self.directory.join(format!("{name}.ndjson"));
            match files::create_new(&path) {
                Ok(file) => return Ok((file, path, name)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Recording {
    /// The episode has gone back: what comes does not follow what is written.
    pub fn break_off(&mut self) {
        self.stage = Stage::Waiting;
    }

    /// Write down the calls that are not written yet. Where that fails, for want of a descriptor or of room, it is tried again
    /// with the next call, from the last one that was written.
    ///
    /// They are done, whether this works or not: an agent's run must not depend on who watches it.
    pub fn catch_up(&mut self, episode: &mut Episode) {
        let (name, directory) = (self.episode.clone(), self.recorder.directory.clone());
        match self.write(episode) {
            Ok(()) if self.behind => {
                tracing::info!(episode = name, "the calls that were missing are recorded in {}", directory.display());
                self.behind = false;
            }
            Ok(()) => {}
            // Once is enough for each time that it begins to fail.
            Err(error) => {
                if !self.behind {
                    tracing::error!(episode = name, "calls cannot be recorded in {} now: {error}", directory.display());
                }
                self.behind = true;
            }
        }
    }

    fn write(&mut self, episode: &mut Episode) -> Result<(), Box<dyn Error>> {
        // Opened for each call: there may be more episodes than a process may have files.
        let mut file = match &self.stage {
            Stage::Writing(written) => files::append(&written.path)?,
            Stage::Waiting => {
                let (file, path, name) = self.recorder.create(&self.episode)?;
                self.stage = Stage::Writing(Written { path, name, call: 0, advances: 0, length: 0 });
                file
            }
        };
        let Stage::Writing(written) = &mut self.stage else { return Ok(()) };
        match file.metadata()?.len() {
            length if length < written.length => return Err("somebody else has cut the file".into()),
            length if length > written.length => file.set_len(written.length)?,
            _ => {}
        }
        let mut text = String::new();
        if written.length == 0 {
            text = ndjson::header_line(&episode.header(&written.name)?) + "\n";
        }
        let (mut number, mut advances) = (written.call, written.advances);
        for happened in episode.happened(number, advances)? {
            text += &match happened {
                Happened::Call(call) => {
                    (number, advances) = (number + 1, 0);
                    ndjson::call_line(usize::try_from(number)?, &call)
                }
                Happened::Advance(by) => {
                    advances += 1;
                    ndjson::advance_line(&by)
                }
            };
            text.push('\n');
        }
        // At once: a process that is killed leaves whole lines, unless the system is in the midst of this one.
        file.write_all(text.as_bytes())?;
        (written.call, written.advances) = (number, advances);
        written.length += text.len() as u64;
        Ok(())
    }
}
