//! `stp bench verifier`: what a verdict costs, beside Lean's own work and beside other ways to get one.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use comfy_table::Table;
use serde_json::json;
use stp_datasets::Status;
use stp_selfplay::context::statements::load_corpus;
use stp_study::tables::table_for;
use stp_verifier::toolchain::NativeLean;
use stp_verifier::{Candidate, FileOutcome, Pool, PoolConfig, Sandbox, Toolchain, ask_each};

use super::alone;
use super::candidates::{candidates, distinct_statements, text_of};
use super::meter::{Measured, Meter};
use crate::args::LeanArgs;
use crate::display::Display;
use crate::lean::locate_or_install;
use crate::usage;

/// Candidates judged before anything is measured: the first use of a tactic costs more than the later ones.
const WARM_UP: usize = 300;

/// Candidates under way for each Lean process.
const AHEAD: usize = 2;

/// The rows of the table.
const WAYS: [&str; 4] =
    ["statements alone", "verdicts of the pool", "whole texts, REPL style", "one Lean process each"];

/// `stp bench verifier`.
#[derive(Clone, Debug, Args)]
pub struct BenchVerifierArgs {
    /// Candidates, made of the corpus' proofs; half of them are wrong.
    #[arg(long, default_value_t = 2000)]
    pub candidates: usize,
    /// One JSON object in place of a table.
    #[arg(long)]
    pub json: bool,
    /// Markdown in place of a drawn table.
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// How many of them also get a Lean process each, which takes seconds.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub one_process_each: usize,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

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

/// Prints the table.
pub(super) async fn verifier(args: BenchVerifierArgs) -> Result<ExitCode> {
    ensure!(
        usage::cpu_seconds().is_some(),
        "CPU time is read from /proc, which this system has not. Run the benchmark on Linux."
    );
    let display = Display::new(false);
    let lean = locate_or_install(&args.lean, &display)?;
    let candidates = candidates(&load_corpus("core")?.entries, args.candidates.max(2));
    // One error for each failed proof is what training asks for.
    let config = PoolConfig { workers: args.workers.max(1), messages: 1, ..PoolConfig::default() };

    let pool = Pool::start(&lean, config.clone());
    let warm = &candidates[..WARM_UP.min(candidates.len())];
    for way in [Way::Verdicts, Way::WholeTexts] {
        measure(&pool, warm, way, &display).await?;
    }
    let distinct = distinct_statements(&candidates);
    let statements = measure(&pool, &distinct, Way::Statements, &display).await?;
    let verdicts = measure(&pool, &candidates, Way::Verdicts, &display).await?;
    let texts = measure(&pool, &candidates, Way::WholeTexts, &display).await?;
    pool.shutdown().await;

    let sample = &candidates[..args.one_process_each.clamp(1, candidates.len())];
    let each = alone::measure(&program(&lean)?, sample, config.workers, &display).await?;
    let all = [statements, verdicts, texts, each];
    let text = match args.json {
        true => json_of(&all, &lean, config.workers),
        false => text_for_people(&all, &lean, config.workers, args.markdown),
    };
    println!("{text}");
    Ok(ExitCode::SUCCESS)
}

/// The program that a proof is given to by hand.
fn program(lean: &Toolchain) -> Result<NativeLean> {
    match lean {
        Toolchain::Managed(lean) => {
            stp_verifier::command_line(lean).context("the managed Lean's folder cannot be written")
        }
        Toolchain::Native(lean) => Ok(lean.clone()),
    }
}

fn json_of(measured: &[Measured; 4], lean: &Toolchain, workers: usize) -> String {
    let ways: Vec<_> =
        WAYS.into_iter().zip(measured).map(|(way, it)| json!({ "way": way, "measured": it })).collect();
    json!({ "workers": workers, "sandbox": Sandbox::around(lean).to_string(), "ways": ways }).to_string()
}

fn text_for_people(measured: &[Measured; 4], lean: &Toolchain, workers: usize, markdown: bool) -> String {
    let managed = matches!(lean, Toolchain::Managed(_));
    let [_, verdicts, _, each] = measured;
    format!(
        "{}\n{}\nsandbox of the processes: {}",
        table(measured, managed, markdown),
        summary(verdicts, each, workers, managed),
        Sandbox::around(lean)
    )
}

/// Judges all candidates.
async fn measure(pool: &Pool, candidates: &[Candidate], way: Way, display: &Display) -> Result<Measured> {
    let progress = display.phase("bench", candidates.len() as u64);
    // Nothing is measured before Lean is loaded.
    for _ in 0..pool.workers() {
        accepts(pool, candidates[0].clone(), way).await?;
    }
    let (stats, meter) = (pool.stats(), Meter::start());
    let ask = |pool: Pool, candidate: Candidate| async move { accepts(&pool, candidate, way).await };
    let answers = ask_each(pool, AHEAD, candidates.iter().cloned(), ask, |_| progress.advance(1)).await?;
    let accepted = answers.into_iter().filter(|accepted| *accepted).count();
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

fn table(measured: &[Measured; 4], managed: bool, markdown: bool) -> Table {
    let mut table = table_for(markdown);
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
