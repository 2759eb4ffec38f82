//! Runs in which agent and user speak at once: a list of ticks, each with a piece of what both say, and calls.

use super::super::transcript::Transcript;
use super::super::{Node, call, chat};
use crate::{Mistake, Role};

/// What is being said, piece by piece.
struct Speech {
    role: Role,
    text: String,
    /// The utterances that the last piece belongs to.
    utterances: Vec<String>,
}

/// Read all ticks. What is said between two calls is one message of each: a piece may end within a word.
pub fn read(transcript: &mut Transcript, ticks: &Node<'_>) {
    let Some(ticks) = transcript.note(ticks.items()) else { return };
    let mut speeches =
        [Role::User, Role::Agent].map(|role| Speech { role, text: String::new(), utterances: Vec::new() });
    for tick in &ticks {
        let read = tick_of(transcript, tick, &mut speeches);
        transcript.note(read);
    }
    speeches.iter_mut().for_each(|speech| speech.end(transcript));
}

fn tick_of(transcript: &mut Transcript, tick: &Node<'_>, speeches: &mut [Speech; 2]) -> Result<(), Mistake> {
    tick.object()?;
    let [user, agent] = speeches;
    agent.hear(tick.get("agent_chunk"))?;
    let calls = tick.list("agent_tool_calls")?;
    if !calls.is_empty() {
        user.end(transcript);
        agent.end(transcript);
    }
    calls.iter().for_each(|call| transcript.read_call(call));
    user.hear(tick.get("user_chunk"))?;
    transcript.each(tick.list("agent_tool_results"), |transcript, result| {
        let id = call::id(result)?;
        transcript.answer(id.as_deref(), call::answer(result), &result.source)
    });
    tick.list("user_tool_calls")?.iter().for_each(|_| transcript.leave_to_user());
    Ok(())
}

impl Speech {
    /// The next piece; a space stands between utterances, and none within one.
    fn hear(&mut self, chunk: Option<Node<'_>>) -> Result<(), Mistake> {
        let Some(chunk) = chunk else { return Ok(()) };
        let text = chat::said(&chunk);
        if text.is_empty() {
            return Ok(());
        }
        let utterances = chunk.list("utterance_ids")?.iter().map(Node::label).collect::<Result<Vec<_>, _>>()?;
        let is_other = !utterances.is_empty() && utterances.iter().all(|id| !self.utterances.contains(id));
        if is_other && !self.utterances.is_empty() && !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(&text);
        self.utterances = utterances;
        Ok(())
    }

    fn end(&mut self, transcript: &mut Transcript) {
        transcript.say(self.role, std::mem::take(&mut self.text));
    }
}
