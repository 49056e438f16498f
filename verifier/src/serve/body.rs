//! The body of a request, read at a bearable speed.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::answer::ApiError;
use super::shared::Shared;

/// Bytes a second of a body that are always fast enough.
const SLOWEST: usize = 16 << 10;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A JSON body whose errors name the field, whatever type its sender says it has.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Shared>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let bytes = read_body(request, shared.config.read_timeout, shared.config.max_body_bytes).await?;
        match Json::<T>::from_bytes(&bytes) {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(ApiError::bad(rejection.body_text())),
        }
    }
}

/// Why a body is none.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It came too slowly.
    #[error("the body did not come in time: {came} bytes of it did")]
    Late {
        /// What came of it.
        came: usize,
    },
    /// The connection ended in its middle.
    #[error("the body broke off: {0}")]
    Broken(axum::Error),
    /// It is too long.
    #[error("the body has more than {most} bytes; send less in one request")]
    TooLarge {
        /// What is read.
        most: usize,
    },
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        let code = match error {
            BodyError::Late { .. } => StatusCode::REQUEST_TIMEOUT,
            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        };
        Self { code, detail: error.to_string(), retry_after: None }
    }
}

/// The body of a request without a byte order mark, as long as it comes at a bearable speed: within `patience`, and a
/// second more for each 16 KiB.
///
/// # Errors
/// [`BodyError`] if it does not come, or has more than `most` bytes.
pub async fn read_body(request: Request, patience: Duration, most: usize) -> Result<Vec<u8>, BodyError> {
    let deadline = Instant::now() + patience;
    let mut stream = request.into_body().into_data_stream();
    let mut bytes = Vec::new();
    loop {
        let earned = Duration::from_secs((bytes.len() / SLOWEST) as u64);
        let Ok(next) = timeout_at(deadline + earned, stream.next()).await else {
            return Err(BodyError::Late { came: bytes.len() });
        };
        match next {
            None if bytes.starts_with(BYTE_ORDER_MARK) => return Ok(bytes.split_off(BYTE_ORDER_MARK.len())),
            None => return Ok(bytes),
            Some(Err(error)) => return Err(BodyError::Broken(error)),
            Some(Ok(part)) if bytes.len() + part.len() > most => return Err(BodyError::TooLarge { most }),
            Some(Ok(part)) => bytes.extend_from_slice(&part),
        }
    }
}
