//! Sampling that stays open: requests come in at any time, and all that are there are drawn together.

use std::sync::Arc;

use super::check::check_prompt;
use super::job::{Gone, Job, Listener, Told};
use super::source::Inbox;
use super::{SampleConfig, SampleRequest, device, engine};
use crate::{Lm, ModelError, kernels};

/// A model that is asked at any time, from any thread.
///
/// What a sample says depends on its prompt, its seed and its settings alone, as in [`sample`](super::sample); how long it
/// takes depends on what else is asked. Requests take turns, so none keeps the others waiting until all of it is done.
/// Dropping it ends all samples.
#[derive(Debug)]
pub struct Engine {
    model: Lm,
    inbox: Arc<Inbox>,
    /// The memory for keys and values of the processor's engine.
    room: Option<engine::Room>,
}

/// A request under way. Dropping it means that nobody waits for it any more.
#[derive(Debug)]
pub struct Ticket(Gone);

impl Engine {
    /// Makes a model ready. Of the settings `batch`, `cache_mb` and `max_seq` count: what all requests share. No request may
    /// have a larger `max_seq`.
    ///
    /// # Errors
    /// [`ModelError`] if the settings are out of range, or the cache has no room for a sequence.
    pub fn start(model: &Lm, settings: &SampleConfig) -> Result<Self, ModelError> {
        settings.validate()?;
        if kernels::available(&model.device()) {
            let (inbox, room) = engine::open(model, settings)?;
            return Ok(Self { model: model.clone(), inbox, room: Some(room) });
        }
        Ok(Self::of_device(model, device::open(model, settings)?))
    }

    /// One whose samples are drawn by [`device::open`].
    pub(super) fn of_device(model: &Lm, inbox: Arc<Inbox>) -> Self {
        Self { model: model.clone(), inbox, room: None }
    }

    /// Asks for samples. `tell` is called from the engine's threads and must return at once. With each token come the
    /// `likeliest` ones in its place.
    ///
    /// # Errors
    /// [`ModelError`] if prompt or settings are out of range, or the engine was closed.
    pub fn ask(
        &self,
        request: SampleRequest,
        settings: SampleConfig,
        likeliest: usize,
        tell: impl Fn(Told) + Send + Sync + 'static,
    ) -> Result<Ticket, ModelError> {
        settings.validate()?;
        check_prompt(&self.model, &settings, 0, &request.prompt)?;
        let job = Job::told(request, settings, Listener { tell: Box::new(tell), likeliest });
        if let Some(room) = &self.room {
            room.check(job.longest(&self.model))?;
        }
        let gone = job.gone();
        if self.inbox.put(Arc::new(job)) { Ok(Ticket(gone)) } else { Err(ModelError::Closed) }
    }

    /// Ends all samples, of which nothing more is told.
    pub fn close(&self) {
        self.inbox.close();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.note();
    }
}
