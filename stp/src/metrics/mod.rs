//! The numbers of a run over time, for other people's tools: `metrics.jsonl` and TensorBoard's event files.
//!
//! They are a by-product: nothing of a run is computed from them, and a run goes on without them if they
//! cannot be written.

mod tensorboard;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use stp_datasets::Ledger;
use stp_model::TrainStep;
use stp_selfplay::context::folder::run_config;
use stp_selfplay::plan::Step;
use stp_study::report::{RecordedRun, Row};

use self::tensorboard::EventFile;

/// The file of JSON lines in the run folder.
pub use stp_study::report::METRICS as FILE;

const FOLDER: &str = "tensorboard";

/// Where the numbers go. One process of a run has one; both outputs are appended to.
#[derive(Debug)]
pub struct Metrics {
    run: PathBuf,
    /// When the run began, in seconds since 1970: the zero of the speeds' axis.
    began: f64,
    outputs: Mutex<Outputs>,
}

#[derive(Debug)]
struct Outputs {
    lines: BufWriter<File>,
    events: EventFile<BufWriter<File>>,
    broken: bool,
}

/// How far a phase has come.
#[derive(Clone, Copy, Debug)]
pub struct PhaseNow<'a> {
    /// Its title, for example `round 1: prove`.
    pub title: &'a str,
    /// Units of work done.
    pub done: u64,
    /// Units of work in all.
    pub total: u64,
    /// Tokens a second since it began.
    pub tokens_per_second: Option<f64>,
    /// Judged proofs a second since it began.
    pub proofs_per_second: Option<f64>,
    /// Proved / judged.
    pub pass_rate: Option<f64>,
}

impl Metrics {
    /// The metrics of the run in a folder, which began with its first event.
    ///
    /// # Errors
    /// If its ledger cannot be read, or they cannot be written.
    pub fn of_run(run: &Path) -> Result<Self> {
        let ledger = Ledger::open(&run.join("ledger.sqlite"))?;
        let began = ledger.events()?.first().map(|event| event.at);
        Self::open(run, began)
            .with_context(|| format!("cannot write metrics in {}. Make it writable.", run.display()))
    }

    /// Goes on with the files of a run folder. `began` is when the run began, in seconds since 1970; now, if it has
    /// not.
    ///
    /// # Errors
    /// If the files cannot be opened.
    fn open(run: &Path, began: Option<f64>) -> io::Result<Self> {
        let lines = BufWriter::new(OpenOptions::new().create(true).append(true).open(run.join(FILE))?);
        let folder = run.join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        // TensorBoard reads the files of a folder in the order of their names.
        let (time, process) = (now(), std::process::id());
        let name = format!("events.out.tfevents.{:010}.stp.{process}", time as u64);
        let events = EventFile::new(BufWriter::new(File::create(folder.join(name))?), time)?;
        let began = began.unwrap_or(time);
        Ok(Self { run: run.to_owned(), began, outputs: Mutex::new(Outputs { lines, events, broken: false }) })
    }

    /// One step of training, after `before` steps of earlier trainings of the run.
    pub fn training(&self, before: u64, step: TrainStep) {
        let scalars = [
            ("train/loss", f64::from(step.loss)),
            ("train/learning_rate", step.learning_rate),
            ("train/gradient_norm", f64::from(step.gradient_norm)),
        ];
        self.write(before + step.step as u64, Map::new(), &scalars);
    }

    /// What the command of a training told of a step of all the run's trainings.
    pub fn told(&self, step: u64, numbers: &[(String, f64)]) {
        let scalars: Vec<_> = numbers.iter().map(|(name, value)| (format!("train/{name}"), *value)).collect();
        let scalars: Vec<_> = scalars.iter().map(|(tag, value)| (tag.as_str(), *value)).collect();
        self.write(step, Map::new(), &scalars);
    }

    /// What a phase in progress has come to; the axis is seconds since the run began.
    pub fn phase(&self, phase: PhaseNow<'_>) {
        let mut line = Map::new();
        line.insert("phase".into(), phase.title.into());
        line.insert("done".into(), phase.done.into());
        line.insert("total".into(), phase.total.into());
        let rates = [
            ("speed/tokens_per_second", phase.tokens_per_second),
            ("speed/proofs_per_second", phase.proofs_per_second),
            ("speed/pass_rate", phase.pass_rate),
        ];
        let scalars: Vec<_> = rates.iter().filter_map(|(tag, rate)| Some((*tag, (*rate)?))).collect();
        self.write((now() - self.began).max(0.0) as u64, line, &scalars);
    }

    /// The line of the report's table that a step has completed, if it completes one.
    pub fn step(&self, step: Step) {
        if step.completes_row()
            && let Err(error) = self.last_row(step)
        {
            tracing::error!("going on without a line of metrics, for the report cannot be read: {error:#}");
        }
    }

    fn last_row(&self, step: Step) -> Result<()> {
        let (config, _) = run_config(&self.run)?;
        if let Some(row) = RecordedRun::open(&self.run)?.report()?.rows.last() {
            self.row(step.round(config.rounds), row);
        }
        Ok(())
    }

    /// A line of the report's table; the axis is the round.
    fn row(&self, round: u32, row: &Row) {
        let count = |number: usize| number as f64;
        let mut scalars = vec![
            ("round/train_proved", count(row.train_proved)),
            ("round/valid_proved", count(row.valid_proved)),
            ("round/valid_pass_at_1", row.valid_pass_rate),
            ("round/seconds", row.seconds),
        ];
        if row.samples > 0 {
            scalars.extend([
                ("round/mean_pass_rate", row.pass_rate),
                ("round/sampled_proofs", f64::from(row.samples)),
            ]);
        }
        if row.generated > 0 {
            scalars.extend([
                ("conjectures/generated", count(row.generated)),
                ("conjectures/elaborated", count(row.elaborated)),
                ("conjectures/proved", count(row.proved)),
                ("conjectures/kept", count(row.kept)),
            ]);
        }
        let mut line = Map::new();
        line.insert("model".into(), row.label.clone().into());
        self.write(u64::from(round), line, &scalars);
    }

    /// What the controllers of a round have found; the axis is the round.
    pub fn control(&self, round: u32, found: &[(String, f64)]) {
        let scalars: Vec<_> = found.iter().map(|(tag, value)| (tag.as_str(), *value)).collect();
        self.write(u64::from(round), Map::new(), &scalars);
    }

    fn write(&self, step: u64, mut line: Map<String, Value>, scalars: &[(&str, f64)]) {
        let time = now();
        line.insert("time".into(), json!((time * 1e3).round() / 1e3));
        line.insert("step".into(), step.into());
        line.extend(scalars.iter().map(|(tag, number)| ((*tag).to_owned(), json!(number))));
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        if outputs.broken {
            return;
        }
        if let Err(error) = outputs.append(time, step, &Value::Object(line), scalars) {
            outputs.broken = true;
            tracing::error!("going on without metrics, for they cannot be written: {error}");
        }
    }
}

impl Outputs {
    fn append(&mut self, time: f64, step: u64, line: &Value, scalars: &[(&str, f64)]) -> io::Result<()> {
        writeln!(self.lines, "{line}")?;
        self.lines.flush()?;
        if scalars.is_empty() {
            return Ok(());
        }
        self.events.scalars(time, step, scalars.iter().copied())
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
