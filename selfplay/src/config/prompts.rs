//! Settings of the prompts: a layout, which is a file of templates, and templates in place of its own.

use std::path::Path;

use serde::{Deserialize, Serialize};
use stp_conjecturer::ConjectureLayout;
use stp_prover::ProofLayout;

use crate::error::UsageError;

/// The layouts that come with the program: name and TOML text.
pub const LAYOUTS: [(&str, &str); 7] = [
    ("markers", include_str!("../../layouts/markers.toml")),
    ("plain", include_str!("../../layouts/plain.toml")),
    ("deepseek-prover-v1.5", include_str!("../../layouts/deepseek-prover-v1.5.toml")),
    ("deepseek-prover-v2", include_str!("../../layouts/deepseek-prover-v2.toml")),
    ("goedel-prover-v2", include_str!("../../layouts/goedel-prover-v2.toml")),
    ("kimina-prover", include_str!("../../layouts/kimina-prover.toml")),
    ("stp", include_str!("../../layouts/stp.toml")),
];

/// How a model is asked: all templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Special tokens that the model's tokenizer must have.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// Proofs.
    pub proof: ProofLayout,
    /// Conjectures.
    pub conjecture: ConjectureLayout,
}

/// The prompts, as templates in Jinja; what is empty is as the layout has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prompts {
    /// The layout: `markers` for a model that begins with random numbers; `plain`, `deepseek-prover-v1.5`,
    /// `deepseek-prover-v2`, `goedel-prover-v2`, `kimina-prover` or `stp` for one that was trained elsewhere; or a TOML file.
    pub layout: String,
    /// The prompt for a proof, with `{{ signature }}`.
    pub prove: String,
    /// The prompt for a second attempt, with `{{ signature }}`, `{{ failed }}` and `{{ message }}`.
    pub repair: String,
    /// The answer to both that is learned, with `{{ proof }}` or `{{ tactics }}`.
    pub proof_answer: String,
    /// Texts that end a proof, beside the model's end tokens.
    pub proof_stop: Vec<String>,
    /// The prompt for a conjecture, with `{{ lemma }}`, `{{ signature }}` and `{{ proof }}` of the seed.
    pub conjecture: String,
    /// The answer to it that is learned, with `{{ conjecture }}`.
    pub conjecture_answer: String,
    /// Texts that end a conjecture, beside the model's end tokens.
    pub conjecture_stop: Vec<String>,
}

impl Default for Prompts {
    fn default() -> Self {
        Self {
            layout: "markers".to_owned(),
            prove: String::new(),
            repair: String::new(),
            proof_answer: String::new(),
            proof_stop: Vec::new(),
            conjecture: String::new(),
            conjecture_answer: String::new(),
            conjecture_stop: Vec::new(),
        }
    }
}

impl Prompts {
    /// The layout, with the templates that the settings have in place of its own.
    ///
    /// # Errors
    /// [`UsageError`] if there is no such layout, or its file cannot be read.
    pub fn layout(&self) -> Result<Layout, UsageError> {
        let mut layout = Layout::named(&self.layout)?;
        let (proof, conjecture) = (&mut layout.proof, &mut layout.conjecture.ask);
        let texts = [
            (&self.prove, &mut proof.first.prompt),
            (&self.repair, &mut proof.repair),
            (&self.proof_answer, &mut proof.first.answer),
            (&self.conjecture, &mut conjecture.prompt),
            (&self.conjecture_answer, &mut conjecture.answer),
        ];
        for (own, template) in texts.into_iter().filter(|(own, _)| !own.is_empty()) {
            template.clone_from(own);
        }
        let stops =
            [(&self.proof_stop, &mut proof.first.stop), (&self.conjecture_stop, &mut conjecture.stop)];
        for (own, stop) in stops.into_iter().filter(|(own, _)| !own.is_empty()) {
            stop.clone_from(own);
        }
        Ok(layout)
    }
}

impl Layout {
    /// The layout of that name, or in that file.
    ///
    /// # Errors
    /// As [`Prompts::layout`].
    pub fn named(name: &str) -> Result<Self, UsageError> {
        if let Some((_, text)) = LAYOUTS.iter().find(|(known, _)| *known == name) {
            return Self::read(name, text);
        }
        let names: Vec<_> = LAYOUTS.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        if Path::new(name).extension().is_none_or(|it| it != "toml") {
            return Err(UsageError(format!(
                "There is no layout of prompts `{name}`. Set prompts.layout to one of {names}, or to a TOML file like \
                 those in selfplay/layouts."
            )));
        }
        let text = std::fs::read_to_string(name).map_err(|error| {
            UsageError(format!(
                "Cannot read the layout of prompts {name}: {error}. Check the path in prompts.layout, or take one of \
                 {names}."
            ))
        })?;
        Self::read(name, &text)
    }

    fn read(name: &str, text: &str) -> Result<Self, UsageError> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let reason = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            UsageError(format!(
                "The layout of prompts {name} is not valid: {reason}. Mend that key and try again."
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_is_read_and_settings_replace_its_templates() {
        for (name, _) in LAYOUTS {
            let layout = Layout::named(name).unwrap();
            assert_eq!(layout.tokens.is_empty(), name != "markers", "{name}");
        }
        let own = Prompts {
            layout: "stp".to_owned(),
            repair: "{{ failed }}".to_owned(),
            conjecture_stop: vec!["x".to_owned()],
            ..Prompts::default()
        };
        let (changed, plain) = (own.layout().unwrap(), Layout::named("stp").unwrap());
        assert_eq!(
            (changed.proof.repair.as_str(), &changed.proof.first),
            ("{{ failed }}", &plain.proof.first)
        );
        assert_eq!(changed.conjecture.ask.stop, ["x"]);
    }

    #[test]
    fn a_layout_may_be_a_file_and_mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml").display().to_string();
        let refusal = |name: &str| Layout::named(name).unwrap_err().to_string();
        assert!(refusal("llama").contains("deepseek-prover-v2"));
        assert!(refusal(&path).contains("mine.toml"));
        let (_, text) = LAYOUTS[1];
        std::fs::write(&path, text).unwrap();
        assert_eq!(Layout::named(&path).unwrap(), Layout::named("plain").unwrap());
        std::fs::write(&path, text.replace("cut = \"whole\"", "cut = \"half\"")).unwrap();
        let text = refusal(&path);
        assert!(text.contains("mine.toml") && text.contains("half") && text.lines().count() == 1, "{text}");
    }
}
