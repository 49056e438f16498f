//! Asking Lean and the model, within a budget.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stp_datasets::{Sketch, Status, Verdict};
use stp_model::{SampleConfig, SampleRequest};
use stp_prover::{Failed, Goal};
use stp_verifier::{Candidate, Pool, SketchReport, VerifierError};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::context::Cancel;
use crate::context::sampler::{self, Prompt, SampleKind, Sampler};

/// How much a search may take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    /// Proof texts that Lean is asked about; none: as many as it takes.
    pub checks: Option<u64>,
    /// When it ends.
    pub deadline: Option<Instant>,
}

/// What a search took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Proof texts that Lean was asked about, those of goals and shorter ones included.
    pub checks: u64,
    /// Failed proofs that were made sketches of.
    pub sketches: u64,
    /// Texts of the model.
    pub samples: u64,
    /// Tokens of these.
    pub tokens: u64,
}

/// A model, and how it is asked.
#[derive(Clone)]
pub struct Model {
    /// What samples.
    pub sampler: Arc<dyn Sampler>,
    /// How.
    pub settings: SampleConfig,
}

/// What a search is done with.
pub struct Tools<'a> {
    /// The judge.
    pub pool: Pool,
    /// The model, loaded when it is first needed; `None`: there is none.
    pub model: Option<&'a (dyn Fn() -> anyhow::Result<Model> + Send + Sync)>,
    /// Whether the user wants to stop.
    pub cancel: Cancel,
    /// Who is told what was spent so far, and how many goals are known.
    pub told: &'a (dyn Fn(&Spent, usize) + Send + Sync),
}

/// Why a search ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The budget is spent.
    #[error("the budget is spent")]
    Budget,
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
    /// Lean or the model fails.
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

impl From<VerifierError> for Stop {
    fn from(error: VerifierError) -> Self {
        Self::Broken(error.into())
    }
}

/// A text of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// The proof.
    pub proof: String,
    /// Mean log-probability of its tokens.
    pub likelihood: f64,
}

/// Asks, and counts.
pub struct Asker<'a> {
    tools: &'a Tools<'a>,
    budget: Budget,
    model: Option<Model>,
    /// Goals that are known, for whoever watches.
    pub goals: usize,
    /// What was spent so far.
    pub spent: Spent,
}

impl<'a> Asker<'a> {
    /// With nothing spent yet.
    pub fn new(tools: &'a Tools<'a>, budget: Budget) -> Self {
        Self { tools, budget, model: None, goals: 1, spent: Spent::default() }
    }

    /// Judges texts side by side until one is proved; its place is returned, and the verdicts on those that were looked at.
    ///
    /// # Errors
    /// [`Stop`], if none was proved before.
    pub async fn judge(
        &mut self,
        candidates: Vec<Candidate>,
    ) -> Result<(Option<usize>, Vec<(usize, Verdict)>), Stop> {
        let mut running = JoinSet::new();
        let mut verdicts = Vec::new();
        let mut left = candidates.into_iter().enumerate();
        let mut ended = None;
        loop {
            while ended.is_none() && running.len() < self.tools.pool.workers() {
                let Some((index, candidate)) = left.next() else { break };
                if let Err(stop) = self.require_check() {
                    ended = Some(stop);
                    break;
                }
                self.spent.checks += 1;
                (self.tools.told)(&self.spent, self.goals);
                let pool = self.tools.pool.clone();
                running.spawn(async move { (index, pool.check(candidate).await) });
            }
            let next = running.join_next();
            let answer = within(self.tools, self.budget.deadline, next).await?;
            let Some(answer) = answer else { break };
            let (index, verdict) = answer.map_err(|error| Stop::Broken(error.into()))?;
            let verdict = verdict?;
            let is_proved = verdict.is_proved();
            verdicts.push((index, verdict));
            if is_proved {
                return Ok((Some(index), verdicts));
            }
        }
        ended.map_or(Ok((None, verdicts)), Err)
    }

    fn require_check(&self) -> Result<(), Stop> {
        if self.tools.cancel.is_cancelled() {
            return Err(Stop::Interrupted);
        }
        if self.budget.deadline.is_some_and(|deadline| deadline <= Instant::now())
            || self.budget.checks.is_some_and(|most| most <= self.spent.checks)
        {
            return Err(Stop::Budget);
        }
        Ok(())
    }

    /// Checks that are left.
    pub fn left(&self) -> u64 {
        self.budget.checks.map_or(u64::MAX, |most| most.saturating_sub(self.spent.checks))
    }

    /// The sketch of a proof, or why there is none.
    ///
    /// # Errors
    /// [`Stop`].
    pub async fn sketch(&mut self, candidate: Candidate) -> Result<Result<Sketch, String>, Stop> {
        self.spent.sketches += 1;
        let asked = self.tools.pool.sketch(candidate);
        match within(self.tools, self.budget.deadline, asked).await?? {
            SketchReport::Sketch(sketch) => Ok(Ok(sketch)),
            SketchReport::None { reason } => Ok(Err(reason)),
        }
    }

    /// Proofs by the model; none if the prompt leaves no room for one.
    ///
    /// # Errors
    /// [`Stop`].
    pub async fn sample(&mut self, prompt: &Ask<'_>, seeds: Vec<u64>) -> Result<Vec<Sampled>, Stop> {
        self.require_check()?;
        let Some(model) = self.model()? else { return Ok(Vec::new()) };
        let Model { sampler, settings } = model;
        let room = sampler.longest().saturating_sub(settings.max_new_tokens);
        let tokens = sampler.encode(&prompt.at(room)).map_err(anyhow::Error::from)?;
        if tokens.len() >= sampler.longest() || seeds.is_empty() {
            return Ok(Vec::new());
        }
        let found = Arc::new(Mutex::new(Vec::new()));
        let (keep, reader) = (found.clone(), sampler.clone());
        let each = move |sample: sampler::Sample| {
            let likelihood = sample.logprob / (sample.tokens + 1) as f64;
            // A text that ran out of tokens is no proof, and neither is one that has none in it.
            if let Ok(proof) = reader.proof(&sample.text, NAME)
                && sample.finished
            {
                let sampled = Sampled { proof, likelihood };
                keep.lock().unwrap_or_else(PoisonError::into_inner).push((sample.sample, sampled));
            }
            Ok(())
        };
        self.spent.samples += seeds.len() as u64;
        let requests = vec![SampleRequest { prompt: tokens, seeds }];
        let stop = Cancel::new();
        let sampling = sampler::sample(sampler, SampleKind::Proof, requests, settings, stop.clone(), each);
        let stats = within(self.tools, self.budget.deadline, sampling).await;
        // Whatever still samples in its thread ends with the text at hand.
        stop.cancel();
        self.spent.tokens += stats??.tokens as u64;
        let mut found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
        found.sort_by_key(|(sample, _)| *sample);
        Ok(found.into_iter().map(|(_, sampled)| sampled).collect())
    }

    fn model(&mut self) -> Result<Option<Model>, Stop> {
        if let (None, Some(load)) = (&self.model, self.tools.model) {
            self.model = Some(load()?);
        }
        Ok(self.model.clone())
    }
}

/// What theorems are called where a prompt wants a name.
const NAME: &str = "goal";

/// What the model is asked.
pub struct Ask<'a> {
    /// Lean text before the theorem.
    pub header: &'a str,
    /// Binders and type.
    pub signature: &'a str,
    /// A failed proof and what Lean said of it, for a second attempt.
    pub failed: Option<(&'a str, &'a str)>,
}

impl Ask<'_> {
    fn at(&self, room: usize) -> Prompt<'_> {
        let goal = Goal { name: NAME, header: self.header, signature: self.signature };
        match self.failed {
            None => Prompt::Prove { goal },
            Some((proof, message)) => Prompt::Repair { goal, failed: Failed { proof, message, room } },
        }
    }
}

/// Waits for an answer as long as there is time.
async fn within<T>(
    tools: &Tools<'_>,
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> Result<T, Stop> {
    let far = Duration::from_secs(1 << 30);
    let deadline = deadline.unwrap_or_else(|| Instant::now() + far);
    tokio::select! {
        () = tools.cancel.cancelled() => Err(Stop::Interrupted),
        () = tokio::time::sleep_until(deadline) => Err(Stop::Budget),
        value = work => Ok(value),
    }
}

/// Whether Lean looked at a proof and refused it, so that its goals can be asked for.
pub fn is_refused(verdict: &Verdict) -> bool {
    verdict.status == Status::Failed
}
