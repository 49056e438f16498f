//! What is answered where there is no result.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::protocol::VerifierError;

/// A request that gets no result, in the shape that clients of the Kimina server expect.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) code: StatusCode,
    pub(super) detail: String,
    /// When to try again.
    pub(super) retry_after: Option<Duration>,
}

impl ApiError {
    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self { code: StatusCode::BAD_REQUEST, detail: detail.into(), retry_after: None }
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
