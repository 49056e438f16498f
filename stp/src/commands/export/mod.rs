//! `stp export`: what a run found, as data sets that other tools load.

mod declarations;
mod training;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use stp_datasets::export::{self, Format, Provenance, write_folder, write_lean_project};
use stp_datasets::{Ledger, Split};
use stp_selfplay::context::folder::{run_config, run_ledger};
use stp_selfplay::error::UsageError;

use crate::args::LeanArgs;

/// `stp export`.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// The run's folder.
    run_dir: PathBuf,
    /// What is exported.
    #[arg(long, value_enum, default_value = "proofs")]
    what: What,
    /// How it is written; for `--what proofs`, `lean` is a Lake project of all proved theorems, and `lean4export` their
    /// declarations for other kernels.
    #[arg(long, value_enum, default_value = "jsonl")]
    format: FormatArg,
    /// The folder to make [default: exports/RUN-WHAT-FORMAT].
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Rows of one split alone.
    #[arg(long, value_enum)]
    split: Option<SplitArg>,
    /// The training set at the end of that round, in place of the final re-training's.
    #[arg(long, value_name = "N")]
    round: Option<u32>,
    /// Pairs of each statement, for `--what preferences`.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pairs: usize,
    /// The licence on the dataset card [default: that of the built-in corpus; `other` for corpora of your own].
    #[arg(long, value_name = "NAME")]
    licence: Option<String>,
    /// Lean processes that judge the proofs once more, for `--format lean4export`.
    #[arg(long, value_name = "N", default_value_t = 2)]
    workers: usize,
    #[command(flatten)]
    lean: LeanArgs,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Distinct correct proofs.
    Proofs,
    /// Generated statements and what became of them.
    Conjectures,
    /// Every sampled proof with its verdict.
    Attempts,
    /// What the model is trained on.
    TrainingSet,
    /// Pairs of an accepted and a refused proof of one statement.
    Preferences,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    Jsonl,
    Parquet,
    Lean,
    #[value(name = "lean4export")]
    Lean4Export,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SplitArg {
    Train,
    Valid,
}

/// Writes the folder and says what is in it.
pub async fn export(args: &ExportArgs) -> Result<ExitCode> {
    if matches!(args.format, FormatArg::Lean | FormatArg::Lean4Export) && args.what != What::Proofs {
        return Err(UsageError(
            "--format lean and lean4export are for --what proofs alone; use jsonl or parquet here."
                .to_owned(),
        )
        .into());
    }
    let (config, text) = run_config(&args.run_dir)?;
    let ledger = Ledger::open(&run_ledger(&args.run_dir)?)?;
    let mut table = match args.what {
        What::Proofs => export::proofs(&ledger)?,
        What::Conjectures => export::conjectures(&ledger)?,
        What::Attempts => export::attempts(&ledger)?,
        What::Preferences => export::preferences(&ledger, args.pairs)?,
        What::TrainingSet => training::table(&ledger, &config, args.round)?,
    };
    if let Some(split) = args.split {
        let wanted = if split == SplitArg::Train { Split::Train } else { Split::Valid };
        table.rows.retain(|split, _| *split == wanted);
    }
    let built_in = config.corpus == "core";
    let origins = Provenance {
        licence: args
            .licence
            .clone()
            .unwrap_or_else(|| if built_in { "apache-2.0" } else { "other" }.to_owned()),
        toolchain: ledger
            .recall("toolchain")?
            .unwrap_or_else(|| "a Lean that the ledger does not name".to_owned()),
        config_hash: stp_datasets::sha256(&text),
        method: config.method.as_str().to_owned(),
        seed: config.seed,
        corpus: config.corpus,
    };
    let folder = match &args.output {
        Some(folder) => folder.clone(),
        None => default_folder(args)?,
    };
    let rows: usize = table.rows.values().map(Vec::len).sum();
    match args.format {
        FormatArg::Jsonl => write_folder(&table, Format::Jsonl, &origins, &folder)?,
        FormatArg::Parquet => write_folder(&table, Format::Parquet, &origins, &folder)?,
        FormatArg::Lean => {
            let theorems = write_lean_project(&table, &origins, &folder)?;
            println!("{theorems} theorems in {}: `lake build` checks them", folder.display());
            return Ok(ExitCode::SUCCESS);
        }
        FormatArg::Lean4Export => {
            let theorems = declarations::write(&table, &folder, &args.lean, args.workers.max(1)).await?;
            println!(
                "{theorems} theorems in {}, for kernels that read Lean's export format",
                folder.display()
            );
            return Ok(ExitCode::SUCCESS);
        }
    }
    println!("{rows} rows ({}) in {}", table.title, folder.display());
    Ok(ExitCode::SUCCESS)
}

fn default_folder(args: &ExportArgs) -> Result<PathBuf> {
    let run = std::path::absolute(&args.run_dir)?;
    let run = run.file_name().context("the run folder has no name; give -o")?.to_string_lossy().into_owned();
    let word = |value: Option<clap::builder::PossibleValue>| {
        value.map(|it| it.get_name().to_owned()).unwrap_or_default()
    };
    let (what, format) = (word(args.what.to_possible_value()), word(args.format.to_possible_value()));
    let parent = PathBuf::from("exports");
    std::fs::create_dir_all(&parent).context("cannot make the folder exports; give another with -o.")?;
    Ok(parent.join(format!("{run}-{what}-{format}")))
}
