//! `stp eval`: pass@k of a checkpoint.

use std::process::ExitCode;

use anyhow::{Context, Result};
use stp_verifier::{Pool, PoolConfig};

use super::{block_on, device, load_corpus, run_config, toolchain};
use crate::cancel::Cancel;
use crate::cli::EvalArgs;
use crate::display::Display;
use crate::evaluation::{Evaluation, Means, StatementSet, last_checkpoint};
use crate::start::pool_config;

/// Prints the table, or one JSON object.
pub(super) fn eval(args: &EvalArgs) -> Result<ExitCode> {
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
    let lean = toolchain::take(&machine.lean, &display)?;
    let cache = toolchain::cache(&machine.lean, &lean, &display);
    let config = PoolConfig { cache, ..pool_config(&evaluation.config, machine.workers, &lean) };
    let outcome = block_on(async {
        let cancel = Cancel::on_signals()?;
        let pool = Pool::start(&lean, config);
        let means = Means { pool: pool.clone(), display, cancel, device };
        let outcome = evaluation.play(&corpus, means).await;
        pool.shutdown().await;
        outcome
    })?;
    if args.json {
        println!("{}", serde_json::to_string(&outcome).context("the outcome cannot be written as JSON")?);
    } else {
        println!("{}\n{}\nfolder: {}", outcome.table(false), outcome.notes(), evaluation.folder().display());
    }
    Ok(ExitCode::SUCCESS)
}
