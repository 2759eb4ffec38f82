//! What is in an episode: its differences, its hash, its journal.

use super::extract::{Path, Query};
use super::model::{Comparison, Differences, Hash, Journal, Refused, Which};
use super::{SEE_DOCUMENT, Shared};
use crate::http::refusal::Refusal;
use crate::store::canonical::Extent;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

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
) -> Result<Json<Differences>, Refusal> {
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
    Ok(Json(Differences { against, differences }))
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

/// Read an episode's journal: its calls, and the duties that they left
#[utoipa::path(
    get,
    path = "/episodes/{id}/journal",
    operation_id = "read_journal",
    tag = "inspection",
    params(("id" = String, Path, description = "The episode")),
    responses((status = 200, description = "The journal", body = Journal), Refused)
)]
pub async fn journal(State(control): Shared, Path(id): Path<String>) -> Result<Json<Journal>, Refusal> {
    let (calls, obligations) = control.live(&id)?.journal().await?;
    Ok(Json(Journal { calls, obligations }))
}
