//! `stp eval`: pass@k of a checkpoint.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use stp_model::{Numbers, Precision};
use stp_selfplay::config::settings::Settings;
use stp_selfplay::config::{Engine, RunConfig};
use stp_selfplay::context::folder::{is_in_use, run_config};
use stp_selfplay::context::pool_config;
use stp_selfplay::context::statements::load_corpus;
use stp_selfplay::error::UsageError;
use stp_study::evaluation::{Evaluation, Resources, StatementSet, Subject, checkpoint};
use stp_study::search::SearchEvaluation;
use stp_verifier::{Pool, PoolConfig};

use super::config::gather;
use crate::args::{MachineArgs, PrecisionArgs, SettingsArgs};
use crate::common::{block_on, sampling_device};
use crate::display::Display;
use crate::drawer::drawer;
use crate::lean::{cache, locate_or_install};
use crate::signals::cancel_on_signals;

/// `stp eval`.
#[derive(Clone, Debug, Args)]
pub struct EvalArgs {
    /// The run's folder.
    #[arg(
        long = "run",
        value_name = "RUN_FOLDER",
        required_unless_present = "model",
        conflicts_with = "model"
    )]
    pub run_dir: Option<PathBuf>,
    /// A folder with a model, of whatever run or of none.
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// With --model: the preset whose settings for sampling and judging are used.
    #[arg(long, default_value = "tiny", conflicts_with = "run_dir")]
    pub preset: String,
    /// With --model: a TOML file whose keys replace the preset's.
    #[arg(long, value_name = "FILE", conflicts_with = "run_dir")]
    pub config: Option<PathBuf>,
    /// With --model: the folder that results are kept in.
    #[arg(long, value_name = "FOLDER", default_value = "evals", conflicts_with = "run_dir")]
    pub output: PathBuf,
    /// The statements: `valid` or `test` of the run's corpus, or a file or folder that `data import` would take.
    #[arg(long, value_name = "NAME|FILE", default_value = "valid")]
    pub set: String,
    /// The k of pass@k, with commas between them.
    #[arg(short, long, value_name = "K,…", value_delimiter = ',', default_value = "1,4")]
    pub k: Vec<u32>,
    /// Samples of each statement [default: the largest k]; more make the estimates of smaller k sharper.
    #[arg(long, value_name = "N")]
    pub samples: Option<u32>,
    /// A search in place of samples, by all means that `stp prove` has: so many of Lean's checks for each statement.
    #[arg(long, value_name = "CHECKS", value_parser = clap::value_parser!(u64).range(1..), conflicts_with_all = ["k", "samples"])]
    pub search: Option<u64>,
    /// With --search: how deep goals of failed proofs may lie.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "search")]
    pub depth: u32,
    /// The model, by the name of its folder in `checkpoints/` [default: the last].
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    pub checkpoint: Option<String>,
    /// At most so many of the set's statements, evenly spread; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max: usize,
    /// One JSON object in place of a table.
    #[arg(long)]
    pub json: bool,
    /// The model's numbers.
    #[command(flatten)]
    pub precision: PrecisionArgs,
    /// What it runs on.
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// Prints the table, or one JSON object.
pub fn eval(args: &EvalArgs) -> Result<ExitCode> {
    let (mut subject, mut config) = subject(args)?;
    check_servers(args, &config)?;
    match args.precision.precision {
        Numbers::F32 => {}
        Numbers::F16 => subject = subject.halved(),
        Numbers::Bf16 => config.sampling.precision = Precision::Bf16,
    }
    let corpus = load_corpus(&config.corpus)?;
    let set = StatementSet::load(&args.set, &corpus, args.max)?;
    if let Some(checks) = args.search {
        let search = SearchEvaluation::new(subject, config, set, checks, args.depth);
        return measure(args, search.evaluation(), async |resources| {
            let result = search.play(&corpus, resources).await?;
            Ok((serde_json::to_string(&result)?, format!("{}\n{}", result.table(false), result.notes())))
        });
    }
    let largest = args.k.iter().copied().max().unwrap_or(1);
    let samples = args.samples.unwrap_or(largest);
    let evaluation = Evaluation { subject, set, samples, ks: args.k.clone(), config };
    evaluation.validate()?;
    measure(args, &evaluation, async |resources| {
        let result = evaluation.play(&corpus, resources).await?;
        Ok((serde_json::to_string(&result)?, format!("{}\n{}", result.table(false), result.notes())))
    })
}

/// Plays an evaluation and prints its result, which comes as JSON and as a text.
fn measure(
    args: &EvalArgs,
    evaluation: &Evaluation,
    play: impl AsyncFnOnce(Resources) -> Result<(String, String)>,
) -> Result<ExitCode> {
    let machine = &args.machine;
    let display = Display::new(machine.quiet || args.json);
    let device = sampling_device(&machine.device, args.precision.precision)?;
    let lean = locate_or_install(&machine.lean, &display)?;
    let cache = cache(&machine.lean, &lean, &display);
    if let Some(kept) = evaluation.make_room()? {
        display
            .line(&format!("the earlier evaluation had other settings or statements; it is kept as {kept}"));
    }
    let mut config = PoolConfig { cache, ..pool_config(&evaluation.config, machine.workers, &lean) };
    if args.search.is_some() {
        // As `stp prove` has: it takes the proofs with the fewest errors.
        config.messages = PoolConfig::default().messages;
    }
    let (json, text) = block_on(async {
        let cancel = cancel_on_signals()?;
        let pool = Pool::start(&lean, config);
        let resources = Resources { verifier: pool.clone(), device, events: drawer(display, None), cancel };
        let played = play(resources).await;
        pool.shutdown().await;
        played
    })?;
    if args.json {
        println!("{json}");
    } else {
        println!("{text}\nfolder: {}", evaluation.folder().display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks that servers can be given the checkpoint that is measured, and that no run needs them for another one.
fn check_servers(args: &EvalArgs, config: &RunConfig) -> Result<()> {
    let server = &config.sampling.server;
    let refuse = |reason: &str| Err(UsageError(reason.to_owned()).into());
    if config.sampling.engine == Engine::Own {
        return Ok(());
    }
    if args.precision.precision != Numbers::F32 {
        return refuse("Servers sample, and compute as they were started: leave --precision out.");
    }
    if !server.follow() {
        return refuse(
            "Nothing gives the servers the checkpoint that is to be measured, so it would be whatever they have. Set \
             sampling.server.reload or sampling.server.model; if they have that checkpoint, set sampling.server.reload to \
             \"true\", a command that does nothing.",
        );
    }
    let gives = !server.reload.is_empty() && server.reload != "true";
    match &args.run_dir {
        Some(run) if gives && is_in_use(run)? => refuse(
            "A process plays this run, and samples from the servers that would be given another checkpoint. Wait until it has \
             ended, or measure on other servers: --model RUN_FOLDER/checkpoints/NAME with a --config that names them.",
        ),
        _ => Ok(()),
    }
}

/// Whose model is measured, and with which settings it samples: a run's own, or those of a preset.
fn subject(args: &EvalArgs) -> Result<(Subject, RunConfig)> {
    let (run, model) = (args.run_dir.as_deref(), args.model.as_deref());
    if let Some(run) = run {
        let (config, _) = run_config(run)?;
        let name = checkpoint(run, config.rounds, args.checkpoint.as_deref())?;
        return Ok((Subject::of_run(run, &name), config));
    }
    let model = model.context("neither --run nor --model was given")?;
    let subject = Subject::of_folder(model, &args.output)?;
    let changes = SettingsArgs { config: args.config.clone(), ..SettingsArgs::default() };
    let config = gather(Settings::preset(&args.preset)?, &changes)?.config()?;
    Ok((subject, config))
}
