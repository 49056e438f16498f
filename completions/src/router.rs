//! Routes and keys.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::chat::chat_completions;
use crate::error::ApiError;
use crate::shared::Shared;
use crate::text::completions;

const PATHS: [&str; 7] =
    ["/v1/completions", "/v1/chat/completions", "/v1/models", "/health", "/metrics", "/", "other"];

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let closed = Router::new()
        .route("/v1/models", get(models))
        .route("/v1/models/{*name}", get(model))
        .route("/v1/completions", post(completions))
        .route("/v1/chat/completions", post(chat_completions))
        .method_not_allowed_fallback(async || ApiError::wrong_method())
        .layer(from_fn_with_state(shared.clone(), require_key));
    Router::new()
        .route("/health", get(health))
        .route("/", get(health))
        .route("/metrics", get(metrics))
        .merge(closed)
        .fallback(async || {
            ApiError::not_found(
                "there is no such path; this server has /v1/models, /v1/completions and /v1/chat/completions",
            )
        })
        .layer(from_fn_with_state(shared.clone(), count))
        .with_state(shared)
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let page = shared.metrics.render(shared.admission.under_way(), &shared.connections);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page)
}

/// The model as OpenAI lists one.
fn listed(shared: &Shared) -> Value {
    json!({
        "id": shared.served.name,
        "object": "model",
        "created": shared.since,
        "owned_by": "stp",
        "max_model_len": shared.served.longest(),
    })
}

async fn models(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "object": "list", "data": [listed(&shared)] }))
}

async fn model(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    shared.require_model(Some(&name))?;
    Ok(Json(listed(&shared)))
}

async fn count(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let asked = request.uri().path();
    let path = PATHS.into_iter().find(|path| *path == asked).unwrap_or("other");
    let response = next.run(request).await;
    shared.metrics.request(path, response.status().as_u16());
    response
}

async fn require_key(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    match shared.key.refusal(request.headers()) {
        None => Ok(next.run(request).await),
        Some(message) => Err(ApiError::unauthorized(message)),
    }
}
