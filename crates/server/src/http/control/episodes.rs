//! The life of an episode: begun, listed, copied, begun again, ended.

use super::extract::{Body, Path, Query};
use super::model::{Advance, Create, Detail, Episode, Fork, Listing, Moment, Page, Refused, Summary};
use super::{SEE_DOCUMENT, Shared};
use crate::http::refusal::Refusal;
use crate::registry::Live;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, LOCATION};

/// Episodes on a page where no number is asked for: what a person looks through.
const PAGE: usize = 100;

/// Most episodes on a page: some 600 kB.
const LONGEST_PAGE: usize = 1_000;

type Created = (StatusCode, [(HeaderName, String); 1], Json<Episode>);

fn created(live: &Live, episode: Episode) -> Created {
    (StatusCode::CREATED, [(LOCATION, format!("/episodes/{}", live.id()))], Json(episode))
}

/// Begin an episode
#[utoipa::path(
    post,
    path = "/episodes",
    operation_id = "create_episode",
    tag = "episodes",
    request_body(content = Option<Create>, description = "What it is to be; all of it may be left out"),
    responses(
        (status = 201, description = "The new episode", body = Episode, headers(("location" = String))),
        Refused
    )
)]
pub async fn create(State(control): Shared, Body(create): Body<Create>) -> Result<Created, Refusal> {
    let live = control.registry.create(create.into()).await?;
    Ok(created(&live, control.episode(&live)))
}

/// List live episodes, in the order of their names
#[utoipa::path(
    get,
    path = "/episodes",
    operation_id = "list_episodes",
    tag = "episodes",
    params(Listing),
    responses((status = 200, description = "A page of them", body = Page), Refused)
)]
pub async fn list(State(control): Shared, Query(listing): Query<Listing>) -> Result<Json<Page>, Refusal> {
    let limit = listing.limit.unwrap_or(PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        let message = format!("limit is {limit}, and must be from 1 to {LONGEST_PAGE}");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_QUERY", message, SEE_DOCUMENT));
    }
    // One more than asked for, to know whether there is a next page.
    let mut found = control.registry.list(&listing.after, limit + 1);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|live| live.id().to_owned());
    let episodes = found.iter().map(|live| control.episode(live)).collect();
    Ok(Json(Page { episodes, live: control.registry.count(), next }))
}

/// Show an episode, and what has happened in it
#[utoipa::path(
    get,
    path = "/episodes/{id}",
    operation_id = "show_episode",
    tag = "episodes",
    params(("id" = String, Path, description = "The episode")),
    responses((status = 200, description = "The episode", body = Detail), Refused)
)]
pub async fn show(State(control): Shared, Path(id): Path<String>) -> Result<Json<Detail>, Refusal> {
    let live = control.live(&id)?;
    let summary = live.summary().await?.into();
    Ok(Json(Detail { episode: control.episode(&live), summary }))
}

/// End an episode, after the calls that were accepted before
#[utoipa::path(
    delete,
    path = "/episodes/{id}",
    operation_id = "close_episode",
    tag = "episodes",
    params(("id" = String, Path, description = "The episode")),
    responses((status = 200, description = "What happened in it", body = Summary), Refused)
)]
pub async fn close(State(control): Shared, Path(id): Path<String>) -> Result<Json<Summary>, Refusal> {
    Ok(Json(control.registry.close(&id).await?.into()))
}

/// Begin an episode from another's present state, journal included
#[utoipa::path(
    post,
    path = "/episodes/{id}/fork",
    operation_id = "fork_episode",
    tag = "episodes",
    params(("id" = String, Path, description = "The episode to copy")),
    request_body(content = Option<Fork>, description = "What the copy is to be; all of it may be left out"),
    responses(
        (status = 201, description = "The new episode", body = Episode, headers(("location" = String))),
        Refused
    )
)]
pub async fn fork(State(control): Shared, Path(id): Path<String>, Body(fork): Body<Fork>) -> Result<Created, Refusal> {
    let live = control.registry.fork(&id, fork.id.as_deref(), fork.ttl_seconds).await?;
    Ok(created(&live, control.episode(&live)))
}

/// Put an episode back to its fixtures; journal and duties are forgotten, checkpoints stay
#[utoipa::path(
    post,
    path = "/episodes/{id}/reset",
    operation_id = "reset_episode",
    tag = "episodes",
    params(("id" = String, Path, description = "The episode")),
    responses((status = 204, description = "Done"), Refused)
)]
pub async fn reset(State(control): Shared, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    control.live(&id)?.reset().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Move an episode's clock, when its turn comes: calls that were accepted before are made before it
#[utoipa::path(
    post,
    path = "/episodes/{id}/advance",
    operation_id = "advance_episode",
    tag = "episodes",
    params(("id" = String, Path, description = "The episode")),
    request_body = Advance,
    responses((status = 200, description = "The time that it is then", body = Moment), Refused)
)]
pub async fn advance(
    State(control): Shared,
    Path(id): Path<String>,
    Body(advance): Body<Advance>,
) -> Result<Json<Moment>, Refusal> {
    let now = control.live(&id)?.advance(&advance.by).await?;
    Ok(Json(Moment { now }))
}
