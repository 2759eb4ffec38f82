//! Tools that notify the client while they run, and the streams on which it hears of changed lists.
//!
//! Scenarios: tools-call-with-progress, tools-call-with-logging, logging-set-level; of server-stateless the checks on logs
//! and on subscriptions.

use super::fixture::{Call, Fixture, Outcome, nothing, said};
use super::{gone, is_legacy};
use rmcp::model::{ErrorData, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam};
use rmcp::service::{SubscriptionContext, SubscriptionSendError};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::sync::broadcast;

/// The time between two notices: the suite's own proposal, enough for a client to see that they come one by one.
const PAUSE: Duration = Duration::from_millis(50);
/// How many changes a slow stream may lag behind: the suite never makes more than one before it looks.
const LAG: usize = 16;

/// Who is told of changed lists. It is the process's, since a request without a session has a handler of its own.
static CHANGES: LazyLock<broadcast::Sender<List>> = LazyLock::new(|| broadcast::channel(LAG).0);

/// A list that is said to have changed. Neither ever does.
#[derive(Clone, Copy)]
enum List {
    Tools,
    Prompts,
}

/// The tools of this file.
pub const TOOLS: &[Fixture] = &[
    Fixture {
        name: "test_tool_with_progress",
        about: "Reports its progress: 0, 50 and 100 of 100",
        input: nothing,
        run: |call| Box::pin(progress(call)),
    },
    Fixture {
        name: "test_tool_with_logging",
        about: "Logs three messages",
        input: nothing,
        run: |call| Box::pin(logging(call)),
    },
    Fixture {
        name: "test_logging_tool",
        about: "Logs only for a client that asked for it",
        input: nothing,
        run: |call| Box::pin(logging(call)),
    },
    Fixture {
        name: "test_trigger_tool_change",
        about: "Tells listening clients that the list of tools changed",
        input: nothing,
        run: |_| Box::pin(announce(List::Tools)),
    },
    Fixture {
        name: "test_trigger_prompt_change",
        about: "Tells listening clients that the list of prompts changed",
        input: nothing,
        run: |_| Box::pin(announce(List::Prompts)),
    },
];

async fn progress(call: Call) -> Outcome {
    let token = call.context.meta.get_progress_token();
    for part in [0.0, 50.0, 100.0] {
        if let Some(token) = &token {
            let notice = ProgressNotificationParam::new(token.clone(), part).with_total(100.0);
            call.context.peer.notify_progress(notice).await.map_err(gone)?;
        }
        tokio::time::sleep(PAUSE).await;
    }
    said("Done, in three steps.")
}

async fn logging(call: Call) -> Outcome {
    // A client of 2025-11-25 gets messages without asking; a later one names the least level in each request.
    let wanted = is_legacy(&call.context)
        || matches!(call.context.meta.log_level(), Some(LoggingLevel::Debug | LoggingLevel::Info));
    for message in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        if wanted {
            let notice = LoggingMessageNotificationParam::new(LoggingLevel::Info, message.into());
            call.context.peer.notify_logging_message(notice).await.map_err(gone)?;
        }
        tokio::time::sleep(PAUSE).await;
    }
    said("Done, with three messages.")
}

async fn announce(list: List) -> Outcome {
    // The client may hear that its stream is open a moment before `listen` runs.
    tokio::time::sleep(PAUSE).await;
    // Nobody listening is no failure.
    let heard = CHANGES.send(list).unwrap_or_default();
    said(format!("{heard} streams were told."))
}

/// Pass changes on to a stream until its client leaves.
pub async fn listen(stream: SubscriptionContext) -> Result<(), ErrorData> {
    let mut changes = CHANGES.subscribe();
    loop {
        let list = tokio::select! {
            () = stream.cancelled() => return Ok(()),
            list = changes.recv() => list,
        };
        let sent = match list {
            Ok(List::Tools) => stream.sink().notify_tool_list_changed().await,
            Ok(List::Prompts) => stream.sink().notify_prompt_list_changed().await,
            Err(broadcast::error::RecvError::Lagged(_)) => continue,
            Err(broadcast::error::RecvError::Closed) => return Ok(()),
        };
        match sent {
            // The stream did not ask for that list.
            Ok(()) | Err(SubscriptionSendError::NotificationNotAccepted(_)) => {}
            Err(error) => return Err(gone(error)),
        }
    }
}
