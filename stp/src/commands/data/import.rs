//! `stp data import`: files of others as a corpus, each statement elaborated where its header allows.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;
use stp_datasets::{
    Corpus, CorpusEntry, CorpusError, ImportOptions, Layout, Split, Statement, import_file, import_files,
    near_duplicates,
};
use stp_selfplay::error::UsageError;
use stp_verifier::{Pool, PoolConfig, StatementReport, VerifierError, ask_each};

use crate::args::LeanArgs;
use crate::display::Display;
use crate::lean::locate_or_install;

/// From here on two statements are reported as nearly equal.
const NEARLY: f64 = 0.9;
const NGRAM: usize = 6;
/// Statements under way for each Lean process.
const AHEAD: usize = 2;

/// `stp data import`.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// `.jsonl`, `.json`, `.parquet` or `.lean` files, or folders of them.
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// The corpus folder that they are added to; one file for each input file.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// What the columns mean: auto, prover, leanworkbook, stp, goedel, numina or corpus.
    #[arg(long, default_value = "auto")]
    layout: String,
    /// A column by name, for example `--map statement=lean4_code`; again for each of id, statement, header, proof,
    /// code, split, topics.
    #[arg(long, value_name = "FIELD=COLUMN")]
    map: Vec<String>,
    /// The split of rows that name none.
    #[arg(long, value_enum, default_value = "train")]
    split: SplitArg,
    /// Leave out rows that cannot be understood or do not elaborate, and go on.
    #[arg(long)]
    skip_bad: bool,
    /// Do not ask Lean; all statements are marked as unchecked.
    #[arg(long)]
    unchecked: bool,
    /// One JSON object in place of sentences.
    #[arg(long)]
    json: bool,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Which Lean to use.
    #[command(flatten)]
    lean: LeanArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitArg {
    Train,
    Valid,
    Test,
}

/// What became of the statements.
#[derive(Default)]
struct ImportCounts {
    files: usize,
    checked: usize,
    unchecked: usize,
    proofs: usize,
    left_out: Vec<String>,
}

pub(super) async fn import(args: ImportArgs) -> Result<ExitCode> {
    let options = options(&args)?;
    let mut files = Vec::new();
    for input in &args.inputs {
        files.extend(import_files(input)?);
    }
    let (mut taken, mut all) = earlier(&args.output)?;
    let display = Display::new(args.json);
    let pool = match args.unchecked {
        true => None,
        false => {
            let lean = locate_or_install(&args.lean, &display)?;
            Some(Pool::start(&lean, PoolConfig { workers: args.workers.max(1), ..PoolConfig::default() }))
        }
    };
    let mut counts = ImportCounts::default();
    for (number, file) in files.iter().enumerate() {
        let imported = import_file(file, &options, &mut taken)?;
        counts.left_out.extend(imported.skipped);
        let mut entries = imported.entries;
        if let Some(pool) = &pool {
            entries = elaborate(pool, entries, file, args.skip_bad, &mut counts, &display).await?;
        }
        write(&args.output, file, number, &entries)?;
        counts.files += 1;
        counts.unchecked += entries.iter().filter(|entry| entry.unchecked).count();
        counts.checked += entries.iter().filter(|entry| !entry.unchecked).count();
        counts.proofs += entries.iter().map(|entry| entry.proofs.len()).sum::<usize>();
        all.extend(entries.into_iter().map(|entry| entry.statement));
    }
    if let Some(pool) = pool {
        pool.shutdown().await;
    }
    report(&args, &counts, &all);
    Ok(ExitCode::SUCCESS)
}

fn options(args: &ImportArgs) -> Result<ImportOptions> {
    let names = Layout::names().join(", ");
    let mut layout = Layout::named(&args.layout).ok_or_else(|| {
        UsageError(format!(
            "there is no layout `{}`; use one of {names}, or name the columns with --map.",
            args.layout
        ))
    })?;
    for mapping in &args.map {
        layout.map(mapping).map_err(|reason| UsageError(format!("--map: {reason}.")))?;
    }
    let split = match args.split {
        SplitArg::Train => Split::Train,
        SplitArg::Valid => Split::Valid,
        SplitArg::Test => Split::Test,
    };
    Ok(ImportOptions { layout, split, skip_bad: args.skip_bad })
}

/// Ids and statements that the corpus has already.
fn earlier(folder: &Path) -> Result<(HashSet<String>, Vec<Statement>)> {
    match Corpus::load(folder) {
        Ok(corpus) => {
            let statements: Vec<_> = corpus.entries.into_iter().map(|entry| entry.statement).collect();
            Ok((statements.iter().map(|statement| statement.id.clone()).collect(), statements))
        }
        Err(CorpusError::Empty(_)) => Ok(Default::default()),
        Err(CorpusError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(Default::default())
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks Lean about each statement. Those whose imports this Lean has not stay unchecked.
async fn elaborate(
    pool: &Pool,
    entries: Vec<CorpusEntry>,
    file: &Path,
    skip_bad: bool,
    counts: &mut ImportCounts,
    display: &Display,
) -> Result<Vec<CorpusEntry>> {
    let strange = headers_without_imports(pool, &entries).await?;
    let (unknown, entries): (Vec<_>, Vec<_>) =
        entries.into_iter().enumerate().partition(|(_, entry)| strange.contains(&entry.statement.header));
    let progress = display.phase(&file.display().to_string(), entries.len() as u64);
    let ask = |pool: Pool, (index, entry): (usize, CorpusEntry)| async move {
        let report = pool.statement(&entry.statement.header, &entry.statement.signature).await?;
        Ok::<_, VerifierError>((index, entry, report))
    };
    let found = ask_each(pool, AHEAD, entries, ask, |_| progress.advance(1)).await?;
    let mut kept = unknown;
    for (index, mut entry, report) in found {
        entry.unchecked = !report.ok;
        if report.ok {
            kept.push((index, entry));
            continue;
        }
        let said = report.messages.first().map(String::as_str).unwrap_or_default();
        let reason = format!("{}: `{}` does not elaborate: {said}", file.display(), entry.statement.id);
        if !skip_bad {
            anyhow::bail!(
                "{reason}\nMend it, leave such statements out with --skip-bad, or import without Lean with --unchecked; \
                 nothing of this file was imported."
            );
        }
        counts.left_out.push(reason);
    }
    progress.finish(&format!("{} statements", kept.len()));
    kept.sort_by_key(|(index, _)| *index);
    Ok(kept.into_iter().map(|(_, entry)| entry).collect())
}

/// Headers with imports that this Lean has not: nothing below them can be elaborated.
async fn headers_without_imports(pool: &Pool, entries: &[CorpusEntry]) -> Result<HashSet<String>> {
    let headers: HashSet<&String> = entries.iter().map(|entry| &entry.statement.header).collect();
    let mut strange = HashSet::new();
    for header in headers.into_iter().filter(|header| header.contains("import ")) {
        if lacks_imports(&pool.statement(header, ": True").await?) {
            strange.insert(header.clone());
        }
    }
    Ok(strange)
}

/// Whether Lean failed on the header's imports, which says nothing of the statement.
fn lacks_imports(report: &StatementReport) -> bool {
    report.messages.iter().any(|message| {
        message.contains("unknown module prefix")
            || message.contains("unknown package")
            || message.contains("object file") && message.contains("does not exist")
    })
}

/// One file of the corpus, whole or not at all.
fn write(folder: &Path, source: &Path, number: usize, entries: &[CorpusEntry]) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make {}; give another folder with -o.", folder.display()))?;
    let stem = source.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let free = (0..).map(|again| match again {
        0 => format!("{stem}.jsonl"),
        _ => format!("{stem}-{}.jsonl", number + again),
    });
    let path = free.map(|name| folder.join(name)).find(|path| !path.exists()).context("no free file name")?;
    let mut text = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut text, entry)?;
        text.push(b'\n');
    }
    stp_files::write(&path, &text).with_context(|| {
        format!("cannot write {}. Is the disk full or the folder read-only?", path.display())
    })
}

fn report(args: &ImportArgs, counts: &ImportCounts, all: &[Statement]) {
    let doubles = near_duplicates(all, NGRAM, NEARLY);
    let pairs = |equal: bool| -> Vec<(&str, &str)> {
        let wanted = doubles.iter().filter(|overlap| (overlap.share >= 1.0) == equal);
        wanted.map(|it| (all[it.index].id.as_str(), all[it.other].id.as_str())).collect()
    };
    let (equal, nearly) = (pairs(true), pairs(false));
    let ImportCounts { files, checked, unchecked, proofs, left_out } = counts;
    if args.json {
        let value = json!({
            "files": files, "checked": checked, "unchecked": unchecked, "proofs": proofs, "left_out": left_out,
            "duplicates": equal, "near_duplicates": nearly,
        });
        println!("{value}");
        return;
    }
    left_out.iter().for_each(|line| println!("left out: {line}"));
    equal.iter().for_each(|(one, other)| println!("duplicate: {one} and {other}"));
    nearly.iter().for_each(|(one, other)| println!("near-duplicate: {one} and {other}"));
    println!(
        "{} statements with {proofs} proofs from {files} files into {}: {checked} elaborated, {unchecked} unchecked, \
         {} left out; {} duplicates, {} nearly so",
        checked + unchecked,
        args.output.display(),
        left_out.len(),
        equal.len(),
        nearly.len()
    );
}
