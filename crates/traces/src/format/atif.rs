//! ATIF, the Agent Trajectory Interchange Format: steps, each with what was said, called and observed.

use super::transcript::Transcript;
use super::{Node, extra, header, json_lines, text, usage};
use crate::{Answer, Document, Mistake, Role, Step, Trace};
use serde_json::{Value as Json, json};

/// The version that is written; those before it are read as well.
const VERSION: &str = "ATIF-v1.8";

/// Under which keys harnesses put why a run broke off, in the extra of a trajectory.
const ERRORS: [&str; 3] = ["error", "exception", "exception_info"];

/// Whether the value is a trajectory.
pub fn fits(value: &Json) -> bool {
    value.get("schema_version").and_then(Json::as_str).is_some_and(|version| version.starts_with("ATIF"))
}

/// Read one trajectory.
pub fn read(node: &Node<'_>, document: &mut Document) {
    let mut reader = Reader { transcript: Transcript::new(&node.source), root: node, nameless: 0, copied: 0, inner: 0 };
    let read = facts(&mut reader.transcript.trace, node);
    reader.transcript.note(read);
    reader.steps(node, 0);
    let (nameless, copied, inner) = (reader.nameless, reader.copied, reader.inner);
    let counts = [
        (nameless, "results that name none of several calls of their step, and are left out"),
        (copied, "steps copied from a trajectory before this one"),
        (inner, "trajectories of subagents, whose calls stand where they were delegated"),
    ];
    let said = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what}: {count}"));
    reader.transcript.trace.notes.extend(said);
    reader.transcript.finish(document);
}

fn facts(trace: &mut Trace, node: &Node<'_>) -> Result<(), Mistake> {
    if let Some(name) = node.first(&["trajectory_id", "session_id"]) {
        trace.name = name.label()?;
    }
    let spent = node.get("final_metrics");
    let spent = spent.and_then(|spent| spent.sum(&["total_prompt_tokens", "total_completion_tokens"]));
    trace.tokens = spent.or_else(|| of_steps(node));
    let extra = node.get("extra");
    let none = [json!(false), json!(""), json!({}), json!([])];
    let errors = ERRORS.iter().filter_map(|key| extra.as_ref()?.get(key));
    let error = errors.into_iter().find(|error| !none.contains(error.json));
    trace.unfinished = error.map(|error| error.first(&["message", "exception_message"]).unwrap_or(error).plain());
    if let Some(next) = node.get("continued_trajectory_ref") {
        trace.unfinished = Some(format!("continued in {}", next.plain()));
    }
    extra.and_then(|extra| extra.get(extra::KEY)).map_or(Ok(()), |extra| header::read(&extra, trace))
}

/// The tokens of the agent's steps, where each of them says them.
fn of_steps(node: &Node<'_>) -> Option<u64> {
    let is = |step: &Node<'_>, key: &str, value: Json| step.json.get(key) == Some(&value);
    let steps = node.list("steps").ok()?.into_iter();
    let own = steps.filter(|step| is(step, "source", json!("agent")) && !is(step, "is_copied_context", json!(true)));
    let spent: Option<Vec<u64>> = own.map(|step| usage::counted(&step.get("metrics")?)).collect();
    spent?.into_iter().reduce(u64::saturating_add)
}

/// How deep subagents may have subagents: no harness goes further, and a trajectory that holds itself would never end.
const DEPTH: usize = 8;

struct Reader<'n, 'a> {
    transcript: Transcript,
    /// The whole trajectory, which holds those of its subagents.
    root: &'n Node<'a>,
    /// Results that could be any of several calls'.
    nameless: usize,
    /// Steps that were made in a trajectory before.
    copied: usize,
    /// Trajectories of subagents.
    inner: usize,
}

impl<'a> Reader<'_, 'a> {
    fn steps(&mut self, trajectory: &Node<'a>, depth: usize) {
        let steps = trajectory.need("steps").and_then(|steps| steps.items());
        for step in self.transcript.note(steps).into_iter().flatten() {
            let read = self.step(&step, depth);
            self.transcript.note(read);
        }
    }

    fn step(&mut self, node: &Node<'a>, depth: usize) -> Result<(), Mistake> {
        let source = node.need("source")?;
        let role = match source.text()? {
            "system" => Role::System,
            "user" => Role::User,
            "agent" => Role::Agent,
            other => {
                let reason = format!("is {other:?}; steps come from system, user or agent");
                return Err(source.source.mistake(reason));
            }
        };
        // What a subagent says, it says to the agent.
        if depth == 0 {
            self.transcript.say(role, node.get("message").map(|message| text::said(&message)).unwrap_or_default());
        }
        self.copied += usize::from(node.get("is_copied_context").is_some_and(|mark| mark.json == &Json::Bool(true)));
        let from = self.transcript.trace.calls.len();
        let calls = node.list("tool_calls")?;
        calls.iter().for_each(|call| self.transcript.read_call(call));
        let results = node.path(&["observation", "results"]).map_or(Ok(Vec::new()), |results| results.items())?;
        for result in results {
            let id = result.label_at("source_call_id")?;
            // An observation without a call, in a step without calls, is not a tool's answer.
            if id.is_some() || !calls.is_empty() {
                let found = self.transcript.answer_in_step(from, id.as_deref(), answer(&result), &result.source)?;
                self.nameless += usize::from(!found);
            }
            for inner in result.list("subagent_trajectory_ref")? {
                self.subagent(&inner, depth)?;
            }
        }
        extra::read(node.path(&["extra", extra::KEY]), &mut self.transcript.trace, from)
    }

    /// The calls of a subagent, where the trajectory holds them: its environment is the agent's.
    fn subagent(&mut self, of: &Node<'a>, depth: usize) -> Result<(), Mistake> {
        let keys = ["trajectory_id", "session_id"];
        let same =
            |one: &Node<'_>| keys.iter().any(|key| one.get(key).is_some_and(|id| of.json.get(key) == Some(id.json)));
        let held = self.root.list("subagent_trajectories")?;
        match held.iter().find(|one| same(one)) {
            Some(_) if depth == DEPTH => Err(of.source.mistake(format!("is of a subagent more than {DEPTH} deep"))),
            Some(one) => {
                self.inner += 1;
                self.steps(one, depth + 1);
                Ok(())
            }
            None => {
                let name = of
                    .first(&["trajectory_path", "trajectory_id", "session_id"])
                    .map_or(String::new(), |it| it.plain());
                let note = format!("the calls of a subagent stand elsewhere and are not read: {name}");
                self.transcript.trace.notes.push(note);
                Ok(())
            }
        }
    }
}

fn answer(result: &Node<'_>) -> Answer {
    let value = result.get("content").map_or(Json::Null, |content| text::answer(content.json));
    let is_error = result.path(&["extra", "is_error"]).and_then(|mark| mark.json.as_bool());
    Answer { value, is_error }
}

/// One trajectory a line.
pub fn write(traces: &[Trace]) -> String {
    json_lines(traces.iter().map(|trace| {
        let steps = trace.steps().into_iter().enumerate();
        let steps: Vec<Json> = steps.map(|(at, step)| write_step(at + 1, step)).collect();
        json!({
            "schema_version": VERSION,
            "session_id": trace.name,
            // No format says which agent it was, and this one must.
            "agent": {"name": "agent", "version": "unknown"},
            "steps": steps,
            "extra": {extra::KEY: header::write(trace)},
        })
    }))
}

fn write_step(id: usize, step: Step<'_>) -> Json {
    let call = match step {
        Step::Message(message) => {
            let source = match message.role {
                Role::System => "system",
                Role::User => "user",
                Role::Agent => "agent",
            };
            return json!({"step_id": id, "source": source, "message": message.text});
        }
        Step::Call(call) => call,
    };
    let made = json!({"tool_call_id": call.id, "function_name": call.tool, "arguments": call.arguments});
    let mut step = json!({"step_id": id, "source": "agent", "message": "", "tool_calls": [made]});
    if let Some(answer) = &call.answer {
        let mut result = json!({"source_call_id": call.id, "content": text::encode(&answer.value)});
        if let Some(is_error) = answer.is_error {
            result["extra"] = json!({"is_error": is_error});
        }
        step["observation"] = json!({"results": [result]});
    }
    if let Some(written) = extra::write(call) {
        step["extra"] = json!({extra::KEY: written});
    }
    step
}
