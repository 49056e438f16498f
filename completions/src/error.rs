//! What is answered where there is no result, in OpenAI's shape.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use stp_model::ModelError;
use stp_verifier::serve::BodyError;

/// A request that gets no result.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    /// The field that is at fault.
    param: Option<&'static str>,
    code: Option<&'static str>,
    retry_after: Option<Duration>,
}

impl ApiError {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None, code: None, retry_after: None }
    }

    /// The request asks for what cannot be.
    pub(crate) fn bad(param: &'static str, message: impl Into<String>) -> Self {
        Self { param: Some(param), ..Self::new(StatusCode::BAD_REQUEST, message) }
    }

    /// The body is no request.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn too_long(param: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some("context_length_exceeded"), ..Self::bad(param, message) }
    }

    pub(crate) fn unauthorized(message: &str) -> Self {
        Self { code: Some("invalid_api_key"), ..Self::new(StatusCode::UNAUTHORIZED, message) }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn no_model(asked: &str, there: &str) -> Self {
        let message = format!("there is no model `{asked}` here; ask for `{there}`, or for none");
        Self { param: Some("model"), code: Some("model_not_found"), ..Self::not_found(message) }
    }

    pub(crate) fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path takes no such method; `/v1/models` is read, the others are posted to",
        )
    }

    pub(crate) fn busy(waiting: usize) -> Self {
        let message = format!("{waiting} samples wait or run already; try again later");
        let retry_after = Some(Duration::from_secs(1));
        Self {
            code: Some("rate_limit_exceeded"),
            retry_after,
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, message)
        }
    }

    pub(crate) fn gone() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down; ask again when it is back")
    }

    /// The error as it is written.
    pub(crate) fn body(&self) -> serde_json::Value {
        let kind = if self.status.is_server_error() { "server_error" } else { "invalid_request_error" };
        json!({ "error": { "message": self.message, "type": kind, "param": self.param, "code": self.code } })
    }
}

impl From<ModelError> for ApiError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Closed => Self::gone(),
            ModelError::Prompt { reason, .. } => {
                Self::bad("prompt", format!("the prompt cannot be continued: {reason}"))
            }
            ModelError::Token { .. } => Self::bad("prompt", error.to_string()),
            ModelError::Cache { .. } => Self::bad("max_tokens", error.to_string()),
            ModelError::Setting { name, ref value, remedy } => {
                Self::bad(name, format!("`{name}` is {value}; {remedy}"))
            }
            ModelError::Tokenizer { ref reason, .. } => Self::malformed(reason.clone()),
            error => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::Late { .. } => StatusCode::REQUEST_TIMEOUT,
            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if self.status == StatusCode::REQUEST_TIMEOUT {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
        }
        response
    }
}
