//! `stp corpus check`: what a corpus file claims, checked in Lean.

pub(super) mod library;

use std::collections::HashMap;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;
use stp_datasets::{CorpusEntry, SINGLE_TACTICS, Statement, Verdict};
use stp_verifier::{Candidate, Pool, PoolConfig, StatementReport, VerifierError};
use tokio::task::JoinSet;

use super::{load_corpus, toolchain};
use crate::cli::CorpusCheckArgs;
use crate::display::Display;

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
    let examine = move |pool: Pool, entry| async move { examine_one(&pool, entry, tactics).await };
    let findings = ask_each(pool, entries, examine, || progress.advance(1)).await?;
    progress.finish(&format!("{} entries", findings.len()));
    Ok(findings)
}

/// Asks about each of `items`, some side by side; answers come in the order of the items.
async fn ask_each<T, A, F>(
    pool: &Pool,
    items: Vec<T>,
    ask: impl Fn(Pool, T) -> F,
    advance: impl Fn(),
) -> Result<Vec<A>>
where
    A: Send + 'static,
    F: Future<Output = Result<A, VerifierError>> + Send + 'static,
{
    let limit = Arc::new(tokio::sync::Semaphore::new(pool.workers() * 2));
    let mut tasks = JoinSet::new();
    for (index, item) in items.into_iter().enumerate() {
        let (answer, limit) = (ask(pool.clone(), item), limit.clone());
        tasks.spawn(async move {
            let _permit = limit.acquire_owned().await;
            (index, answer.await)
        });
    }
    let mut answers = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (index, answer) = done?;
        answers.push((index, answer?));
        advance();
    }
    answers.sort_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
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

/// The tactics that close a statement alone.
async fn closed_by(pool: &Pool, statement: &Statement) -> Result<Vec<String>, VerifierError> {
    let mut closing = Vec::new();
    for tactic in SINGLE_TACTICS {
        if pool.check(candidate(statement, &format!("by {tactic}"))).await?.is_proved() {
            closing.push(tactic.to_owned());
        }
    }
    Ok(closing)
}

fn candidate(statement: &Statement, proof: &str) -> Candidate {
    Candidate::new(&*statement.header, &*statement.signature, proof)
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
