//! A change, as people read it: the lines that go and those that come, with a few around them.

use crate::print::{BAD, DIM, GOOD, PLAIN};

/// Lines that are shown around a change.
const AROUND: usize = 3;

/// Show what differs between two texts, which is one place: an entry.
pub fn difference(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = |left: &mut dyn Iterator<Item = &&str>, right: &mut dyn Iterator<Item = &&str>| {
        left.zip(right).take_while(|(a, b)| a == b).count()
    };
    let head = same(&mut old.iter(), &mut new.iter());
    let shorter = old.len().min(new.len());
    let tail = same(&mut old.iter().rev(), &mut new.iter().rev()).min(shorter - head.min(shorter));
    let line = |style: String, sign: char, text: &str| format!("{style}{sign}{text}{PLAIN}\n");
    let mut shown = String::new();
    for text in &new[head.saturating_sub(AROUND)..head] {
        shown.push_str(&line(DIM.to_string(), ' ', text));
    }
    for text in &old[head..old.len() - tail] {
        shown.push_str(&line(BAD.to_string(), '-', text));
    }
    for text in &new[head..new.len() - tail] {
        shown.push_str(&line(GOOD.to_string(), '+', text));
    }
    for text in new[new.len() - tail..].iter().take(AROUND) {
        shown.push_str(&line(DIM.to_string(), ' ', text));
    }
    shown
}
