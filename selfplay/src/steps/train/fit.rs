//! One training: examples and settings in, a checkpoint out. It goes on where a process that was stopped had come to.

use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;
use stp_model::{
    Checkpoint, Example, ModelError, StateFile, TrainConfig, TrainReport, TrainStep, further_devices,
};

use super::command;
use super::common::{Beginning, GRADIENT_CLIP, WEIGHT_DECAY, lower_rate, note, seed, steps_before};
use crate::config::{Training, TrainingEngine};
use crate::context::Context;
use crate::events::{Done, Event, Events, Progress, Work};
use crate::records::TrainRecord;

/// Trains a checkpoint on examples, here or by the user's command, keeps it under `name`, and returns `record` with what
/// came of it.
///
/// # Errors
/// If training or the ledger fails, or the user interrupts.
pub async fn fit(
    context: &Context,
    beginning: Beginning,
    examples: Vec<Example>,
    training: &Training,
    name: &str,
    record: TrainRecord,
) -> Result<TrainRecord> {
    if examples.is_empty() || training.epochs == 0 {
        context.events.emit(&Event::NothingToTrain { checkpoint: name });
        keep(context, name, beginning.checkpoint, &record)?;
        return Ok(record);
    }
    match context.config.training.engine {
        TrainingEngine::Own => {
            fit_here(context, beginning.checkpoint, examples, training, name, record).await
        }
        TrainingEngine::Command => command::fit(context, beginning, examples, training, name, record).await,
    }
}

async fn fit_here(
    context: &Context,
    checkpoint: Checkpoint,
    examples: Vec<Example>,
    training: &Training,
    name: &str,
    mut record: TrainRecord,
) -> Result<TrainRecord> {
    let (examples, left_out) = short_enough(examples, &checkpoint, context.checkpoints.longest(&checkpoint))?;
    let settings = settings(context, training, name)?;
    let steps = settings.epochs * examples.len().div_ceil(settings.batch);
    let progress = context.events.work(&Work::Train { checkpoint: name.to_owned() }, steps as u64);
    let mut steps = Steps::new(context.events.clone(), progress, steps_before(context)?);
    let path = context.checkpoints.state_file(name)?;
    let state = context.config.training.state_every().map(|every| StateFile { path: path.clone(), every });
    let (model, cancel) = (checkpoint.model.clone(), context.cancel.clone());
    let work = move || {
        let trained = stp_model::train_resumable(model, &examples, &settings, state.as_ref(), &mut |step| {
            steps.take(step);
            if cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        (trained, steps.progress)
    };
    let (trained, progress) = tokio::task::spawn_blocking(work).await.context("training broke down")?;
    let (model, report) = trained.map_err(|error| keep_batch(context, &checkpoint, name, error))?;
    context.cancel.check()?;
    if training.lora.rank > 0 {
        let (trained, parameters) = (report.trained_parameters, checkpoint.model.config().parameters());
        context.events.emit(&Event::Adapters { checkpoint: name, trained, parameters });
        record.trained_parameters = Some(trained);
    }
    progress.finish(done(&report, left_out));
    record.loss = Some(report.last_loss);
    record.tokens = Some(report.tokens);
    record.steps = Some(report.steps as u64);
    keep(context, name, checkpoint.with_model(model), &record)?;
    remove(&path)?;
    Ok(record)
}

fn settings(context: &Context, training: &Training, name: &str) -> Result<TrainConfig> {
    let machine = &context.config.training;
    Ok(TrainConfig {
        epochs: training.epochs,
        batch: training.batch,
        micro_batch: training.micro_batch,
        learning_rate: training.learning_rate,
        warmup_steps: training.warmup_steps,
        schedule: training.schedule,
        final_rate: training.final_rate,
        lora: training.lora.clone(),
        recompute: machine.recompute,
        precision: machine.precision,
        replicas: further_devices(context.checkpoints.device(), machine.devices)?,
        weight_decay: WEIGHT_DECAY,
        grad_clip: GRADIENT_CLIP,
        seed: seed(context, name),
    })
}

/// Tells of each step what is new.
struct Steps {
    events: Events,
    progress: Progress,
    /// Steps of the run's earlier trainings.
    before: u64,
    told: usize,
    /// Tokens up to the step that was told last; what an earlier process read is no part of this one's speed.
    tokens: Option<usize>,
}

impl Steps {
    fn new(events: Events, progress: Progress, before: u64) -> Self {
        Self { events, progress, before, told: 0, tokens: None }
    }

    fn take(&mut self, step: TrainStep) {
        self.events.emit(&Event::TrainStep { before: self.before, step });
        let read_before = self.tokens.unwrap_or(if step.step == 1 { 0 } else { step.tokens });
        self.progress.tokens((step.tokens - read_before) as u64);
        self.progress.advance((step.step - self.told) as u64);
        (self.told, self.tokens) = (step.step, Some(step.tokens));
    }
}

/// The examples without those that are longer than the sequences of the run, and how many these were. Where the model's own
/// limit is no higher, it is left to the training to see to that.
fn short_enough(
    mut examples: Vec<Example>,
    checkpoint: &Checkpoint,
    longest: usize,
) -> Result<(Vec<Example>, usize), ModelError> {
    if longest >= checkpoint.model.config().max_seq {
        return Ok((examples, 0));
    }
    let given = examples.len();
    // The last token is only predicted, never read; what weighs nothing is left out in any case.
    examples.retain(|it| it.weight == 0.0 || it.prompt.len() + it.target.len() <= longest + 1);
    let dropped = given - examples.len();
    if examples.iter().all(|it| it.weight == 0.0) {
        return Err(ModelError::NoExamples { given, dropped, max_seq: longest });
    }
    Ok((examples, dropped))
}

/// What came of a training of which so many examples were left out before.
fn done(report: &TrainReport, left_out: usize) -> Done {
    Done::Trained {
        steps: report.steps,
        resumed: report.resumed,
        first_loss: report.first_loss,
        last_loss: report.last_loss,
        dropped: report.dropped + left_out,
    }
}

/// The checkpoint first, then the ledger.
fn keep(context: &Context, name: &str, checkpoint: Checkpoint, record: &TrainRecord) -> Result<()> {
    context.checkpoints.save(name, checkpoint)?;
    note(context, name, record)
}

fn remove(state: &Path) -> Result<()> {
    match std::fs::remove_file(state) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", state.display()))
        }
        _ => Ok(()),
    }
}

/// Writes the batch at which training broke down, as text, to where the user can read it.
fn keep_batch(context: &Context, checkpoint: &Checkpoint, name: &str, error: ModelError) -> anyhow::Error {
    let ModelError::Diverged { batch, .. } = &error else { return error.into() };
    let row = |example: &Example| {
        let [prompt, target] =
            [&example.prompt, &example.target].map(|tokens| checkpoint.tokenizer.decode(tokens));
        json!({ "prompt": prompt, "target": target, "weight": example.weight }).to_string() + "\n"
    };
    let file = format!("diverged-{name}.jsonl");
    let text: String = batch.iter().map(row).collect();
    let kept = match context.folder.write_report(&file, &text) {
        Ok(()) => format!("; the batch is in {}", context.folder.path().join(file).display()),
        Err(_) => String::new(),
    };
    let advice = lower_rate(name);
    anyhow::Error::new(error)
        .context(format!("The training of `{name}` broke down{kept}. To go on, {advice}."))
}

#[cfg(test)]
mod tests {
    use stp_model::Device;

    use super::super::tests::with_model;
    use super::*;
    use crate::context::Checkpoints;

    #[tokio::test]
    async fn a_training_that_diverges_says_what_can_be_done_about_it() {
        let (_scratch, context, _) = with_model(|config| config.round.learning_rate = 1e30);
        let example = |token| Example { prompt: vec![9; 4], target: vec![token; 5], weight: 1.0 };
        for (name, advice) in
            [("stage1", "stage1.learning_rate needs a new run"), ("round-1", "needs a fork")]
        {
            let training = Training { epochs: 9, warmup_steps: 0, ..context.config.round.clone() };
            let beginning = Beginning::of_run(&context, "stage1").unwrap();
            let examples = vec![example(10), example(11), example(12)];
            let record = TrainRecord::default();
            let error = fit(&context, beginning, examples, &training, name, record).await.unwrap_err();
            let text = format!("{error:#}");
            assert!(text.contains(advice) && text.contains(&format!("diverged-{name}.jsonl")), "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_longer_than_the_runs_sequences_is_left_out() {
        let (_scratch, mut context, told) = with_model(|_| {});
        (context.config.model.base, context.config.model.max_seq) = ("elsewhere".to_owned(), 8);
        let checkpoints = Checkpoints::new(context.folder.path(), Device::flex());
        context.checkpoints = checkpoints.configured(&context.config).unwrap();
        let example = |len, weight| Example { prompt: vec![9; 4], target: vec![10; len], weight };
        let (training, record) = (&context.config.round, TrainRecord::default());
        let beginning = || Beginning::of_run(&context, "stage1").unwrap();
        // The last token is not read.
        let some = vec![example(5, 1.0), example(6, 1.0), example(5, 0.5)];
        fit(&context, beginning(), some, training, "round-1", record.clone()).await.unwrap();
        assert!(told.lock().unwrap().join(" ").contains("dropped: 1"), "{told:?}");
        let none = vec![example(6, 1.0), example(1, 0.0)];
        let error = fit(&context, beginning(), none, training, "round-2", record).await.unwrap_err();
        assert!(error.to_string().contains("of 2 examples 1 are longer than 8 tokens"), "{error}");
    }
}
