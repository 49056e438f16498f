//! `stp eval`: pass@k of a checkpoint.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use stp_selfplay::context::folder::run_config;
use stp_selfplay::context::pool_config;
use stp_selfplay::context::statements::load_corpus;
use stp_study::evaluation::{Evaluation, Resources, StatementSet, last_checkpoint};
use stp_verifier::{Pool, PoolConfig};

use crate::args::MachineArgs;
use crate::common::{block_on, device};
use crate::display::Display;
use crate::drawer::drawer;
use crate::lean::{cache, locate_or_install};
use crate::signals::cancel_on_signals;

/// `stp eval`.
#[derive(Clone, Debug, Args)]
pub struct EvalArgs {
    /// The run's folder.
    #[arg(long = "run", value_name = "RUN_FOLDER")]
    pub run_dir: PathBuf,
    /// The statements: `valid` or `test` of the run's corpus, or a file or folder that `data import` would take.
    #[arg(long, value_name = "NAME|FILE", default_value = "valid")]
    pub set: String,
    /// The k of pass@k, with commas between them.
    #[arg(short, long, value_name = "K,…", value_delimiter = ',', default_value = "1,4")]
    pub k: Vec<u32>,
    /// Samples of each statement [default: the largest k]; more make the estimates of smaller k sharper.
    #[arg(long, value_name = "N")]
    pub samples: Option<u32>,
    /// The model, by the name of its folder in `checkpoints/` [default: the last].
    #[arg(long, value_name = "NAME")]
    pub checkpoint: Option<String>,
    /// At most so many of the set's statements, evenly spread; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max: usize,
    /// One JSON object in place of a table.
    #[arg(long)]
    pub json: bool,
    /// What it runs on.
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// Prints the table, or one JSON object.
pub fn eval(args: &EvalArgs) -> Result<ExitCode> {
    let (config, _) = run_config(&args.run_dir)?;
    let corpus = load_corpus(&config.corpus)?;
    let checkpoint = match &args.checkpoint {
        Some(name) => name.clone(),
        None => last_checkpoint(&args.run_dir, config.rounds)?,
    };
    let largest = args.k.iter().copied().max().unwrap_or(1);
    let evaluation = Evaluation {
        run: args.run_dir.clone(),
        set: StatementSet::load(&args.set, &corpus, args.max)?,
        checkpoint,
        samples: args.samples.unwrap_or(largest),
        ks: args.k.clone(),
        config,
    };
    evaluation.validate()?;
    let machine = &args.machine;
    let display = Display::new(machine.quiet || args.json);
    let device = device(&machine.device)?;
    let lean = locate_or_install(&machine.lean, &display)?;
    let cache = cache(&machine.lean, &lean, &display);
    if let Some(kept) = evaluation.make_room()? {
        display
            .line(&format!("the earlier evaluation had other settings or statements; it is kept as {kept}"));
    }
    let config = PoolConfig { cache, ..pool_config(&evaluation.config, machine.workers, &lean) };
    let result = block_on(async {
        let cancel = cancel_on_signals()?;
        let pool = Pool::start(&lean, config);
        let resources = Resources { verifier: pool.clone(), device, events: drawer(display, None), cancel };
        let played = evaluation.play(&corpus, resources).await;
        pool.shutdown().await;
        played
    })?;
    if args.json {
        println!("{}", serde_json::to_string(&result).context("the result cannot be written as JSON")?);
    } else {
        println!("{}\n{}\nfolder: {}", result.table(false), result.notes(), evaluation.folder().display());
    }
    Ok(ExitCode::SUCCESS)
}
