//! Why a server gave no answer, and whether it may be asked again.

use std::time::Duration;

use ureq::http::StatusCode;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It may come if it is asked for again, here or elsewhere.
    Passing(String),
    /// The server is well, but has too much to do or is not ready yet.
    Busy {
        /// What it said.
        reason: String,
        /// How long it wants to be left alone, if it says that.
        pause: Option<Duration>,
    },
    /// Somebody has to do something about it.
    Lasting(String),
}

impl Trouble {
    /// What a status means that is none of success, with what was said.
    pub(super) fn of_status(status: StatusCode, said: String, pause: Option<Duration>) -> Self {
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return Self::Busy { reason: said, pause };
        }
        if is_not_ready(status) || status.is_server_error() {
            return Self::Passing(said);
        }
        let advice = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "Put its key into the variable that sampling.server.key_variable names."
            }
            StatusCode::NOT_FOUND => {
                "See that sampling.server.urls has the server's address, that it has /v1/completions, and that \
                 sampling.server.model names a model that it has."
            }
            _ => {
                "See that the server's model and its longest sequence are those of the run; sampling.server.logprobs = false, \
                 samples_per_request = 1 and extra change what it is asked."
            }
        };
        Self::Lasting(format!("{said}. {advice}"))
    }
}

/// A request without an answer that can be read.
pub(super) struct Failed {
    /// What the server said instead, if it did.
    pub status: Option<StatusCode>,
    /// What that means.
    pub trouble: Trouble,
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self { status: None, trouble }
    }
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        failed.trouble
    }
}

impl Failed {
    /// Whether a server may say so of several samples in one request. Some call that a fault of their own.
    pub(super) fn may_be_for_several(&self) -> bool {
        matches!(
            self.status,
            Some(
                StatusCode::BAD_REQUEST
                    | StatusCode::UNPROCESSABLE_ENTITY
                    | StatusCode::INTERNAL_SERVER_ERROR
                    | StatusCode::NOT_IMPLEMENTED
            )
        )
    }
}

/// Whether a server, or what stands before it, says that it has too much to do or is not ready.
pub(super) fn is_not_ready(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}
