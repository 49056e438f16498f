//! Measuring a checkpoint with a search: for each statement of a set so many of Lean's checks, by all means that `stp prove` has.
//!
//! It is an evaluation like others (`evals/`): it has a ledger of its own, so nothing is learned of it, and one that was
//! stopped goes on.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result};
use comfy_table::CellAlignment;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stp_datasets::{Corpus, Ledger, Statement};
use stp_selfplay::config::RunConfig;
use stp_selfplay::context::{Context, SampleKind};
use stp_selfplay::events::{Done, Work};
use stp_selfplay::random::seed_for;
use stp_selfplay::search::{Budget, Found, Limits, Model, Outcome, Problem, Spent, Tools, solve};

use crate::evaluation::{Evaluation, Resources, StatementSet, Subject, not_elaborated_note, write_result};
use crate::statistics::wilson;
use crate::tables::table_for;

/// The kind of an event with what became of a statement.
const SEARCHED: &str = "searched";

/// What is measured, and with how much.
#[derive(Clone, Debug)]
pub struct SearchEvaluation {
    evaluation: Evaluation,
    /// Proof texts that Lean is asked about for each statement.
    checks: u64,
    /// How deep goals of failed proofs may lie.
    depth: u32,
}

/// What became of one statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// Its name.
    pub statement: String,
    /// Its proof, which the judge accepts as a whole; none if nothing was found.
    pub proof: Option<String>,
    /// Nothing more was to be tried before the checks were spent.
    pub exhausted: bool,
    /// Proof texts that Lean was asked about.
    pub checks: u64,
    /// Failed proofs that were made sketches of.
    pub sketches: u64,
    /// Texts of the model.
    pub samples: u64,
    /// Tokens of these.
    pub tokens: u64,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// Name of the run's folder; empty for a model of no run.
    pub run: String,
    /// The model.
    pub checkpoint: String,
    /// The set, with the checks in its name.
    pub set: String,
    /// Checks that each statement could have.
    pub checks_each: u64,
    /// How deep goals could lie.
    pub depth: u32,
    /// Ids of statements that this Lean does not elaborate; they count as not proved.
    pub not_elaborated: Vec<String>,
    /// Statements that are in the run's training set, up to bound names and spaces.
    pub in_training: usize,
    /// Statements of the set.
    pub statements: usize,
    /// Of these: proved.
    pub proved: usize,
    /// Lower end of Wilson's 95 % interval of the share, over statements.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Checks of all statements together.
    pub checks: u64,
    /// What became of each statement.
    pub searched: Vec<Searched>,
    /// A hash of the settings and statements that it was made with.
    pub settings: String,
}

impl SearchEvaluation {
    /// Of a model on a set, with so many checks for each statement.
    pub fn new(subject: Subject, config: RunConfig, set: StatementSet, checks: u64, depth: u32) -> Self {
        let name = format!("{}-search-{checks}", set.name);
        // Another budget is another evaluation.
        let hash = stp_datasets::sha256(format!("{} search {checks} {depth}", set.hash));
        let set = StatementSet { name, hash, ..set };
        Self { evaluation: Evaluation { subject, config, set, samples: 1, ks: vec![1] }, checks, depth }
    }

    /// The evaluation that it is kept as.
    pub fn evaluation(&self) -> &Evaluation {
        &self.evaluation
    }

    /// Searches for what is missing, and writes the result to the evaluation's folder.
    ///
    /// # Errors
    /// If the model, Lean or the ledger fails, or the user interrupts; the same call goes on from there.
    pub async fn play(&self, corpus: &Corpus, resources: Resources) -> Result<SearchResult> {
        let (context, refused) = self.evaluation.begin(resources).await?;
        self.search_all(&context, &context.statements.valid).await?;
        let result = self.result(corpus, &context.ledger, &refused)?;
        write_result(&context, &result, &result.table(true), &result.notes())?;
        Ok(result)
    }

    /// One statement after the other: each is asked about side by side.
    async fn search_all(&self, context: &Context, statements: &[Statement]) -> Result<()> {
        let mut done = searched(&context.ledger)?;
        let (checkpoint, set) = (self.evaluation.subject.name(), &self.evaluation.set);
        let work = Work::Evaluate { checkpoint: checkpoint.to_owned(), set: set.name.clone() };
        let progress = context.events.work(&work, statements.len() as u64);
        let load = || -> Result<Model> {
            let sampler = context.checkpoints.sampler(checkpoint)?;
            Ok(Model { sampler, settings: context.sampling(SampleKind::Proof) })
        };
        for statement in statements {
            if !done.contains_key(&statement.id) {
                let found = self.search(context, statement, &load).await?;
                context.ledger.record_event(SEARCHED, &json!(found))?;
                done.insert(statement.id.clone(), found);
            }
            progress.advance(1);
        }
        let proved = done.values().filter(|it| it.proof.is_some()).count();
        progress.finish(Done::Proved { proved, of: statements.len() });
        Ok(())
    }

    async fn search(
        &self,
        context: &Context,
        statement: &Statement,
        load: &(dyn Fn() -> Result<Model> + Send + Sync),
    ) -> Result<Searched> {
        context.cancel.check()?;
        let problem =
            Problem { header: statement.header.clone(), signature: statement.signature.clone(), given: None };
        let limits = Limits {
            budget: Budget { checks: Some(self.checks), deadline: None },
            depth: self.depth,
            // Nobody is to read the proofs.
            shortening: 0,
            seed: seed_for(context.config.seed, &["search", &statement.id]),
            ..Limits::default()
        };
        let told = |_: &Spent, _: usize| {};
        let (pool, cancel) = (context.verifier.clone(), context.cancel.clone());
        let tools = Tools { pool, model: Some(load), cancel, told: &told };
        let Found { outcome, proof, spent, .. } = solve(&problem, &limits, &tools).await?;
        if outcome == Outcome::Interrupted {
            context.cancel.check()?;
        }
        let Spent { checks, sketches, samples, tokens } = spent;
        Ok(Searched {
            statement: statement.id.clone(),
            proof: (outcome == Outcome::Proved).then_some(proof),
            exhausted: outcome == Outcome::Exhausted,
            checks,
            sketches,
            samples,
            tokens,
        })
    }

    fn result(&self, corpus: &Corpus, ledger: &Ledger, refused: &HashSet<String>) -> Result<SearchResult> {
        let Evaluation { subject, set, .. } = &self.evaluation;
        let mut found = searched(ledger)?;
        let ids = || set.entries.iter().map(|entry| entry.statement.id.clone());
        let searched: Vec<Searched> = ids().filter_map(|id| found.remove(&id)).collect();
        let (statements, proved) =
            (set.entries.len(), searched.iter().filter(|it| it.proof.is_some()).count());
        let (low, high) = wilson(proved as f64 / statements.max(1) as f64, statements);
        Ok(SearchResult {
            run: subject.run(),
            checkpoint: subject.name().to_owned(),
            set: set.name.clone(),
            checks_each: self.checks,
            depth: self.depth,
            not_elaborated: ids().filter(|id| refused.contains(id)).collect(),
            in_training: set.in_training(corpus),
            statements,
            proved,
            low,
            high,
            checks: searched.iter().map(|it| it.checks).sum(),
            searched,
            settings: self.evaluation.settings(),
        })
    }
}

/// What a ledger has of statements, by name.
fn searched(ledger: &Ledger) -> Result<HashMap<String, Searched>> {
    let events = ledger.events()?.into_iter().filter(|event| event.kind == SEARCHED);
    let read = |event: stp_datasets::Event| -> Result<_> {
        let found: Searched = serde_json::from_value(event.detail).context(
            "an event `searched` of the evaluation's ledger is damaged. Remove the evaluation's folder in `evals/` and try \
             again.",
        )?;
        Ok((found.statement.clone(), found))
    };
    events.map(read).collect()
}

impl SearchResult {
    /// The table for people: box-drawing on a screen, or Markdown.
    pub fn table(&self, markdown: bool) -> String {
        let mut table = table_for(markdown);
        table.set_header(["statements", "proved", "share (95 %)", "checks", "sketches", "samples"]);
        let sum = |of: fn(&Searched) -> u64| self.searched.iter().map(of).sum::<u64>().to_string();
        let share = self.proved as f64 / self.statements.max(1) as f64;
        table.add_row([
            self.statements.to_string(),
            self.proved.to_string(),
            format!("{:.1} % ({:.1}–{:.1})", 100.0 * share, 100.0 * self.low, 100.0 * self.high),
            self.checks.to_string(),
            sum(|it| it.sketches),
            sum(|it| it.samples),
        ]);
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }

    /// What the numbers rest on, in one paragraph.
    pub fn notes(&self) -> String {
        let exhausted = self.searched.iter().filter(|it| it.exhausted).count();
        let mut text = format!(
            "{} on `{}`: a search for each statement with at most {} of Lean's checks, goals at most {} deep; Wilson's 95 % \
             interval over statements. For {exhausted} statements nothing more was to be tried before the checks were spent.",
            self.checkpoint, self.set, self.checks_each, self.depth
        );
        text += &not_elaborated_note(&self.not_elaborated);
        if self.in_training > 0 {
            text += &format!(
                " {} of the statements are training statements: this is no held-out set.",
                self.in_training
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use stp_datasets::{Status, Verdict};
    use stp_model::Device;
    use stp_selfplay::context::Cancel;
    use stp_selfplay::events::Events;
    use stp_verifier::{Pool, Script, StatementReport};

    use super::*;

    fn search(run: &std::path::Path, checks: u64) -> SearchEvaluation {
        let corpus = Corpus::core().unwrap();
        let set = StatementSet::load("test", &corpus, 3).unwrap();
        let config = RunConfig::load("smoke", None).unwrap();
        SearchEvaluation::new(Subject::of_run(run, "final"), config, set, checks, 2)
    }

    fn resources(script: Script) -> Resources {
        let verifier = Pool::scripted(script);
        Resources { verifier, device: Device::default(), events: Events::none(), cancel: Cancel::new() }
    }

    /// Automation proves the first two statements; the third is left when the checks are spent, before a model is needed.
    fn script(search: &SearchEvaluation) -> Script {
        let hard = search.evaluation.set.entries[2].statement.signature.clone();
        let statement = StatementReport { ok: true, messages: Vec::new(), fingerprint: Some("f".to_owned()) };
        Script::new(move |candidate| {
            let status = if *candidate.signature == *hard { Status::Failed } else { Status::Proved };
            Verdict::new(status, "no")
        })
        .statements(move |_, _| statement.clone())
    }

    #[tokio::test]
    async fn what_was_searched_is_kept_and_not_searched_again() {
        let run = tempfile::tempdir().unwrap();
        let asked = search(run.path(), 1);
        let script = script(&asked);
        let log = script.log();
        let corpus = Corpus::core().unwrap();
        let result = asked.play(&corpus, resources(script)).await.unwrap();
        assert_eq!((result.statements, result.proved, result.checks), (3, 2, 3));
        assert!(result.low > 0.2 && result.high < 0.95 && result.in_training == 0);
        assert_eq!(result.searched.iter().map(|it| it.checks).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(log.proofs().len(), 3);
        let script = super::tests::script(&asked);
        let log = script.log();
        assert_eq!(asked.play(&corpus, resources(script)).await.unwrap(), result);
        assert!(log.proofs().is_empty(), "nothing is searched again");
        assert!(result.table(false).contains("66.7 %") && result.notes().contains("at most 1"));
        let other = search(run.path(), 2);
        assert_ne!(
            other.evaluation.folder(),
            asked.evaluation.folder(),
            "another budget is another evaluation"
        );
        let kept = Ledger::open(&asked.evaluation.folder().join("ledger.sqlite")).unwrap();
        assert!(kept.statements().unwrap().is_empty() && kept.stats().unwrap().attempts.is_empty());
    }
}
