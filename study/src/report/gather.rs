//! What the page of a report shows of one run, gathered from its ledger.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use serde::Serialize;
use stp_datasets::{ConjectureOutcome, Ledger, Phase};
use stp_selfplay::config::RunConfig;
use stp_selfplay::plan::{self, Step};
use stp_selfplay::records::TrainRecord;

use super::browser::{BrowserRow, rows};
use super::sampled::{Amount, ProofShape, SampledProofs, Slow};
use super::table::Report;

const BINS: usize = 10;

/// One run.
#[derive(Debug, Serialize)]
pub struct RunPage {
    /// The name of its folder.
    pub name: String,
    /// Its method.
    pub method: String,
    /// Its seed.
    pub seed: u64,
    /// The Lean that judged.
    pub toolchain: String,
    /// The table.
    pub report: Report,
    /// For each round with attempts on training statements: statements by pass rate, in ten bins.
    pub histograms: Vec<Histogram>,
    /// For each round with conjectures: how many passed each filter.
    pub funnels: Vec<Funnel>,
    /// For each round: what the correct proofs are like.
    pub proofs: Vec<ProofShape>,
    /// Finished steps with their speed.
    pub steps: Vec<StepSpeed>,
    /// The proofs that took Lean longest.
    pub slowest: Vec<Slow>,
    /// What can be searched.
    pub rows: Vec<BrowserRow>,
    /// Rows that were left out of `rows`.
    pub left_out: usize,
}

/// Pass rates of one round.
#[derive(Debug, Serialize)]
pub struct Histogram {
    round: u32,
    bins: [usize; BINS],
}

/// Conjectures of one round, each number a part of the one before.
#[derive(Debug, Serialize)]
pub struct Funnel {
    round: u32,
    generated: usize,
    well_formed: usize,
    elaborates: usize,
    new: usize,
    tried: usize,
    proved: usize,
    kept: usize,
}

/// A finished step.
#[derive(Debug, Serialize)]
pub struct StepSpeed {
    name: String,
    seconds: f64,
    tokens_per_second: Option<f64>,
    proofs_per_second: Option<f64>,
}

impl RunPage {
    /// Fills in what the ledger has; `report` is the run's table.
    ///
    /// # Errors
    /// If the ledger cannot be read, or a record in it is damaged.
    pub fn gather(name: String, config: &RunConfig, report: Report, ledger: &Ledger) -> Result<Self> {
        let (rows, left_out) = rows(ledger)?;
        let sampled = SampledProofs::read(ledger, config.rounds + 1)?;
        Ok(Self {
            name,
            method: config.method.as_str().to_owned(),
            seed: config.seed,
            toolchain: ledger.recall("toolchain")?.unwrap_or_default(),
            histograms: histograms(ledger, config.rounds + 1)?,
            funnels: funnels(ledger, &report)?,
            steps: speeds(ledger, config, &sampled.amounts)?,
            proofs: sampled.shapes,
            slowest: sampled.slowest,
            rows,
            left_out,
            report,
        })
    }
}

fn histograms(ledger: &Ledger, last: u32) -> Result<Vec<Histogram>> {
    let mut histograms = Vec::new();
    for round in 0..=last {
        let tallies = ledger.tallies_of(Phase::Train, round..=round)?;
        let mut bins = [0; BINS];
        for tally in tallies.values().filter(|tally| tally.judged > 0) {
            bins[(tally.proved as usize * BINS / tally.judged as usize).min(BINS - 1)] += 1;
        }
        if bins.iter().any(|count| *count > 0) {
            histograms.push(Histogram { round, bins });
        }
    }
    Ok(histograms)
}

fn funnels(ledger: &Ledger, report: &Report) -> Result<Vec<Funnel>> {
    let funnel = |(round, counts): (u32, BTreeMap<Option<ConjectureOutcome>, usize>)| {
        let count = |outcome| counts.get(&Some(outcome)).copied().unwrap_or_default();
        let row = report.rows.iter().find(|row| row.label == format!("round {round}"));
        let decided = counts.iter().filter(|(outcome, _)| outcome.is_some());
        let generated: usize = decided.map(|(_, count)| count).sum();
        let well_formed = generated - count(ConjectureOutcome::Malformed);
        let elaborates = well_formed - count(ConjectureOutcome::NotElaborated);
        let old = [
            ConjectureOutcome::Duplicate,
            ConjectureOutcome::HeldOut,
            ConjectureOutcome::Trivial,
            ConjectureOutcome::Refuted,
        ];
        let new = elaborates - old.into_iter().map(count).sum::<usize>();
        let funnel = Funnel {
            round,
            generated,
            well_formed,
            elaborates,
            new,
            tried: count(ConjectureOutcome::Accepted),
            proved: row.map_or(0, |row| row.proved),
            kept: row.map_or(0, |row| row.kept),
        };
        (generated > 0).then_some(funnel)
    };
    Ok(ledger.conjecture_counts()?.into_iter().filter_map(funnel).collect())
}

fn speeds(
    ledger: &Ledger,
    config: &RunConfig,
    amounts: &HashMap<(u32, Phase), Amount>,
) -> Result<Vec<StepSpeed>> {
    let known = plan::steps(config).into_iter().map(|step| (step.name(), step));
    let known: HashMap<_, _> = known.collect();
    let speed = |recorded: stp_datasets::Step| {
        let step = known.get(&recorded.name).copied();
        let sampled = step.and_then(phase).zip(step);
        let amount = sampled.and_then(|(phase, step)| amounts.get(&(step.round(config.rounds), phase)));
        let per_second = |count: f64| (recorded.seconds > 0.0).then(|| count / recorded.seconds);
        let tokens = match step {
            Some(step) if trains(step) => trained_tokens(step, recorded.detail)?,
            _ => amount.map(|amount| amount.tokens),
        };
        Ok(StepSpeed {
            tokens_per_second: tokens.and_then(per_second),
            proofs_per_second: amount.map(|amount| amount.proofs).and_then(per_second),
            seconds: recorded.seconds,
            name: recorded.name,
        })
    };
    ledger.steps()?.into_iter().map(speed).collect()
}

/// Which attempts a step samples.
fn phase(step: Step) -> Option<Phase> {
    match step {
        Step::Prove(_) => Some(Phase::Train),
        Step::Stage1Valid | Step::Valid(_) | Step::FinalValid => Some(Phase::Valid),
        _ => None,
    }
}

fn trains(step: Step) -> bool {
    matches!(step, Step::Stage1Train | Step::Train(_) | Step::FinalTrain)
}

fn trained_tokens(step: Step, detail: serde_json::Value) -> Result<Option<f64>> {
    let record = TrainRecord::parse(step, detail)?;
    Ok(record.tokens.map(|tokens| tokens as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_have_the_speeds_of_what_they_did() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        for (name, detail) in [
            ("setup", json!({ "fingerprints": {}, "proofs": 0 })),
            ("stage1/train", json!({ "parameters": 1, "loss": 0.5, "tokens": 50 })),
            ("round-1/prove", json!({ "sampled_tokens": 1, "sampling_seconds": 1.0 })),
        ] {
            ledger.finish_step(&stp_datasets::Step { name: name.to_owned(), seconds: 10.0, detail }).unwrap();
        }
        let config = RunConfig::load("smoke", None).unwrap();
        let amounts = HashMap::from([((1, Phase::Train), Amount { tokens: 200.0, proofs: 30.0 })]);
        let speeds = speeds(&ledger, &config, &amounts).unwrap();
        let found: Vec<_> = speeds.iter().map(|it| (it.tokens_per_second, it.proofs_per_second)).collect();
        assert_eq!(found, [(None, None), (Some(5.0), None), (Some(20.0), Some(3.0))]);
        let damaged = stp_datasets::Step {
            name: "round-1/train".to_owned(),
            seconds: 1.0,
            detail: json!({ "tokens": "many" }),
        };
        ledger.finish_step(&damaged).unwrap();
        let error = super::speeds(&ledger, &config, &amounts).unwrap_err().to_string();
        assert!(error.contains("round-1/train"), "{error}");
    }
}
