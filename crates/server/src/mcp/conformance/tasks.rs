//! Tools whose calls become tasks, which the client polls (SEP-2663).
//!
//! Scenarios: all of tasks-*.

use super::fixture::{Call, Fixture, Outcome, nothing, now, said, texts};
use super::input_required::ask;
use super::questions::{elicitation, filled, name};
use rmcp::model::{CallToolResult, ClientCapabilities, ContentBlock, CreateTaskResult, ErrorData, InputRequest};
use rmcp::task_manager::{TaskContext, TaskExit, TaskFuture, TaskManager, TaskOptions};
use serde_json::json;
use std::sync::LazyLock;
use std::time::Duration;

/// The tasks. They are the process's, since a request without a session has a handler of its own.
pub static TASKS: LazyLock<TaskManager> = LazyLock::new(TaskManager::new);
/// How long a task takes that fails: long enough to be seen at work.
const WORK: Duration = Duration::from_secs(1);
/// The longest that a task computes: the suite cancels those of a minute.
const LONGEST: u64 = 60;

/// The tools of this file.
pub const TOOLS: &[Fixture] = &[
    Fixture {
        name: "greet",
        about: "Greets; never a task",
        input: || texts(&["name"]),
        run: |call| now(call.text("name").map(|name| format!("Hello, {name}!")).and_then(said)),
    },
    Fixture {
        name: "slow_compute",
        about: "Computes for some seconds; a task where the client knows of tasks",
        input: || {
            json!({
                "type": "object",
                "properties": {
                    "seconds": { "type": "integer", "minimum": 0, "maximum": LONGEST },
                    "label": { "type": "string" },
                },
                "required": ["seconds"],
                "additionalProperties": false,
            })
        },
        run: |call| Box::pin(slow_compute(call)),
    },
    Fixture {
        name: "failing_job",
        about: "A task whose tool fails",
        input: nothing,
        run: |call| {
            now(task(&call, |_| {
                Box::pin(async {
                    tokio::time::sleep(WORK).await;
                    Ok(CallToolResult::error(vec![ContentBlock::text("The job failed.")]))
                })
            }))
        },
    },
    Fixture {
        name: "protocol_error_job",
        about: "A task that ends in a protocol error",
        input: nothing,
        run: |call| {
            now(task(&call, |_| {
                Box::pin(async { Err(ErrorData::internal_error("The job could not run.", None).into()) })
            }))
        },
    },
    Fixture {
        name: "confirm_delete",
        about: "A task that asks before it pretends to delete",
        input: || texts(&["filename"]),
        run: |call| now(confirm_delete(call)),
    },
    Fixture {
        name: "multi_input",
        about: "A task with two questions open at once",
        input: nothing,
        run: |call| {
            now(task(&call, |task| {
                Box::pin(async move {
                    let (first, second) = (name()?, confirmation("Go on?")?);
                    let answers =
                        tokio::try_join!(task.request_input("name", first), task.request_input("confirm", second))?;
                    finished(json!(answers).to_string())
                })
            }))
        },
    },
    Fixture {
        name: "test_tool_with_task",
        about: "Asks the user's name first, then becomes a task",
        input: nothing,
        run: |call| now(ask_then_task(call)),
    },
];

/// A task, for a client that knows of them.
fn task(call: &Call, work: impl FnOnce(TaskContext) -> TaskFuture) -> Outcome {
    if !knows_tasks(call) {
        return Err(ErrorData::missing_required_client_capability(
            ClientCapabilities::builder().enable_tasks().build(),
        ));
    }
    Ok(CreateTaskResult::new(TASKS.spawn(TaskOptions::new(), work)).into())
}

fn knows_tasks(call: &Call) -> bool {
    call.context.client_capabilities().is_some_and(|client| client.supports_tasks())
}

async fn slow_compute(call: Call) -> Outcome {
    let seconds = Duration::from_secs(call.seconds("seconds").min(LONGEST));
    if !knows_tasks(&call) {
        tokio::time::sleep(seconds).await;
        return said("Computed.");
    }
    task(&call, |task| {
        Box::pin(async move {
            tokio::select! {
                () = tokio::time::sleep(seconds) => finished("Computed.".to_owned()),
                () = task.cancelled() => Err(TaskExit::Cancelled),
            }
        })
    })
}

fn confirm_delete(call: Call) -> Outcome {
    let filename = call.text("filename")?.to_owned();
    task(&call, |task| {
        Box::pin(async move {
            let question = confirmation(&format!("Delete {filename}?"))?;
            let answer = task.request_input("confirm", question).await?;
            finished(match answer["content"]["confirm"].as_bool() {
                Some(true) => format!("{filename} would be gone now."),
                _ => format!("{filename} stays."),
            })
        })
    })
}

fn ask_then_task(call: Call) -> Outcome {
    let given = call.request.input_responses.as_ref();
    ask(&call.context, given, [("user_name", name()?)], None, |answers| {
        let greeting = format!("Hello, {}!", filled(&answers, "user_name", "name"));
        task(&call, |_| Box::pin(async { finished(greeting) }))
    })
}

fn confirmation(message: &str) -> Result<InputRequest, ErrorData> {
    elicitation(message, json!({ "confirm": { "type": "boolean" } }), &["confirm"])
}

fn finished(text: String) -> Result<CallToolResult, TaskExit> {
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}
