//! What a run begins with, looked at before it has a folder: a mistake in its prompts or its checkpoint would show only after
//! setup, and neither can change in a folder that has a run.

use std::path::PathBuf;

use anyhow::{Context, Result};
use stp_model::{Checkpoint, Device, Lm, ModelConfig, ModelError, Tokenizer};

use super::checkpoints::existing_base;
use super::prompts::Prompts;
use crate::config::RunConfig;
use crate::error::UsageError;

/// Checks that the checkpoint of `model.base` is there and can be read, that it has all its weights, of which none is read, and
/// that each template of the prompts takes all its fields. Fetched models are below `home`, or where the environment says.
///
/// # Errors
/// [`UsageError`] if the checkpoint is not there or a template cannot be used; if the checkpoint is damaged.
pub fn check_beginning(config: &RunConfig, home: Option<PathBuf>) -> Result<()> {
    let (layout, base) = (config.prompts.layout()?, &config.model.base);
    let checkpoint = if base.is_empty() {
        blank()?
    } else {
        let read = Checkpoint::without_weights(&existing_base(base, home)?);
        read.with_context(|| format!("The checkpoint of model.base = {base:?} cannot be used"))?
    };
    let checked = Prompts::new(&checkpoint, &layout);
    checked.map(drop).map_err(|error| UsageError(format!("{error:#}")).into())
}

/// A model of random numbers as runs begin with, but for what a corpus teaches its tokenizer.
fn blank() -> Result<Checkpoint, ModelError> {
    let tokenizer = Tokenizer::train(&["by rfl".to_owned()], Tokenizer::MIN_VOCAB)?;
    let config = ModelConfig::smallest(tokenizer.vocab_size());
    Ok(Checkpoint::new(Lm::init(&config, &Device::flex(), 0)?, tokenizer))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What is wrong with these settings, and whether that is a mistake of the user's.
    fn refusal(change: impl FnOnce(&mut RunConfig)) -> (String, bool) {
        let mut config = RunConfig::load("tiny", None).unwrap();
        change(&mut config);
        let error = check_beginning(&config, None).unwrap_err();
        (format!("{error:#}"), error.downcast_ref::<UsageError>().is_some())
    }

    #[test]
    fn every_preset_that_begins_with_random_numbers_passes() {
        for name in ["tiny", "smoke", "small"] {
            check_beginning(&RunConfig::load(name, None).unwrap(), None).unwrap();
        }
    }

    #[test]
    fn a_template_that_cannot_be_used_is_named() {
        for (template, hint) in [("{{ signatur }}", "`signature`"), ("{{ signature", "no template")] {
            let (text, is_usage) = refusal(|config| config.prompts.prove = template.to_owned());
            assert!(is_usage && text.contains("prompts.prove") && text.contains(hint), "{text}");
        }
        let (text, is_usage) = refusal(|config| config.prompts.layout = "kimina-prover".to_owned());
        assert!(is_usage && text.contains("no chat template"), "{text}");
    }

    #[test]
    fn a_checkpoint_that_is_not_there_is_told_from_one_that_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let base = |path: &Path| path.display().to_string();
        let missing = folder.path().join("none");
        let (text, is_usage) = refusal(|config| config.model.base = base(&missing));
        assert!(is_usage && text.contains("none") && text.contains("Check the path"), "{text}");
        let (text, is_usage) = refusal(|config| config.model.base = base(folder.path()));
        assert!(is_usage && text.contains("config.json"), "{text}");
        let model = folder.path().join("model");
        blank().unwrap().save(&model).unwrap();
        let mut config = RunConfig::load("tiny", None).unwrap();
        config.model.base = base(&model);
        check_beginning(&config, None).unwrap();
        std::fs::remove_file(model.join("model.safetensors")).unwrap();
        let (text, is_usage) = refusal(|config| config.model.base = base(&model));
        assert!(!is_usage && text.contains("model.safetensors") && text.contains("model.base"), "{text}");
        std::fs::write(model.join("tokenizer.json"), "{").unwrap();
        let (text, is_usage) = refusal(|config| config.model.base = base(&model));
        assert!(!is_usage && text.contains("tokenizer.json") && text.contains("model.base"), "{text}");
    }
}
