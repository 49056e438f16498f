//! A context of scripts for the unit tests of steps: nothing runs Lean and nothing runs a model.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use stp_conjecturer::Masking;
use stp_datasets::{Attempt, Verdict};
use stp_datasets::{
    Conjecture, ConjectureOutcome, Corpus, CorpusEntry, Ledger, Phase, Source, Split, Statement, Status,
};
use stp_model::{ModelError, SampleStats};
use stp_verifier::{Candidate, Pool, Script, StatementReport};
use tempfile::TempDir;

use crate::config::{ConjectureSource, RunConfig};
use crate::context::sampler::{Asked, Prompt, Sample, Sampler};
use crate::context::{Cancel, Checkpoints, Context, CpuMeter, RunFolder, Spending, Statements};
use crate::events::Events;

/// What a scripted model writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    text: String,
    finished: bool,
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), finished: true }
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self { text, finished: true }
    }
}

/// A text that ran out of tokens.
pub fn unfinished(text: &str) -> Answer {
    Answer { text: text.to_owned(), finished: false }
}

/// What begins an answer without a proof.
pub const MALFORMED: &str = "well, ";

/// What stands between a thought and a proof.
pub const SO: &str = " So: ";

/// From prompt and sample number to what is written.
type Answers = dyn Fn(&str, usize) -> Answer + Send + Sync;

/// A model that is a function of prompt and sample number; one token is one character. It keeps what it was asked.
pub struct ScriptedSampler {
    answer: Box<Answers>,
    pub asked: Mutex<Vec<String>>,
    pub longest: usize,
}

impl ScriptedSampler {
    pub fn new<A: Into<Answer>>(answer: impl Fn(&str, usize) -> A + Send + Sync + 'static) -> Arc<Self> {
        let answer = Box::new(move |prompt: &str, sample| answer(prompt, sample).into());
        Arc::new(Self { answer, asked: Mutex::default(), longest: 1000 })
    }
}

fn text(tokens: &[u32]) -> String {
    tokens.iter().filter_map(|token| char::from_u32(*token)).collect()
}

impl Sampler for ScriptedSampler {
    fn longest(&self) -> usize {
        self.longest
    }

    fn encode(&self, prompt: &Prompt<'_>) -> Result<Vec<u32>, ModelError> {
        let text = match prompt {
            Prompt::Prove { goal } => format!("prove {}", goal.signature),
            Prompt::Repair { goal, failed } => {
                format!("repair {} | {} | {}", goal.signature, failed.proof, failed.message)
            }
            Prompt::Conjecture { seed } => {
                format!("conjecture {} | {} | {}", seed.lemma.unwrap_or("-"), seed.signature, seed.proof)
            }
        };
        Ok(text.chars().map(u32::from).collect())
    }

    /// An answer that begins so is none; one with a thought ends with the proof.
    fn proof(&self, answer: &str, _: &str) -> Result<String, &'static str> {
        let proof = answer.rsplit_once(SO).map_or(answer, |(_, proof)| proof);
        if answer.starts_with(MALFORMED) { Err("a proof") } else { Ok(stp_prover::normalise_proof(proof)) }
    }

    fn thought<'a>(&self, answer: &'a str) -> Option<&'a str> {
        answer.rsplit_once(SO).map(|(thought, _)| thought)
    }

    fn sample(
        &self,
        asked: &Asked<'_>,
        each: &mut dyn FnMut(Sample) -> ControlFlow<()>,
    ) -> Result<SampleStats> {
        let mut stats = SampleStats::default();
        for (request, asked) in asked.requests.iter().enumerate() {
            let prompt = text(&asked.prompt);
            for sample in 0..asked.seeds.len() {
                self.asked.lock().unwrap().push(prompt.clone());
                let Answer { text, finished } = (self.answer)(&prompt, sample);
                let tokens = text.chars().count();
                stats.tokens += tokens;
                if each(Sample { request, sample, text, tokens, logprob: -1.0, finished }).is_break() {
                    return Ok(stats);
                }
            }
        }
        Ok(stats)
    }

    fn embed(&self, prompts: &[Vec<u32>], _: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        // Texts of the same length are alike.
        Ok(prompts.iter().map(|tokens| vec![tokens.len() as f32, 1.0]).collect())
    }
}

/// A statement of a corpus.
pub fn entry(id: &str, signature: &str, split: Split, proofs: &[&str]) -> CorpusEntry {
    let mut entry = CorpusEntry::unchecked(Statement {
        id: id.to_owned(),
        signature: signature.to_owned(),
        header: String::new(),
        topics: vec!["nat".to_owned()],
        split,
    });
    entry.proofs = proofs.iter().map(|proof| (*proof).to_owned()).collect();
    entry
}

/// Two training statements, the first with a proof, and one to validate on.
pub fn corpus() -> Corpus {
    Corpus {
        entries: vec![
            entry("a", ": 1 = 1", Split::Train, &["by rfl"]),
            entry("b", ": 2 = 2", Split::Train, &[]),
            entry("v", ": 3 = 3", Split::Valid, &[]),
        ],
    }
}

/// Small settings: every statement is tried `samples` times a round.
pub fn config() -> RunConfig {
    let mut config = RunConfig::load("smoke", None).unwrap();
    (config.max_train, config.max_valid, config.max_supervised) = (0, 0, 0);
    config.supervised_tactics = false;
    // What a test is about it switches on by itself.
    (config.search, config.repair, config.selection) = Default::default();
    config.conjecturing.replayed_pairs = 0;
    (config.conjecturing.mask, config.conjecturing.sources) = (Masking::Off, vec![ConjectureSource::Model]);
    config.pretraining = Default::default();
    config.proving.proofs_per_round = 8;
    config.proving.first_round_proofs = 0;
    config.proving.valid_samples = 2;
    config
}

/// A context in a scratch folder. `smoke`'s settings as [`config`] has them, changed by `change`.
pub fn context(
    corpus: Corpus,
    script: Script,
    sampler: Arc<ScriptedSampler>,
    change: impl FnOnce(&mut RunConfig),
) -> (TempDir, Context) {
    let mut config = config();
    change(&mut config);
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("run");
    let folder = RunFolder::open(&path, &config).unwrap();
    let ledger = Arc::new(Ledger::open(&folder.ledger()).unwrap());
    let statements = Statements::of(corpus, &config);
    ledger.record_statements(&statements.train).unwrap();
    ledger.record_statements(&statements.valid).unwrap();
    let context = Context {
        config,
        ledger,
        statements,
        verifier: Pool::scripted(script),
        checkpoints: Checkpoints::scripted(&path, sampler),
        events: Events::none(),
        cancel: Cancel::new(),
        spending: Spending::new(CpuMeter::none()),
        folder,
    };
    (scratch, context)
}

/// Lean's part: `by rfl` and `by simp` prove everything, anything else fails.
pub fn script() -> Script {
    Script::proofs([("by rfl", Status::Proved), ("by simp", Status::Proved)])
        .statements(|_, text| print(text))
}

/// What Lean says of a statement that elaborates: a fingerprint that is no statement's text.
pub fn print(signature: &str) -> StatementReport {
    StatementReport { ok: true, messages: Vec::new(), fingerprint: Some(format!("print of {signature}")) }
}

/// A judged attempt of a round.
pub fn attempt(
    round: u32,
    phase: Phase,
    statement: &str,
    sample: u32,
    proof: &str,
    status: Status,
) -> Attempt {
    Attempt {
        round,
        phase,
        statement: statement.to_owned(),
        sample,
        proof: proof.to_owned(),
        tokens: 2,
        logprob: -1.0 - f64::from(sample),
        verdict: Some(Verdict::new(status, "no")),
    }
}

/// An accepted conjecture from seed `a`.
pub fn accepted(round: u32, input: u32, signature: &str) -> Conjecture {
    Conjecture {
        round,
        input,
        sample: 0,
        seed: "a".to_owned(),
        seed_proof: "by rfl".to_owned(),
        header: String::new(),
        lemma: None,
        signature: signature.to_owned(),
        outcome: Some(ConjectureOutcome::Accepted),
        fingerprint: None,
        statement: Some(format!("conjecture_{round}_{input}_0")),
        source: Source::Model,
    }
}

/// A verdict for every candidate, by a function of its proof.
pub fn judged(status: impl Fn(&str) -> Status + Send + Sync + 'static) -> Script {
    Script::new(move |candidate: &Candidate| Verdict::new(status(&candidate.proof), ""))
        .statements(|_, text| print(text))
}
