//! `stp bench`. Here, `stp bench verifier`: what a verdict costs, beside Lean's own work and beside other ways to get one.

mod alone;
mod model;
mod usage;

pub(super) use model::model;

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use serde::Serialize;
use serde_json::json;
use stp_datasets::{CorpusEntry, Status};
use stp_verifier::{Candidate, FileOutcome, Pool, PoolConfig, Sandbox, Toolchain};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{load_corpus, toolchain};
use crate::cli::BenchVerifierArgs;
use crate::display::Display;

/// Candidates judged before anything is measured: the first use of a tactic costs more than the later ones.
const WARM_UP: usize = 300;

/// The rows of the table.
const WAYS: [&str; 4] =
    ["statements alone", "verdicts of the pool", "whole texts, REPL style", "one Lean process each"];

/// A way to judge candidates.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Statements alone, as a run elaborates them before it samples proofs.
    Statements,
    /// Verdicts from the pool.
    Verdicts,
    /// Whole texts through the pool's processes, as a REPL server takes them; nothing is judged.
    WholeTexts,
}

/// What one way cost; times are in seconds, of all candidates together, and memory in bytes.
#[derive(Serialize)]
struct Measured {
    candidates: usize,
    accepted: usize,
    wall: f64,
    cpu: f64,
    /// CPU time inside Lean's elaborator and kernel.
    lean: f64,
    /// CPU time of Lean's printer of errors.
    printing: f64,
    peak_rss: u64,
}

/// What is running while something is measured.
struct Meter {
    cpu: f64,
    began: Instant,
}

impl Meter {
    fn start() -> Self {
        Self { cpu: usage::cpu_seconds().unwrap_or_default(), began: Instant::now() }
    }

    /// Of Lean's own part and of memory nothing is known here.
    fn stop(self, candidates: usize, accepted: usize) -> Measured {
        let wall = self.began.elapsed().as_secs_f64();
        let cpu = usage::cpu_seconds().unwrap_or_default() - self.cpu;
        Measured { candidates, accepted, wall, cpu, lean: 0.0, printing: 0.0, peak_rss: 0 }
    }
}

/// Prints the table.
pub(super) async fn verifier(args: BenchVerifierArgs) -> Result<ExitCode> {
    ensure!(
        usage::cpu_seconds().is_some(),
        "CPU time is read from /proc, which this system has not. Run the benchmark on Linux."
    );
    let display = Display::new(false);
    let lean = toolchain::take(&args.lean, &display)?;
    let candidates = candidates(&load_corpus("core")?.entries, args.candidates.max(2));
    // One error for each failed proof is what training asks for.
    let config = PoolConfig { workers: args.workers.max(1), messages: 1, ..PoolConfig::default() };

    let pool = Pool::start(&lean, config.clone());
    let warm = &candidates[..WARM_UP.min(candidates.len())];
    for way in [Way::Verdicts, Way::WholeTexts] {
        measure(&pool, warm, way, 2, &display).await?;
    }
    let distinct = distinct_statements(&candidates);
    let statements = measure(&pool, &distinct, Way::Statements, 2, &display).await?;
    let verdicts = measure(&pool, &candidates, Way::Verdicts, 2, &display).await?;
    let texts = measure(&pool, &candidates, Way::WholeTexts, 2, &display).await?;
    pool.shutdown().await;

    let program = match &lean {
        Toolchain::Managed(lean) => {
            stp_verifier::command_line(lean).context("the managed Lean's folder cannot be written")?
        }
        Toolchain::Native(lean) => lean.clone(),
    };
    let sample = &candidates[..args.one_process_each.clamp(1, candidates.len())];
    let each = alone::measure(&program, sample, config.workers, &display).await?;

    let managed = matches!(lean, Toolchain::Managed(_));
    let all = [&statements, &verdicts, &texts, &each];
    if args.json {
        let ways: Vec<_> =
            WAYS.into_iter().zip(all).map(|(way, it)| json!({ "way": way, "measured": it })).collect();
        println!(
            "{}",
            json!({ "workers": config.workers, "sandbox": Sandbox::around(&lean).to_string(), "ways": ways })
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", table(&all, managed));
    println!("{}", summary(&verdicts, &each, config.workers, managed));
    println!("sandbox of the processes: {}", Sandbox::around(&lean));
    Ok(ExitCode::SUCCESS)
}

/// Every other one has the next different proof of the corpus, which is another statement's and mostly wrong.
fn candidates(entries: &[CorpusEntry], count: usize) -> Vec<Candidate> {
    let pairs: Vec<_> =
        entries.iter().flat_map(|entry| entry.proofs.iter().map(move |proof| (entry, proof))).collect();
    (0..count)
        .map(|index| {
            let (entry, proof) = pairs[index / 2 % pairs.len()];
            let other = pairs
                .iter()
                .cycle()
                .skip(index / 2 % pairs.len())
                .find(|(next, other)| next.statement.id != entry.statement.id && *other != proof);
            let proof = if index % 2 == 0 { proof } else { other.map_or(proof, |(_, proof)| proof) };
            Candidate::new(&*entry.statement.header, &*entry.statement.signature, proof.as_str())
        })
        .collect()
}

/// The first candidate of each statement.
fn distinct_statements(candidates: &[Candidate]) -> Vec<Candidate> {
    let mut seen = HashSet::new();
    candidates.iter().filter(|it| seen.insert((&it.header, &it.signature))).cloned().collect()
}

/// Judges all candidates, with so many of them under way for each process.
async fn measure(
    pool: &Pool,
    candidates: &[Candidate],
    way: Way,
    ahead: usize,
    display: &Display,
) -> Result<Measured> {
    let progress = display.phase("bench", candidates.len() as u64);
    let limit = Arc::new(Semaphore::new(pool.workers() * ahead));
    // Nothing is measured before Lean is loaded.
    for _ in 0..pool.workers() {
        accepts(pool, candidates[0].clone(), way).await?;
    }
    let (stats, meter) = (pool.stats(), Meter::start());
    let mut checks = JoinSet::new();
    let mut accepted = 0;
    for candidate in candidates {
        let permit = limit.clone().acquire_owned().await?;
        let (pool, candidate) = (pool.clone(), candidate.clone());
        checks.spawn(async move {
            let _permit = permit;
            accepts(&pool, candidate, way).await
        });
        progress.advance(1);
    }
    while let Some(done) = checks.join_next().await {
        accepted += usize::from(done??);
    }
    let after = pool.stats();
    progress.finish(&format!("{} candidates, {accepted} accepted", candidates.len()));
    Ok(Measured {
        lean: Duration::from_millis(after.lean_ms - stats.lean_ms).as_secs_f64(),
        printing: Duration::from_millis(after.print_ms - stats.print_ms).as_secs_f64(),
        peak_rss: after.peak_rss,
        ..meter.stop(candidates.len(), accepted)
    })
}

async fn accepts(pool: &Pool, candidate: Candidate, way: Way) -> Result<bool> {
    match way {
        Way::Statements => return Ok(pool.statement(&candidate.header, &candidate.signature).await?.ok),
        Way::Verdicts => return Ok(pool.check(candidate).await?.status == Status::Proved),
        Way::WholeTexts => {}
    }
    let outcome = pool.run_file(&text_of(&candidate), Duration::from_secs(30)).await?;
    Ok(match outcome {
        FileOutcome::Done(report) => report.messages.iter().all(|message| message.severity != "error"),
        FileOutcome::TimedOut(_) | FileOutcome::Crashed(_) => false,
    })
}

/// The whole text of a candidate.
fn text_of(Candidate { header, signature, proof, .. }: &Candidate) -> String {
    format!("{header}\ntheorem candidate {signature} := {proof}\n")
}

/// An empty table in Markdown.
fn markdown() -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table
}

fn table(measured: &[&Measured; 4], managed: bool) -> Table {
    let mut table = markdown();
    table.set_header([
        "way",
        "candidates",
        "accepted",
        "wall s",
        "per second",
        "CPU ms each",
        "of which Lean",
        "cores busy",
    ]);
    for (name, measured) in WAYS.into_iter().zip(measured) {
        let Measured { candidates, accepted, wall, cpu, lean, .. } = measured;
        let count = *candidates as f64;
        let told = managed && *lean > 0.0;
        table.add_row([
            name.to_owned(),
            candidates.to_string(),
            accepted.to_string(),
            format!("{wall:.1}"),
            format!("{:.1}", count / wall),
            format!("{:.1}", 1000.0 * cpu / count),
            if told { format!("{:.1}", 1000.0 * lean / count) } else { "–".to_owned() },
            format!("{:.2}", cpu / wall),
        ]);
    }
    table
}

fn summary(verdicts: &Measured, each: &Measured, workers: usize, managed: bool) -> String {
    let rate = |measured: &Measured| measured.candidates as f64 / measured.wall;
    let mut lines = vec![format!(
        "{workers} Lean processes; {:.0} times the proofs per second of one process each",
        rate(verdicts) / rate(each)
    )];
    if managed {
        lines.push(format!(
            "CPU time over Lean's elaborator and kernel: {:.1} %; when it has printed its errors: {:.1} %; \
             largest process: {} MB",
            100.0 * (verdicts.cpu / verdicts.lean - 1.0),
            100.0 * (verdicts.cpu / (verdicts.lean + verdicts.printing) - 1.0),
            verdicts.peak_rss / 1_000_000
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_candidates_have_the_proof_of_another_statement() {
        let entries = stp_datasets::Corpus::core().unwrap().entries;
        let candidates = candidates(&entries, 2000);
        assert_eq!(candidates.len(), 2000);
        for pair in candidates.chunks(2) {
            assert_eq!(pair[0].signature, pair[1].signature);
        }
        let differ = candidates.chunks(2).filter(|pair| pair[0].proof != pair[1].proof).count();
        assert_eq!(differ, 1000);
    }
}
