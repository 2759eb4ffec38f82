//! The calls of a log, each with its answer, for each connection: ids are unique in one connection only.

use super::tags::{Tags, is_in_text};
use super::transcript::Transcript;
use crate::{Answer, Call, Document, Mistake, Source};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A log as it was read.
#[derive(Default)]
pub struct Log {
    /// Its messages, in order.
    pub events: Vec<Event>,
    /// Whether it breaks off in its last line.
    pub is_cut: bool,
    /// Before which messages there is a line that could not be read. It may be of any connection that was open.
    pub broken: Vec<usize>,
    told: Vec<Tags>,
    numbers: BTreeMap<Tags, usize>,
}

/// A message.
pub struct Event {
    /// What is said of its connection: a number that [`Log::told`] gave.
    pub told: usize,
    /// The id of the request, as JSON.
    pub id: Option<String>,
    /// What it is.
    pub what: What,
    /// Where it stands.
    pub source: Source,
    /// How much of its place is that of the value that it was found in.
    pub outer: usize,
}

/// What a message is.
pub enum What {
    /// A tool is called; again, where the call goes on from an answer that asked for more.
    Call {
        /// The call.
        call: Box<Result<Call, Mistake>>,
        /// Whether it goes on.
        again: bool,
    },
    /// An answer that asks for more: the call is made again with it.
    Asks,
    /// Another request, of either side.
    Other,
    /// A tool's answer.
    Answer(Answer),
    /// An error, in answer to any request.
    Error(Answer),
    /// The answer to another request.
    OtherAnswer,
    /// A connection begins.
    Begin,
    /// A request is not to be answered any more.
    Cancelled,
    /// It cannot be read.
    Mistake(Mistake),
}

/// A connection, as far as it was read.
struct Connection {
    /// The number of its first message.
    first: usize,
    /// Whether that is the one with which connections begin.
    is_begun: bool,
    transcript: Transcript,
    /// Calls without an answer.
    open: BTreeMap<String, VecDeque<usize>>,
    /// The last answered call of an id.
    answered: BTreeMap<String, usize>,
    /// Other requests without an answer, and how many calls were made before.
    others: Vec<(String, usize)>,
    /// Answers that were logged before their calls.
    early: BTreeMap<String, Early>,
    /// Calls that are made again, with what the server asked for.
    asked: Vec<usize>,
    /// Calls that were cancelled.
    cancelled: BTreeSet<usize>,
}

/// An answer that was logged before its call.
struct Early {
    answer: Answer,
    /// Whether it is JSON-RPC's error, which may answer any request.
    is_rpc_error: bool,
    source: Source,
}

impl Log {
    /// The number of what is said of a connection.
    pub fn told(&mut self, tags: Tags) -> usize {
        *self.numbers.entry(tags).or_insert_with_key(|tags| {
            self.told.push(tags.clone());
            self.told.len() - 1
        })
    }

    /// Put the traces of all connections into the document.
    pub fn finish(mut self, document: &mut Document) {
        let places = self.places();
        let keys: Vec<Vec<&str>> = (self.told.iter())
            .map(|tags| places.iter().filter_map(|place| tags.get(place).map(String::as_str)).collect())
            .collect();
        let mut open: Vec<(&[&str], Connection)> = Vec::new();
        for (number, event) in std::mem::take(&mut self.events).into_iter().enumerate() {
            let key = keys.get(event.told).map_or(&[][..], Vec::as_slice);
            let at = match of_any(key, &event, &open) {
                Ok(Some(at)) => at,
                Ok(None) => open.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
                    open.push((key, Connection::new(number, &event)));
                    open.len() - 1
                }),
                Err(mistake) => {
                    document.mistakes.push(mistake);
                    self.broken.push(number);
                    continue;
                }
            };
            let Some((_, connection)) = open.get_mut(at) else { continue };
            if matches!(event.what, What::Begin) && !connection.transcript.trace.calls.is_empty() {
                let whole = std::mem::replace(connection, Connection::new(number, &event));
                let is_spoilt = self.broken.iter().any(|at| (whole.first + 1..=number).contains(at));
                whole.finish(is_spoilt, false, document);
            }
            connection.take(event);
        }
        // Connections on which nothing was called are of no use to anyone.
        let called = open.into_iter().filter(|(_, connection)| connection.is_called());
        called.for_each(|(key, connection)| {
            // What a log of one connection has before its first message may have been of it, too.
            let from = if key.is_empty() && !connection.is_begun { 0 } else { connection.first + 1 };
            let is_spoilt = self.broken.iter().any(|at| *at >= from);
            connection.finish(is_spoilt, self.is_cut, document);
        });
    }

    /// The places in which what is said tells connections apart. Fields do; a tag in a text may be of a level, a thread or a
    /// single call.
    fn places(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.told.iter().flat_map(Tags::keys).collect();
        all.into_iter().filter(|place| !is_in_text(place) || self.is_of_connections(place)).cloned().collect()
    }

    fn is_of_connections(&self, place: &str) -> bool {
        let tag = |event: &Event| self.told.get(event.told).and_then(|tags| tags.get(place)).map(String::as_str);
        let mut calls: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for event in self.events.iter().filter(|event| matches!(event.what, What::Call { .. })) {
            calls.entry(event.id.as_deref().unwrap_or_default()).or_default().push(tag(event));
            *counts.entry(tag(event).unwrap_or_default()).or_default() += 1;
        }
        // Where each call has a tag of its own, that numbers calls; unless without it two have one id.
        let is_number = |tag: &&str| tag.contains(|c: char| c.is_ascii_digit());
        let is_each = counts.len() > 1 && counts.values().all(|count| *count == 1) && counts.keys().all(is_number);
        if is_each && calls.values().all(|tags| tags.len() == 1) {
            return false;
        }
        // An answer has the tag of its call.
        self.events.iter().filter(|event| matches!(event.what, What::Answer(_) | What::Error(_))).all(|event| {
            let of = event.id.as_deref().and_then(|id| calls.get(id));
            of.is_none_or(|tags| tag(event).is_none() || tags.contains(&tag(event)) || tags.contains(&None))
        })
    }
}

/// The connection of an answer that does not say of which it is: that in which alone it is waited for. Likewise of an answer
/// whose call did not say it.
fn of_any(key: &[&str], event: &Event, open: &[(&[&str], Connection)]) -> Result<Option<usize>, Mistake> {
    let Some(id) = event.id.as_deref().filter(|_| event.is_answer()) else { return Ok(None) };
    let is_waiting = |(of, connection): &(&[&str], Connection)| {
        let may_be = key.is_empty() || of.is_empty() || *of == key;
        may_be && connection.open.contains_key(id)
    };
    if open.iter().any(|one| one.0 == key && is_waiting(one)) {
        return Ok(None);
    }
    let mut waiting = open.iter().enumerate().filter(|(_, one)| is_waiting(one));
    match (waiting.next(), waiting.next()) {
        (Some(_), Some(_)) => {
            let reason = format!("answers the call {id} of one of several connections, and does not say of which");
            Err(event.source.mistake(reason))
        }
        (Some((at, _)), None) => Ok(Some(at)),
        // Of a single connection it is in any case.
        (None, _) => Ok((key.is_empty() && open.len() == 1).then_some(0)),
    }
}

impl Event {
    fn is_answer(&self) -> bool {
        matches!(self.what, What::Answer(_) | What::Error(_) | What::OtherAnswer | What::Cancelled)
    }
}

impl Connection {
    fn new(first: usize, event: &Event) -> Connection {
        let pointer = event.source.pointer.get(..event.outer).unwrap_or_default().to_owned();
        Connection {
            first,
            is_begun: matches!(event.what, What::Begin),
            transcript: Transcript::new(&Source { pointer, ..event.source.clone() }),
            open: BTreeMap::new(),
            answered: BTreeMap::new(),
            others: Vec::new(),
            early: BTreeMap::new(),
            asked: Vec::new(),
            cancelled: BTreeSet::new(),
        }
    }

    fn is_called(&self) -> bool {
        self.transcript.is_begun() || self.early.values().any(|early| !early.is_rpc_error)
    }

    fn take(&mut self, event: Event) {
        let Event { id, what, source, .. } = event;
        let id = id.unwrap_or_default();
        match what {
            What::Call { call, again } => self.call(id, *call, again, &source),
            What::Asks => self.asked.extend(self.open.remove(&id).into_iter().flatten()),
            What::Other => self.others.push((id, self.transcript.trace.calls.len())),
            What::Begin => {}
            What::OtherAnswer => self.others.retain(|(other, _)| *other != id),
            What::Answer(answer) => self.answer(&id, Early { answer, is_rpc_error: false, source }),
            What::Error(answer) => match self.others.iter().rposition(|(other, _)| *other == id) {
                // What was asked last is answered first: the server asks while it works on a call.
                Some(at) if self.is_later(at, &id) => drop(self.others.remove(at)),
                _ => self.answer(&id, Early { answer, is_rpc_error: true, source }),
            },
            What::Cancelled => {
                let of = self.open.get(&id).and_then(VecDeque::back);
                self.cancelled.extend(of);
            }
            What::Mistake(mistake) => drop(self.transcript.note::<()>(Err(mistake))),
        }
    }

    /// Whether another request was made after the open call of that id.
    fn is_later(&self, other: usize, id: &str) -> bool {
        let call = self.open.get(id).and_then(VecDeque::front);
        call.is_none_or(|call| self.others.get(other).is_some_and(|(_, after)| after > call))
    }

    fn call(&mut self, id: String, call: Result<Call, Mistake>, again: bool, source: &Source) {
        let calls = &self.transcript.trace.calls;
        let at = calls.len();
        let same = |at: &usize| match (calls.get(*at), &call) {
            (Some(known), Ok(call)) => known.tool == call.tool && known.arguments == call.arguments,
            _ => false,
        };
        let asked = self.asked.iter().rposition(|at| again && same(at));
        // Both ends may log into one file.
        let is_known = self.open.get(&id).is_some_and(|open| open.iter().any(same));
        if let Some(asked) = asked {
            let at = self.asked.remove(asked);
            self.open.entry(id).or_default().push_back(at);
            return;
        }
        if is_known {
            return;
        }
        if self.open.contains_key(&id) {
            let reason = format!(
                "has the id {id}, as a call before it that has no answer yet: the log is of several connections, and does not \
                 say of which this one is"
            );
            self.transcript.note::<()>(Err(source.mistake(reason)));
        }
        // One that cannot be read still counts, so that its answer finds it.
        let mut call = self.transcript.note(call).unwrap_or_default();
        match self.early.remove(&id) {
            Some(early) => {
                call.answer = Some(early.answer);
                self.answered.insert(id, at);
            }
            None => self.open.entry(id).or_default().push_back(at),
        }
        self.transcript.call(call, source);
    }

    fn answer(&mut self, id: &str, early: Early) {
        let calls = &mut self.transcript.trace.calls;
        if let Some(open) = self.open.get_mut(id) {
            let at = open.pop_front();
            if open.is_empty() {
                self.open.remove(id);
            }
            if let Some(call) = at.and_then(|at| calls.get_mut(at)) {
                call.answer = Some(early.answer);
            }
            self.answered.extend(at.map(|at| (id.to_owned(), at)));
            return;
        }
        let before = self.answered.get(id).and_then(|at| calls.get(*at)).and_then(|call| call.answer.as_ref());
        match before {
            // Both ends may log into one file.
            Some(before) if *before == early.answer => {}
            Some(_) => {
                let reason = format!("answers the call {id} a second time, with another answer");
                self.transcript.note::<()>(Err(early.source.mistake(reason)));
            }
            None => drop(self.early.insert(id.to_owned(), early)),
        }
    }

    fn finish(mut self, is_spoilt: bool, is_cut: bool, document: &mut Document) {
        for (id, Early { is_rpc_error, source, .. }) in std::mem::take(&mut self.early) {
            // An error may answer any request; a resource's contents or a prompt look otherwise.
            if !is_rpc_error {
                let reason = format!("answers the call {id}, which was not made");
                self.transcript.note::<()>(Err(source.mistake(reason)));
            }
        }
        if is_spoilt {
            self.transcript.spoil();
        }
        let trace = &mut self.transcript.trace;
        let lost = self.cancelled.iter().filter_map(|at| trace.calls.get(*at)).find(|call| call.answer.is_none());
        trace.unfinished = match lost {
            Some(call) => Some(format!(
                "the call {} of {} was cancelled; whether it was carried out is not in the log",
                call.id, call.tool
            )),
            None if is_cut => Some(CUT.to_owned()),
            None => None,
        };
        self.transcript.finish(document);
    }
}

/// Why a trace is unfinished whose file breaks off.
pub const CUT: &str = "the file breaks off in its last line";
