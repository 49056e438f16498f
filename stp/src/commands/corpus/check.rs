//! `stp corpus check`: what a corpus file claims, checked in Lean.

use std::collections::HashMap;
use std::fmt;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use serde_json::json;
use stp_datasets::{CorpusEntry, SINGLE_TACTICS, Verdict};
use stp_selfplay::context::statements::load_corpus;
use stp_verifier::{Pool, PoolConfig, StatementReport, VerifierError, ask_each};

use super::tactics::{candidate, closed_by};
use crate::args::LeanArgs;
use crate::display::Display;
use crate::lean::{cache, locate_or_install};

/// Entries under way for each Lean process.
const AHEAD: usize = 2;

/// `stp corpus check`.
#[derive(Clone, Debug, Args)]
pub struct CorpusCheckArgs {
    /// `core`, `library`, `practice`, or a `.jsonl` file or a folder of them.
    #[arg(default_value = "core")]
    pub corpus: String,
    /// One JSON object in place of lines.
    #[arg(long)]
    pub json: bool,
    /// Also try the single tactics of `closed_by` and compare.
    #[arg(long)]
    pub tactics: bool,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// What Lean says of one entry.
struct Finding {
    entry: CorpusEntry,
    statement: StatementReport,
    proofs: Vec<Verdict>,
    closed_by: Option<Vec<String>>,
}

/// Exit code 0 if the corpus holds what it claims, 1 otherwise.
pub(super) async fn check(args: CorpusCheckArgs) -> Result<ExitCode> {
    let corpus = load_corpus(&args.corpus)?;
    let display = Display::new(false);
    let lean = locate_or_install(&args.lean, &display)?;
    let cache = cache(&args.lean, &lean, &display);
    let config = PoolConfig { workers: args.workers.max(1), cache, ..PoolConfig::default() };
    let pool = Pool::start(&lean, config);
    let findings = examine(&pool, corpus.entries, args.tactics, &display).await?;
    pool.shutdown().await;
    let problems = problems(&findings);
    let summary = Summary::of(&findings);
    if args.json {
        println!("{}", json!({ "summary": summary, "problems": problems }));
    } else {
        problems.iter().for_each(|problem| println!("{problem}"));
        println!("{summary}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(
    pool: &Pool,
    entries: Vec<CorpusEntry>,
    tactics: bool,
    display: &Display,
) -> Result<Vec<Finding>> {
    let progress = display.phase("corpus", entries.len() as u64);
    let examine = |pool: Pool, entry| async move { examine_one(&pool, entry, tactics).await };
    let findings = ask_each(pool, AHEAD, entries, examine, |_| progress.advance(1)).await?;
    progress.finish(&format!("{} entries", findings.len()));
    Ok(findings)
}

async fn examine_one(pool: &Pool, entry: CorpusEntry, tactics: bool) -> Result<Finding, VerifierError> {
    let statement = pool.statement(&entry.statement.header, &entry.statement.signature).await?;
    let mut proofs = Vec::new();
    for proof in &entry.proofs {
        proofs.push(pool.check(candidate(&entry.statement, proof)).await?);
    }
    let closed_by = if tactics { Some(closed_by(pool, &entry.statement).await?) } else { None };
    Ok(Finding { statement, proofs, closed_by, entry })
}

fn problems(findings: &[Finding]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for finding in findings {
        let id = finding.entry.statement.id.as_str();
        if !finding.statement.ok {
            problems.push(format!("{id}: does not elaborate: {}", finding.statement.messages.join("; ")));
        }
        if let Some(print) = &finding.statement.fingerprint
            && let Some(first) = seen.insert(print, id)
        {
            problems.push(format!("{id}: is the same statement as {first}"));
        }
        for (number, verdict) in finding.proofs.iter().enumerate().filter(|(_, verdict)| !verdict.is_proved())
        {
            let (status, said) = (verdict.status.as_str(), verdict.messages.join("; "));
            problems.push(format!("{id}: proof {} is {status}: {said}", number + 1));
        }
        if let Some(closed_by) = &finding.closed_by
            && *closed_by != finding.entry.closed_by
        {
            problems.push(format!("{id}: closed_by says {:?}, found {closed_by:?}", finding.entry.closed_by));
        }
    }
    problems
}

/// What was counted.
#[derive(Debug, Serialize)]
struct Summary {
    statements: usize,
    /// Closed by no single tactic.
    hard: usize,
    /// With a proof that Lean accepts.
    proved: usize,
}

impl Summary {
    fn of(findings: &[Finding]) -> Self {
        let closed =
            |finding: &&Finding| finding.closed_by.as_ref().unwrap_or(&finding.entry.closed_by).is_empty();
        Self {
            statements: findings.len(),
            hard: findings.iter().filter(closed).count(),
            proved: findings.iter().filter(|finding| finding.proofs.iter().any(Verdict::is_proved)).count(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { statements, hard, proved } = self;
        write!(
            f,
            "{statements} statements · {hard} ({:.0} %) closed by none of {} · {proved} with a proof that Lean accepts",
            100.0 * *hard as f64 / (*statements).max(1) as f64,
            SINGLE_TACTICS.join(", ")
        )
    }
}
