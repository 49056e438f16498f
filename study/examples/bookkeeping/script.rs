//! A model that is a function: it writes one of the proofs of a statement, or another statement.

use std::ops::ControlFlow;

use anyhow::Result;
use stp_model::{ModelError, SampleStats};
use stp_selfplay::context::sampler::{Asked, Prompt, Sample, Sampler};

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

    fn sample(
        &self,
        asked: &Asked<'_>,
        each: &mut dyn FnMut(Sample) -> ControlFlow<()>,
    ) -> Result<SampleStats> {
        let mut stats = SampleStats::default();
        for (request, asked) in asked.requests.iter().enumerate() {
            let prompt: String = asked.prompt.iter().filter_map(|token| char::from_u32(*token)).collect();
            for (sample, seed) in asked.seeds.iter().enumerate() {
                let text = answer(&prompt, *seed);
                let tokens = text.chars().count();
                stats.tokens += tokens;
                if each(Sample { request, sample, text, tokens, logprob: -12.5, finished: true }).is_break() {
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
