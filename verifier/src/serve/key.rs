//! Who may ask.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use super::listening::ServeError;

/// What requests must bring as `Authorization: Bearer KEY`, if anything.
#[derive(Clone, Debug)]
pub struct Key(Option<[u8; 32]>);

impl Key {
    /// `None` lets everybody in.
    ///
    /// # Errors
    /// [`ServeError::BadKey`] if no request could bring it.
    pub fn new(key: Option<&str>) -> Result<Self, ServeError> {
        match key {
            Some(key) if key.is_empty() || key.trim() != key => Err(ServeError::BadKey),
            key => Ok(Self(key.map(digest))),
        }
    }

    /// Why a request with these headers is not answered, if it is not.
    pub fn refusal(&self, headers: &HeaderMap) -> Option<&'static str> {
        let key = self.0.as_ref()?;
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(given) = given else { return Some("Missing API key") };
        let given = given.strip_prefix("Bearer ").unwrap_or(given).trim();
        (digest(given) != *key).then_some("Invalid API key")
    }
}

/// Keys are compared by their digests, so that the time it takes tells nothing of the key.
fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
