//! Batched sampling with a key-value cache.
//!
//! A prompt is read once for all its samples. Finished sequences leave the batch and waiting ones
//! join it, so that the batch stays full. Every sequence has its own random stream, so what it says
//! does not depend on its neighbours.
//!
//! [`sample`] draws all samples of a call; an [`Engine`] takes requests at any time.
//!
//! The processor has an engine of its own, [`engine`]; other devices run the model as burn has it, [`device`].

mod check;
mod device;
mod engine;
mod job;
mod mask;
mod open;
mod pick;
mod request;
mod sequence;
mod source;

use std::ops::ControlFlow;
use std::time::Instant;

use burn::module::Module;
use check::check_prompt;

use crate::{Lm, ModelError, kernels};

pub(crate) use check::check_tokens;
pub use job::{Drawn, Told};
pub use mask::{Grammar, Mask, Reader};
pub use open::{Engine, Ticket};
pub use request::{Completion, SampleConfig, SampleRequest, SampleStats, StopWhen};

/// Draws one completion for every seed of every request and hands each to `on_completion` as soon
/// as it is done; `Break` ends sampling. The model may be in training or inference mode.
pub fn sample(
    model: &Lm,
    requests: &[SampleRequest],
    config: &SampleConfig,
    on_completion: &mut dyn FnMut(Completion) -> ControlFlow<()>,
) -> Result<SampleStats, ModelError> {
    config.validate()?;
    for (index, request) in requests.iter().enumerate() {
        check_prompt(model, config, index, &request.prompt)?;
    }
    let started = Instant::now();
    let model = model.valid();
    let sample = if kernels::available(&model.device()) { engine::sample } else { device::sample };
    let mut stats = sample(&model, requests, config, on_completion)?;
    stats.seconds = started.elapsed().as_secs_f64();
    Ok(stats)
}

#[cfg(test)]
mod tests;
