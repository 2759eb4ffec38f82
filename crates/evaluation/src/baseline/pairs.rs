//! Which trials of two runs are of the same task.

use crate::model::{Report, TraceReport};
use indexmap::IndexMap;

/// The trials of two runs, by task.
pub struct Pairs<'a> {
    /// Tasks that both sides tried, in the order of the later run.
    pub pairs: Vec<Pair<'a>>,
    /// Tasks that only the earlier run tried.
    pub only_before: Vec<String>,
    /// Tasks that only the later run tried.
    pub only_after: Vec<String>,
}

/// A task that both sides tried.
pub struct Pair<'a> {
    /// The task, and its gold's file where the name alone is not enough.
    pub name: String,
    /// Trials of the earlier run, one at least.
    pub before: Vec<&'a TraceReport>,
    /// Trials of the later run, one at least.
    pub after: Vec<&'a TraceReport>,
}

/// Trials by the file of their gold.
type ByFile<'a> = IndexMap<&'a str, Vec<&'a TraceReport>>;

/// The tasks of a run: by name, and by the file of their gold, since several files may number their tasks alike.
type Tasks<'a> = IndexMap<&'a str, ByFile<'a>>;

impl<'a> Pairs<'a> {
    /// Pair by the task's name. Where a run has several tasks of one name, only the same file of gold makes a pair.
    pub fn new(before: &'a Report, after: &'a Report) -> Pairs<'a> {
        let (mut earlier, later) = (tasks(before), tasks(after));
        let mut paired = Pairs { pairs: Vec::new(), only_before: Vec::new(), only_after: Vec::new() };
        for (name, files) in later {
            let others = earlier.shift_remove(name).unwrap_or_default();
            paired.add(name, others, files);
        }
        for (name, files) in earlier {
            paired.add(name, files, ByFile::new());
        }
        paired
    }

    fn add(&mut self, name: &str, mut before: ByFile<'a>, after: ByFile<'a>) {
        let alone = before.len() <= 1 && after.len() <= 1;
        let called = |file: &str| if alone { name.to_owned() } else { format!("{name} ({file})") };
        for (file, later) in after {
            let found = if alone { before.pop().map(|(_, trials)| trials) } else { before.shift_remove(file) };
            match found {
                Some(earlier) => self.pairs.push(Pair { name: called(file), before: earlier, after: later }),
                None => self.only_after.push(called(file)),
            }
        }
        self.only_before.extend(before.keys().map(|file| called(file)));
    }
}

fn tasks(report: &Report) -> Tasks<'_> {
    let mut tasks = Tasks::new();
    for trace in &report.traces {
        let Some(verdict) = &trace.verdict else { continue };
        let name = verdict.task.as_deref().unwrap_or(&verdict.trace);
        tasks.entry(name).or_default().entry(&verdict.gold.file).or_default().push(trace);
    }
    tasks
}
