//! Recording: each episode's calls in a file of its own, written while it runs, which is a trace.
//!
//! A file replays from the fixtures. So it begins with the calls that the episode brings along, as a fork or a resumed one
//! does; and an episode that goes back, by a reset or to a checkpoint, goes on in a new file. A file begins with the first
//! call that is made, and none is ever written over.

use crate::episode::Episode;
use crate::trace::format::ndjson;
use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
}

#[derive(Clone)]
enum Stage {
    /// Nothing was called since the episode began or went back.
    Waiting,
    /// The calls up to that number are in that file.
    Writing(PathBuf, i64),
    /// The file could not be written, and what is in it stays: a trace that ends early.
    Lost,
}

impl Recorder {
    /// Record in that directory, which is made where there is none.
    pub fn open(directory: &Path) -> Result<Recorder, String> {
        let wrong = |error| format!("episodes cannot be recorded in {}: {error}", directory.display());
        fs::create_dir_all(directory).map_err(wrong)?;
        // Better now than at the first call, which is made all the same.
        let probe = directory.join(".writable");
        File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(wrong)?;
        Ok(Recorder { directory: directory.into() })
    }

    pub(super) fn record(&self, episode: &str) -> Recording {
        Recording { recorder: self.clone(), episode: episode.to_owned(), stage: Stage::Waiting }
    }

    /// A new file for an episode, and its name: the episode's, and a number where that is taken.
    fn create(&self, episode: &str) -> io::Result<(File, PathBuf, String)> {
        let mut number = 1_u64;
        loop {
            let name = if number == 1 { episode.to_owned() } else { format!("{episode}.{number}") };
            let path = self.directory.join(format!("{name}.ndjson"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
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

    /// Write down the calls that are not written yet.
    ///
    /// They are done, whether this works or not: an agent's run must not depend on who watches it.
    pub fn catch_up(&mut self, episode: &mut Episode) {
        match self.write(episode) {
            Ok(stage) => self.stage = stage,
            Err(error) => {
                let (name, directory) = (&self.episode, self.recorder.directory.display());
                tracing::error!(episode = name, "the calls from here on are not recorded in {directory}: {error}");
                self.stage = Stage::Lost;
            }
        }
    }

    fn write(&self, episode: &mut Episode) -> Result<Stage, Box<dyn Error>> {
        // Opened for each call: there may be more episodes than a process may have files.
        let (mut file, path, mut text, written) = match &self.stage {
            Stage::Lost => return Ok(Stage::Lost),
            Stage::Writing(path, written) => {
                (OpenOptions::new().append(true).open(path)?, path.clone(), String::new(), *written)
            }
            Stage::Waiting => {
                let (file, path, name) = self.recorder.create(&self.episode)?;
                (file, path, ndjson::header_line(&episode.header(&name)?) + "\n", 0)
            }
        };
        let mut number = written;
        for call in episode.calls(written)? {
            number += 1;
            text += &ndjson::call_line(usize::try_from(number)?, &call);
            text.push('\n');
        }
        // At once: a process that is killed leaves whole lines, unless the system is in the midst of this one.
        file.write_all(text.as_bytes())?;
        Ok(Stage::Writing(path, number))
    }
}
