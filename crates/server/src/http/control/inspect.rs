//! What is in an episode: its differences, its hash, its journal.

use super::error::internal;
use super::extract::{Path, Query};
use super::model::{Calls, Comparison, Cut, Differences, Export, Hash, Journal, Refused, Which};
use super::{SEE_DOCUMENT, Shared};
use crate::http::refusal::Refusal;
use crate::registry::JournalPage;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::canonical::Extent;
use traces::format::ndjson;

/// Most calls on a page of a journal, and as many where no number is asked for.
const LONGEST_PAGE: usize = 1_000;

/// An answer that may be long: it is written on a thread of its own, since others have connections on this one.
async fn written(answer: impl Serialize + Send + 'static) -> Result<Response, Refusal> {
    let text = tokio::task::spawn_blocking(move || serde_json::to_vec(&answer)).await.map_err(internal)?;
    Ok(([(CONTENT_TYPE, "application/json")], text.map_err(internal)?).into_response())
}

/// Compare an episode's present state with an earlier one, cell by cell
#[utoipa::path(
    get,
    path = "/episodes/{id}/diff",
    operation_id = "diff_episode",
    tag = "inspection",
    params(("id" = String, Path, description = "The episode"), Comparison),
    responses((status = 200, description = "What differs", body = Differences), Refused)
)]
pub async fn diff(
    State(control): Shared,
    Path(id): Path<String>,
    Query(comparison): Query<Comparison>,
) -> Result<Response, Refusal> {
    let live = control.live(&id)?;
    let extent = Extent::of(comparison.everything);
    let against = comparison.against.unwrap_or_else(|| "image".to_owned());
    let differences = match against.split_once(':') {
        None if against == "image" => live.since_image(extent).await?,
        Some(("episode", other)) => live.since_episode(&*control.live(other)?, extent).await?,
        Some(("checkpoint", name)) => live.since_checkpoint(name, extent).await?,
        _ => {
            let message = format!("against is {against:?}, and must be image, episode:ID or checkpoint:NAME");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_QUERY", message, SEE_DOCUMENT));
        }
    };
    written(Differences { against, differences }).await
}

/// Hash an episode's present state, whole and by table
#[utoipa::path(
    get,
    path = "/episodes/{id}/hash",
    operation_id = "hash_episode",
    tag = "inspection",
    params(("id" = String, Path, description = "The episode"), Which),
    responses((status = 200, description = "The hash", body = Hash), Refused)
)]
pub async fn hash(
    State(control): Shared,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Hash>, Refusal> {
    Ok(Json(control.live(&id)?.hash(Extent::of(which.everything)).await?.into()))
}

/// Read an episode's journal, a page at a time: its calls, and the duties that they left
#[utoipa::path(
    get,
    path = "/episodes/{id}/journal",
    operation_id = "read_journal",
    tag = "inspection",
    params(("id" = String, Path, description = "The episode"), Calls),
    responses((status = 200, description = "A page of the journal", body = Journal), Refused)
)]
pub async fn journal(
    State(control): Shared,
    Path(id): Path<String>,
    Query(Calls { after, limit }): Query<Calls>,
) -> Result<Response, Refusal> {
    let limit = limit.unwrap_or(LONGEST_PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        let message = format!("limit is {limit}, and must be from 1 to {LONGEST_PAGE}");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_QUERY", message, SEE_DOCUMENT));
    }
    let JournalPage { calls, obligations, advances, next } = control.live(&id)?.journal(after, limit).await?;
    written(Journal { calls, obligations, advances, next }).await
}

/// Longest trace of an export, in bytes: what the program reads of one file.
const LONGEST_EXPORT: usize = traces::format::LENGTH as usize;

/// Cut an episode in two: its records as they were before a call, as fixtures, and the calls since, as a trace that ends in
/// the present state on them
#[utoipa::path(
    get,
    path = "/episodes/{id}/export",
    operation_id = "export_episode",
    tag = "inspection",
    params(("id" = String, Path, description = "The episode"), Cut),
    responses((status = 200, description = "Both parts", body = Export), Refused)
)]
pub async fn export(
    State(control): Shared,
    Path(id): Path<String>,
    Query(Cut { from }): Query<Cut>,
) -> Result<Response, Refusal> {
    let calls::Export { tables, before, mut trace, hash } = control.live(&id)?.export(from).await?;
    trace.name.clone_from(&id);
    let text = tokio::task::spawn_blocking(move || ndjson::write(&[trace])).await.map_err(internal)?;
    if text.len() > LONGEST_EXPORT {
        let message = format!("the calls since take more than {} MiB as a trace", LONGEST_EXPORT >> 20);
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "EXPORT_TOO_LONG", message, "begin at a later call"));
    }
    written(Export { from: from.unwrap_or(1), before, hash, fixtures: tables, trace: text }).await
}
