//! Routes and keys.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

use super::answer::ApiError;
use super::shared::Shared;
use super::{judge, kimina};

const PATHS: [&str; 8] =
    ["/api/check", "/verify", "/one_pass_verify_batch", "/api/judge", "/health", "/metrics", "/", "other"];

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let closed = Router::new()
        .route("/api/check", post(kimina::check))
        .route("/api/check/", post(kimina::check))
        .route("/verify", post(kimina::verify))
        .route("/one_pass_verify_batch", post(kimina::verify))
        .route("/api/judge", post(judge::judge))
        .layer(middleware::from_fn_with_state(shared.clone(), require_key));
    Router::new()
        .route("/health", get(health))
        .route("/health/", get(health))
        .route("/", get(health))
        .route("/metrics", get(metrics))
        .merge(closed)
        .layer(middleware::from_fn_with_state(shared.clone(), count))
        .with_state(shared)
}

async fn health() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let page = shared.metrics.render(
        &shared.pool.stats(),
        shared.pool.workers(),
        shared.admission.under_way(),
        &shared.connections,
    );
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page)
}

async fn count(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let asked = request.uri().path();
    let asked = if asked.len() > 1 { asked.trim_end_matches('/') } else { asked };
    let path = PATHS.into_iter().find(|path| *path == asked).unwrap_or("other");
    let response = next.run(request).await;
    shared.metrics.request(path, response.status().as_u16());
    response
}

async fn require_key(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    match shared.key.refusal(&headers) {
        None => Ok(next.run(request).await),
        Some(detail) => {
            Err(ApiError { code: StatusCode::UNAUTHORIZED, detail: detail.to_owned(), retry_after: None })
        }
    }
}
