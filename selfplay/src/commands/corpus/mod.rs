//! `stp corpus check`: what a corpus file claims, checked in Lean.

pub(super) mod library;

use std::collections::HashMap;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;
use stp_datasets::{CorpusEntry, Verdict};
use stp_verifier::{Candidate, Pool, PoolConfig, StatementReport, VerifierError};
use tokio::task::JoinSet;

use super::{load_corpus, toolchain};
use crate::cli::CorpusCheckArgs;
use crate::display::Display;

/// The single tactics whose success makes a statement easy.
const SINGLE_TACTICS: [&str; 6] = ["rfl", "decide", "simp", "omega", "simp_all", "grind"];

/// What Lean says of one entry.
struct Finding {
    entry: CorpusEntry,
    statement: StatementReport,
    proofs: Vec<Verdict>,
    closed_by: Option<Vec<String>>,
}

/// Exit code 0 if the corpus holds what it claims, 1 otherwise.
pub(in crate::commands) async fn check(args: CorpusCheckArgs) -> Result<ExitCode> {
    let corpus = load_corpus(&args.corpus)?;
    let display = Display::new(false);
    let lean = toolchain::take(&args.lean, &display)?;
    let pool = Pool::start(&lean, PoolConfig { workers: args.workers.max(1), ..PoolConfig::default() });
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
    let limit = Arc::new(tokio::sync::Semaphore::new(pool.workers() * 2));
    let mut checks = JoinSet::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let (pool, limit) = (pool.clone(), limit.clone());
        checks.spawn(async move {
            let _permit = limit.acquire_owned().await;
            (index, examine_one(&pool, entry, tactics).await)
        });
    }
    let mut findings = Vec::new();
    while let Some(done) = checks.join_next().await {
        let (index, finding) = done?;
        findings.push((index, finding?));
        progress.advance(1);
    }
    progress.finish(&format!("{} entries", findings.len()));
    findings.sort_by_key(|(index, _)| *index);
    Ok(findings.into_iter().map(|(_, finding)| finding).collect())
}

async fn examine_one(pool: &Pool, entry: CorpusEntry, tactics: bool) -> Result<Finding, VerifierError> {
    let candidate = |proof: &str| Candidate {
        header: entry.statement.header.clone(),
        signature: entry.statement.signature.clone(),
        proof: proof.to_owned(),
    };
    let statement = pool.statement(&entry.statement.header, &entry.statement.signature).await?;
    let mut proofs = Vec::new();
    for proof in &entry.proofs {
        proofs.push(pool.check(candidate(proof)).await?);
    }
    let mut closed_by = None;
    if tactics {
        let mut closing = Vec::new();
        for tactic in SINGLE_TACTICS {
            if pool.check(candidate(&format!("by {tactic}"))).await?.is_proved() {
                closing.push(tactic.to_owned());
            }
        }
        closed_by = Some(closing);
    }
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
