//! Routes, keys and errors.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::admission::Place;
use super::{ServeConfig, Shared, digest, judge, kimina};
use crate::protocol::VerifierError;

const PATHS: [&str; 8] =
    ["/api/check", "/verify", "/one_pass_verify_batch", "/api/judge", "/health", "/metrics", "/", "other"];

/// Bytes a second of a body that are always fast enough.
const SLOWEST: usize = 16 << 10;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A request that gets no result, in the shape that clients of the Kimina server expect.
#[derive(Debug)]
pub(super) struct ApiError {
    code: StatusCode,
    detail: String,
    retry_after: Option<Duration>,
}

impl ApiError {
    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self { code: StatusCode::BAD_REQUEST, detail: detail.into(), retry_after: None }
    }

    fn late(came: usize) -> Self {
        let detail = format!("the body did not come in time: {came} bytes of it did");
        Self { code: StatusCode::REQUEST_TIMEOUT, detail, retry_after: None }
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self { code: StatusCode::PAYLOAD_TOO_LARGE, detail: detail.into(), retry_after: None }
    }
}

impl From<VerifierError> for ApiError {
    fn from(error: VerifierError) -> Self {
        Self { code: StatusCode::SERVICE_UNAVAILABLE, detail: error.to_string(), retry_after: None }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.code, Json(json!({ "detail": self.detail }))).into_response();
        if self.code == StatusCode::REQUEST_TIMEOUT {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
        }
        response
    }
}

/// A JSON body whose errors name the field, whatever type its sender says it has.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Shared>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let bytes = read(request, &shared.config).await?;
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
        match Json::<T>::from_bytes(text) {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(ApiError::bad(rejection.body_text())),
        }
    }
}

/// The body of a request, as long as it comes at a bearable speed.
async fn read(request: Request, config: &ServeConfig) -> Result<Vec<u8>, ApiError> {
    let deadline = Instant::now() + config.read_timeout;
    let mut stream = request.into_body().into_data_stream();
    let mut bytes = Vec::new();
    loop {
        let earned = Duration::from_secs((bytes.len() / SLOWEST) as u64);
        let Ok(next) = timeout_at(deadline + earned, stream.next()).await else {
            return Err(ApiError::late(bytes.len()));
        };
        match next {
            None => return Ok(bytes),
            Some(Err(error)) => return Err(ApiError::bad(format!("the body broke off: {error}"))),
            Some(Ok(part)) if bytes.len() + part.len() > config.max_body_bytes => {
                return Err(ApiError::too_large(format!(
                    "the body has more than {} bytes; send fewer snippets at once",
                    config.max_body_bytes
                )));
            }
            Some(Ok(part)) => bytes.extend_from_slice(&part),
        }
    }
}

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
    let Some(key) = &shared.key else { return Ok(next.run(request).await) };
    let refuse = |detail: &str| ApiError {
        code: StatusCode::UNAUTHORIZED,
        detail: detail.to_owned(),
        retry_after: None,
    };
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.ok_or_else(|| refuse("Missing API key"))?;
    let given = given.strip_prefix("Bearer ").unwrap_or(given).trim();
    if digest(given) == *key { Ok(next.run(request).await) } else { Err(refuse("Invalid API key")) }
}

impl Shared {
    /// Places for what is to be asked of Lean, `asked` of a request's `count` entries, or why there are none.
    pub(super) fn admit(&self, what: &str, count: usize, asked: usize) -> Result<Vec<Place>, ApiError> {
        if count == 0 {
            return Err(ApiError::bad(format!("`{what}` must not be empty")));
        }
        if count > self.config.max_snippets {
            let limit = self.config.max_snippets;
            return Err(ApiError::too_large(format!(
                "`{what}` has {count} entries, more than {limit}; send them in several requests"
            )));
        }
        self.admission.admit(asked).ok_or_else(|| self.busy())
    }

    /// # Errors
    /// If a text of an entry is too long.
    pub(super) fn check_size(&self, what: &str, text: &str) -> Result<(), String> {
        let limit = self.config.max_code_bytes;
        if text.len() <= limit {
            Ok(())
        } else {
            Err(format!("its {what} has {} bytes, more than {limit}", text.len()))
        }
    }

    fn busy(&self) -> ApiError {
        let waiting = self.admission.under_way();
        // Half of what waits should be done by then; the mean includes waiting, so it is generous.
        let seconds = self.metrics.mean_seconds().unwrap_or(1.0) / 2.0;
        ApiError {
            code: StatusCode::TOO_MANY_REQUESTS,
            detail: format!("{waiting} snippets wait or run already; try again later"),
            retry_after: Some(Duration::from_secs_f64(seconds.clamp(1.0, 60.0))),
        }
    }
}
