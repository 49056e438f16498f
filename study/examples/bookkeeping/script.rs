//! A model that is a function: it writes one of the proofs of a statement, or another statement.

use std::ops::ControlFlow;

use stp_model::{Completion, ModelError, SampleConfig, SampleRequest, SampleStats};
use stp_selfplay::context::sampler::{Prompt, SampleKind, Sampler};

use super::made::{proof, signature};

/// Tokens are characters.
pub struct Scripted;

const PROVE: char = 'p';
const CONJECTURE: char = 'c';

impl Sampler for Scripted {
    fn longest(&self) -> usize {
        4000
    }

    fn encode(&self, prompt: &Prompt<'_>) -> Result<Vec<u32>, ModelError> {
        let (task, signature) = match prompt {
            Prompt::Prove { goal } | Prompt::Repair { goal, .. } => (PROVE, goal.signature),
            Prompt::Conjecture { seed } => (CONJECTURE, seed.signature),
        };
        Ok(std::iter::once(task).chain(signature.chars()).map(u32::from).collect())
    }

    fn decode(&self, _: SampleKind, tokens: &[u32]) -> String {
        tokens.iter().filter_map(|token| char::from_u32(*token)).collect()
    }

    fn sample(
        &self,
        requests: &[SampleRequest],
        _: &SampleConfig,
        on_completion: &mut dyn FnMut(Completion) -> ControlFlow<()>,
    ) -> Result<SampleStats, ModelError> {
        let mut stats = SampleStats::default();
        for (request, asked) in requests.iter().enumerate() {
            let prompt = self.decode(SampleKind::Proof, &asked.prompt);
            for (sample, seed) in asked.seeds.iter().enumerate() {
                let text = answer(&prompt, *seed);
                let tokens: Vec<_> = text.chars().map(u32::from).collect();
                stats.tokens += tokens.len();
                let completion = Completion { request, sample, tokens, logprob: -12.5, finished: true };
                if on_completion(completion).is_break() {
                    return Ok(stats);
                }
            }
        }
        Ok(stats)
    }

    fn embed(&self, prompts: &[Vec<u32>], _: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        Ok(prompts.iter().map(|tokens| vec![tokens.len() as f32, 1.0]).collect())
    }
}

fn answer(prompt: &str, seed: u64) -> String {
    match prompt.strip_prefix(PROVE) {
        Some(signature) => proof(signature, seed >> 8 & 63),
        None => signature(&format!("{prompt} {seed}")),
    }
}
