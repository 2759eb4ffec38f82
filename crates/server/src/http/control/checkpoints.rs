//! States of an episode that are kept, to go back to.

use super::Shared;
use super::extract::{Body, Path};
use super::model::{Checkpoint, Checkpoints, Keep, Refused, Restore};
use crate::http::refusal::Refusal;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

/// Keep the present state of an episode as a checkpoint
#[utoipa::path(
    post,
    path = "/episodes/{id}/checkpoints",
    operation_id = "keep_checkpoint",
    tag = "checkpoints",
    params(("id" = String, Path, description = "The episode")),
    request_body(content = Option<Keep>, description = "Its name, which may be left out"),
    responses((status = 201, description = "The checkpoint", body = Checkpoint), Refused)
)]
pub async fn keep(
    State(control): Shared,
    Path(id): Path<String>,
    Body(keep): Body<Keep>,
) -> Result<(StatusCode, Json<Checkpoint>), Refusal> {
    let name = control.live(&id)?.checkpoint(keep.name.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(Checkpoint { name })))
}

/// List the checkpoints of an episode
#[utoipa::path(
    get,
    path = "/episodes/{id}/checkpoints",
    operation_id = "list_checkpoints",
    tag = "checkpoints",
    params(("id" = String, Path, description = "The episode")),
    responses((status = 200, description = "Its checkpoints", body = Checkpoints), Refused)
)]
pub async fn list(State(control): Shared, Path(id): Path<String>) -> Result<Json<Checkpoints>, Refusal> {
    let names = control.live(&id)?.checkpoints().await?;
    Ok(Json(Checkpoints { checkpoints: names.into_iter().map(|name| Checkpoint { name }).collect() }))
}

/// Forget a checkpoint
#[utoipa::path(
    delete,
    path = "/episodes/{id}/checkpoints/{name}",
    operation_id = "forget_checkpoint",
    tag = "checkpoints",
    params(("id" = String, Path, description = "The episode"), ("name" = String, Path, description = "The checkpoint")),
    responses((status = 204, description = "Done"), Refused)
)]
pub async fn forget(State(control): Shared, Path((id, name)): Path<(String, String)>) -> Result<StatusCode, Refusal> {
    control.live(&id)?.drop_checkpoint(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put an episode back to a checkpoint, journal included; the checkpoint stays
#[utoipa::path(
    post,
    path = "/episodes/{id}/restore",
    operation_id = "restore_episode",
    tag = "checkpoints",
    params(("id" = String, Path, description = "The episode")),
    request_body = Restore,
    responses((status = 204, description = "Done"), Refused)
)]
pub async fn restore(
    State(control): Shared,
    Path(id): Path<String>,
    Body(restore): Body<Restore>,
) -> Result<StatusCode, Refusal> {
    control.live(&id)?.restore(&restore.checkpoint).await?;
    Ok(StatusCode::NO_CONTENT)
}
