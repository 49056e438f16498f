//! What is known of an experiment without playing anything: the numbers of the runs that are finished, and of the tactics.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;
use stp_datasets::{Corpus, Ledger};
use stp_selfplay::config::{self, RunConfig};
use stp_selfplay::context::statements::load_corpus;

use super::automation::{Tried, differences, settings_of, tried};
use super::cells::{Cell, base};
use super::matrix::Experiment;
use super::measure::{FinishedRun, Measured, measured};
use super::results::Results;
use super::state::{GOES_ON_FROM, LEDGER, State, state};
use crate::evaluation::Evaluation;

/// What tactics did, in the folder of the runs.
const AUTOMATION: &str = "automation.sqlite";

/// What there is of a run of the matrix.
pub(super) enum Recorded {
    /// It and its evaluations are finished.
    Finished(Box<FinishedRun>),
    /// Something of it is to do.
    Unfinished,
    /// There is something in its place; a sentence about it.
    Other(String),
}

impl Experiment {
    /// The runs that are finished, in the order of the matrix: those in the folder of runs, and of the others those whose
    /// numbers are in `earlier` results, of another day or machine. Where other settings, another corpus or other
    /// statements were played or measured, the numbers are left out, and a note says so.
    ///
    /// # Errors
    /// If a corpus or a ledger cannot be read.
    pub fn recorded(&self, earlier: &Results) -> Result<Results> {
        let mut results = Results::default();
        for cell in &self.cells {
            let corpus = load_corpus(&cell.config.corpus)?;
            // Of a run that goes on from another one, the numbers are worth what the other one's are.
            let source = self.source_of(cell);
            let kept = match source.is_none_or(|source| results.has(&source.arm, source.seed)) {
                true => self.kept_run(cell, &corpus, earlier)?,
                false => None,
            };
            match (self.recorded_run(cell, &corpus)?, kept) {
                (Recorded::Finished(run), _) => results.runs.push(*run),
                (_, Some(run)) => results.runs.push(run.clone()),
                (Recorded::Other(note), None) => results.notes.push(note),
                (Recorded::Unfinished, None) => {}
            }
        }
        Ok(results)
    }

    /// The numbers of a run among earlier results, if it was played and measured as this one is to be.
    fn kept_run<'a>(
        &self,
        cell: &Cell,
        corpus: &Corpus,
        earlier: &'a Results,
    ) -> Result<Option<&'a FinishedRun>> {
        let Some(run) = earlier.run(&cell.arm, cell.seed) else { return Ok(None) };
        let settings = RunConfig::deserialize(&run.settings);
        let as_played = settings
            .is_ok_and(|settings| config::differences(&settings, &cell.config).is_empty())
            && run.from == cell.from
            && run.corpus == corpus.digest();
        let evaluations = self.evaluations_of(cell, corpus, "final")?;
        let as_measured = evaluations.len() == run.outcomes.len()
            && evaluations.iter().zip(&run.outcomes).all(|(asked, result)| asked.is_answered_by(result));
        Ok((as_played && as_measured).then_some(run))
    }

    /// Adds what the tactics that the file asks for did on its sets, or a note if that was with other settings. Where they were
    /// not tried here, `earlier` results say it, of another day or machine.
    ///
    /// # Errors
    /// If the corpus or the ledger of the tactics cannot be read.
    pub fn add_tactics(&self, results: &mut Results, earlier: &Results) -> Result<()> {
        let path = self.tactics_file();
        let Some(wanted) = self.file.automation.as_ref() else { return Ok(()) };
        let config = self.base()?;
        let corpus = load_corpus(&config.corpus)?;
        if !path.exists() {
            // A set that is not here may be one of theirs.
            let sets = self.tactic_sets(wanted, &corpus, &mut Vec::new()).unwrap_or_default();
            let is_here =
                |name: &str| sets.len() < wanted.sets.len() || sets.iter().any(|set| set.name == name);
            let is_wanted = |it: &&Tried| is_here(&it.set) && wanted.tactics.contains(&it.tactic);
            results.automation = earlier.automation.iter().filter(is_wanted).cloned().collect();
            return Ok(());
        }
        let differs = differences(&path, &settings_of(&corpus, &config), None)?;
        if differs.is_empty() {
            let sets = self.tactic_sets(wanted, &corpus, &mut results.notes)?;
            results.automation = tried(&path)?;
            results.automation.retain(|it| {
                sets.iter().any(|set| set.name == it.set) && wanted.tactics.contains(&it.tactic)
            });
        } else {
            results.notes.push(format!(
                "What tactics proved was tried before {} changed, so it is left out; `stp experiment` tries it again.",
                differs.join(" and ")
            ));
        }
        Ok(())
    }

    /// The settings that all arms begin with.
    pub(super) fn base(&self) -> Result<RunConfig> {
        Ok(base(&self.file, &self.path, &self.file.preset)?.config()?)
    }

    /// Where it is kept what tactics did.
    pub(super) fn tactics_file(&self) -> PathBuf {
        self.runs.join(AUTOMATION)
    }

    /// What is in a run's folder. A run that went on from one which is to be played again is another one, too.
    pub(super) fn state_of(&self, cell: &Cell, corpus: &Corpus) -> Result<State> {
        let folder = cell.path(&self.runs);
        if folder.join(LEDGER).exists() && self.goes_on_from_another(cell, corpus)? {
            return Ok(State::Other(vec![GOES_ON_FROM.to_owned()]));
        }
        state(&folder, &cell.config, cell.from.as_ref(), corpus)
    }

    /// Whether a run goes on from a folder in which something else was played.
    fn goes_on_from_another(&self, cell: &Cell, corpus: &Corpus) -> Result<bool> {
        let Some(source) = self.source_of(cell) else { return Ok(false) };
        let there = state(&source.path(&self.runs), &source.config, source.from.as_ref(), corpus)?;
        Ok(matches!(there, State::Other(_)) || self.goes_on_from_another(source, corpus)?)
    }

    /// The folders that are to be moved away before a run is played, with what differs: its own, if something else was played
    /// in it, and before it those of the runs that went on from that.
    pub(super) fn in_the_way(&self, cell: &Cell, corpus: &Corpus) -> Result<Vec<(PathBuf, Vec<String>)>> {
        let mut found = Vec::new();
        if let State::Other(differs) = self.state_of(cell, corpus)? {
            for fork in self.forks_of(cell) {
                if let State::Other(differs) = self.state_of(fork, corpus)? {
                    found.push((fork.path(&self.runs), differs));
                }
            }
            found.push((cell.path(&self.runs), differs));
        }
        Ok(found)
    }

    /// What there is of a run and its evaluations.
    pub(super) fn recorded_run(&self, cell: &Cell, corpus: &Corpus) -> Result<Recorded> {
        let folder = cell.path(&self.runs);
        match self.state_of(cell, corpus)? {
            State::Finished => {}
            State::Unfinished => return Ok(Recorded::Unfinished),
            State::Other(differs) => {
                return Ok(Recorded::Other(format!(
                    "The run `{}` is not the one that is asked for ({}), so its numbers are left out; `stp experiment` \
                     plays it again.",
                    cell.folder,
                    differs.join(", ")
                )));
            }
        }
        let evaluations = self.evaluations(cell, corpus)?;
        for evaluation in &evaluations {
            if evaluation.is_stale()? {
                return Ok(Recorded::Other(format!(
                    "The run `{}` was measured on `{}` with other settings or statements, so its numbers are left out; \
                     `stp experiment` measures it again.",
                    cell.folder, evaluation.set.name
                )));
            }
        }
        let outcomes: Option<Vec<_>> = evaluations.iter().map(Evaluation::earlier).collect::<Result<_>>()?;
        let Some(outcomes) = outcomes else { return Ok(Recorded::Unfinished) };
        let ledger = Ledger::open_to_read(&folder.join(LEDGER))?;
        let Measured { points, seconds, mut per_statement } = measured(&ledger, &cell.config, corpus)?;
        per_statement.evaluated = evaluations.iter().map(Evaluation::tallies).collect::<Result<_>>()?;
        let (arm, seed, from) = (cell.arm.clone(), cell.seed, cell.from.clone());
        let settings =
            serde_json::to_value(&cell.config).context("the settings cannot be written as JSON")?;
        let corpus = corpus.digest();
        let run = FinishedRun { arm, seed, from, points, outcomes, seconds, per_statement, settings, corpus };
        Ok(Recorded::Finished(Box::new(run)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::automation::SETTINGS;
    use super::*;
    use serde_json::json;
    use stp_datasets::{Split, Step};
    use stp_selfplay::plan;
    use stp_selfplay::records::SearchRecord;

    const FILE: &str = "title = \"x\"\npreset = \"smoke\"\nseeds = [0]\nset = { rounds = 2, corpus = \"core\" }\n[[arms]]\nname = \"a\"\n";

    fn experiment(folder: &Path, text: &str) -> Experiment {
        let path = folder.join("x.toml");
        fs::write(&path, text).unwrap();
        Experiment::open(&path, &folder.join("runs")).unwrap()
    }

    /// Fills in the first run of the matrix, as if it were played.
    fn play(experiment: &Experiment) {
        play_cell(experiment, &experiment.cells[0]);
    }

    fn play_cell(experiment: &Experiment, cell: &Cell) {
        let run = cell.path(&experiment.runs);
        fs::create_dir_all(run.join("checkpoints/final")).unwrap();
        fs::write(run.join("checkpoints/final/config.json"), "{}").unwrap();
        fs::write(run.join("config.toml"), toml::to_string(&cell.config).unwrap()).unwrap();
        let ledger = Ledger::open(&run.join(LEDGER)).unwrap();
        let corpus = Corpus::core().unwrap();
        ledger.keep_corpus(&corpus).unwrap();
        ledger.record_statements(&corpus.statements(Split::Train)[..3]).unwrap();
        for step in plan::steps(&cell.config) {
            let detail = match step {
                plan::Step::Search(_) => serde_json::to_value(SearchRecord::default()).unwrap(),
                step if step.trains() => json!({ "parameters": 1, "proofs": 0, "conjectures_kept": 0 }),
                _ => json!({}),
            };
            ledger.finish_step(&Step { name: step.name(), seconds: 1.0, detail }).unwrap();
        }
        if let Some(from) = &cell.from {
            ledger.remember("forked from", &serde_json::to_string(from).unwrap()).unwrap();
        }
    }

    #[test]
    fn a_run_that_went_on_from_another_one_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let fork = |of: &str, name: &str| {
            format!("[[arms]]\nname = \"{name}\"\nfrom = {{ arm = \"{of}\", round = 1 }}\n")
        };
        let text = format!("{FILE}{}{}", fork("a", "b"), fork("b", "c"));
        let first = experiment(folder.path(), &text);
        first.cells.iter().for_each(|cell| play_cell(&first, cell));
        let results = first.recorded(&Results::default()).unwrap();
        assert_eq!(results.runs.len(), 3);
        let corpus = Corpus::core().unwrap();
        assert_eq!(first.in_the_way(&first.cells[0], &corpus).unwrap(), []);
        // The first arm alone is another one now; the others' own settings are as they were.
        let other =
            text.replacen("name = \"a\"\n", "name = \"a\"\nset = { \"sampling.temperature\" = 0.5 }\n", 1);
        let second = experiment(folder.path(), &other);
        let found = second.recorded(&results).unwrap();
        assert_eq!((found.runs.len(), found.notes.len()), (0, 3), "{:?}", found.notes);
        let names = |cell: &Cell| -> Vec<String> {
            let found = second.in_the_way(cell, &corpus).unwrap();
            found.iter().map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(&second.cells[0]), ["c-seed0", "b-seed0", "a-seed0"]);
        assert_eq!(names(&second.cells[1]), ["c-seed0", "b-seed0"]);
        // What is not there is in nobody's way.
        fs::remove_dir_all(second.cells[1].path(&second.runs)).unwrap();
        assert_eq!(names(&second.cells[0]), ["c-seed0", "a-seed0"]);
    }

    #[test]
    fn runs_of_other_settings_are_notes_and_no_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let first = experiment(folder.path(), FILE);
        assert!(
            first.recorded(&Results::default()).unwrap().runs.is_empty()
                && first.recorded(&Results::default()).unwrap().notes.is_empty()
        );
        play(&first);
        let results = first.recorded(&Results::default()).unwrap();
        assert_eq!((results.runs.len(), results.runs[0].points.len()), (1, 4));
        assert!(results.notes.is_empty());
        let fewer = experiment(folder.path(), &FILE.replace("rounds = 2", "rounds = 1"));
        let results = fewer.recorded(&Results::default()).unwrap();
        assert!(results.runs.is_empty());
        assert!(results.notes[0].contains("`a-seed0`") && results.notes[0].contains("rounds: 2 -> 1"));
    }

    #[test]
    fn results_of_another_machine_count_if_the_same_was_played() {
        let folder = tempfile::tempdir().unwrap();
        let there = experiment(folder.path(), FILE);
        play(&there);
        let output = folder.path().join("x");
        there.write(&there.recorded(&Results::default()).unwrap(), &output).unwrap();
        let earlier = Results::read(&output).unwrap();
        let here = folder.path().join("here");
        fs::create_dir(&here).unwrap();
        let found = |text: &str| experiment(&here, text).recorded(&earlier).unwrap().runs;
        assert_eq!(found(FILE), earlier.runs);
        assert_eq!(
            found(FILE)[0].per_statement,
            there.recorded(&Results::default()).unwrap().runs[0].per_statement
        );
        assert_eq!(found(&FILE.replace("rounds = 2", "rounds = 1")), []);
        assert_eq!(found(&FILE.replace("core", "practice")), []);
        assert_eq!(found(&FILE.replace("seeds = [0]", "seeds = [1]")), []);
        let measured = format!("{FILE}[[evaluate]]\nset = \"test\"\nsamples = 2\nk = [1]\n");
        assert_eq!(found(&measured), [], "its model was not measured");
        // An older result without settings says nothing of what was played.
        let mut old = earlier.clone();
        old.runs[0].settings = serde_json::Value::Null;
        assert!(experiment(&here, FILE).recorded(&old).unwrap().runs.is_empty());
    }

    #[test]
    fn damaged_results_are_named_and_missing_ones_are_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Results::read(folder.path()).unwrap().runs.is_empty());
        fs::write(folder.path().join("results.json"), "{\"runs\": 7}").unwrap();
        let error = Results::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("results.json is damaged") && error.contains("-o"), "{error}");
    }

    #[test]
    fn evaluations_of_other_statements_are_notes_and_no_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{FILE}[[evaluate]]\nset = \"test\"\nsamples = 2\nk = [1]\nmax = 5\n");
        let experiment = experiment(folder.path(), &text);
        play(&experiment);
        let results = experiment.recorded(&Results::default()).unwrap();
        assert!(results.runs.is_empty() && results.notes.is_empty(), "it is not measured yet");
        let evaluations = experiment.evaluations(&experiment.cells[0], &Corpus::core().unwrap()).unwrap();
        let path = evaluations[0].folder();
        fs::create_dir_all(&path).unwrap();
        let all = json!({ "name": "all", "statements": 5, "proved": 0, "pass": [
            { "k": 1, "estimate": 0.0, "low": 0.0, "high": 0.5 },
        ] });
        let old = json!({
            "run": "a-seed0", "checkpoint": "final", "set": "test-5", "samples": 2, "not_elaborated": [],
            "in_training": 0, "all": all, "parts": [], "proved": [], "tokens": 0, "sampling_seconds": 0.0,
            "lean_seconds": 0.0,
        });
        fs::write(path.join("outcome.json"), old.to_string()).unwrap();
        let results = experiment.recorded(&Results::default()).unwrap();
        assert!(results.runs.is_empty());
        assert!(results.notes[0].contains("`test-5`"), "{:?}", results.notes);
    }

    #[test]
    fn tactics_of_another_corpus_are_a_note() {
        let folder = tempfile::tempdir().unwrap();
        let file = FILE.replace("smoke", "tiny");
        let text = format!("{file}[automation]\nsets = [\"test\"]\ntactics = [\"simp\"]\n");
        let experiment = experiment(folder.path(), &text);
        let mut results = Results::default();
        experiment.add_tactics(&mut results, &Results::default()).unwrap();
        assert!(results.notes.is_empty());
        let tried = |set: &str, tactic: &str| Tried {
            set: set.to_owned(),
            tactic: tactic.to_owned(),
            statements: 1,
            proved: Vec::new(),
            lean_seconds: 0.0,
            seconds: 0.0,
            timeouts: None,
        };
        let automation = vec![tried("test", "simp"), tried("test", "omega"), tried("other", "simp")];
        let earlier = Results { automation, ..Results::default() };
        experiment.add_tactics(&mut results, &earlier).unwrap();
        assert_eq!(results.automation, [tried("test", "simp")], "those of another machine are kept");
        results.automation.clear();
        fs::create_dir_all(&experiment.runs).unwrap();
        drop(Ledger::open(&experiment.tactics_file()).unwrap());
        experiment.add_tactics(&mut results, &earlier).unwrap();
        assert!(results.automation.is_empty() && results.notes[0].contains("the corpus"));
    }

    #[test]
    fn tactics_and_sets_that_the_file_does_not_ask_for_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = "[automation]\nsets = [\"test\", \"gone.jsonl\"]\ntactics = [\"simp\"]\nmax = 5\n";
        let file = FILE.replace("smoke", "tiny");
        let experiment = experiment(folder.path(), &format!("{file}{wanted}"));
        fs::create_dir_all(&experiment.runs).unwrap();
        let ledger = Ledger::open(&experiment.tactics_file()).unwrap();
        let settings = settings_of(&Corpus::core().unwrap(), &experiment.base().unwrap());
        ledger.remember(SETTINGS, &settings).unwrap();
        for (set, tactic) in [("test-5", "rfl"), ("test-5", "simp"), ("test", "simp"), ("valid-5", "simp")] {
            let detail = json!({
                "set": set, "tactic": tactic, "statements": 5, "proved": [], "lean_seconds": 0.0, "seconds": 0.0,
            });
            let name = format!("automation/{set}/{tactic}");
            ledger.finish_step(&Step { name, seconds: 0.0, detail }).unwrap();
        }
        let mut results = Results::default();
        experiment.add_tactics(&mut results, &Results::default()).unwrap();
        let left: Vec<_> = results.automation.iter().map(|it| (&*it.set, &*it.tactic)).collect();
        assert_eq!(left, [("test-5", "simp")]);
        assert!(results.notes[0].contains("`gone.jsonl`"), "{:?}", results.notes);
    }
}
