//! The servers of a run: they are given the checkpoint, then asked.

use std::ops::ControlFlow;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::client::Client;
use super::health::{Health, Pace};
use super::protocol::Terms;
use super::queue::{Delivered, Queue};
use super::reload;
use super::request::{GO_ON, LOOK, SamplingParameters, ServedModel, ServedRequest, ServedSample};
use crate::config::Servers;
use crate::error::UsageError;
use crate::events::Events;

/// How long the command of `sampling.server.reload` may take, where `timeout_seconds` is not longer: far more than a large
/// model takes to load, for a command that hangs must not hold a run for ever.
const RELOADING: Duration = Duration::from_secs(3600);

/// The servers of a run, and which checkpoint they have.
#[derive(Debug)]
pub struct Served {
    settings: Servers,
    clients: Vec<Arc<Client>>,
    events: Events,
    pace: Pace,
    reloading: Duration,
    loaded: Mutex<Option<String>>,
    /// How the servers were when the last call ended.
    health: Mutex<Vec<Health>>,
}

impl Served {
    /// The servers of these settings; nobody is asked yet.
    ///
    /// # Errors
    /// If the key is none that can be sent.
    pub fn new(settings: &Servers, events: Events) -> Result<Self> {
        let key = key(&settings.key_variable)?;
        let client = |url: &String| Arc::new(Client::new(url, key.as_deref(), settings));
        let clients = settings.urls.iter().map(client).collect();
        let (settings, loaded, health) = (settings.clone(), Mutex::new(None), Mutex::new(Vec::new()));
        let (pace, reloading) =
            (Pace::default(), RELOADING.max(Duration::from_secs_f64(settings.timeout_seconds)));
        Ok(Self { settings, clients, events, pace, reloading, loaded, health })
    }

    #[cfg(test)]
    pub(super) fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    #[cfg(test)]
    pub(super) fn with_reloading(self, reloading: Duration) -> Self {
        Self { reloading, ..self }
    }

    /// Samples all that is wanted; each sample is handed out once, when it has come. `Break` if it ended early, because
    /// `each` or the user wants it.
    ///
    /// # Errors
    /// If a server refuses, says what is no answer, or none of them answers any more.
    pub fn sample(
        &self,
        model: &ServedModel,
        requests: Vec<ServedRequest>,
        parameters: SamplingParameters,
        is_cancelled: &dyn Fn() -> bool,
        each: &mut dyn FnMut(ServedSample) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let mut left: usize = requests.iter().map(|it| it.seeds.len()).sum();
        if left == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        if self.make_ready(model, is_cancelled)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let (sender, receiver) = mpsc::channel();
        let health = Health::of_next_call(&locked(&self.health), self.clients.len());
        let queue = Queue::new(&self.settings, self.pace, &requests, health, self.events.clone());
        let _ending = End { queue: &queue, health: &self.health };
        let (requests, terms) = (Arc::new(requests), Arc::new(self.terms(model, parameters)));
        queue.start(&self.clients, &requests, &terms, self.settings.concurrency.min(left), &sender)?;
        while left > 0 {
            match receiver.recv_timeout(LOOK) {
                Ok(Ok(delivered)) => match hand_out(delivered, each) {
                    ControlFlow::Continue(count) => left -= count,
                    ControlFlow::Break(()) => return Ok(ControlFlow::Break(())),
                },
                Ok(Err(error)) => {
                    queue.end();
                    // What came in the meantime is kept.
                    let mut came = receiver.try_iter().flatten();
                    while came.next().is_some_and(|delivered| hand_out(delivered, each).is_continue()) {}
                    return Err(error);
                }
                Err(RecvTimeoutError::Timeout) if !is_cancelled() => {}
                Err(_) => return Ok(ControlFlow::Break(())),
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The model to ask for; empty if it is the server's to say.
    fn named(&self, model: &ServedModel) -> String {
        let names = [("{checkpoint}", &*model.folder.to_string_lossy()), ("{name}", &*model.name)];
        names.iter().fold(self.settings.model.clone(), |text, (key, name)| text.replace(key, name))
    }

    fn terms(&self, model: &ServedModel, parameters: SamplingParameters) -> Terms {
        let named = self.named(model);
        Terms {
            model: (!named.is_empty()).then_some(named),
            parameters,
            logprobs: self.settings.logprobs,
            extra: self.settings.extra_fields().unwrap_or_default(),
        }
    }

    /// Sees to it that the servers have the checkpoint, and sets those aside that cannot be given it; `Break` if the user
    /// wants to stop.
    fn make_ready(&self, model: &ServedModel, is_cancelled: &dyn Fn() -> bool) -> Result<ControlFlow<()>> {
        let mut loaded = locked(&self.loaded);
        if loaded.as_ref() == Some(&model.name) {
            return Ok(ControlFlow::Continue(()));
        }
        if self.require_named(model, is_cancelled)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        // A server with other weights may also have another name for them.
        self.clients.iter().for_each(|client| client.forget());
        let (limit, events) = (self.reloading, &self.events);
        let done = reload::reload(&self.settings, &self.clients, model, limit, events, is_cancelled)?;
        let ControlFlow::Continue(reloaded) = done else { return Ok(ControlFlow::Break(())) };
        *loaded = Some(model.name.clone());
        if !self.settings.reload.is_empty() {
            // One that was down may have been started again.
            let health = |reason: Option<String>| reason.map_or_else(Health::default, Health::aside);
            *locked(&self.health) = reloaded.into_iter().map(health).collect();
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Where a name alone gives servers the checkpoint: that none has another one and takes the name for it. One that does not
    /// say what it has may follow. `Break` if the user wants to stop.
    fn require_named(&self, model: &ServedModel, is_cancelled: &dyn Fn() -> bool) -> Result<ControlFlow<()>> {
        if !self.settings.reload.is_empty() || !self.settings.follow() {
            return Ok(ControlFlow::Continue(()));
        }
        let wanted = self.named(model);
        for client in &self.clients {
            if is_cancelled() {
                return Ok(ControlFlow::Break(()));
            }
            if let Some(reason) = client.keeps_another_than(&wanted) {
                bail!("{reason} {GO_ON}");
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Hands out the samples of an answer, and returns how many.
fn hand_out(
    delivered: Delivered,
    each: &mut dyn FnMut(ServedSample) -> ControlFlow<()>,
) -> ControlFlow<(), usize> {
    let Delivered { job, choices } = delivered;
    let count = choices.len();
    for (sample, choice) in job.samples.zip(choices) {
        each(ServedSample { request: job.request, sample, choice })?;
    }
    ControlFlow::Continue(count)
}

/// Ends the threads of a queue, however its owner ends, and keeps how the servers were.
struct End<'a> {
    queue: &'a Arc<Queue>,
    health: &'a Mutex<Vec<Health>>,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        *locked(self.health) = self.queue.end();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The key in that variable, if there is one.
fn key(variable: &str) -> Result<Option<String>> {
    let key = match std::env::var(variable) {
        Ok(key) => key.trim().to_owned(),
        Err(std::env::VarError::NotPresent) => return Ok(None),
        Err(error) => return Err(error).context(format!("the key in {variable} cannot be read")),
    };
    if !key.chars().all(|it| it.is_ascii_graphic()) {
        let text =
            format!("The key in {variable} has characters that no key has. Set it again, on one line.");
        return Err(UsageError(text).into());
    }
    Ok((!key.is_empty()).then_some(key))
}
