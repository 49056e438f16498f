//! Which failed proofs of a round become sketches, and which of these are worth a search.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context as _, Result};
use stp_conjecturer::KnownStatements;
use stp_datasets::{
    Attempt, CONJECTURE, Goal, Hole, LedgerSketch, SUBGOAL, Sketch, Source, Statement, Status,
    canonical_statement,
};
use stp_verifier::{Candidate, Pool, SketchReport, StatementReport, VerifierError, ask_each};

use super::checks::proved;
use crate::context::Context;
use crate::context::history::as_statement;
use crate::context::known::corpus_statements;
use crate::events::{Done, Recorded, SearchPart, Work};
use crate::search::order::{self, Nearness};
use crate::search::solve::on_lines_of_its_own;

/// Sketches that are asked for at the same time, for each worker.
const AHEAD: usize = 2;
/// Sketches that are made before their goals are named: what they have in common gets one name.
const WINDOW: usize = 32;

/// What became of the failed proofs.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Failed proofs that Lean was asked about.
    pub failed: usize,
    /// Sketches whose goals are tried.
    pub sketches: usize,
    /// Why others have none, or why their goals are not tried.
    pub dropped: BTreeMap<String, usize>,
}

/// A failed proof, and what it is of.
struct Failed {
    statement: Statement,
    proof: String,
    /// Depth of the goals that it leaves open.
    depth: u32,
}

/// Makes sketches of the round's failed proofs, as far as they are not there yet, and records them with their goals.
///
/// # Errors
/// If Lean or the ledger fails, or the user interrupts.
pub async fn sketches(context: &Context, round: u32) -> Result<Found> {
    let earlier = context.ledger.sketches_up_to(round)?;
    let failed = failed_proofs(context, round, &depths(&earlier, round))?;
    let mut namer = Namer::new(context, round, &earlier)?;
    let there: HashSet<u32> = context.ledger.sketches_of(round)?.into_iter().map(|it| it.number).collect();
    let progress =
        context.events.work(&Work::Search { round, part: SearchPart::Sketches }, failed.len() as u64);
    let numbered: Vec<(u32, &Failed)> =
        (0..).zip(&failed).filter(|(number, _)| !there.contains(number)).collect();
    progress.advance((failed.len() - numbered.len()) as u64);
    for window in numbered.chunks(WINDOW) {
        let candidates: Vec<_> = window.iter().map(|(_, failed)| candidate(failed)).collect();
        let ask = |verifier: Pool, candidate: Candidate| async move { verifier.sketch(candidate).await };
        let asked = ask_each(&context.verifier, AHEAD, candidates, ask, |_| progress.advance(1));
        let reports: Vec<SketchReport> = context.cancel.unless(asked).await??;
        let goals = namer.unknown(window.iter().zip(&reports).map(|((_, failed), report)| (*failed, report)));
        let elaborated = elaborate(context, goals).await?;
        for ((number, failed), report) in window.iter().zip(reports) {
            let sketch = namer.sketch(context, *number, failed, report, &elaborated)?;
            context.ledger.record_sketch(&sketch)?;
            context.events.recorded(Recorded::Sketch);
        }
    }
    progress.finish(Done::Texts { texts: failed.len() });
    found(context, round)
}

/// What the ledger has of a round's sketches, by the kind of what became of them.
fn found(context: &Context, round: u32) -> Result<Found> {
    let mut found = Found::default();
    for sketch in context.ledger.sketches_of(round)? {
        found.failed += 1;
        match &sketch.reason {
            None => found.sketches += 1,
            Some(reason) => {
                // What comes after the colon is of this proof alone.
                let kind = reason.split(':').next().unwrap_or(reason).to_owned();
                *found.dropped.entry(kind).or_default() += 1;
            }
        }
    }
    Ok(found)
}

fn candidate(failed: &Failed) -> Candidate {
    let Statement { header, signature, .. } = &failed.statement;
    Candidate::new(header.as_str(), signature.as_str(), on_lines_of_its_own(&failed.proof))
}

/// The failed proofs to look at: those of statements without a proof, the ones with the fewest errors first, which none of
/// the earlier rounds has looked at.
fn failed_proofs(context: &Context, round: u32, depths: &HashMap<String, u32>) -> Result<Vec<Failed>> {
    let proved = proved(context, round)?;
    let settings = &context.config.search;
    let mut open: Vec<(Statement, u32)> = Vec::new();
    open.extend(context.statements.train.iter().map(|statement| (statement.clone(), 1)));
    for conjecture in context.ledger.accepted_of(round..=round)? {
        if conjecture.source == Source::Subgoal
            && let Some(statement) = as_statement(conjecture)
        {
            let depth = depths.get(&statement.id).copied().unwrap_or(0) + 1;
            open.push((statement, depth));
        }
    }
    open.retain(|(statement, depth)| !proved.contains(&statement.id) && *depth <= settings.depth);
    let names: Vec<_> = open.iter().map(|(statement, _)| statement.id.as_str()).collect();
    let mut refused: HashMap<String, Vec<Attempt>> = HashMap::new();
    for attempt in context.ledger.refused_of(round, &names)? {
        refused.entry(attempt.statement.clone()).or_default().push(attempt);
    }
    let earlier = context.ledger.sketched_before(round)?;
    let mut failed = Vec::new();
    for (statement, depth) in open {
        let mut attempts = refused.remove(&statement.id).unwrap_or_default();
        attempts.retain(|attempt| !earlier.contains(&(attempt.statement.clone(), attempt.proof.clone())));
        let proofs = nearest(attempts, settings.proofs_per_statement);
        failed.extend(proofs.into_iter().map(|proof| Failed { statement: statement.clone(), proof, depth }));
    }
    Ok(failed)
}

/// How deep the goals of sketches of earlier rounds lie, by their names. The round's own would make a step that is done again
/// look at other proofs.
fn depths(sketches: &[LedgerSketch], round: u32) -> HashMap<String, u32> {
    let mut depths = HashMap::new();
    for sketch in sketches.iter().filter(|sketch| sketch.round < round) {
        for goal in &sketch.goals {
            let depth = depths.entry(goal.clone()).or_insert(sketch.depth);
            *depth = sketch.depth.min(*depth);
        }
    }
    depths
}

/// The distinct proofs with the fewest errors, of these the likeliest first; none that leaves the statement itself open.
fn nearest(mut attempts: Vec<Attempt>, most: usize) -> Vec<String> {
    let nearness = |attempt: &Attempt| Nearness {
        errors: attempt.verdict.as_ref().map_or(0, |verdict| verdict.messages.len()),
        likelihood: attempt.likelihood(),
        number: attempt.sample,
    };
    attempts.retain(|attempt| {
        let failed = attempt.verdict.as_ref().filter(|it| it.status == Status::Failed);
        failed
            .is_some_and(|it| !order::leaves_all_open(&attempt.proof, it.messages.iter().map(String::as_str)))
    });
    let attempts = order::nearest(attempts, most, nearness, |attempt| &attempt.proof);
    attempts.into_iter().map(|attempt| attempt.proof).collect()
}

/// A statement's header, and its canonical text.
type Key = (String, String);

/// What Lean says of goals.
async fn elaborate(context: &Context, goals: HashMap<Key, String>) -> Result<HashMap<Key, StatementReport>> {
    let ask = |verifier: Pool, (key, signature): (Key, String)| async move {
        let report = verifier.foreign_statement(&key.0, &signature).await?;
        Ok::<_, VerifierError>((key, report))
    };
    let asked = ask_each(&context.verifier, AHEAD, goals, ask, |_| {});
    let reports = context.cancel.unless(asked).await??;
    context.spending.count(|spent| spent.statements += reports.len() as u64);
    Ok(reports.into_iter().collect())
}

/// Gives goals their names: equal ones the same, and none to what must not be tried.
struct Namer {
    round: u32,
    most_open: usize,
    known: KnownStatements,
    /// Names of goals and given statements, by canonical text under a header.
    names: HashMap<Key, String>,
}

impl Namer {
    fn new(context: &Context, round: u32, earlier: &[LedgerSketch]) -> Result<Self> {
        let mut names = HashMap::new();
        let of_goals: Vec<_> = earlier.iter().flat_map(|sketch| &sketch.goals).map(String::as_str).collect();
        for (name, statement) in context.ledger.statements_of(&of_goals)? {
            names.insert(key(&statement.header, &statement.signature), name);
        }
        for statement in &context.statements.train {
            names.insert(key(&statement.header, &statement.signature), statement.id.clone());
        }
        let known = corpus_statements(context)?;
        Ok(Self { round, most_open: context.config.search.most_open, known, names })
    }

    /// The goals of sketches that have no name yet: whether they elaborate is asked of all at once. Equal ones are one.
    fn unknown<'a>(
        &self,
        sketches: impl Iterator<Item = (&'a Failed, &'a SketchReport)>,
    ) -> HashMap<Key, String> {
        let mut goals = HashMap::new();
        for (failed, report) in sketches {
            let SketchReport::Sketch(sketch) = report else { continue };
            let Ok(signatures) = self.signatures(failed, sketch) else { continue };
            for signature in signatures {
                let key = key(&failed.statement.header, signature);
                if !self.names.contains_key(&key) {
                    goals.entry(key).or_insert_with(|| signature.to_owned());
                }
            }
        }
        goals
    }

    /// The goals of a sketch, or why they are not tried, as far as Lean need not be asked.
    fn signatures<'a>(&self, failed: &Failed, sketch: &'a Sketch) -> Result<Vec<&'a str>, String> {
        if sketch.holes.len() > self.most_open {
            return Err("too many goals are open".to_owned());
        }
        if sketch.is_bare() {
            return Err(order::ITSELF.to_owned());
        }
        let header = failed.statement.header.as_str();
        let whole = key(header, &failed.statement.signature);
        let signature = |hole: &'a Hole| match &hole.goal {
            Goal::Refused { reason } => Err(format!("a goal cannot be written: {reason}")),
            Goal::Statement { signature, .. } if key(header, signature) == whole => {
                Err(order::ITSELF.to_owned())
            }
            Goal::Statement { signature, .. } => Ok(signature.as_str()),
        };
        sketch.holes.iter().map(signature).collect()
    }

    /// What is recorded of a failed proof; new goals become statements.
    fn sketch(
        &mut self,
        context: &Context,
        number: u32,
        failed: &Failed,
        report: SketchReport,
        elaborated: &HashMap<Key, StatementReport>,
    ) -> Result<LedgerSketch> {
        let mut record = LedgerSketch {
            round: self.round,
            number,
            parent: failed.statement.id.clone(),
            depth: failed.depth,
            failed: failed.proof.clone(),
            sketch: None,
            reason: None,
            goals: Vec::new(),
        };
        match report {
            SketchReport::None { reason } => record.reason = Some(reason),
            SketchReport::Sketch(sketch) => {
                match self.goals(context, number, failed, &sketch, elaborated)? {
                    Ok(goals) => record.goals = goals,
                    Err(reason) => record.reason = Some(reason),
                }
                record.sketch = Some(sketch);
            }
        }
        Ok(record)
    }

    /// The names of a sketch's goals, or why they are not tried.
    fn goals(
        &mut self,
        context: &Context,
        number: u32,
        failed: &Failed,
        sketch: &Sketch,
        elaborated: &HashMap<Key, StatementReport>,
    ) -> Result<Result<Vec<String>, String>> {
        let signatures = match self.signatures(failed, sketch) {
            Ok(signatures) => signatures,
            Err(reason) => return Ok(Err(reason)),
        };
        let header = failed.statement.header.as_str();
        let mut new: Vec<Statement> = Vec::new();
        let mut goals = Vec::new();
        for (signature, index) in signatures.into_iter().zip(0u32..) {
            let key = key(header, signature);
            let named = new.iter().find(|it| self::key(header, &it.signature) == key).map(|it| it.id.clone());
            if let Some(name) = named.or_else(|| self.names.get(&key).cloned()) {
                goals.push(name);
                continue;
            }
            let report = elaborated.get(&key).context("a goal of a sketch was not elaborated")?;
            if !report.ok {
                let said = report.messages.first().cloned().unwrap_or_default();
                return Ok(Err(format!("a goal does not elaborate: {said}")));
            }
            let canonical = canonical_statement(signature);
            let keys = [Some(canonical.as_str()), report.fingerprint.as_deref()];
            if keys.into_iter().flatten().any(|key| self.known.is_held_out(key)) {
                return Ok(Err("a goal is held out".to_owned()));
            }
            let id = format!("{SUBGOAL}{}_{number}_{index}", self.round);
            goals.push(id.clone());
            let (header, signature) = (header.to_owned(), signature.to_owned());
            new.push(Statement {
                id,
                signature,
                header,
                topics: vec![CONJECTURE.to_owned()],
                ..failed.statement.clone()
            });
        }
        for statement in new {
            context.ledger.record_goal(&statement)?;
            self.names.insert(key(&statement.header, &statement.signature), statement.id);
        }
        Ok(Ok(goals))
    }
}

fn key(header: &str, signature: &str) -> Key {
    (header.to_owned(), canonical_statement(signature))
}

#[cfg(test)]
mod tests {
    use stp_datasets::{Phase, Verdict};

    use super::*;

    fn attempt(sample: u32, proof: &str, logprob: f64, errors: usize) -> Attempt {
        let verdict = Verdict { messages: vec!["no".to_owned(); errors], ..Verdict::new(Status::Failed, "") };
        Attempt {
            round: 1,
            phase: Phase::Train,
            statement: "a".into(),
            sample,
            proof: proof.into(),
            tokens: 1,
            logprob,
            verdict: Some(verdict),
        }
    }

    #[test]
    fn the_proofs_with_the_fewest_errors_come_first_and_once() {
        let cut_off =
            Attempt { verdict: Some(Verdict::new(Status::Unfinished, "")), ..attempt(9, "z", 0.0, 0) };
        let all = vec![
            attempt(0, "two", -1.0, 2),
            attempt(1, "one", -3.0, 1),
            attempt(2, "likely", -2.0, 1),
            attempt(3, "likely", -2.0, 1),
            cut_off,
        ];
        assert_eq!(nearest(all.clone(), 2), ["likely", "one"]);
        assert_eq!(nearest(all.clone(), 9), ["likely", "one", "two"]);
        let with_a_tactic = [vec![attempt(0, "by omega", 0.0, 1)], all].concat();
        assert_eq!(nearest(with_a_tactic, 2), ["likely", "one"]);
    }
}
