//! The run that the bookkeeping is of: made up, and the same each time.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde_json::Value;
use stp_datasets::{
    Attempt, Conjecture, ConjectureOutcome, Corpus, CorpusEntry, Ledger, Phase, Source, Split, Statement,
    Status, Step, Verdict,
};
use stp_selfplay::config::RunConfig;
use stp_selfplay::context::RunFolder;
use stp_selfplay::plan::{self, Step as Planned};
use stp_selfplay::random::seed_for;
use stp_selfplay::records::{ConjectureRecord, Sampled, SetupRecord, TrainRecord};

/// Rounds that are over.
pub const ROUNDS: u32 = 10;
const GIVEN: usize = 5000;
const HELD_OUT: usize = 500;
/// A round's accepted conjectures, and samples of each statement.
const CONJECTURES: u32 = 20_000;
const OF_CONJECTURE: u32 = 4;
const OF_GIVEN: u32 = 4;
const OF_HELD_OUT: u32 = 4;
/// Different proofs of one statement.
const PROOFS: u64 = 64;
const BATCH: usize = 2000;

/// The settings of the laptop's run, larger, with what reads most of earlier rounds switched on.
pub fn config() -> Result<RunConfig> {
    let mut config = RunConfig::load("tiny", None)?;
    config.rounds = ROUNDS + 2;
    (config.max_train, config.max_valid) = (0, 0);
    config.proving.proofs_per_round = 20_000;
    config.conjecturing.generated_per_round = 200;
    config.conjecturing.quota = CONJECTURES as usize;
    config.conjecturing.most_alike = 50;
    config.selection.reweighting = false;
    config.control.curriculum = true;
    config.control.regret = true;
    config.control.adaptive_budget = true;
    Ok(config)
}

pub fn corpus() -> Corpus {
    let entry = |at: usize| {
        let split = if at < GIVEN { Split::Train } else { Split::Valid };
        let signature = signature(&format!("given {at}"));
        let proofs = if at.is_multiple_of(2) { vec![proof(&signature, 0)] } else { Vec::new() };
        let (id, topics) = (format!("topic_{}.statement_{at}", at % 20), vec![format!("topic_{}", at % 20)]);
        let statement = Statement { id, signature, header: String::new(), topics, split };
        CorpusEntry { proofs, ..CorpusEntry::unchecked(statement) }
    };
    Corpus { entries: (0..GIVEN + HELD_OUT).map(entry).collect() }
}

/// Makes the run folder.
pub fn make(folder: &Path) -> Result<()> {
    let began = Instant::now();
    let (config, corpus) = (config()?, corpus());
    let folder = RunFolder::open(folder, &config)?;
    let ledger = Ledger::open(&folder.ledger())?;
    ledger.keep_corpus(&corpus)?;
    for split in [Split::Train, Split::Valid] {
        ledger.record_statements(&corpus.statements(split))?;
    }
    let proved = corpus.split(Split::Train).filter(|entry| !entry.proofs.is_empty());
    let of_corpus = proved.map(|entry| (0, Phase::Corpus, &entry.statement, 1));
    record(&ledger, &of_corpus.collect::<Vec<_>>())?;
    for round in 1..=ROUNDS {
        let conjectured = conjectures(&ledger, &corpus, round)?;
        let of_split = |split, phase, samples| {
            corpus.split(split).map(move |entry| (round, phase, &entry.statement, samples))
        };
        let mut wanted: Vec<_> = of_split(Split::Train, Phase::Train, OF_GIVEN).collect();
        wanted.extend(conjectured.iter().map(|it| (round, Phase::Train, it, OF_CONJECTURE)));
        wanted.extend(of_split(Split::Valid, Phase::Valid, OF_HELD_OUT));
        record(&ledger, &wanted)?;
    }
    finish_steps(&ledger, &config, &corpus)?;
    let stats = ledger.stats()?;
    println!(
        "{} attempts and {} conjectures recorded in {:.0} s: {:.0} MB",
        stats.rows["attempts"],
        stats.rows["conjectures"],
        began.elapsed().as_secs_f64(),
        stats.bytes as f64 / 1e6
    );
    Ok(())
}

/// A round's conjectures, recorded, as statements.
fn conjectures(ledger: &Ledger, corpus: &Corpus, round: u32) -> Result<Vec<Statement>> {
    let mut all = Vec::new();
    for input in 0..CONJECTURES {
        let seed =
            &corpus.entries[chance(&[&round.to_string(), &input.to_string()]) as usize % GIVEN].statement;
        let signature = signature(&format!("conjecture {round} {input}"));
        let mut conjecture = Conjecture {
            round,
            input,
            sample: 0,
            seed: seed.id.clone(),
            seed_proof: proof(&seed.signature, 0),
            lemma: (input % 2 == 0).then(|| format!("Nat.lemma_{}", input % 300)),
            outcome: None,
            fingerprint: Some(fingerprint(&signature)),
            signature,
            statement: None,
            header: String::new(),
            source: Source::Model,
        };
        ledger.record_conjecture(&conjecture)?;
        conjecture.outcome = Some(ConjectureOutcome::Accepted);
        conjecture.statement = Some(format!("conjecture_{round}_{input}_0"));
        all.push(conjecture);
    }
    ledger.record_outcomes(&all)?;
    let statement = |it: Conjecture| Statement {
        id: it.statement.unwrap_or_default(),
        signature: it.signature,
        header: String::new(),
        topics: Vec::new(),
        split: Split::Train,
    };
    Ok(all.into_iter().map(statement).collect())
}

fn record(ledger: &Ledger, wanted: &[(u32, Phase, &Statement, u32)]) -> Result<()> {
    let one_by_one = wanted.iter().flat_map(|&(round, phase, statement, samples)| {
        (0..samples).map(move |sample| attempt(round, phase, statement, sample))
    });
    let mut batch = Vec::new();
    for attempt in one_by_one {
        batch.push(attempt);
        if batch.len() == BATCH {
            ledger.record_attempts(&batch)?;
            batch.clear();
        }
    }
    ledger.record_attempts(&batch)?;
    Ok(())
}

fn attempt(round: u32, phase: Phase, statement: &Statement, sample: u32) -> Attempt {
    let drawn = chance(&[&round.to_string(), phase.as_str(), &statement.id, &sample.to_string()]) % PROOFS;
    let proof = proof(&statement.signature, if phase == Phase::Corpus { 0 } else { drawn });
    let verdict = Some(if phase == Phase::Corpus { proved() } else { verdict(&statement.signature, &proof) });
    Attempt {
        round,
        phase,
        statement: statement.id.clone(),
        sample,
        proof,
        tokens: 40,
        logprob: -12.5 - f64::from(sample),
        verdict,
    }
}

fn finish_steps(ledger: &Ledger, config: &RunConfig, corpus: &Corpus) -> Result<()> {
    for step in plan::steps(config) {
        if step == Planned::Conjecture(ROUNDS + 1) {
            break;
        }
        ledger.finish_step(&Step { name: step.name(), seconds: 1000.0, detail: detail(step, corpus)? })?;
    }
    Ok(())
}

/// What a step leaves.
fn detail(step: Planned, corpus: &Corpus) -> Result<Value> {
    let print = |entry: &CorpusEntry| (entry.statement.id.clone(), fingerprint(&entry.statement.signature));
    let accepted = ConjectureRecord::from_iter([(ConjectureOutcome::Accepted, CONJECTURES as usize)]);
    let trained = TrainRecord {
        parameters: Some(1_000_000),
        proofs: Some(10_000),
        conjectures_kept: Some(CONJECTURES as usize / 4),
        ..TrainRecord::default()
    };
    let sampled = Sampled { sampled_tokens: 4_000_000, sampling_seconds: 1000.0 };
    Ok(match step {
        Planned::Setup => serde_json::to_value(SetupRecord {
            fingerprints: corpus.entries.iter().map(print).collect(),
            proofs: GIVEN / 2,
        })?,
        Planned::Conjecture(_) => serde_json::to_value(accepted)?,
        Planned::Stage1Train | Planned::Train(_) | Planned::FinalTrain => serde_json::to_value(trained)?,
        _ => serde_json::to_value(sampled)?,
    })
}

fn fingerprint(signature: &str) -> String {
    format!("{:064x}", chance(&[signature]))
}

/// A number that depends on the words alone.
pub fn chance(words: &[&str]) -> u64 {
    // The low bits alone would repeat.
    let mixed = seed_for(0, words);
    (mixed ^ (mixed >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
}

/// A statement with a shape of its own.
pub fn signature(of: &str) -> String {
    let side = |name: &str| term(&format!("{of} {name}"), 3);
    format!("(a b c : Nat) (h : a < {}) : {} = {}", 1 + chance(&[of]) % 1000, side("left"), side("right"))
}

fn term(of: &str, depth: u32) -> String {
    let drawn = chance(&[of]) as usize;
    if depth == 0 || drawn.is_multiple_of(5) {
        return ["a", "b", "c", "2", "7", "12"][drawn / 5 % 6].to_owned();
    }
    let operator = ["+", "*", "-", "%", "/"][drawn / 5 % 5];
    format!("({} {operator} {})", term(&format!("{of}l"), depth - 1), term(&format!("{of}r"), depth - 1))
}

/// One of the proofs that a model writes of a statement: some 110 bytes, as those of small models.
pub fn proof(signature: &str, number: u64) -> String {
    let drawn = chance(&[signature, &number.to_string()]);
    let lemma =
        |by: u64| ["Nat.add_comm", "Nat.mul_comm", "Nat.sub_self", "Nat.mod_lt"][(drawn / by % 4) as usize];
    format!(
        "by\n  induction a with\n  | zero => simp [{}, h{}]\n  | succ n ih => rw [{}, {}]; omega",
        lemma(3),
        number % PROOFS,
        lemma(5),
        lemma(7)
    )
}

/// What a judge says of it: most statements are never proved, some at every second try, some nearly always.
pub fn verdict(signature: &str, proof: &str) -> Verdict {
    let good = [0, 0, 0, 0, 0, 1, 1, 4, 8, 15][(chance(&["hard", signature]) % 10) as usize];
    if chance(&["verdict", signature, proof]) % 16 < good {
        return proved();
    }
    let message = "1:3: error: unsolved goals\na b c : Nat\nh : a < 12\n⊢ a + b = b + a";
    Verdict { elapsed_ms: 20, ..Verdict::new(Status::Failed, message) }
}

fn proved() -> Verdict {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Verdict {
        elapsed_ms: 20,
        messages: Vec::new(),
        axioms: names(&["propext"]),
        premises: names(&["Nat.add_comm", "Nat.mul_comm"]),
        implicit_premises: names(&["Nat.sub_self", "Nat.mod_lt"]),
        ..Verdict::new(Status::Proved, "")
    }
}
