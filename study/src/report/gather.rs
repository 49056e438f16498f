//! What the page of a report shows of one run, gathered from its ledger.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use stp_datasets::{Ledger, Phase, Statement};
use stp_selfplay::config::RunConfig;
use stp_selfplay::plan::{self, Step};
use stp_selfplay::records::TrainRecord;

use super::automation::Automation;
use super::browser::{Browser, BrowserRow, Sources};
use super::failures::Failures;
use super::funnel::{self, Funnel, GoalFunnel};
use super::headline::{Headline, Parts};
use super::progress::progress;
use super::rates::{Rates, rates};
use super::sampled::{Amount, ProofShape, SampledProofs};
use super::slow::Slow;
use super::table::Report;
use super::topics::Topic;
use super::training::Trainings;

/// One run.
#[derive(Debug, Serialize)]
pub struct RunPage {
    /// The name of its folder.
    pub name: String,
    /// Its method.
    pub method: String,
    /// Its seed.
    pub seed: u64,
    /// Rounds that it is to have.
    pub rounds: u32,
    /// The Lean that judged.
    pub toolchain: String,
    /// The table.
    pub report: Report,
    /// The curves that it is judged by.
    pub headline: Headline,
    /// Loss and learning rate.
    pub training: Trainings,
    /// For each round with attempts on training statements: statements by pass rate.
    pub rates: Vec<Rates>,
    /// For each round with conjectures: how many passed each filter.
    pub funnels: Vec<Funnel>,
    /// For each round with a search: what became of failed proofs.
    pub goals: Vec<GoalFunnel>,
    /// Why proofs failed.
    pub failures: Failures,
    /// Families of statements.
    pub topics: Vec<Topic>,
    /// For each round: what the correct proofs are like.
    pub proofs: Vec<ProofShape>,
    /// Finished steps with their speed.
    pub steps: Vec<StepSpeed>,
    /// What took Lean longest.
    pub slow: Slow,
    /// What can be searched.
    pub rows: Vec<BrowserRow>,
    /// Rows that were left out of `rows`.
    pub left_out: usize,
}

/// What a page is gathered from.
pub(super) struct Run<'a> {
    pub(super) name: String,
    pub(super) folder: &'a Path,
    pub(super) config: &'a RunConfig,
    pub(super) ledger: &'a Ledger,
    /// Its table.
    pub(super) report: Report,
    /// Its given training statements and its validation statements.
    pub(super) statements: (Vec<Statement>, Vec<Statement>),
    /// What single tactics prove of them.
    pub(super) automation: Option<&'a Automation>,
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
    /// Fills in what the folder has.
    ///
    /// # Errors
    /// If the ledger cannot be read, or a record in it is damaged.
    pub(super) fn gather(run: Run<'_>) -> Result<Self> {
        let Run { name, folder, config, ledger, report, statements: (given, valid), automation } = run;
        let last = config.rounds + 1;
        let sources = Sources { ledger, given: &given, valid: &valid, automation, last };
        let (browser, topics) = Browser::read(&sources)?;
        let signatures = ledger.statements()?.into_iter().map(|it| (it.statement.id, it.statement.signature));
        let sampled = SampledProofs::read(ledger, last, &signatures.collect(), browser.watch())?;
        let (rows, left_out) = browser.finish(sampled.kept);
        let given: HashSet<_> = given.into_iter().map(|statement| statement.id).collect();
        let parts = Parts {
            report: &report,
            progress: &progress(ledger, config, &report, &given)?,
            given: &given,
            automation,
            lean_seconds: &|round| lean_seconds(&sampled.amounts, round),
        };
        Ok(Self {
            name,
            method: config.method.as_str().to_owned(),
            seed: config.seed,
            rounds: config.rounds,
            toolchain: ledger.recall("toolchain")?.unwrap_or_default(),
            headline: Headline::of(ledger, config.rounds, &parts)?,
            training: Trainings::read(folder, ledger)?,
            rates: rates(ledger, last, &given)?,
            funnels: funnel::conjectures(ledger, &report)?,
            goals: funnel::goals(ledger, &report, config.rounds)?,
            steps: speeds(ledger, config, &sampled.amounts)?,
            failures: sampled.failures,
            proofs: sampled.shapes,
            slow: sampled.slow,
            topics,
            rows,
            left_out,
            report,
        })
    }
}

/// Seconds that Lean took for the proofs that [`super::Row::checks`] counts.
fn lean_seconds(amounts: &HashMap<(u32, Phase), Amount>, round: u32) -> f64 {
    let of = |phase| amounts.get(&(round, phase)).map_or(0.0, |amount| amount.lean_seconds);
    of(Phase::Train) + of(Phase::Search)
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
        let amounts =
            HashMap::from([((1, Phase::Train), Amount { tokens: 200.0, proofs: 30.0, lean_seconds: 1.5 })]);
        assert_eq!((lean_seconds(&amounts, 1), lean_seconds(&amounts, 2)), (1.5, 0.0));
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
