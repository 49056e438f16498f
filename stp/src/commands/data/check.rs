//! `stp data check`: duplicates inside a corpus, and statements of evaluation sets in it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use stp_datasets::{
    Corpus, ImportOptions, Layout, Overlap, Split, Statement, contamination, import_file, import_files,
    near_duplicates,
};

/// `stp data check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// `core`, or a corpus, or any file or folder that can be imported.
    corpus: String,
    /// An evaluation set that the corpus' train statements must not know; again for each.
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Symbols in an n-gram.
    #[arg(long, value_name = "N", default_value_t = 6)]
    ngram: usize,
    /// Share of n-grams from which two statements count as nearly equal.
    #[arg(long, value_name = "SHARE", default_value_t = 0.8)]
    threshold: f64,
    /// One JSON object a line in place of sentences.
    #[arg(long)]
    json: bool,
}

/// A pair to report.
#[derive(Serialize)]
struct Finding<'a> {
    kind: &'static str,
    statement: &'a str,
    other: &'a str,
    /// The other's set, if it is not the corpus.
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<String>,
    share: f64,
}

/// Exit code 1 if anything of an evaluation set is in the corpus.
pub(super) fn check(args: &CheckArgs) -> Result<ExitCode> {
    let statements = read(&args.corpus)?;
    let doubles = near_duplicates(&statements, args.ngram, args.threshold);
    for overlap in &doubles {
        let kind = if overlap.share >= 1.0 { "duplicate" } else { "near-duplicate" };
        show(args, &finding(kind, overlap, &statements, &statements, None))?;
    }
    let train: Vec<_> = statements.iter().filter(|it| it.split == Split::Train).cloned().collect();
    let mut known = 0;
    for path in &args.against {
        let evaluation = read(&path.to_string_lossy())?;
        let found = contamination(&train, &evaluation, args.ngram, args.threshold);
        for overlap in &found {
            let kind = if overlap.share >= 1.0 { "contamination" } else { "near-contamination" };
            show(args, &finding(kind, overlap, &train, &evaluation, Some(path)))?;
        }
        known += found.len();
    }
    if !args.json {
        println!(
            "{} statements, {} in train; {} duplicates, {} nearly so{}",
            statements.len(),
            train.len(),
            doubles.iter().filter(|overlap| overlap.share >= 1.0).count(),
            doubles.iter().filter(|overlap| overlap.share < 1.0).count(),
            if args.against.is_empty() {
                String::new()
            } else {
                format!("; {known} known from evaluation sets")
            }
        );
    }
    Ok(if known == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn finding<'a>(
    kind: &'static str,
    overlap: &Overlap,
    statements: &'a [Statement],
    others: &'a [Statement],
    set: Option<&Path>,
) -> Finding<'a> {
    Finding {
        kind,
        statement: &statements[overlap.index].id,
        other: &others[overlap.other].id,
        set: set.map(|path| path.display().to_string()),
        share: overlap.share,
    }
}

fn show(args: &CheckArgs, finding: &Finding<'_>) -> Result<()> {
    if args.json {
        println!("{}", serde_json::to_string(finding)?);
    } else {
        let of = finding.set.as_ref().map(|set| format!(" of {set}")).unwrap_or_default();
        let Finding { kind, statement, other, share, .. } = finding;
        println!("{kind}: {statement} and {other}{of} ({:.0} %)", 100.0 * share);
    }
    Ok(())
}

/// The statements of a corpus, or of whatever else can be imported.
fn read(name: &str) -> Result<Vec<Statement>> {
    if name == "core" {
        return Ok(Corpus::core()?.entries.into_iter().map(|entry| entry.statement).collect());
    }
    let layout = Layout::named("auto").unwrap_or_else(|| unreachable!("a layout of that name is built in"));
    let options = ImportOptions { layout, split: Split::Train, skip_bad: false };
    let (mut taken, mut statements) = (HashSet::new(), Vec::new());
    for file in import_files(name.as_ref())? {
        let imported = import_file(&file, &options, &mut taken)?;
        statements.extend(imported.entries.into_iter().map(|entry| entry.statement));
    }
    Ok(statements)
}
