//! A new run that begins where another one was after one of its rounds, with other settings.
//!
//! It is made whole beside its place and then renamed, so a process that is killed meanwhile leaves no run. Models are
//! linked, for nothing ever changes a checkpoint's files; the ledger is copied without what came later.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use stp_datasets::{Cut, Ledger};

use super::folder::{RunFolder, run_config, run_name};
use super::longer::rounds_done;
use crate::config::change::compare;
use crate::config::{ConjectureSource, RunConfig};
use crate::error::UsageError;
use crate::events::{Events, Recorded};
use crate::plan::{self, Step, checkpoint_of};
use crate::records::SearchRecord;
use crate::spent::Spent;

/// Under which key the ledger keeps where its run was forked from.
const KEY: &str = "forked from";

/// Where a run was forked from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkedFrom {
    /// The name of the other run's folder.
    pub run: String,
    /// The last of its rounds that was taken over; 0 is stage 1.
    pub round: u32,
}

/// Where the run of a ledger was forked from, if it was.
///
/// # Errors
/// If the ledger cannot be read, or what it keeps is damaged.
pub fn forked_from(ledger: &Ledger) -> Result<Option<ForkedFrom>> {
    let Some(text) = ledger.recall(KEY)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).context("what the ledger keeps under `forked from` is damaged")
}

/// The last round that was played with other settings than the run's own: what a fork took over.
///
/// # Errors
/// As [`forked_from`].
pub fn last_round_taken_over(ledger: &Ledger) -> Result<u32> {
    Ok(forked_from(ledger)?.map_or(0, |from| from.round))
}

/// The round after which the fork in a folder went on from that run, if it did. The run may have more rounds by now.
fn round_of_fork(folder: &Path, source: &Path) -> Result<Option<u32>> {
    let ledger = folder.join("ledger.sqlite");
    if !ledger.exists() {
        return Ok(None);
    }
    let from = forked_from(&Ledger::open_to_read(&ledger)?)?;
    Ok(from.filter(|from| from.run == run_name(source)).map(|from| from.round))
}

/// A run to fork from, at one of its rounds.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    ledger: Ledger,
    from: ForkedFrom,
    /// Its settings.
    pub config: RunConfig,
}

impl Source {
    /// Reads `RUN_FOLDER` or `RUN_FOLDER:ROUND`. Without a round it is that of the fork in `folder`, if there is one of this run
    /// already; else the last one that is finished.
    ///
    /// # Errors
    /// [`UsageError`] if there is no such run, or it has not finished that round.
    pub fn parse(text: &str, folder: Option<&Path>) -> Result<Self> {
        let (path, round) = folder_and_round(text)?;
        let known = match folder.filter(|_| round.is_none()) {
            Some(folder) => round_of_fork(folder, &path)?,
            None => None,
        };
        Self::of(path, round.or(known))
    }

    /// As [`Source::parse`], of a folder and a round.
    ///
    /// # Errors
    /// As [`Source::parse`].
    pub fn of(path: PathBuf, round: Option<u32>) -> Result<Self> {
        let ledger_file = path.join("ledger.sqlite");
        if !ledger_file.exists() || !path.join("config.toml").exists() {
            return Err(UsageError(format!(
                "There is no run in {}, so nothing can be forked from it. Give --from RUN_FOLDER or --from \
                 RUN_FOLDER:ROUND; `stp runs` lists the runs.",
                path.display()
            ))
            .into());
        }
        let (config, _) = run_config(&path)?;
        let ledger = Ledger::open_to_read(&ledger_file)?;
        let done = rounds_done(&ledger)?;
        let round = round.unwrap_or(done);
        if round > done || ledger.step(&Step::Stage1Valid.name())?.is_none() {
            let state = match ledger.step(&Step::Stage1Valid.name())? {
                None => "has not finished stage 1".to_owned(),
                Some(_) => format!("has finished {done} rounds: give a round from 0 (stage 1) to {done}"),
            };
            return Err(UsageError(format!("{} {state}.", path.display())).into());
        }
        let from = ForkedFrom { run: run_name(&path), round };
        Ok(Self { path, ledger, from, config })
    }

    /// The other run, and the last of its rounds that is taken over.
    pub fn from(&self) -> &ForkedFrom {
        &self.from
    }

    /// The folder of a fork for which no other is given: beside the other run's.
    pub fn default_folder(&self) -> PathBuf {
        self.path.with_file_name(format!("{}-fork{}", self.from.run, self.from.round))
    }

    /// The newest fork of an earlier round in its default folder, with that round.
    pub fn earlier_fork(&self) -> Option<(PathBuf, u32)> {
        let folder = |round| (self.path.with_file_name(format!("{}-fork{round}", self.from.run)), round);
        (0..self.from.round).rev().map(folder).find(|(folder, _)| folder.exists())
    }

    /// Opens the fork in a folder and locks it. If the folder holds this fork already, it is gone on with; if it holds
    /// nothing, the fork is made.
    ///
    /// # Errors
    /// [`UsageError`] if the folder holds something else, or a setting differs that a fork cannot change; whatever reading
    /// and writing files gives.
    pub fn open_fork(&self, folder: &Path, config: &RunConfig, events: &Events) -> Result<RunFolder> {
        if folder.join("ledger.sqlite").exists() {
            let known = forked_from(&Ledger::open_to_read(&folder.join("ledger.sqlite"))?)?;
            if known.as_ref() == Some(&self.from) {
                return RunFolder::open(folder, config);
            }
            return Err(in_the_way(folder).into());
        }
        self.check(config)?;
        make_room(folder)?;
        let name = folder.file_name().context("the fork's folder has no name")?.to_string_lossy();
        let draft = RunFolder::open_beside(&folder.with_file_name(format!(".{name}.fork")))?;
        self.fill(&draft, config)?;
        events.recorded(Recorded::Fork);
        fs::rename(draft.path(), folder)
            .with_context(|| format!("cannot rename {} to {}", draft.path().display(), folder.display()))?;
        Ok(draft.moved_to(folder))
    }

    /// Whether a run with these settings can go on from here.
    fn check(&self, config: &RunConfig) -> Result<()> {
        let ForkedFrom { run, round } = &self.from;
        let differs = compare(&self.config, config);
        let refused: Vec<_> = differs.iter().filter(|it| !it.may_fork()).map(ToString::to_string).collect();
        if !refused.is_empty() {
            return Err(UsageError(format!(
                "A fork of {run} cannot have these settings: {}. Its stage 1 was made with the old values; begin a run of \
                 its own without --from, or leave them as they are.",
                refused.join(", ")
            ))
            .into());
        }
        if config.rounds < *round {
            return Err(UsageError(format!(
                "The fork begins after round {round} and is to have {} rounds. Give --rounds {round} or more, or an \
                 earlier round with --from RUN_FOLDER:ROUND.",
                config.rounds
            ))
            .into());
        }
        for step in self.missing(config)? {
            if !may_be_missing(step) {
                return Err(UsageError(format!(
                    "{run} was played with method = {}, and has no step `{}`, which method = {} needs. Fork it after \
                     stage 1 (--from RUN_FOLDER:0), or with a method that needs no more than it has.",
                    self.config.method.as_str(),
                    step.name(),
                    config.method.as_str()
                ))
                .into());
            }
        }
        Ok(())
    }

    /// Makes the fork in a draft of its folder, whatever an earlier process has left there.
    fn fill(&self, draft: &RunFolder, config: &RunConfig) -> Result<()> {
        let failed = || format!("cannot fork {} in {}", self.path.display(), draft.path().display());
        for left in fs::read_dir(draft.path()).with_context(failed)? {
            let left = left.with_context(failed)?.path();
            if left.is_dir() {
                fs::remove_dir_all(&left).with_context(failed)?;
            } else if left.file_name().is_some_and(|name| name != "lock") {
                fs::remove_file(&left).with_context(failed)?;
            }
        }
        let round = self.from.round;
        let wanted: Vec<_> = (0..=round).map(|round| checkpoint_of(round, round)).collect();
        let kept = self.ledger.checkpoints()?.into_iter().map(|(name, _)| name);
        let checkpoints: Vec<_> = kept.filter(|name| wanted.contains(name)).collect();
        for name in &checkpoints {
            let [from, to] =
                [self.path.as_path(), draft.path()].map(|run| run.join("checkpoints").join(name));
            link_folder(&from, &to).with_context(failed)?;
        }
        // Those of runs that it was forked from itself are among them, whatever its own settings.
        let steps: Vec<_> =
            plan::all_steps(round).into_iter().filter(|&step| !is_last(step)).map(Step::name).collect();
        let origin = serde_json::to_value(&self.from)?;
        let note = (KEY, origin.to_string());
        let with_open_goals = config.conjectures_from(ConjectureSource::Subgoals);
        let cut = Cut { last_round: round, steps: &steps, checkpoints: &checkpoints, with_open_goals, note };
        self.ledger.copy_cut(&draft.ledger(), &cut)?;
        let own = Ledger::open(&draft.ledger())?;
        for step in self.missing(config)?.into_iter().filter(|&step| may_be_missing(step)) {
            let nothing = Spent { cpu_seconds: Some(0.0), ..Spent::default() };
            let detail = nothing.within(serde_json::to_value(SearchRecord::default())?);
            own.finish_step(&stp_datasets::Step { name: step.name(), seconds: 0.0, detail })?;
        }
        own.record_event("forked", &origin)?;
        draft.write_config(config)
    }

    /// The steps that a run with these settings has in the rounds that are taken over, and this one has not.
    fn missing(&self, config: &RunConfig) -> Result<Vec<Step>> {
        let mut missing = Vec::new();
        for step in taken_over(self.from.round, config) {
            if self.ledger.step(&step.name())?.is_none() {
                missing.push(step);
            }
        }
        Ok(missing)
    }
}

/// A fork may search where the other run did not: of the rounds before it has a record of a search that found nothing,
/// and took nothing.
fn may_be_missing(step: Step) -> bool {
    matches!(step, Step::Search(_))
}

/// The steps up to a round that a run with these settings has.
fn taken_over(round: u32, config: &RunConfig) -> impl Iterator<Item = Step> {
    let steps = plan::steps(&RunConfig { rounds: round, ..config.clone() }).into_iter();
    steps.filter(|&step| !is_last(step))
}

fn is_last(step: Step) -> bool {
    matches!(step, Step::FinalTrain | Step::FinalValid)
}

fn folder_and_round(text: &str) -> Result<(PathBuf, Option<u32>), UsageError> {
    match text.rsplit_once(':') {
        Some((folder, round)) if !Path::new(text).exists() => {
            let number = round.parse().map_err(|_| {
                UsageError(format!("`{round}` in --from {text} is no round. Give a number; 0 is stage 1."))
            })?;
            Ok((folder.into(), Some(number)))
        }
        _ => Ok((text.into(), None)),
    }
}

/// Takes away what a process that was refused has left in the folder: its lock. Anything else is in the way.
fn make_room(folder: &Path) -> Result<()> {
    if let Ok(items) = fs::read_dir(folder) {
        if items.flatten().any(|item| item.file_name() != "lock") {
            return Err(in_the_way(folder).into());
        }
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    Ok(())
}

fn in_the_way(folder: &Path) -> UsageError {
    UsageError(format!(
        "{} holds something else than this fork. Give another folder with --run-dir.",
        folder.display()
    ))
}

/// Links the files of a checkpoint, or copies them where links cannot be made.
fn link_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let place = to.join(item.file_name());
        fs::hard_link(item.path(), &place).or_else(|_| fs::copy(item.path(), &place).map(drop))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
