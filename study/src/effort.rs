//! What a run took, by round: Lean's checks of proof texts by kind, elaborated statements, tokens, CPU time.
//!
//! What the ledger has as attempts is counted there, for runs of any version. What older versions did not keep is unknown, or
//! known to be at least what the conjectures' outcomes tell. Validation is left out: it measures, and no method needs it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::AddAssign;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use stp_datasets::{ConjectureOutcome, Effort as Attempts, Ledger, Phase};
use stp_selfplay::config::RunConfig;
use stp_selfplay::plan::{self, EarlierFinal, Step};
use stp_selfplay::records::{TrainRecord, damaged};
use stp_selfplay::spent::{Asked, Spent};
use stp_selfplay::steps::search::FIRST_WHOLE;

/// Some of Lean's checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How many.
    pub all: u64,
    /// Of these: Lean was not asked, because the cache or an equal text of the run had the answer, or the text gate refused it.
    /// They took no CPU time. None if nobody kept it.
    pub known: Option<u64>,
    /// There may have been more: nobody kept how many.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
}

/// Lean's checks of proof texts, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// Proofs by a model, of statements and conjectures.
    pub samples: Count,
    /// Goals of failed proofs, tried by Lean's automation.
    pub automation: Count,
    /// Proofs of goals put back into what left them open.
    pub wholes: Count,
    /// Proofs by automation that a conjecture is false.
    pub refutations: Count,
    /// Proofs by automation of a conjecture, which is trivial then.
    pub trivialities: Count,
}

/// What a round took, or a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effort {
    /// Lean's checks of proof texts.
    pub checks: Checks,
    /// Statements that were elaborated, to learn whether they are any; none if nobody kept it.
    pub statements: Option<u64>,
    /// Tokens of proofs by a model, and of texts of conjectures where these were kept.
    pub sampled_tokens: u64,
    /// Tokens that models were trained on.
    pub trained_tokens: u64,
    /// CPU seconds of the program and of Lean's processes; none if nobody kept it.
    pub cpu_seconds: Option<f64>,
}

impl Default for Count {
    fn default() -> Self {
        Self { all: 0, known: Some(0), at_least: false }
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            checks: Checks::default(),
            statements: Some(0),
            sampled_tokens: 0,
            trained_tokens: 0,
            cpu_seconds: Some(0.0),
        }
    }
}

impl Count {
    fn of(asked: Asked) -> Self {
        Self { all: asked.all, known: Some(asked.known), at_least: false }
    }

    fn of_attempts(attempts: Option<&Attempts>) -> Self {
        let Attempts { judged, known, .. } = attempts.copied().unwrap_or_default();
        Self { all: judged, known: Some(known), at_least: false }
    }

    fn at_least(all: usize) -> Self {
        Self { all: all as u64, known: None, at_least: true }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.at_least { "≥ " } else { "" }, self.all)
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.all += other.all;
        self.known = self.known.zip(other.known).map(|(a, b)| a + b);
        self.at_least |= other.at_least;
    }
}

impl Checks {
    /// Each kind with its name.
    pub fn kinds(&self) -> [(&'static str, Count); 5] {
        [
            ("samples", self.samples),
            ("automation on goals", self.automation),
            ("pieces put back", self.wholes),
            ("refutations", self.refutations),
            ("triviality", self.trivialities),
        ]
    }

    /// All kinds together.
    pub fn total(&self) -> Count {
        let mut total = Count::default();
        self.kinds().into_iter().for_each(|(_, count)| total += count);
        total
    }
}

impl AddAssign for Effort {
    fn add_assign(&mut self, other: Self) {
        let Checks { samples, automation, wholes, refutations, trivialities } = other.checks;
        self.checks.samples += samples;
        self.checks.automation += automation;
        self.checks.wholes += wholes;
        self.checks.refutations += refutations;
        self.checks.trivialities += trivialities;
        self.statements = self.statements.zip(other.statements).map(|(a, b)| a + b);
        self.sampled_tokens += other.sampled_tokens;
        self.trained_tokens += other.trained_tokens;
        self.cpu_seconds = self.cpu_seconds.zip(other.cpu_seconds).map(|(a, b)| a + b);
    }
}

/// What each round took, as far as its steps are finished; 0 is everything before the first. The final model that a run had before
/// it went on has a round of its own ([`EarlierFinal`]).
///
/// # Errors
/// If the ledger cannot be read, or a record in it is damaged.
pub fn efforts(ledger: &Ledger, config: &RunConfig) -> Result<BTreeMap<u32, Effort>> {
    let mut efforts: BTreeMap<u32, Effort> = BTreeMap::new();
    let samples = ledger.efforts(Phase::Train, 0)?;
    let search = ledger.efforts(Phase::Search, FIRST_WHOLE)?;
    let counts = ledger.conjecture_counts()?;
    let known = known_steps(config);
    for recorded in ledger.steps()? {
        let Some(&(round, step)) = known.get(&recorded.name) else { continue };
        let effort = efforts.entry(round).or_default();
        let spent = Spent::of(&recorded.detail).map_err(|error| damaged(step, &error.to_string()))?;
        if !matches!(step, Step::Stage1Valid | Step::Valid(_) | Step::FinalValid) {
            *effort += of_any(step, spent);
        }
        match step {
            Step::Conjecture(_) => {
                let of_round = counts.get(&round).cloned().unwrap_or_default();
                let count = |outcome| of_round.get(&Some(outcome)).copied().unwrap_or_default();
                (effort.checks.refutations, effort.checks.trivialities) = screened(config, spent, count);
            }
            Step::Prove(_) => {
                effort.checks.samples = Count::of_attempts(samples.get(&(round, true)));
                effort.sampled_tokens += samples.get(&(round, true)).map_or(0, |it| it.tokens);
            }
            Step::Search(_) => {
                effort.checks.automation = Count::of_attempts(search.get(&(round, false)));
                effort.checks.wholes = Count::of_attempts(search.get(&(round, true)));
            }
            _ if step.trains() => {
                let tokens = TrainRecord::parse(step, recorded.detail)?.tokens;
                effort.trained_tokens += tokens.unwrap_or_default() as u64;
            }
            _ => {}
        }
    }
    Ok(efforts)
}

/// What the whole run took.
///
/// # Errors
/// As [`efforts`].
pub fn effort(ledger: &Ledger, config: &RunConfig) -> Result<Effort> {
    let mut all = Effort::default();
    efforts(ledger, config)?.into_values().for_each(|round| all += round);
    Ok(all)
}

/// The steps that a run can have, by name, with their rounds.
fn known_steps(config: &RunConfig) -> HashMap<String, (u32, Step)> {
    let own = plan::all_steps(config.rounds).into_iter();
    let own = own.map(|step| (step.name(), (step.round(config.rounds), step)));
    let earlier = (0..config.rounds).map(|rounds| EarlierFinal { rounds }).flat_map(|it| {
        [(it.training(), (it.round(), Step::FinalTrain)), (it.validation(), (it.round(), Step::FinalValid))]
    });
    own.chain(earlier).collect()
}

/// What every step's record says in the same way.
fn of_any(step: Step, spent: Option<Spent>) -> Effort {
    let elaborates = matches!(step, Step::Setup | Step::Conjecture(_) | Step::Search(_));
    Effort {
        statements: spent.map(|it| it.statements).or((!elaborates).then_some(0)),
        sampled_tokens: spent.map_or(0, |it| it.tokens),
        cpu_seconds: spent.and_then(|it| it.cpu_seconds),
        ..Effort::default()
    }
}

/// Refutations and triviality checks of a round. Of older runs the outcomes tell how many there were at least: what was refuted,
/// trivial or accepted has been asked about, and of duplicates and what was over the quota nobody knows.
fn screened(
    config: &RunConfig,
    spent: Option<Spent>,
    count: impl Fn(ConjectureOutcome) -> usize,
) -> (Count, Count) {
    if let Some(spent) = spent {
        return (Count::of(spent.refutations), Count::of(spent.trivialities));
    }
    let settings = &config.conjecturing;
    let passed = count(ConjectureOutcome::Trivial) + count(ConjectureOutcome::Accepted);
    let asked = |is_on: bool, count| if is_on { Count::at_least(count) } else { Count::default() };
    let refutations = asked(settings.drop_refuted, passed + count(ConjectureOutcome::Refuted));
    (refutations, asked(settings.drop_trivial, passed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stp_datasets::{Attempt, Conjecture, Source, Status, Verdict};

    use super::*;

    fn attempt(round: u32, phase: Phase, sample: u32, elapsed_ms: u32, status: Status) -> Attempt {
        Attempt {
            round,
            phase,
            statement: "a".to_owned(),
            sample,
            proof: format!("by p{sample}"),
            tokens: 5,
            logprob: 0.0,
            verdict: Some(Verdict { elapsed_ms, ..Verdict::new(status, "") }),
        }
    }

    fn conjecture(input: u32, outcome: ConjectureOutcome) -> Conjecture {
        Conjecture {
            round: 1,
            input,
            sample: 0,
            seed: "a".to_owned(),
            seed_proof: "by x".to_owned(),
            lemma: None,
            signature: format!(": {input} = {input}"),
            outcome: Some(outcome),
            fingerprint: None,
            statement: None,
            header: String::new(),
            source: Source::Model,
        }
    }

    /// A run with two rounds of which the second kept what its steps took.
    fn ledger() -> (tempfile::TempDir, Ledger) {
        use ConjectureOutcome::{Accepted, Duplicate, Refuted, Trivial};

        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let attempts = [
            attempt(1, Phase::Train, 0, 9, Status::Proved),
            attempt(1, Phase::Train, 1, 0, Status::Failed),
            attempt(1, Phase::Train, 2, 0, Status::Unfinished),
            attempt(1, Phase::Valid, 0, 9, Status::Proved),
            attempt(2, Phase::Train, 0, 9, Status::Proved),
            attempt(2, Phase::Search, 0, 9, Status::Failed),
            attempt(2, Phase::Search, 1, 0, Status::Failed),
            attempt(2, Phase::Search, FIRST_WHOLE, 9, Status::Proved),
        ];
        ledger.record_attempts(&attempts).unwrap();
        for (input, outcome) in (0..).zip([Refuted, Refuted, Trivial, Accepted, Duplicate]) {
            ledger.record_conjecture(&conjecture(input, outcome)).unwrap();
        }
        let spent = json!({ "cpu_seconds": 2.0, "statements": 7, "tokens": 11,
            "refutations": { "all": 6, "known": 1 }, "trivialities": { "all": 4, "known": 0 } });
        let plain = json!({ "cpu_seconds": 1.0 });
        let prove = json!({ "sampled_tokens": 1, "sampling_seconds": 1.0 });
        let train = json!({ "proofs": 1, "conjectures_kept": 0, "loss": 0.5, "tokens": 40 });
        let with = |mut record: serde_json::Value, spent: &serde_json::Value| {
            record["spent"] = spent.clone();
            record
        };
        for (name, detail) in [
            ("round-1/conjecture", json!({ "refuted": 2 })),
            ("round-1/prove", prove.clone()),
            ("round-1/train", train.clone()),
            ("round-2/conjecture", with(json!({}), &spent)),
            ("round-2/prove", with(prove, &plain)),
            ("round-2/search", with(json!({}), &plain)),
            ("round-2/train", with(train, &plain)),
            ("round-2/valid", json!({})),
        ] {
            let step = stp_datasets::Step { name: name.to_owned(), seconds: 1.0, detail };
            ledger.finish_step(&step).unwrap();
        }
        (folder, ledger)
    }

    #[test]
    fn every_kind_is_counted_and_old_rounds_say_what_they_can() {
        let (_folder, ledger) = ledger();
        let mut config = RunConfig { rounds: 2, ..RunConfig::load("smoke", None).unwrap() };
        (config.conjecturing.drop_refuted, config.conjecturing.drop_trivial) = (true, true);
        let efforts = efforts(&ledger, &config).unwrap();
        let [first, second] = [1, 2].map(|round| efforts[&round]);
        let exact = |all, known| Count { all, known: Some(known), at_least: false };
        assert_eq!(first.checks.samples, exact(2, 1), "what was cut off is no proof text");
        assert_eq!(
            (first.checks.refutations, first.checks.trivialities),
            (Count::at_least(4), Count::at_least(2))
        );
        assert_eq!((first.statements, first.cpu_seconds), (None, None));
        assert_eq!((first.sampled_tokens, first.trained_tokens), (15, 40));
        let checks = second.checks;
        assert_eq!((checks.automation, checks.wholes), (exact(2, 1), exact(1, 0)));
        assert_eq!((checks.refutations, checks.trivialities), (exact(6, 1), exact(4, 0)));
        assert_eq!(checks.total(), exact(14, 2));
        assert_eq!((second.statements, second.cpu_seconds), (Some(7), Some(5.0)), "validation is left out");
        assert_eq!(second.sampled_tokens, 16);
        let all = effort(&ledger, &config).unwrap();
        assert_eq!(all.checks.total().to_string(), "≥ 22");
        assert_eq!((all.checks.total().known, all.cpu_seconds, all.trained_tokens), (None, None, 80));
        config.conjecturing.drop_refuted = false;
        let off = super::efforts(&ledger, &config).unwrap()[&1].checks.refutations;
        assert_eq!(off, Count::default());
    }
}
