//! A trace being read: answers find their calls, and mistakes are gathered.

use super::node::{lean, lean_object};
use super::{Node, call};
use crate::{Answer, Call, Document, Item, Message, Mistake, Role, Source, Task, Trace};
use serde_json::Value as Json;

/// A trace being read.
#[derive(Debug, Default)]
pub struct Transcript {
    /// What there is of it so far.
    pub trace: Trace,
    mistakes: Vec<Mistake>,
    is_spoilt: bool,
    /// How many calls the agent's user made.
    of_user: usize,
    /// How many calls at the beginning have their answers; long traces are not searched from there again.
    settled: usize,
}

impl Transcript {
    /// A trace that begins there.
    pub fn new(source: &Source) -> Transcript {
        let trace = Trace { name: source.name(), source: source.clone(), ..Trace::default() };
        Transcript { trace, ..Transcript::default() }
    }

    /// Keep what was read, or what is wrong with it.
    pub fn note<T>(&mut self, read: Result<T, Mistake>) -> Option<T> {
        read.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    /// Something is wrong that is not this trace's alone, but it cannot be read without.
    pub fn spoil(&mut self) {
        self.is_spoilt = true;
    }

    /// Read each of several nodes, whatever is wrong with those before it.
    pub fn each<'a>(
        &mut self,
        nodes: Result<Vec<Node<'a>>, Mistake>,
        read: impl Fn(&mut Transcript, &Node<'a>) -> Result<(), Mistake>,
    ) {
        for node in self.note(nodes).into_iter().flatten() {
            let read = read(self, &node);
            self.note(read);
        }
    }

    /// Something was said.
    pub fn say(&mut self, role: Role, text: impl Into<String>) {
        let message = Message { role, text: text.into(), after: self.trace.calls.len() };
        if !message.text.is_empty() {
            self.trace.messages.push(message);
        }
    }

    /// Take over the task and the trial, where there are any.
    pub fn identify(&mut self, node: &Node<'_>, task: &str) -> Result<(), Mistake> {
        let trace = &mut self.trace;
        trace.task = node.label_at(task)?;
        trace.trial = node.count_at("trial")?;
        if let (Some(task), Some(trial)) = (&trace.task, trace.trial) {
            trace.name = format!("{task}/{trial}");
        }
        Ok(())
    }

    /// A call was made, as the node says. One that cannot be read still counts, so that its answer finds it.
    pub fn read_call(&mut self, node: &Node<'_>) {
        let call = self.note(call::call(node));
        let unread = || Call { id: call::id(node).ok().flatten().unwrap_or_default(), ..Call::default() };
        self.call(call.unwrap_or_else(unread), &node.source);
    }

    /// A call was made; without an id it is known by its number.
    pub fn call(&mut self, mut call: Call, source: &Source) {
        if call.id.is_empty() {
            call.id = (self.trace.calls.len() + 1).to_string();
        }
        call.arguments = lean_object(call.arguments);
        call.answer = call.answer.map(|answer| Answer { value: lean(answer.value), ..answer });
        self.trace.calls.push(call);
        self.trace.places.push(source.clone());
    }

    /// The agent's user called a tool of their own, which is no part of the agent's run.
    pub fn leave_to_user(&mut self) {
        self.of_user += 1;
    }

    /// The oldest call without an answer that has this id, where one is given.
    pub fn open(&mut self, id: Option<&str>) -> Option<&mut Call> {
        let calls = &mut self.trace.calls;
        while calls.get(self.settled).is_some_and(|call| call.answer.is_some()) {
            self.settled += 1;
        }
        let mut open = calls.iter_mut().skip(self.settled).filter(|call| call.answer.is_none());
        open.find(|call| id.is_none_or(|id| call.id == id))
    }

    /// The oldest call of that tool without an answer.
    pub fn open_of(&mut self, tool: &str) -> Option<&mut Call> {
        let mut open = self.trace.calls.iter_mut().skip(self.settled).filter(|call| call.answer.is_none());
        open.find(|call| call.tool == tool)
    }

    /// Whether anything was called, or tried to be.
    pub fn is_begun(&self) -> bool {
        !self.trace.calls.is_empty() || !self.mistakes.is_empty()
    }

    /// An answer came.
    pub fn answer(&mut self, id: Option<&str>, answer: Answer, source: &Source) -> Result<(), Mistake> {
        let call = self.open(id).ok_or_else(|| unasked(id, source))?;
        call.answer = Some(Answer { value: lean(answer.value), ..answer });
        Ok(())
    }

    /// An answer came in the step whose calls begin there: to one of them, or to one before that is named. One that names
    /// none answers the only call of the step that is open; it gives back whether there was such a one.
    pub fn answer_in_step(
        &mut self,
        from: usize,
        id: Option<&str>,
        answer: Answer,
        source: &Source,
    ) -> Result<bool, Mistake> {
        let mut open = self.trace.calls.iter_mut().skip(from).filter(|call| call.answer.is_none());
        match id {
            Some(name) => match open.find(|call| call.id == name) {
                Some(call) => call.answer = Some(answer),
                None => self.answer(id, answer, source)?,
            },
            None => match (open.next(), open.next()) {
                (Some(call), None) => call.answer = Some(answer),
                _ => return Ok(false),
            },
        }
        Ok(true)
    }

    /// The turn ends as that key says. One that its harness or the model's limit cut off leaves the run unfinished, until
    /// another turn follows.
    pub fn end(&mut self, node: &Node<'_>, key: &str, cut: &[&str]) {
        if let Some(reason) = node.get(key).and_then(|reason| reason.json.as_str()) {
            self.trace.unfinished = cut.contains(&reason).then(|| format!("{key} {reason}"));
        }
    }

    /// Whether it failed: what a harness puts beside the run as its error, or as the reason why it is unfinished.
    pub fn fail(&mut self, node: &Node<'_>) {
        if let Some(why) = node.get("unfinished") {
            self.trace.unfinished = Some(why.plain());
            return;
        }
        let Some(error) = node.get("error") else { return };
        let text = match error.json {
            Json::Bool(false) => return,
            Json::Object(_) => error.get("message").unwrap_or(error).plain(),
            _ => error.plain(),
        };
        if !text.is_empty() {
            self.trace.unfinished = Some(text);
        }
    }

    /// The trace is complete: it goes into the document, or its mistakes do.
    pub fn finish(self, document: &mut Document) {
        self.finish_as(document, Item::Trace);
    }

    /// What was read is a task's gold, and the first calls of it only set the environment up.
    pub fn finish_task(self, about: Task, document: &mut Document) {
        self.finish_as(document, |gold| Item::Task(Task { gold, ..about }));
    }

    fn finish_as(mut self, document: &mut Document, item: impl FnOnce(Trace) -> Item) {
        if self.of_user > 0 {
            let note = format!("calls of the agent's user to tools of their own, which are left out: {}", self.of_user);
            self.trace.notes.push(note);
        }
        if self.mistakes.is_empty() && !self.is_spoilt {
            self.trace.calls.shrink_to_fit();
            self.trace.places.shrink_to_fit();
            document.items.push(item(self.trace));
        }
        document.mistakes.append(&mut self.mistakes);
    }
}

fn unasked(id: Option<&str>, source: &Source) -> Mistake {
    source.mistake(match id {
        Some(id) => format!("answers the call {id:?}, which was not made before, or has its answer"),
        None => "answers a call, but there is none without an answer".to_owned(),
    })
}
