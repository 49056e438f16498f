//! Lean's own automation as a prover: each tactic alone, and the portfolio of all.
//!
//! A pair of set and tactic is one step of a small ledger: done whole, with the CPU time that it took, or done again.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use stp_datasets::{Corpus, CorpusEntry, Ledger, Step};
use stp_selfplay::config::RunConfig;
use stp_selfplay::context::Cancel;
use stp_selfplay::events::{Done, Events, Progress, Work};
use stp_verifier::{Candidate, Pool, ask_each};

use crate::evaluation::StatementSet;
use crate::files::set_aside;

/// Under which key the ledger keeps what the tactics were tried on, and with which limits.
pub(super) const SETTINGS: &str = "settings";
/// Under which key it keeps the Lean that judged.
const LEAN: &str = "lean";
/// Statements that each Lean process is asked about ahead of its answers.
const AHEAD: usize = 8;
/// Candidates that are judged before anything is measured: the first use of a tactic costs more than the later ones.
const WARM_UP: usize = 20;

/// What a tactic did on a set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The set.
    pub set: String,
    /// The tactic.
    pub tactic: String,
    /// Statements of the set.
    pub statements: usize,
    /// Ids of those that `by TACTIC` proves.
    pub proved: Vec<String>,
    /// CPU time that Lean took for all of them, in seconds; busy time of its processes where Lean does not tell.
    pub lean_seconds: f64,
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Checks that ran out of wall-clock time: on a busy machine they may say more of it than of the tactic.
    #[serde(default)]
    pub timeouts: Option<u64>,
}

/// What decides the answers of a ledger of tactics, apart from the Lean that judges.
pub(super) fn settings_of(corpus: &Corpus, config: &RunConfig) -> String {
    let text = serde_json::json!([corpus.digest(), config.verifier]).to_string();
    stp_datasets::sha256(text)
}

/// What is not as it was when the ledger at `path` was begun; nothing if there is none. `lean` is the name of the Lean that
/// judges, where it is known.
///
/// # Errors
/// If the ledger is damaged.
pub(super) fn differences(path: &Path, settings: &str, lean: Option<&str>) -> Result<Vec<String>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let ledger = Ledger::open(path)?;
    let mut differs = Vec::new();
    if ledger.recall(SETTINGS)?.as_deref() != Some(settings) {
        differs.push("the corpus or the limits of the judge".to_owned());
    }
    if let Some(lean) = lean
        && ledger.recall(LEAN)?.as_deref() != Some(lean)
    {
        differs.push("the Lean that judges".to_owned());
    }
    Ok(differs)
}

/// Makes room for tactics with these settings and this Lean: a ledger at `path` of others is renamed. Its new name and what
/// differs are returned, if there was one.
///
/// # Errors
/// If it is damaged or cannot be renamed.
pub(super) fn make_room(path: &Path, settings: &str, lean: &str) -> Result<Option<(String, Vec<String>)>> {
    let differs = differences(path, settings, Some(lean))?;
    if differs.is_empty() {
        return Ok(None);
    }
    Ok(Some((set_aside(path)?, differs)))
}

/// What tries them.
pub(super) struct Automation<'a> {
    /// The judge's processes; without a cache, or nothing would be measured.
    pub(super) pool: &'a Pool,
    /// Who is told what happens.
    pub(super) events: &'a Events,
    /// Whether the user wants to stop.
    pub(super) cancel: &'a Cancel,
    /// See [`settings_of`].
    pub(super) settings: &'a str,
    /// The Lean that judges.
    pub(super) lean: &'a str,
}

impl Automation<'_> {
    /// Tries every tactic on every statement of the sets; what the ledger at `path` has is not tried again, so it must be
    /// one with these settings and this Lean (see [`make_room`]).
    ///
    /// # Errors
    /// If Lean or the ledger fails, or the user interrupts.
    pub(super) async fn play(
        &self,
        path: &Path,
        sets: &[StatementSet],
        tactics: &[String],
    ) -> Result<Vec<Tried>> {
        let ledger = Ledger::open(path)?;
        ledger.remember(SETTINGS, self.settings)?;
        ledger.remember(LEAN, self.lean)?;
        let mut all = Vec::new();
        for set in sets {
            for tactic in tactics {
                all.push(self.try_once(&ledger, set, tactic).await?);
            }
        }
        Ok(all)
    }

    /// What the ledger has of a set and a tactic, or else what is found out now.
    async fn try_once(&self, ledger: &Ledger, set: &StatementSet, tactic: &str) -> Result<Tried> {
        let name = format!("automation/{}/{tactic}", set.name);
        if let Some(step) = ledger.step(&name)? {
            return serde_json::from_value(step.detail)
                .context("a record of an automation ledger is damaged; remove that ledger");
        }
        let tried = self.try_all(set, tactic).await?;
        let detail = serde_json::to_value(&tried)?;
        ledger.finish_step(&Step { name, seconds: tried.seconds, detail })?;
        Ok(tried)
    }

    async fn try_all(&self, set: &StatementSet, tactic: &str) -> Result<Tried> {
        let work = |warm_up| Work::Tactic { set: set.name.clone(), tactic: tactic.to_owned(), warm_up };
        let warm = &set.entries[..WARM_UP.min(set.entries.len())];
        let quiet = self.events.work(&work(true), warm.len() as u64);
        self.judge(warm, tactic, &quiet).await?;
        drop(quiet);
        let progress = self.events.work(&work(false), set.entries.len() as u64);
        let (before, began) = (self.pool.stats(), Instant::now());
        let proved = self.judge(&set.entries, tactic, &progress).await?;
        let (after, seconds) = (self.pool.stats(), began.elapsed().as_secs_f64());
        let lean = after.lean_ms - before.lean_ms;
        let milliseconds = if lean > 0 { lean } else { after.busy_ms - before.busy_ms };
        progress.finish(Done::Proved { proved: proved.len(), of: set.entries.len() });
        Ok(Tried {
            set: set.name.clone(),
            tactic: tactic.to_owned(),
            statements: set.entries.len(),
            proved,
            lean_seconds: milliseconds as f64 / 1e3,
            seconds,
            timeouts: Some(after.timeouts - before.timeouts),
        })
    }

    /// Names of the statements that the tactic proves, in the set's order.
    async fn judge(&self, entries: &[CorpusEntry], tactic: &str, progress: &Progress) -> Result<Vec<String>> {
        let ask = |pool: Pool, entry: &CorpusEntry| {
            let statement = &entry.statement;
            let candidate = Candidate::new(&*statement.header, &*statement.signature, format!("by {tactic}"));
            async move { pool.check(candidate).await }
        };
        let asking = ask_each(self.pool, AHEAD, entries, ask, |verdict| progress.judged(verdict.is_proved()));
        let verdicts = self.cancel.unless(asking).await??;
        let proved = entries.iter().zip(verdicts).filter(|(_, verdict)| verdict.is_proved());
        Ok(proved.map(|(entry, _)| entry.statement.id.clone()).collect())
    }
}

/// What the ledger at `path` has, in the order in which it was tried; nothing if it is not there.
///
/// # Errors
/// If it is damaged.
pub(super) fn tried(path: &Path) -> Result<Vec<Tried>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let steps = Ledger::open(path)?.steps()?;
    let of_step = |step: Step| {
        serde_json::from_value(step.detail)
            .with_context(|| format!("{} is damaged; remove it.", path.display()))
    };
    steps.into_iter().filter(|step| step.name.starts_with("automation/")).map(of_step).collect()
}

/// Statements that any of the tactics proves, each tried by itself.
pub fn union<'a>(tried: impl IntoIterator<Item = &'a Tried>) -> std::collections::BTreeSet<&'a str> {
    tried.into_iter().flat_map(|it| it.proved.iter().map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::Status;
    use stp_verifier::Script;

    fn tried_with(path: &Path, settings: &str, lean: &str) -> (Vec<Tried>, usize) {
        let script = Script::proofs([("by simp", Status::Proved)]).workers(1);
        let log = script.log();
        let pool = Pool::scripted(script);
        let (events, cancel) = (Events::none(), Cancel::new());
        let automation = Automation { pool: &pool, events: &events, cancel: &cancel, settings, lean };
        let sets = [StatementSet::load("test", &Corpus::core().unwrap(), 3).unwrap()];
        let tactics = ["simp".to_owned(), "rfl".to_owned()];
        make_room(path, settings, lean).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let tried = runtime.block_on(automation.play(path, &sets, &tactics)).unwrap();
        (tried, log.asked().len())
    }

    #[test]
    fn what_was_tried_counts_only_for_its_settings_and_its_lean() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("automation.sqlite");
        let (first, asked) = tried_with(&path, "settings", "lean");
        assert_eq!((first[0].proved.len(), first[1].proved.len(), asked), (3, 0, 12), "with warm-ups");
        assert_eq!(tried_with(&path, "settings", "lean"), (first.clone(), 0));
        assert!(differences(&path, "settings", None).unwrap().is_empty());
        assert!(differences(&path, "other", None).unwrap()[0].contains("corpus"));
        assert_eq!(tried_with(&path, "settings", "another lean").1, 12);
        assert_eq!(tried_with(&path, "other", "another lean").1, 12);
        let old = |number: u32| folder.path().join(format!("automation.sqlite.old-{number}"));
        assert_eq!(tried(&old(1)).unwrap(), first);
        assert!(old(2).exists() && !old(3).exists());
    }

    #[test]
    fn changed_statements_and_limits_are_other_settings() {
        let (corpus, config) = (Corpus::core().unwrap(), RunConfig::load("smoke", None).unwrap());
        let mut fewer = corpus.clone();
        fewer.entries.pop();
        let mut slower = config.clone();
        slower.verifier.timeout_s += 1.0;
        let all =
            [settings_of(&corpus, &config), settings_of(&fewer, &config), settings_of(&corpus, &slower)];
        assert!(all[0] != all[1] && all[0] != all[2] && all[0] == settings_of(&corpus, &config));
    }

    #[test]
    fn a_union_counts_each_statement_once() {
        let tried = |proved: &[&str]| Tried {
            set: "s".to_owned(),
            tactic: "t".to_owned(),
            statements: 3,
            proved: proved.iter().map(|id| (*id).to_owned()).collect(),
            lean_seconds: 0.0,
            seconds: 0.0,
            timeouts: None,
        };
        assert_eq!(union(&[tried(&["a", "b"]), tried(&["b"]), tried(&[])]).len(), 2);
    }
}
