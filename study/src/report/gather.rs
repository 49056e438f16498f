//! What the page of a report shows of one run, gathered from its ledger.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;
use serde::Serialize;
use stp_datasets::export;
use stp_datasets::{Attempt, Ledger, Outcome, Phase, Split};

use super::Report;

/// Rows of the browser that a page holds at most: more would make it slow to open.
const MOST_ROWS: usize = 4000;
const SLOWEST: usize = 20;
const BINS: usize = 10;
/// Tactics whose use is counted, by the words that begin them.
const TACTICS: [&str; 16] = [
    "simp",
    "omega",
    "rw",
    "exact",
    "induction",
    "cases",
    "rcases",
    "apply",
    "intro",
    "rfl",
    "decide",
    "grind",
    "simp_all",
    "have",
    "constructor",
    "calc",
];

static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z_][A-Za-z_0-9']*").ok());

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
    pub rows: Vec<Row>,
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

/// The distinct correct proofs that a round found.
#[derive(Debug, Serialize)]
pub struct ProofShape {
    round: u32,
    proofs: usize,
    /// Distinct proofs for each proved statement.
    per_statement: f64,
    /// Median length in characters.
    length: usize,
    /// Share of the proofs that use a tactic.
    tactics: BTreeMap<&'static str, f64>,
}

/// A finished step.
#[derive(Debug, Serialize)]
pub struct StepSpeed {
    name: String,
    seconds: f64,
    tokens_per_second: Option<f64>,
    proofs_per_second: Option<f64>,
}

/// A proof that took long.
#[derive(Debug, Serialize)]
pub struct Slow {
    statement: String,
    round: u32,
    status: String,
    elapsed_ms: u32,
    proof: String,
}

/// A statement with what there is to read of it.
#[derive(Debug, Serialize)]
pub struct Row {
    kind: &'static str,
    name: String,
    signature: String,
    round: u32,
    state: String,
    lemma: Option<String>,
    proof: Option<String>,
}

impl RunPage {
    /// Fills in what the ledger has; `report` is the run's table.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn gather(name: String, method: &str, seed: u64, report: Report, ledger: &Ledger) -> Result<Self> {
        let mut attempts = Vec::new();
        for round in ledger.stats()?.rounds.into_keys() {
            for phase in [Phase::Train, Phase::Valid] {
                attempts.extend(ledger.attempts(round, phase)?);
            }
        }
        let (rows, left_out) = rows(ledger)?;
        Ok(Self {
            name,
            method: method.to_owned(),
            seed,
            toolchain: ledger.recall("toolchain")?.unwrap_or_default(),
            histograms: histograms(ledger)?,
            funnels: funnels(ledger, &report)?,
            proofs: shapes(&attempts),
            steps: speeds(ledger, &attempts)?,
            slowest: slowest(&attempts),
            rows,
            left_out,
            report,
        })
    }
}

fn histograms(ledger: &Ledger) -> Result<Vec<Histogram>> {
    let mut rounds: BTreeMap<u32, [usize; BINS]> = BTreeMap::new();
    for ((round, _), tally) in ledger.tallies(Phase::Train)? {
        if tally.judged > 0 {
            let bin = (tally.proved as usize * BINS / tally.judged as usize).min(BINS - 1);
            rounds.entry(round).or_default()[bin] += 1;
        }
    }
    Ok(rounds.into_iter().map(|(round, bins)| Histogram { round, bins }).collect())
}

fn funnels(ledger: &Ledger, report: &Report) -> Result<Vec<Funnel>> {
    let mut rounds: BTreeMap<u32, HashMap<Outcome, usize>> = BTreeMap::new();
    for conjecture in ledger.conjectures()? {
        if let Some(outcome) = conjecture.outcome {
            *rounds.entry(conjecture.round).or_default().entry(outcome).or_default() += 1;
        }
    }
    let funnel = |(round, counts): (u32, HashMap<Outcome, usize>)| {
        let count = |outcome| counts.get(&outcome).copied().unwrap_or_default();
        let row = report.rows.iter().find(|row| row.label == format!("round {round}"));
        let generated: usize = counts.values().sum();
        let well_formed = generated - count(Outcome::Malformed);
        let elaborates = well_formed - count(Outcome::NotElaborated);
        let old = [Outcome::Duplicate, Outcome::HeldOut, Outcome::Trivial, Outcome::Refuted];
        let new = elaborates - old.into_iter().map(count).sum::<usize>();
        Funnel {
            round,
            generated,
            well_formed,
            elaborates,
            new,
            tried: count(Outcome::Accepted),
            proved: row.map_or(0, |row| row.proved),
            kept: row.map_or(0, |row| row.kept),
        }
    };
    Ok(rounds.into_iter().map(funnel).collect())
}

fn shapes(attempts: &[Attempt]) -> Vec<ProofShape> {
    let mut rounds: BTreeMap<u32, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for attempt in attempts.iter().filter(|it| it.phase == Phase::Train && is_proved(it)) {
        rounds.entry(attempt.round).or_default().insert((&attempt.statement, &attempt.proof));
    }
    let shape = |(round, proofs): (u32, BTreeSet<(&str, &str)>)| {
        let statements: BTreeSet<_> = proofs.iter().map(|(statement, _)| statement).collect();
        let mut lengths: Vec<_> = proofs.iter().map(|(_, proof)| proof.chars().count()).collect();
        lengths.sort_unstable();
        let mut tactics: BTreeMap<&'static str, f64> = BTreeMap::new();
        for (_, proof) in &proofs {
            for tactic in used(proof) {
                *tactics.entry(tactic).or_default() += 1.0 / proofs.len() as f64;
            }
        }
        ProofShape {
            round,
            proofs: proofs.len(),
            per_statement: proofs.len() as f64 / statements.len().max(1) as f64,
            length: lengths.get(lengths.len() / 2).copied().unwrap_or_default(),
            tactics,
        }
    };
    rounds.into_iter().map(shape).collect()
}

fn used(proof: &str) -> BTreeSet<&'static str> {
    let words = WORD.iter().flat_map(|word| word.find_iter(proof));
    words.filter_map(|word| TACTICS.into_iter().find(|tactic| *tactic == word.as_str())).collect()
}

fn is_proved(attempt: &Attempt) -> bool {
    attempt.verdict.as_ref().is_some_and(stp_datasets::Verdict::is_proved)
}

fn speeds(ledger: &Ledger, attempts: &[Attempt]) -> Result<Vec<StepSpeed>> {
    let mut sampled: HashMap<(u32, Phase), (f64, f64)> = HashMap::new();
    for attempt in attempts {
        let (tokens, proofs) = sampled.entry((attempt.round, attempt.phase)).or_default();
        *tokens += f64::from(attempt.tokens);
        *proofs += 1.0;
    }
    let last = attempts.iter().map(|attempt| attempt.round).max().unwrap_or_default();
    let speed = |step: stp_datasets::Step| {
        let (stage, kind) = step.name.split_once('/').unwrap_or((&step.name, ""));
        let round = match stage {
            "stage1" => Some(0),
            "final" => Some(last),
            _ => stage.strip_prefix("round-").and_then(|number| number.parse().ok()),
        };
        let phase = match kind {
            "prove" => Some(Phase::Train),
            "valid" => Some(Phase::Valid),
            _ => None,
        };
        let of_step = round.zip(phase).and_then(|key| sampled.get(&key)).copied();
        let learned = step.detail["tokens"].as_f64().filter(|_| kind == "train");
        let per_second = |count: f64| (step.seconds > 0.0).then(|| count / step.seconds);
        StepSpeed {
            tokens_per_second: learned.or(of_step.map(|(tokens, _)| tokens)).and_then(per_second),
            proofs_per_second: of_step.map(|(_, proofs)| proofs).and_then(per_second),
            seconds: step.seconds,
            name: step.name,
        }
    };
    Ok(ledger.steps()?.into_iter().map(speed).collect())
}

fn slowest(attempts: &[Attempt]) -> Vec<Slow> {
    let mut judged: Vec<_> =
        attempts.iter().filter_map(|attempt| Some((attempt, attempt.verdict.as_ref()?))).collect();
    judged
        .sort_by_key(|(attempt, verdict)| (std::cmp::Reverse(verdict.elapsed_ms), attempt.statement.clone()));
    let slow = |(attempt, verdict): (&Attempt, &stp_datasets::Verdict)| Slow {
        statement: attempt.statement.clone(),
        round: attempt.round,
        status: verdict.status.as_str().to_owned(),
        elapsed_ms: verdict.elapsed_ms,
        proof: attempt.proof.clone(),
    };
    judged.into_iter().take(SLOWEST).map(slow).collect()
}

/// Conjectures first, for there is most to see in them, then proofs; the newest first.
fn rows(ledger: &Ledger) -> Result<(Vec<Row>, usize)> {
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().map(str::to_owned);
    let number = |row: &serde_json::Value, key: &str| {
        u32::try_from(row[key].as_u64().unwrap_or_default()).unwrap_or_default()
    };
    let proofs = export::proofs(ledger)?;
    let found: HashMap<String, String> =
        proofs.all().filter_map(|(_, row)| Some((text(row, "statement")?, text(row, "proof")?))).collect();
    let mut rows: Vec<Row> = export::conjectures(ledger)?
        .all()
        .map(|(_, row)| {
            let name = text(row, "statement").unwrap_or_default();
            let outcome = text(row, "outcome").unwrap_or_default();
            let (proved, judged) = (number(row, "proved"), number(row, "judged"));
            let state = if outcome == "accepted" {
                format!("{proved} of {judged} proved")
            } else {
                outcome.replace('_', " ")
            };
            Row {
                kind: "conjecture",
                signature: text(row, "signature").unwrap_or_default(),
                round: number(row, "round"),
                state,
                lemma: text(row, "lemma"),
                proof: found.get(&name).cloned(),
                name,
            }
        })
        .collect();
    rows.extend(proofs.all().filter(|(_, row)| row["origin"] == "corpus").map(|(split, row)| Row {
        kind: if split == Split::Valid { "valid proof" } else { "proof" },
        name: text(row, "statement").unwrap_or_default(),
        signature: text(row, "signature").unwrap_or_default(),
        round: number(row, "round"),
        state: "proved".to_owned(),
        lemma: None,
        proof: text(row, "proof"),
    }));
    rows.sort_by_key(|row| std::cmp::Reverse(row.round));
    let left_out = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    Ok((rows, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tactics_are_found_as_words() {
        assert_eq!(
            used("by\n  simp_all [rw_lemma]; omega").into_iter().collect::<Vec<_>>(),
            ["omega", "simp_all"]
        );
    }
}
