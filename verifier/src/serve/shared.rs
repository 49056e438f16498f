//! What all requests share, and the limits that hold for each.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;

use super::admission::{Admission, Place};
use super::answer::ApiError;
use super::connections::Connections;
use super::key::Key;
use super::metrics::Metrics;
use crate::handle::Pool;

/// Address and limits of a server.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// Names besides `localhost` and the address by which it may be asked, as behind a proxy.
    pub allow_hosts: Vec<String>,
    /// What requests must bring as `Authorization: Bearer KEY`; `None` lets everybody in.
    pub api_key: Option<String>,
    /// Snippets and rows that may wait for a Lean process; then requests are answered 429.
    pub max_waiting: usize,
    /// Snippets or rows of one request.
    pub max_snippets: usize,
    /// Size of a request's body in bytes.
    pub max_body_bytes: usize,
    /// Size of one snippet's text in bytes.
    pub max_code_bytes: usize,
    /// Connections open at once; more are answered 503.
    pub max_connections: usize,
    /// How long a client may take to send a request's head, to send its body (and a second more for each 16 KiB of
    /// it), or to take the answer.
    pub read_timeout: Duration,
    /// Longest time limit that a request gets for each of its snippets, whatever it asks for.
    pub max_timeout: Duration,
    /// What running requests may still take when the server is told to stop.
    pub grace: Duration,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            allow_hosts: Vec::new(),
            api_key: None,
            max_waiting: 1024,
            max_snippets: 256,
            max_body_bytes: 16 << 20,
            max_code_bytes: 256 << 10,
            max_connections: 512,
            read_timeout: Duration::from_secs(20),
            max_timeout: Duration::from_secs(300),
            grace: Duration::from_secs(20),
        }
    }
}

/// What all requests share.
pub(super) struct Shared {
    pub(super) pool: Pool,
    pub(super) config: ServeConfig,
    pub(super) key: Key,
    pub(super) admission: Arc<Admission>,
    pub(super) metrics: Metrics,
    pub(super) connections: Arc<Connections>,
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
