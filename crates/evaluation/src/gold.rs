//! Which of what is held to be right a trial is compared with. Not a guess is made: what could be meant in two ways is refused.

use super::model::{Place, Unread};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use traces::{Item, Task, Trace};

/// All that is held to be right.
pub struct Golds<'a> {
    items: Vec<&'a Item>,
    /// For each, the first that is the same task with the same right answer, such as one that each of its runs has with it.
    first: Vec<usize>,
    /// By task and by name; in the order in which they were read.
    by_name: BTreeMap<&'a str, Vec<usize>>,
    /// What stands for every trial.
    only: Option<usize>,
    /// What is wrong with it.
    pub mistakes: Vec<Unread>,
}

impl<'a> Golds<'a> {
    /// `named` says whether gold was named, apart from the trials: a trial does not stand for its own gold.
    pub fn new(items: Vec<&'a Item>, named: bool) -> Golds<'a> {
        let items: Vec<&Item> = items.into_iter().filter(|item| named || task_of(item).is_some()).collect();
        let mut golds = Golds { first: Vec::new(), by_name: BTreeMap::new(), only: None, mistakes: Vec::new(), items };
        for (at, item) in golds.items.iter().enumerate() {
            let names = [item.trace().task.as_deref(), Some(item.trace().name.as_str())];
            let known = names[0].or(names[1]).and_then(|id| golds.by_name.get(id));
            let same = known.into_iter().flatten().find(|known| same(golds.items[**known], item));
            golds.first.push(same.map_or(at, |known| golds.first[*known]));
            for name in names.into_iter().flatten() {
                let with = golds.by_name.entry(name).or_default();
                if with.last() != Some(&at) {
                    with.push(at);
                }
            }
        }
        golds.only = if named && golds.items.len() == 1 { Some(0) } else { None };
        golds.mistakes = twice(&golds.items);
        golds
    }

    /// That one.
    pub fn get(&self, gold: usize) -> &'a Item {
        self.items[gold]
    }

    /// Whether that item was named as gold.
    pub fn holds(&self, item: &Item) -> bool {
        let named = self.by_name.get(item.trace().name.as_str());
        named.into_iter().flatten().any(|gold| self.items[*gold].trace().source == item.trace().source)
    }

    /// The first that is the same as that one.
    pub fn first(&self, gold: usize) -> usize {
        self.first[gold]
    }

    /// Each task once, as its first gold.
    pub fn tasks(&self) -> impl Iterator<Item = usize> {
        (0..self.items.len()).filter(|at| self.first[*at] == *at)
    }

    /// The gold of a trial: that of its task, or of its name; of its own file before that of others.
    pub fn of(&self, trial: &Trace) -> Result<usize, String> {
        let names = [trial.task.as_deref(), Some(trial.name.as_str())];
        let mut refused = None;
        for name in names.into_iter().flatten() {
            match self.called(name, trial).as_slice() {
                [] => {}
                [gold] => return Ok(*gold),
                several => refused = refused.or_else(|| Some(self.ambiguous(name, several))),
            }
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        self.only.ok_or_else(|| {
            let name = trial.task.as_ref().unwrap_or(&trial.name);
            format!("there is no task or trace {name:?} to compare it with; name gold with --against FILE")
        })
    }

    /// What is called so, those that are the same once: in the trial's own file, else in all.
    fn called(&self, name: &str, trial: &Trace) -> Vec<usize> {
        let all = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let is_own = |gold: &usize| self.items[*gold].trace().source.file == trial.source.file;
        let own: Vec<usize> = all.iter().copied().filter(is_own).collect();
        let all = if own.is_empty() { all } else { &own };
        let mut known = BTreeSet::new();
        all.iter().copied().filter(|gold| known.insert(self.first[*gold])).collect()
    }

    fn ambiguous(&self, name: &str, several: &[usize]) -> String {
        let places: Vec<String> = several.iter().map(|gold| self.items[*gold].trace().source.to_string()).collect();
        format!(
            "{name:?} has several golds that hold different things to be right, so it is not compared with any: {}; \
             name the right one with --against FILE",
            places.join(", ")
        )
    }
}

/// The task, where it is one.
pub fn task_of(item: &Item) -> Option<&Task> {
    match item {
        Item::Task(task) => Some(task),
        Item::Trace(_) => None,
    }
}

/// Tasks that have the id of an earlier one in their file.
pub fn twice(items: &[&Item]) -> Vec<Unread> {
    let mut known = BTreeMap::<(&Arc<str>, &str), &Item>::new();
    let mut mistakes = Vec::new();
    for item in items.iter().filter(|item| task_of(item).is_some()) {
        let trace = item.trace();
        let Some(id) = trace.task.as_deref() else { continue };
        match known.entry((&trace.source.file, id)) {
            Entry::Vacant(entry) => _ = entry.insert(item),
            Entry::Occupied(entry) => {
                let first = entry.get();
                let how = if same(first, item) { "the same again" } else { "and holds something else to be right" };
                let reason = format!("the id {id:?} is that of an earlier task, {}, {how}", first.trace().source);
                mistakes.push(Unread { place: Place::from(&trace.source), reason });
            }
        }
    }
    mistakes
}

/// Whether two golds ask for the same and hold the same to be right.
fn same(one: &Item, other: &Item) -> bool {
    let asked = |item| task_of(item).map(|task| (&task.instruction, &task.user));
    let (a, b) = (one.trace(), other.trace());
    let calls = |trace: &'_ Trace| trace.calls.len();
    asked(one) == asked(other)
        && (&a.outputs, &a.settings, &a.actor, &a.unfinished, &a.advances)
            == (&b.outputs, &b.settings, &b.actor, &b.unfinished, &b.advances)
        && calls(a) == calls(b)
        && a.calls.iter().zip(&b.calls).all(|(one, other)| {
            (&one.tool, &one.arguments, &one.malformed) == (&other.tool, &other.arguments, &other.malformed)
        })
}
