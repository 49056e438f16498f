//! A request on its way: what its samples share, and who is told of them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Completion, SampleConfig, SampleRequest};
use crate::{Lm, ModelError};

/// A token that a sample went on with.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Index into the request's seeds.
    pub sample: usize,
    /// The token.
    pub token: u32,
    /// Its log-probability under the model itself: before temperature and `top_p`.
    pub logprob: f64,
    /// The most likely tokens in its place with theirs, the likeliest first, as many as were asked for.
    pub likeliest: Vec<(u32, f64)>,
}

/// What is told of a request's samples while they are drawn.
#[derive(Debug)]
pub enum Told {
    /// A sample went on. The token that ends one is not told.
    Drawn(Drawn),
    /// A sample ended.
    Ended(Completion),
    /// A sample cannot be drawn.
    Failed(ModelError),
}

type Tell = dyn Fn(Told) + Send + Sync;

/// Who is told, and of how many likely tokens each time.
pub(super) struct Listener {
    pub tell: Box<Tell>,
    pub likeliest: usize,
}

/// What the samples of a request share.
pub(super) struct Job<'a> {
    /// Its number among the requests of a call.
    pub number: usize,
    pub prompt: Cow<'a, [u32]>,
    pub seeds: Cow<'a, [u64]>,
    pub config: Cow<'a, SampleConfig>,
    listener: Option<Listener>,
    running: AtomicUsize,
    gone: Gone,
}

/// Whether nobody waits for a request any more. It is apart from the request, so that who waits keeps nothing of it alive.
#[derive(Clone, Debug, Default)]
pub(super) struct Gone(Arc<AtomicBool>);

impl Gone {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'a> Job<'a> {
    /// A request of a call, which collects what comes of it.
    pub(super) fn of_call(number: usize, request: &'a SampleRequest, config: &'a SampleConfig) -> Self {
        Self {
            number,
            prompt: Cow::Borrowed(&request.prompt),
            seeds: Cow::Borrowed(&request.seeds),
            config: Cow::Borrowed(config),
            listener: None,
            running: AtomicUsize::new(0),
            gone: Gone::default(),
        }
    }

    /// How many tokens prompt and completion may have together.
    pub(super) fn longest(&self, model: &Lm) -> usize {
        self.prompt.len().saturating_add(self.config.max_new_tokens).min(self.config.longest(model))
    }

    /// Samples that were begun and have not ended.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    pub(super) fn begin_sample(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_sample(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.0.load(Ordering::Relaxed)
    }

    /// Where it is noted that nobody waits for it any more.
    pub(super) fn gone(&self) -> Gone {
        self.gone.clone()
    }

    /// How many likely tokens are to be told with each token; nothing if nobody listens.
    pub(super) fn listens(&self) -> Option<usize> {
        self.listener.as_ref().map(|listener| listener.likeliest)
    }

    /// Tells what became of a sample.
    pub(super) fn end(&self, outcome: Result<Completion, ModelError>) {
        self.tell(outcome.map_or_else(Told::Failed, Told::Ended));
    }

    pub(super) fn tell(&self, told: Told) {
        if let Some(listener) = &self.listener {
            (listener.tell)(told);
        }
    }
}

impl Job<'static> {
    /// A request of its own, whose listener is told.
    pub(super) fn told(request: SampleRequest, config: SampleConfig, listener: Listener) -> Self {
        Self {
            number: 0,
            prompt: Cow::Owned(request.prompt),
            seeds: Cow::Owned(request.seeds),
            config: Cow::Owned(config),
            listener: Some(listener),
            running: AtomicUsize::new(0),
            gone: Gone::default(),
        }
    }
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job of {} tokens and {} samples", self.prompt.len(), self.seeds.len())
    }
}
