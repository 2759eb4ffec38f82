//! Results as a folder: tasks in `results.json`, and each run in a file of its own in `simulations` beside it.

use super::set_up;
use crate::trace::Document;
use crate::trace::format::Format;
use std::path::{Component, Path, PathBuf};

/// Put the runs of such folders into the documents of their results, so that they find their tasks there.
pub fn gather(documents: Vec<Document>) -> Vec<Document> {
    let mut whole: Vec<Document> = Vec::with_capacity(documents.len());
    let mut runs = Vec::new();
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
            }
            None => whole.push(document),
        }
    }
    for document in whole.iter_mut().filter(|document| document.format == Format::Tau2) {
        set_up(document);
    }
    whole
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
