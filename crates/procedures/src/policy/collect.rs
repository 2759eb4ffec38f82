//! Following includes: the folders that a policy is put together from.

use super::fragment::Fragment;
use super::source::Source;
use crate::mistake::Mistake;
use indexmap::IndexMap;
use records::suggest::did_you_mean;
use std::collections::BTreeSet;

/// The folders of a policy, what is included before what includes it.
struct Collected<'a> {
    source: &'a Source,
    /// The folders that can be included.
    folders: BTreeSet<String>,
    parts: IndexMap<String, Part>,
    mistakes: Vec<Mistake>,
}

/// A fragment, and the paths of all that it includes, its own too.
pub(super) struct Part {
    pub fragment: Fragment,
    pub reach: BTreeSet<String>,
}

/// Includes of includes: deeper than any procedure's chapters, and few enough for the stack.
const DEEPEST: usize = 32;

/// Read a folder and all that it includes.
pub(super) fn collect(source: &Source, id: &str) -> (Vec<Part>, Vec<Mistake>) {
    let folders = source.includable().into_iter().collect();
    let mut collected = Collected { source, folders, parts: IndexMap::new(), mistakes: Vec::new() };
    collected.collect(id, &mut Vec::new());
    (collected.parts.into_values().collect(), collected.mistakes)
}

impl Collected<'_> {
    fn collect(&mut self, path: &str, above: &mut Vec<String>) -> BTreeSet<String> {
        if let Some(part) = self.parts.get(path) {
            return part.reach.clone();
        }
        let (fragment, mistakes) = Fragment::read(self.source, path);
        self.mistakes.extend(mistakes);
        let mut reach = BTreeSet::from([path.to_owned()]);
        let Some(fragment) = fragment else { return reach };
        above.push(path.to_owned());
        for included in &fragment.include {
            if above.contains(&included.value) {
                let message = format!("{} includes itself: {}", included.value, above.join(" > "));
                self.mistakes.push(included.mistake(message));
            } else if !self.folders.contains(&included.value) {
                let hint = did_you_mean(&included.value, self.folders.iter().map(String::as_str));
                let message = format!("there is no policy or part {:?}{hint}", included.value);
                self.mistakes.push(included.mistake(message));
            } else if above.len() == DEEPEST {
                self.mistakes.push(included.mistake(format!("includes lie more than {DEEPEST} deep here")));
            } else {
                reach.extend(self.collect(&included.value, above));
            }
        }
        above.pop();
        self.parts.insert(path.to_owned(), Part { fragment, reach: reach.clone() });
        reach
    }
}
