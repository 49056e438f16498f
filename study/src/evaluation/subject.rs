//! Whose model is measured: a checkpoint of a run, or any folder with a model.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use stp_datasets::did_you_mean;
use stp_model::Device;
use stp_selfplay::context::Checkpoints;
use stp_selfplay::context::folder::run_name;
use stp_selfplay::error::UsageError;
use stp_selfplay::plan::checkpoint_of;

/// The file by which a folder is known to hold a model.
const MODEL: &str = "config.json";

/// A model, and where what is measured of it is kept.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The folder that the model's folder is in.
    within: PathBuf,
    /// The name of its folder.
    name: String,
    /// The folder of evaluations.
    evals: PathBuf,
    /// The run's name; none for a model of no run.
    run: Option<String>,
    /// A hash of the model's files; of a run's checkpoint its name says which it is.
    hash: Option<String>,
    /// Whether it is sampled from with weights of 16 bits, which are not those of its files.
    halved: bool,
}

impl Subject {
    /// The checkpoint of that name of a run.
    pub fn of_run(run: &Path, checkpoint: &str) -> Self {
        Self {
            within: run.join("checkpoints"),
            name: checkpoint.to_owned(),
            evals: run.join("evals"),
            run: Some(run_name(run)),
            hash: None,
            halved: false,
        }
    }

    /// The model in a folder, whoever made it; what is measured of it is kept below `evals`.
    ///
    /// # Errors
    /// [`UsageError`] if there is none; or if its files cannot be read.
    pub fn of_folder(model: &Path, evals: &Path) -> Result<Self> {
        require_model(model)?;
        let whole = fs::canonicalize(model).with_context(|| format!("cannot read {}", model.display()))?;
        let name = whole.file_name().context("the model's folder has no name")?;
        let within = whole.parent().context("the model's folder is in no other")?;
        Ok(Self {
            within: within.to_owned(),
            name: name.to_string_lossy().into_owned(),
            evals: evals.to_owned(),
            run: None,
            hash: Some(hash(&whole).with_context(|| format!("cannot read {}", model.display()))?),
            halved: false,
        })
    }

    /// The same model, sampled from with weights, keys and values as f16.
    pub fn halved(self) -> Self {
        Self { halved: true, ..self }
    }

    /// Whether its weights are f16 while it is sampled from.
    pub(crate) fn is_halved(&self) -> bool {
        self.halved
    }

    /// The name of the model: that of its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its run; empty if it is of none.
    pub fn run(&self) -> String {
        self.run.clone().unwrap_or_default()
    }

    /// What tells models of the same name apart; none for a run's.
    pub fn hash(&self) -> Option<&str> {
        self.hash.as_deref()
    }

    /// Where an evaluation on the set of that name is kept.
    pub fn folder(&self, set: &str) -> PathBuf {
        let short = |hash: &String| format!("-{}", hash.chars().take(8).collect::<String>());
        self.evals.join(format!("{set}-{}{}", self.name, self.hash.as_ref().map_or_else(String::new, short)))
    }

    /// Where its model is loaded from.
    pub fn checkpoints(&self, device: Device) -> Checkpoints {
        match self.run {
            Some(_) => Checkpoints::of_folder(self.within.clone(), device),
            None => Checkpoints::of_strangers(self.within.clone(), device),
        }
    }
}

/// Checks that a folder has a model.
///
/// # Errors
/// [`UsageError`] that lists the models near by, if it has none.
pub fn require_model(folder: &Path) -> Result<(), UsageError> {
    if folder.join(MODEL).is_file() {
        return Ok(());
    }
    // A run's folder is near its checkpoints, a misspelt checkpoint beside them.
    let near = [folder.join("checkpoints"), folder.to_owned(), folder.parent().unwrap_or(folder).to_owned()];
    let found = near.iter().map(|near| (near, models_in(near))).find(|(_, names)| !names.is_empty());
    let there = found.map_or_else(String::new, |(near, names)| {
        format!(" In {} there are: {}.", near.display(), names.join(", "))
    });
    Err(UsageError(format!(
        "{} has no model: there is no {MODEL} in it.{there} A model is a folder of Hugging Face, such as \
         RUN_FOLDER/checkpoints/final.",
        folder.display()
    )))
}

/// The checkpoint of that name of a run, or its newest one.
///
/// # Errors
/// [`UsageError`] that lists those that are there, if it has none of that name.
pub fn checkpoint(run: &Path, rounds: u32, name: Option<&str>) -> Result<String> {
    let Some(name) = name else { return last_checkpoint(run, rounds) };
    let there = models_in(&run.join("checkpoints"));
    if there.iter().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let names = if there.is_empty() { "none yet".to_owned() } else { there.join(", ") };
    Err(UsageError(format!(
        "{} has no checkpoint `{name}`.{} Those that are there: {names}.",
        run.display(),
        did_you_mean(name, there.iter().map(String::as_str))
    ))
    .into())
}

/// The newest checkpoint of a run: that of the final re-training, of its last round, or of stage 1.
///
/// # Errors
/// [`UsageError`] if there is none.
pub fn last_checkpoint(run: &Path, rounds: u32) -> Result<String> {
    let names = (0..=rounds + 1).rev().map(|round| checkpoint_of(round, rounds));
    let mut there = names.filter(|name| run.join("checkpoints").join(name).join(MODEL).is_file());
    there.next().ok_or_else(|| {
        UsageError(format!("{} has no checkpoint yet; let `stp train` finish stage 1.", run.display())).into()
    })
}

/// The folders with a model in a folder, by name.
fn models_in(folder: &Path) -> Vec<String> {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    let models = items.filter(|item| item.path().join(MODEL).is_file());
    let mut names: Vec<_> = models.map(|item| item.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A hash of what decides what a model says: its weights, its settings and its tokenizer.
fn hash(model: &Path) -> io::Result<String> {
    let mut files: Vec<_> = fs::read_dir(model)?.collect::<io::Result<Vec<_>>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    let mut hasher = Sha256::new();
    for file in files {
        let path = file.path();
        let kind = path.extension().unwrap_or_default();
        if path.is_file() && (kind == "json" || kind == "safetensors") {
            hasher.update(file.file_name().as_encoded_bytes());
            let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
            loop {
                let part = reader.fill_buf()?;
                if part.is_empty() {
                    break;
                }
                hasher.update(part);
                let length = part.len();
                reader.consume(length);
            }
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(folder: &Path, weights: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(MODEL), "{}").unwrap();
        fs::write(folder.join("model.safetensors"), weights).unwrap();
    }

    #[test]
    fn a_checkpoint_that_is_not_there_is_told_with_those_that_are() {
        let run = tempfile::tempdir().unwrap();
        assert!(checkpoint(run.path(), 2, None).unwrap_err().to_string().contains("no checkpoint yet"));
        assert!(checkpoint(run.path(), 2, Some("x")).unwrap_err().to_string().contains("none yet"));
        for name in ["stage1", "round-1"] {
            model(&run.path().join("checkpoints").join(name), "");
        }
        assert_eq!(checkpoint(run.path(), 2, None).unwrap(), "round-1");
        assert_eq!(checkpoint(run.path(), 2, Some("stage1")).unwrap(), "stage1");
        let error = checkpoint(run.path(), 2, Some("round1")).unwrap_err();
        assert!(error.downcast_ref::<UsageError>().is_some());
        let text = error.to_string();
        assert!(text.contains("Did you mean `round-1`?") && text.contains("round-1, stage1."), "{text}");
        let text = require_model(run.path()).unwrap_err().to_string();
        assert!(text.contains("there are: round-1, stage1."), "{text}");
    }

    #[test]
    fn models_of_the_same_name_are_kept_apart_by_what_they_are() {
        let scratch = tempfile::tempdir().unwrap();
        let (first, second) = (scratch.path().join("a/final"), scratch.path().join("b/final"));
        model(&first, "1");
        model(&second, "2");
        let of = |path: &Path| Subject::of_folder(path, Path::new("evals")).unwrap();
        assert_ne!(of(&first).folder("test"), of(&second).folder("test"));
        assert_eq!(of(&first).folder("test"), of(&first).folder("test"));
        assert_eq!((of(&first).name(), of(&first).run()), ("final", String::new()));
        let name = of(&first).folder("test").to_string_lossy().into_owned();
        assert!(name.starts_with("evals/test-final-"), "{name}");
        let of_run = Subject::of_run(Path::new("runs/x"), "final");
        assert_eq!(of_run.folder("test"), Path::new("runs/x/evals/test-final"));
    }
}
