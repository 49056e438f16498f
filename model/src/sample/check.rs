//! Prompts that a model cannot continue.

use super::SampleConfig;
use crate::{Lm, ModelError};

/// Refuses a prompt that is empty, too long or has unknown tokens; `request` is for the error.
pub(super) fn check_prompt(
    model: &Lm,
    config: &SampleConfig,
    request: usize,
    prompt: &[u32],
) -> Result<(), ModelError> {
    let max_seq = config.longest(model);
    let refused = |reason| Err(ModelError::Prompt { request, reason });
    if prompt.is_empty() {
        return refused("it is empty; give it at least one token".to_owned());
    }
    if prompt.len() >= max_seq {
        let len = prompt.len();
        return refused(format!(
            "its {len} tokens leave no room in `max_seq` = {max_seq}; shorten it or raise `max_seq`"
        ));
    }
    check_tokens(model, prompt)
}

/// Refuses ids without an embedding, which a device would otherwise read out of bounds.
pub(crate) fn check_tokens(model: &Lm, tokens: &[u32]) -> Result<(), ModelError> {
    let vocab_size = model.config().vocab_size;
    match tokens.iter().find(|&&token| token as usize >= vocab_size) {
        Some(&token) => Err(ModelError::Token { token, vocab_size }),
        None => Ok(()),
    }
}
