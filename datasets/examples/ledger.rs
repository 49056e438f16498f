//! How quick the ledger is with many attempts: `cargo run --release -p stp-datasets --example ledger [ATTEMPTS]`.
//!
//! The proofs are those of the built-in corpus, each made distinct, so sizes are true to life for small models.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use stp_datasets::{Attempt, Corpus, CorpusEntry, Ledger, Phase, Status, Verdict};

const ROUNDS: usize = 10;
const BATCH: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let count = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let entries: Vec<CorpusEntry> =
        Corpus::core()?.entries.into_iter().filter(|entry| !entry.proofs.is_empty()).collect();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    let ledger = Ledger::open(&path)?;
    ledger.record_statements(&entries.iter().map(|entry| entry.statement.clone()).collect::<Vec<_>>())?;

    let one_by_one = count.min(20_000);
    let began = Instant::now();
    for index in 0..one_by_one {
        let judged = attempt(&entries, index, count);
        ledger.record_attempt(&Attempt { verdict: None, ..judged.clone() })?;
        if let Some(verdict) = &judged.verdict {
            ledger.record_verdict(&judged, verdict)?;
        }
    }
    report("attempts recorded and judged one by one, as a run does", one_by_one, began);

    let began = Instant::now();
    let all: Vec<usize> = (one_by_one..count).collect();
    for batch in all.chunks(BATCH) {
        ledger.record_attempts(
            &batch.iter().map(|&index| attempt(&entries, index, count)).collect::<Vec<_>>(),
        )?;
    }
    report("attempts recorded in batches", all.len(), began);

    let began = Instant::now();
    println!("tallies: {} rows, {:.2} s", ledger.tallies(Phase::Train)?.len(), began.elapsed().as_secs_f64());
    let began = Instant::now();
    let last = ledger.attempts(u32::try_from(ROUNDS)?, Phase::Train)?;
    println!("attempts of the last round: {} rows, {:.2} s", last.len(), began.elapsed().as_secs_f64());
    let began = Instant::now();
    let proved = ledger.proved_attempts(Phase::Train)?.len();
    println!("all correct proofs: {proved} rows, {:.2} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let known = ledger.known_verdicts()?.len();
    println!("known verdicts: {known}, {:.2} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let stats = ledger.stats()?;
    println!("statistics: {:.2} s", began.elapsed().as_secs_f64());
    let bytes = std::fs::metadata(&path)?.len();
    println!(
        "{:.0} MB, {:.0} bytes an attempt, of which {:.0} are the proof's text",
        bytes as f64 / 1e6,
        bytes as f64 / count as f64,
        stats.mean_proof_bytes
    );
    let began = Instant::now();
    drop(ledger);
    drop(Ledger::open(&path)?);
    println!("opening it again, with its check: {:.2} s", began.elapsed().as_secs_f64());
    compress(&entries)
}

/// What compressing each proof by itself would save.
fn compress(entries: &[CorpusEntry]) -> Result<(), Box<dyn Error>> {
    let (mut plain, mut packed) = (0, 0);
    for proof in entries.iter().flat_map(|entry| &entry.proofs) {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(proof.as_bytes())?;
        plain += proof.len();
        packed += encoder.finish()?.len();
    }
    println!("the corpus' proofs: {plain} bytes, each compressed by itself: {packed}");
    Ok(())
}

fn report(what: &str, count: usize, began: Instant) {
    println!("{count} {what}: {:.0} a second", count as f64 / began.elapsed().as_secs_f64());
}

/// Each statement has as many samples in each round; one in ten is proved.
fn attempt(entries: &[CorpusEntry], index: usize, count: usize) -> Attempt {
    let entry = &entries[index % entries.len()];
    let round = 1 + index * ROUNDS / count;
    let status = if index.is_multiple_of(10) { Status::Proved } else { Status::Failed };
    let message = "1:3: error: unsolved goals\na b : Nat\n⊢ a + b = b + a";
    let mut verdict = Verdict { elapsed_ms: 20, ..Verdict::new(status, message) };
    if status == Status::Proved {
        verdict.messages.clear();
        verdict.axioms = vec!["propext".to_owned()];
        verdict.premises = vec!["Nat.add_comm".to_owned()];
    }
    Attempt {
        round: round as u32,
        phase: Phase::Train,
        statement: entry.statement.id.clone(),
        sample: (index / entries.len()) as u32,
        proof: format!("{} -- {index}", entry.proofs[0]),
        tokens: 40,
        logprob: -12.5,
        verdict: Some(verdict),
    }
}
