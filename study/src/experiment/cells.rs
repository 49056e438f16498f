//! The matrix: one run for each arm and seed, and which of them may share their stage 1.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use stp_selfplay::config::RunConfig;
use stp_selfplay::config::settings::{Setter, Settings, leaves};
use stp_selfplay::context::fork::ForkedFrom;
use stp_selfplay::error::UsageError;
use toml::{Table, Value};

use super::file::{ExperimentFile, seen_from, slug};

/// What setup, stage 1 and its validation do not depend on. A key that is missing here costs a stage 1 of its own; a key
/// that is wrongly here would let arms share what they must not.
const AFTER_STAGE_1: [&str; 40] = [
    "method",
    "rounds",
    "round.",
    "retraining.",
    "selection.",
    "control.",
    "sampling.conjecture_temperature",
    "sampling.max_conjecture_tokens",
    "proving.first_round_proofs",
    "proving.proofs_per_round",
    "proving.samples_per_conjecture",
    "proving.first_samples",
    "proving.least_chance",
    "proving.conjecture_share",
    "proving.max_proofs_per_statement",
    "proving.resample_proved",
    "proving.resample_below",
    "proving.replay_rounds",
    "proving.highest_pass_rate",
    "proving.length_decay",
    "proving.seconds_decay",
    "proving.retrain_every",
    "conjecturing.generated_per_round",
    "conjecturing.quota",
    "conjecturing.replayed_pairs",
    "conjecturing.seed_rate",
    "conjecturing.sources",
    "conjecturing.one_seed",
    "conjecturing.most_of_fate",
    "conjecturing.mask",
    "conjecturing.hard_seeds",
    "conjecturing.no_lemma",
    "conjecturing.lemma_share",
    "conjecturing.most_alike",
    "conjecturing.most_samples",
    "conjecturing.drop_trivial",
    "conjecturing.drop_automatic",
    "conjecturing.drop_refuted",
    "repair.",
    "search.",
];

/// What decides whether a stage 1 that is not shared teaches to conjecture, with what it needs.
const TEACHES: [&str; 3] = ["method", "conjecturing.sources", "search.enabled"];

/// One run of the matrix.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The arm's name.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// All settings.
    pub config: RunConfig,
    /// Name of its folder.
    pub folder: String,
    /// The stage 1 that it begins with.
    pub stage1: Stage1,
    /// The run that it goes on from, in place of a stage 1.
    pub from: Option<ForkedFrom>,
}

/// A stage 1, the same for all runs with the same key.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage1 {
    /// Name of its folder: changes with every setting that stage 1 depends on.
    pub folder: String,
    /// Settings under which it is run.
    pub config: RunConfig,
}

/// All runs, seed by seed, so that an experiment that is stopped has something of every arm.
///
/// # Errors
/// [`UsageError`] for settings that do not exist or do not fit.
pub fn cells(file: &ExperimentFile, path: &Path) -> Result<Vec<Cell>, UsageError> {
    let mut cells = Vec::new();
    for &seed in &file.seeds {
        for arm in &file.arms {
            let setter = || Setter::File(path.to_owned());
            let preset = arm.preset.as_ref().unwrap_or(&file.preset);
            let mut settings = base(file, path, preset)?;
            let number = i64::try_from(seed).map_err(|_| {
                UsageError("a seed of the experiment is too large; take one below 2^63.".to_owned())
            })?;
            let own = leaves(&file.set).into_iter().chain(leaves(&arm.set));
            for (key, value) in own.chain([("seed".to_owned(), Value::Integer(number))]) {
                settings.set(&key, value, setter())?;
            }
            cells.push(Cell {
                arm: arm.name.clone(),
                seed,
                config: settings.config()?,
                folder: folder_of(&arm.name, seed),
                stage1: stage1(preset, &settings)?,
                from: arm
                    .from
                    .as_ref()
                    .map(|it| ForkedFrom { run: folder_of(&it.arm, seed), round: it.round }),
            });
        }
    }
    Ok(cells)
}

/// What arms of a preset begin with: the preset, and the experiment's file of settings over it.
///
/// # Errors
/// [`UsageError`] for a preset or a file that is not there, or settings that do not exist.
pub fn base(file: &ExperimentFile, path: &Path, preset: &str) -> Result<Settings, UsageError> {
    let mut settings = Settings::preset(preset)?;
    if let Some(config) = &file.config {
        settings.file(Path::new(&seen_from(path, config)))?;
    }
    Ok(settings)
}

fn folder_of(arm: &str, seed: u64) -> String {
    format!("{}-seed{seed}", slug(arm))
}

/// The preset with those of the settings that stage 1 depends on.
fn stage1(preset: &str, settings: &Settings) -> Result<Stage1, UsageError> {
    let mut base = Settings::preset(preset)?;
    let mut hasher = Sha256::new_with_prefix(preset);
    // Whether stage 1 teaches to conjecture may depend on the method, and on where conjectures come from.
    let apart = !settings.config()?.conjecturing.stage1_shared;
    for (key, value, setter) in settings.values() {
        if !comes_after_stage_1(&key) || apart && TEACHES.contains(&&*key) {
            hasher.update(format!("{key}={value}\n"));
            base.set(&key, value, setter)?;
        }
    }
    let hash: String = hasher.finalize().iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    Ok(Stage1 { folder: format!("stage1-{hash}"), config: base.config()? })
}

fn comes_after_stage_1(key: &str) -> bool {
    AFTER_STAGE_1.iter().any(|after| key == *after || after.ends_with('.') && key.starts_with(after))
}

/// The cells whose stage 1 another cell has as well.
pub fn shares_stage1(cell: &Cell, cells: &[Cell]) -> bool {
    let same = |other: &&Cell| other.from.is_none() && other.stage1.folder == cell.stage1.folder;
    cell.from.is_none() && cells.iter().filter(same).count() > 1
}

impl Cell {
    /// Its run's folder.
    pub fn path(&self, runs: &Path) -> PathBuf {
        runs.join(&self.folder)
    }
}

/// An arm's own preset and settings in one line.
pub fn overrides(file: &ExperimentFile, arm: &str) -> String {
    let mut own = Vec::new();
    for arm in file.arms.iter().filter(|it| it.name == arm) {
        own.extend(arm.preset.as_ref().map(|preset| format!("preset `{preset}`")));
        own.extend(arm.from.as_ref().map(|it| format!("from round {} of {}", it.round, it.arm)));
        own.extend(Some(common(&arm.set)).filter(|text| !text.is_empty()));
    }
    if own.is_empty() { "as the preset".to_owned() } else { own.join(", ") }
}

/// Settings in one line.
pub fn common(set: &Table) -> String {
    leaves(set).iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_selfplay::config::Method;

    #[test]
    fn an_arm_may_begin_with_a_preset_of_its_own() {
        let text = "title = \"x\"\npreset = \"smoke\"\nseeds = [0]\nset = { rounds = 2 }\n[[arms]]\nname = \"a\"\n\
                    [[arms]]\nname = \"b\"\npreset = \"tiny\"\n";
        let file: ExperimentFile = toml::from_str(text).unwrap();
        let cells = cells(&file, Path::new("x.toml")).unwrap();
        let tiny = RunConfig::load("tiny", None).unwrap();
        assert_eq!((cells[1].config.model.width, cells[1].config.rounds), (tiny.model.width, 2));
        assert_ne!(cells[0].config.model.width, tiny.model.width);
        assert_ne!(cells[0].stage1.folder, cells[1].stage1.folder);
        assert_eq!((&*overrides(&file, "a"), &*overrides(&file, "b")), ("as the preset", "preset `tiny`"));
    }

    fn two_arms(first: &str, second: &str) -> Vec<Cell> {
        let text = format!(
            "title = \"x\"\npreset = \"smoke\"\nseeds = [0, 1]\n[[arms]]\nname = \"a\"\nset = {{ {first} }}\n\
             [[arms]]\nname = \"b\"\nset = {{ {second} }}\n"
        );
        cells(&toml::from_str(&text).unwrap(), Path::new("x.toml")).unwrap()
    }

    #[test]
    fn every_arm_meets_every_seed() {
        let cells = two_arms("", "method = \"plain\"");
        let names: Vec<_> = cells.iter().map(|cell| cell.folder.as_str()).collect();
        assert_eq!(names, ["a-seed0", "b-seed0", "a-seed1", "b-seed1"]);
        assert_eq!((cells[3].config.method, cells[3].config.seed), (Method::Plain, 1));
    }

    #[test]
    fn stage_1_is_shared_only_where_nothing_that_it_needs_differs() {
        let same = |first: &str, second: &str| {
            let cells = two_arms(first, second);
            assert_ne!(cells[0].stage1, cells[2].stage1, "another seed is another stage 1");
            assert_eq!(cells[0].stage1.folder == cells[1].stage1.folder, cells[0].stage1 == cells[1].stage1);
            cells[0].stage1 == cells[1].stage1
        };
        for key in [
            "method = \"plain\"",
            "rounds = 9",
            "\"round.epochs\" = 9",
            "retraining = { epochs = 9 }",
            "\"proving.proofs_per_round\" = 9",
            "\"conjecturing.quota\" = 9",
            "\"sampling.conjecture_temperature\" = 0.3",
            "selection = { elegance = false }",
            "\"conjecturing.no_lemma\" = 1.0",
            "\"conjecturing.mask\" = \"names\", \"conjecturing.one_seed\" = true",
            "\"proving.first_samples\" = 2, \"proving.conjecture_share\" = 0.5",
            "\"proving.max_proofs_per_statement\" = 16",
        ] {
            assert!(same("", key), "{key}");
        }
        for key in [
            "max_supervised = 9",
            "supervised_tactics = true",
            "\"conjecturing.stage1_given\" = true",
            "\"conjecturing.near_pairs\" = true",
            "\"stage1.epochs\" = 9",
            "\"model.layers\" = 1",
            "\"sampling.temperature\" = 0.3",
            "\"proving.valid_samples\" = 3",
            "\"conjecturing.stage1_pairs_per_statement\" = 3",
            "\"verifier.timeout_s\" = 3.0",
            "\"conjecturing.fates\" = true",
            "\"conjecturing.stage1_shared\" = false",
        ] {
            assert!(!same("", key), "{key}");
        }
    }

    #[test]
    fn a_method_may_have_a_stage_1_of_its_own() {
        let own = "\"conjecturing.stage1_shared\" = false";
        let cells = two_arms(own, &format!("{own}, method = \"expert-iteration\""));
        assert_ne!(cells[0].stage1, cells[1].stage1);
        let teaches = [0, 1].map(|cell| cells[cell].stage1.config.stage1_conjectures());
        assert_eq!(teaches, [true, false]);
    }

    #[test]
    fn a_file_of_settings_lies_between_the_preset_and_the_experiment() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("own.toml"), "rounds = 7\n[proving]\nproofs_per_round = 50\n")
            .unwrap();
        let text = "title = \"x\"\npreset = \"smoke\"\nconfig = \"own.toml\"\nseeds = [0]\nset = { rounds = 2 }\n\
                    [[arms]]\nname = \"a\"\n";
        let file: ExperimentFile = toml::from_str(text).unwrap();
        let found = cells(&file, &folder.path().join("x.toml")).unwrap();
        assert_eq!((found[0].config.rounds, found[0].config.proving.proofs_per_round), (2, 50));
        assert!(cells(&file, Path::new("x.toml")).is_err(), "there is no such file");
    }

    #[test]
    fn an_arm_may_go_on_from_another_one() {
        let text = "title = \"x\"\npreset = \"smoke\"\nseeds = [0, 1]\n[[arms]]\nname = \"a\"\n[[arms]]\nname = \"b\"\n\
                    from = { arm = \"a\", round = 1 }\n";
        let file: ExperimentFile = toml::from_str(text).unwrap();
        let cells = cells(&file, Path::new("x.toml")).unwrap();
        assert_eq!(cells[3].from, Some(ForkedFrom { run: "a-seed1".to_owned(), round: 1 }));
        assert!(cells[2].from.is_none() && cells.iter().all(|cell| !shares_stage1(cell, &cells)));
        assert_eq!(overrides(&file, "b"), "from round 1 of a");
    }

    #[test]
    fn every_experiment_of_the_repository_has_settings_that_fit() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../experiments"));
        let files = std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
        let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "toml")).collect();
        assert!(files.iter().any(|path| path.ends_with("subgoals.toml")));
        for path in files {
            let file = ExperimentFile::read(&path).unwrap();
            let cells = cells(&file, &path).unwrap();
            assert_eq!(cells.len(), file.arms.len() * file.seeds.len(), "{}", path.display());
        }
    }

    #[test]
    fn every_key_that_comes_after_stage_1_exists() {
        let settings = Settings::preset("tiny").unwrap().values();
        for after in AFTER_STAGE_1 {
            let there = settings.iter().any(|(key, ..)| comes_after_stage_1(key) && key.starts_with(after));
            assert!(there, "{after}");
        }
    }

    #[test]
    fn a_wrong_key_is_named_with_the_file() {
        let text = "title = \"x\"\nseeds = [0]\n[[arms]]\nname = \"a\"\nset = { \"sampling.heat\" = 1 }\n";
        let error = cells(&toml::from_str(text).unwrap(), Path::new("x.toml")).unwrap_err().to_string();
        assert!(error.contains("sampling.heat") && error.contains("x.toml"), "{error}");
    }
}
