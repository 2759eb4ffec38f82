//! Results as a folder: tasks in `results.json`, and each run in a file of its own in `simulations` beside it.

use super::set_up;
use crate::format::{Format, Node};
use crate::{Document, Item};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Put the runs of such folders into the documents of their results, so that they find their tasks there.
pub fn gather(documents: Vec<Document>) -> Vec<Document> {
    let mut whole: Vec<Document> = Vec::with_capacity(documents.len());
    let (mut runs, mut gathered) = (Vec::new(), BTreeSet::new());
    for document in documents {
        match of_folder(&document) {
            Some(results) => runs.push((results, document)),
            None => whole.push(document),
        }
    }
    for (results, mut document) in runs {
        let is_head = |head: &&mut Document| head.format == Format::Tau2 && file(head).as_ref() == Some(&results);
        let head = whole.iter_mut().find(is_head);
        match head {
            Some(head) => {
                head.items.append(&mut document.items);
                head.mistakes.append(&mut document.mistakes);
                gathered.insert(results);
            }
            None => whole.push(document),
        }
    }
    for head in whole.iter_mut().filter(|head| file(head).is_some_and(|file| gathered.contains(&file))) {
        missing(head);
    }
    for document in whole.iter_mut().filter(|document| document.format == Format::Tau2) {
        set_up(document);
    }
    whole
}

/// Keep with its task which runs the results list as being in files of their own.
pub fn index(results: &Node<'_>, items: &mut [Item]) {
    for entry in results.list("simulation_index").into_iter().flatten() {
        let (Ok(Some(run)), Ok(of)) = (entry.label_at("id"), entry.label_at("task_id")) else { continue };
        for item in items.iter_mut() {
            if let Item::Task(task) = item
                && task.gold.task == of
            {
                task.runs.push(run.clone());
            }
        }
    }
}

/// A run that is listed and not there is one that could have failed.
fn missing(head: &mut Document) {
    let runs = head.items.iter().filter(|item| matches!(item, Item::Trace(_)));
    let there: BTreeSet<&str> = runs.map(|run| run.trace().name.as_str()).collect();
    let mut mistakes = Vec::new();
    for item in &head.items {
        let Item::Task(task) = item else { continue };
        for run in task.runs.iter().filter(|run| !there.contains(run.as_str())) {
            let reason =
                format!("has a run {run:?} by the index of the results, which is not among those that were read");
            mistakes.push(task.gold.source.mistake(reason));
        }
    }
    head.mistakes.append(&mut mistakes);
}

/// The file of results that a document's runs belong to, if there is one.
fn of_folder(document: &Document) -> Option<PathBuf> {
    let file = file(document)?;
    let folder = file.parent().filter(|folder| folder.ends_with("simulations"))?;
    (document.format == Format::Tau2).then(|| folder.with_file_name("results.json"))
}

/// The file of a document, however the way to it was written.
fn file(document: &Document) -> Option<PathBuf> {
    let file = Path::new(&*document.items.first()?.trace().source.file);
    Some(file.components().filter(|part| *part != Component::CurDir).collect())
}
