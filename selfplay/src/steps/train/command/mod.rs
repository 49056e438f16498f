//! A training that a command of the user's does (`training.engine = "command"`): it gets the training set and a manifest as
//! files, and leaves a folder with a model, which is looked at before it becomes a checkpoint.
//!
//! Whatever kills this process, what was there before is there after it: the command goes on with what it kept in its state
//! folder, and a model that was looked at is not trained again.

mod data;
mod last_line;
mod place;
mod process;
mod progress;
mod tensorboard;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use stp_model::{Checkpoint, Example, ModelError, adopt};

use self::data::{Asked, Manifest};
use self::last_line::LastLine;
use self::place::Place;
use self::process::{Heard, Job};
use self::progress::{Reached, Told};
use self::tensorboard::EventFiles;
use super::common::{Beginning, GRADIENT_CLIP, WEIGHT_DECAY, lower_rate, note, seed, steps_before};
use crate::config::Training;
use crate::context::Context;
use crate::context::folder::write_atomically;
use crate::events::{Done, Event, Events, Progress, Work};
use crate::records::TrainRecord;

/// How often the files for TensorBoard are read.
const BETWEEN_FILES: Duration = Duration::from_secs(2);

/// Lets the command train a checkpoint on examples, keeps it under `name`, and returns `record` with what came of it.
///
/// # Errors
/// If the command fails or what it wrote cannot be used, with what to do; if the user interrupts.
pub async fn fit(
    context: &Context,
    beginning: Beginning,
    examples: Vec<Example>,
    training: &Training,
    name: &str,
    record: TrainRecord,
) -> Result<TrainRecord> {
    let place = Place::make(context.folder.path(), name)?;
    let base = match &beginning.folder {
        Some(folder) => std::path::absolute(folder)?,
        None => place.base(),
    };
    let manifest = write_files(context, &place, &base, &beginning.checkpoint, &examples, training, name)?;
    drop(examples);
    if base == place.base() && !base.exists() {
        beginning.checkpoint.save(&base)?;
    }
    // The command has the device, and the memory, for itself.
    drop(beginning);
    context.checkpoints.release();
    let task = Task { context, place: &place, base: &base, manifest: &manifest, name };
    let reached = match task.finished()? {
        Some(reached) => reached,
        None => task.train().await?,
    };
    let record = TrainRecord {
        loss: reached.loss,
        tokens: reached.loss.map(|_| reached.tokens.unwrap_or(manifest.data.tokens * training.epochs)),
        steps: (reached.step > 0).then_some(reached.step),
        data_sha256: Some(manifest.data.sha256.clone()),
        ..record
    };
    note(context, name, &record)?;
    place.finish()?;
    Ok(record)
}

/// Writes training set and manifest. What is there of another training under that name is removed.
fn write_files(
    context: &Context,
    place: &Place,
    base: &Path,
    checkpoint: &Checkpoint,
    examples: &[Example],
    training: &Training,
    name: &str,
) -> Result<Manifest> {
    let max_seq = context.checkpoints.longest(checkpoint);
    let data = data::write(&place.data(), examples, &checkpoint.tokenizer, max_seq)?;
    let asked = Asked {
        epochs: training.epochs,
        batch: training.batch,
        micro_batch: training.micro_batch,
        learning_rate: training.learning_rate,
        warmup_steps: training.warmup_steps,
        schedule: training.schedule,
        final_rate: training.final_rate,
        lora: training.lora.clone(),
        weight_decay: WEIGHT_DECAY,
        betas: stp_model::BETAS,
        epsilon: stp_model::EPSILON,
        grad_clip: GRADIENT_CLIP,
        precision: context.config.training.precision,
        max_seq,
    };
    let manifest = Manifest::new(name, base, data, asked, seed(context, name));
    if manifest.is_another(&place.manifest())? {
        place.begin_anew()?;
    }
    manifest.write(&place.manifest())?;
    Ok(manifest)
}

/// A training whose files are written.
struct Task<'a> {
    context: &'a Context,
    place: &'a Place,
    base: &'a Path,
    manifest: &'a Manifest,
    name: &'a str,
}

impl Task<'_> {
    /// What an earlier process finished: the model was looked at, and lies in its place or is moved there now.
    fn finished(&self) -> Result<Option<Reached>> {
        let Ok(text) = fs::read_to_string(self.place.done()) else { return Ok(None) };
        let Ok(reached) = serde_json::from_str(&text) else { return Ok(None) };
        let output = self.place.output();
        if output.exists() {
            self.context.checkpoints.take(self.name, &output)?;
        } else if !self.context.checkpoints.path(self.name).exists() {
            return Ok(None);
        }
        Ok(Some(reached))
    }

    /// Runs the command, and takes what it wrote.
    async fn train(&self) -> Result<Reached> {
        let Self { context, place, name, .. } = self;
        place.clear_output()?;
        let log = place.log();
        context.events.emit(&Event::TrainCommand { checkpoint: name, log: &log });
        let mut follower = Follower::new(self)?;
        let job = Job {
            command: &context.config.training.command,
            variables: place.variables(self.base),
            log: log.clone(),
            lock: place.lock(),
        };
        let status = job.run(&context.cancel, &mut |heard| follower.hear(heard)).await?;
        follower.ask_files();
        context.cancel.check()?;
        if !status.success() {
            bail!(self.failed(status, follower.last.telling()));
        }
        self.take().await?;
        let Follower { reached, progress, .. } = follower;
        write_atomically(&place.done(), &serde_json::to_string(&reached)?)?;
        context.checkpoints.take(name, &place.output())?;
        let left_out = self.manifest.data.left_out;
        progress.finish(Done::TrainedByCommand { steps: reached.step, loss: reached.loss, left_out });
        Ok(reached)
    }

    /// Looks at what the command wrote, and makes it a checkpoint.
    async fn take(&self) -> Result<()> {
        let (base, output) = (self.base.to_owned(), self.place.output());
        let looked = tokio::task::spawn_blocking(move || adopt(&base, &output)).await;
        match looked.context("looking at the trained model broke down")? {
            Err(error @ ModelError::Trained { diverged, .. }) => {
                let aside = if diverged { Some(self.place.set_state_aside()?) } else { None };
                bail!(self.refused(&error, aside))
            }
            looked => Ok(looked?),
        }
    }

    fn failed(&self, status: ExitStatus, last_line: &str) -> String {
        let last = if last_line.is_empty() {
            "It printed nothing".to_owned()
        } else {
            format!("It says: {}", shortened(last_line))
        };
        format!(
            "The training command of `{}` failed ({status}). {} All of it is in {}. Nothing is lost: mend the command or its \
             script and start the run again, which may have another training.command; it goes on with this training, for \
             which the command finds in {} what it left there.",
            self.name,
            last.trim_end_matches('.').to_owned() + ".",
            self.place.log().display(),
            self.place.state().display()
        )
    }

    fn refused(&self, error: &ModelError, aside: Option<PathBuf>) -> String {
        let log = aside.as_ref().map_or_else(|| self.place.log(), |aside| aside.join("log.txt"));
        let state = match aside {
            Some(aside) => format!(
                "what the command left for going on is in {}, and the training will begin anew. A mended script needs no \
                 more; {}",
                aside.display(),
                lower_rate(self.name)
            ),
            None => {
                format!("it goes on with this training, and {} is as it was", self.place.state().display())
            }
        };
        format!(
            "The training command of `{}` ended well, but no checkpoint was made. {error} All that the command printed is in \
             {}. Nothing is lost: mend the command or its script and start the run again, which may have another \
             training.command; {state}.",
            self.name,
            log.display()
        )
    }
}

/// A line as far as people read one.
fn shortened(line: &str) -> String {
    const LONGEST: usize = 300;
    let mut text: String = line.chars().take(LONGEST).collect();
    if text.len() < line.len() {
        text.push('…');
    }
    text
}

/// Listens to a command, and tells how far it is.
struct Follower<'a> {
    name: &'a str,
    events: Events,
    progress: Progress,
    files: EventFiles,
    /// Whether it prints its steps; then its files for TensorBoard are not asked.
    prints: bool,
    /// When these were asked last.
    asked: Instant,
    before: u64,
    reached: Reached,
    last: LastLine,
}

impl<'a> Follower<'a> {
    fn new(task: &Task<'a>) -> Result<Self> {
        let Task { context, place, manifest, name, .. } = task;
        let progress =
            context.events.work(&Work::Train { checkpoint: (*name).to_owned() }, manifest.steps as u64);
        let reached = Reached::of_log(&place.log());
        progress.advance(reached.step);
        Ok(Self {
            name,
            events: context.events.clone(),
            progress,
            files: EventFiles::new(place.tensorboard()),
            prints: false,
            asked: Instant::now(),
            before: steps_before(context)?,
            reached,
            last: LastLine::default(),
        })
    }

    fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Line(line) => {
                self.events.emit(&Event::TrainLine { checkpoint: self.name, line });
                match Told::parse(line) {
                    Some(told) => {
                        self.prints = true;
                        self.last.forget();
                        self.tell(&told);
                    }
                    None => self.last.hear(line),
                }
            }
            Heard::Time if self.asked.elapsed() < BETWEEN_FILES => {}
            Heard::Time => self.ask_files(),
        }
    }

    fn ask_files(&mut self) {
        self.asked = Instant::now();
        let news = if self.prints { Vec::new() } else { self.files.news() };
        news.iter().for_each(|told| self.tell(told));
    }

    fn tell(&mut self, told: &Told) {
        let earlier = self.reached;
        if !self.reached.take(told) {
            return;
        }
        self.progress.advance(self.reached.step - earlier.step);
        if let Some((now, before)) = self.reached.tokens.zip(earlier.tokens.or(Some(0))) {
            self.progress.tokens(now.saturating_sub(before) as u64);
        }
        let numbers = &told.numbers;
        self.events.emit(&Event::TrainTold { before: self.before, step: told.step, numbers });
    }
}

#[cfg(test)]
mod tests;
