//! The body of a request, read at a bearable speed.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Request};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::answer::ApiError;
use super::shared::{ServeConfig, Shared};

/// Bytes a second of a body that are always fast enough.
const SLOWEST: usize = 16 << 10;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

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
