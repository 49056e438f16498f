//! What all requests share: the model, its engine, and how much is under way.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stp_model::{Checkpoint, Engine, ModelError, SampleConfig};
use stp_verifier::serve::{Admission, Connections, Key, Place};

use crate::error::ApiError;
use crate::metrics::Metrics;

/// A model that is ready to be asked.
#[derive(Debug)]
pub struct Served {
    /// By which name it is asked for.
    pub name: String,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) engine: Engine,
    longest: usize,
}

impl Served {
    /// Makes a checkpoint's model ready. Of the settings `batch`, `cache_mb` and `max_seq` count.
    ///
    /// # Errors
    /// [`ModelError`] if the settings do not fit the model.
    pub fn new(name: String, checkpoint: Checkpoint, settings: &SampleConfig) -> Result<Self, ModelError> {
        let engine = Engine::start(&checkpoint.model, settings)?;
        let longest = settings.max_seq.min(checkpoint.model.config().max_seq);
        Ok(Self { name, checkpoint, engine, longest })
    }

    /// Longest sequence in tokens, prompt and answer together.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) served: Served,
    pub(crate) key: Key,
    pub(crate) admission: Arc<Admission>,
    pub(crate) metrics: Metrics,
    pub(crate) connections: Arc<Connections>,
    /// Samples of one request.
    pub(crate) max_samples: usize,
    pub(crate) max_body_bytes: usize,
    /// How long a client may take to send its body.
    pub(crate) patience: Duration,
    /// When the server began, in seconds since 1970.
    pub(crate) since: u64,
}

impl Shared {
    /// Refuses another model's name.
    pub(crate) fn require_model(&self, asked: Option<&str>) -> Result<(), ApiError> {
        match asked {
            Some(asked) if asked != self.served.name => Err(ApiError::no_model(asked, &self.served.name)),
            _ => Ok(()),
        }
    }

    /// Places for so many samples.
    pub(crate) fn admit(&self, samples: usize) -> Result<Vec<Place>, ApiError> {
        if samples > self.max_samples {
            let most = self.max_samples;
            let message =
                format!("the request asks for {samples} samples, more than {most}; ask in several requests");
            return Err(ApiError::bad("n", message));
        }
        self.admission.admit(samples).ok_or_else(|| ApiError::busy(self.admission.under_way()))
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A number that nobody can guess.
pub(crate) fn any_number() -> u64 {
    RandomState::new().hash_one(now())
}
