//! The tables that the ledger alone gives.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use super::Kind::{Integer, Number, Text, Texts};
use super::{Column, ExportError, Table};
use crate::{Attempt, Conjecture, Ledger, LedgerStatement, Phase, Source, Split, Status, Tally};

const fn column(name: &'static str, kind: super::Kind, meaning: &'static str) -> Column {
    Column { name, kind, meaning }
}

const STATEMENT: Column = column("statement", Text, "name of the statement");
const SIGNATURE: Column =
    column("signature", Text, "its binders and type: what stands between the name and `:=`");
const HEADER: Column = column("header", Text, "Lean text before it");
const SPLIT: Column = column("split", Text, "train or valid");
const ORIGIN: Column = column("origin", Text, "corpus or conjecture");
const ROUND: Column = column("round", Integer, "round of self-play; 0 is before the first");
const PROOF: Column = column("proof", Text, "the text after `:=`");
const TOKENS: Column = column("tokens", Integer, "tokens that the model drew for it");
const LOGPROB: Column = column("logprob", Number, "sum of their log-probabilities");

const PROOFS: [Column; 13] = [
    STATEMENT,
    SIGNATURE,
    HEADER,
    SPLIT,
    ORIGIN,
    ROUND,
    PROOF,
    TOKENS,
    LOGPROB,
    column("axioms", Texts, "axioms that it depends on"),
    column("premises", Texts, "library theorems that it names"),
    column("implicit_premises", Texts, "library theorems that only its term shows"),
    column("elapsed_ms", Integer, "time that Lean spent on it"),
];
const ATTEMPTS: [Column; 13] = [
    STATEMENT,
    SIGNATURE,
    HEADER,
    SPLIT,
    ORIGIN,
    ROUND,
    column("phase", Text, "seed (came with the corpus), train, search or valid"),
    column("sample", Integer, "number among the samples of that statement in that round"),
    PROOF,
    TOKENS,
    LOGPROB,
    column(
        "status",
        Text,
        "proved, failed, rejected, statement_error, timeout, crashed, unfinished (cut off before its end) or malformed (an answer \
         without a proof); null if not judged",
    ),
    column("message", Text, "Lean's first error, or why Lean was not asked"),
];
const CONJECTURES: [Column; 16] = [
    STATEMENT,
    SIGNATURE,
    HEADER,
    SPLIT,
    ROUND,
    column("source", Text, "who wrote it: model; or subgoal, a goal that a failed proof left open"),
    column("parent", Text, "of a subgoal: statement whose failed proof left it open; null for the model's"),
    column(
        "depth",
        Integer,
        "of a subgoal: 1 if its parent is no subgoal itself, else one more than that has",
    ),
    column("seed", Text, "statement that it was made from; of a subgoal its parent"),
    column("seed_proof", Text, "proof of it in the prompt; of a subgoal the failed proof"),
    column("lemma", Text, "trigger lemma in the prompt"),
    column(
        "outcome",
        Text,
        "accepted, or the filter that it did not pass; a trivial subgoal was closed before proofs of it were sampled",
    ),
    column("fingerprint", Text, "hash of its type that ignores bound names"),
    column("proved", Integer, "correct proofs among those sampled in its round"),
    column("judged", Integer, "proofs sampled in its round"),
    column("pass_rate", Number, "their quotient"),
];
const PREFERENCES: [Column; 8] = [
    STATEMENT,
    SIGNATURE,
    HEADER,
    SPLIT,
    ROUND,
    column("chosen", Text, "a proof that Lean accepted"),
    column("rejected", Text, "a proof of the same statement that Lean refused"),
    column("rejected_message", Text, "Lean's first error"),
];

/// Every distinct correct proof, corpus proofs among them, with the round that found it first.
///
/// # Errors
/// [`ExportError::Ledger`].
pub fn proofs(ledger: &Ledger) -> Result<Table, ExportError> {
    let statements = by_name(ledger)?;
    let mut seen = HashSet::new();
    let mut rows: Rows = Vec::new();
    let mut all = Vec::new();
    for phase in Phase::ALL {
        all.extend(ledger.proofs_of(phase, 0..=u32::MAX)?);
    }
    // What the search of a round found is sampled in a later one, too.
    all.sort_by_key(|attempt| attempt.round);
    for attempt in all {
        if !seen.insert((attempt.statement.clone(), attempt.proof.clone())) {
            continue;
        }
        let (split, mut row) = statement_row(&statements, &attempt.statement);
        let verdict = attempt.verdict.as_ref();
        row["round"] = attempt.round.into();
        row["proof"] = attempt.proof.into();
        row["tokens"] = attempt.tokens.into();
        row["logprob"] = attempt.logprob.into();
        row["axioms"] = json!(verdict.map(|verdict| &verdict.axioms));
        row["premises"] = json!(verdict.map(|verdict| &verdict.premises));
        row["implicit_premises"] = json!(verdict.map(|verdict| &verdict.implicit_premises));
        row["elapsed_ms"] = json!(verdict.map(|verdict| verdict.elapsed_ms));
        rows.push((split, row));
    }
    Ok(table("correct proofs", false, &PROOFS, rows))
}

/// Every sampled proof with its verdict.
///
/// # Errors
/// [`ExportError::Ledger`].
pub fn attempts(ledger: &Ledger) -> Result<Table, ExportError> {
    let statements = by_name(ledger)?;
    let mut rows: Rows = Vec::new();
    for round in rounds(ledger)? {
        for phase in Phase::ALL {
            for attempt in ledger.attempts(round, phase)? {
                let (split, mut row) = statement_row(&statements, &attempt.statement);
                row["round"] = round.into();
                row["phase"] = phase.as_str().into();
                row["sample"] = attempt.sample.into();
                row["tokens"] = attempt.tokens.into();
                row["logprob"] = attempt.logprob.into();
                row["status"] = json!(attempt.verdict.as_ref().map(|verdict| verdict.status.as_str()));
                row["message"] = json!(message(&attempt));
                row["proof"] = attempt.proof.into();
                rows.push((split, row));
            }
        }
    }
    Ok(table("sampled proofs with their verdicts", false, &ATTEMPTS, rows))
}

/// Every conjecture with what became of it: the model's own, and the goals that failed proofs left open.
///
/// # Errors
/// [`ExportError::Ledger`].
pub fn conjectures(ledger: &Ledger) -> Result<Table, ExportError> {
    let mut rows: Rows = Vec::new();
    for round in ledger.conjecture_rounds()? {
        let tallies = ledger.tallies_of(Phase::Train, round..=round)?;
        let depths = depths_of(ledger, round)?;
        for conjecture in ledger.conjectures_of(round)? {
            let name = conjecture.statement.clone().unwrap_or_default();
            let depth = depths.get(&name).copied();
            let tally = tallies.get(&(round, name)).copied().unwrap_or_default();
            rows.push((Split::Train, conjecture_row(conjecture, depth, tally)));
        }
    }
    Ok(table("generated conjectures", false, &CONJECTURES, rows))
}

/// How deep the goals lie that the round before left open, by their names.
fn depths_of(ledger: &Ledger, round: u32) -> Result<HashMap<String, u32>, ExportError> {
    let mut depths = HashMap::new();
    let Some(before) = round.checked_sub(1) else { return Ok(depths) };
    for sketch in ledger.sketches_of(before)? {
        for goal in sketch.goals {
            // A goal is that of the first sketch that has it.
            depths.entry(goal).or_insert(sketch.depth);
        }
    }
    Ok(depths)
}

fn conjecture_row(conjecture: Conjecture, depth: Option<u32>, tally: Tally) -> Value {
    let Tally { proved, judged } = tally;
    let unnamed = || format!("r{}_i{}_s{}", conjecture.round, conjecture.input, conjecture.sample);
    json!({
        "statement": conjecture.statement.clone().unwrap_or_else(unnamed),
        "signature": conjecture.signature,
        "header": conjecture.header,
        "split": "train",
        "round": conjecture.round,
        "source": conjecture.source.as_str(),
        "parent": (conjecture.source == Source::Subgoal).then(|| conjecture.seed.clone()),
        "depth": depth,
        "seed": conjecture.seed,
        "seed_proof": conjecture.seed_proof,
        "lemma": conjecture.lemma,
        "outcome": conjecture.outcome.map(crate::ConjectureOutcome::as_str),
        "fingerprint": conjecture.fingerprint,
        "proved": proved,
        "judged": judged,
        "pass_rate": (judged > 0).then(|| tally.rate()),
    })
}

/// Pairs of an accepted and a refused proof of one training statement, at most `pairs` of each: the correct ones in
/// the order of their discovery, each with another wrong one. Proofs that ran out of time, and texts that were cut off
/// before their end, are no evidence.
///
/// # Errors
/// [`ExportError::Ledger`].
pub fn preferences(ledger: &Ledger, pairs: usize) -> Result<Table, ExportError> {
    let statements = by_name(ledger)?;
    let mut by_statement: BTreeMap<String, (Vec<Attempt>, Vec<Attempt>)> = BTreeMap::new();
    let mut seen = HashSet::new();
    for round in rounds(ledger)? {
        for attempt in ledger.attempts(round, Phase::Train)? {
            let status = attempt.verdict.as_ref().map(|verdict| verdict.status);
            // What Lean has not looked at, or not to the end, says nothing, and hides no later attempt with the same text.
            let Some(status @ (Status::Proved | Status::Failed)) = status else { continue };
            if seen.insert((attempt.statement.clone(), attempt.proof.clone())) {
                let (chosen, rejected) = by_statement.entry(attempt.statement.clone()).or_default();
                if status == Status::Proved { chosen.push(attempt) } else { rejected.push(attempt) }
            }
        }
    }
    let mut rows: Rows = Vec::new();
    for (name, (chosen, rejected)) in by_statement {
        let count = if chosen.is_empty() { 0 } else { rejected.len().min(pairs) };
        for (index, rejected) in rejected.into_iter().take(count).enumerate() {
            let chosen = &chosen[index % chosen.len()];
            let (split, mut row) = statement_row(&statements, &name);
            row["round"] = chosen.round.into();
            row["chosen"] = chosen.proof.clone().into();
            row["rejected_message"] = json!(message(&rejected));
            row["rejected"] = rejected.proof.into();
            rows.push((split, row));
        }
    }
    rows.retain(|(split, _)| *split == Split::Train);
    Ok(table("pairs of accepted and refused proofs", true, &PREFERENCES, rows))
}

type Rows = Vec<(Split, Value)>;

/// A table of those rows; what no column holds is left out.
fn table(title: &'static str, for_training: bool, columns: &'static [Column], found: Rows) -> Table {
    let mut rows: BTreeMap<Split, Vec<Value>> = BTreeMap::new();
    for (split, mut row) in found {
        if let Value::Object(row) = &mut row {
            row.retain(|name, _| columns.iter().any(|column| column.name == name));
        }
        rows.entry(split).or_default().push(row);
    }
    Table { title, for_training, columns, rows }
}

fn by_name(ledger: &Ledger) -> Result<HashMap<String, LedgerStatement>, ExportError> {
    let statements = ledger.statements()?;
    Ok(statements.into_iter().map(|statement| (statement.statement.id.clone(), statement)).collect())
}

fn statement_row(statements: &HashMap<String, LedgerStatement>, name: &str) -> (Split, Value) {
    let Some(LedgerStatement { statement, origin }) = statements.get(name) else {
        return (Split::Train, json!({ "statement": name, "split": "train" }));
    };
    let row = json!({
        "statement": name,
        "signature": statement.signature,
        "header": statement.header,
        "split": statement.split,
        "origin": origin,
    });
    (statement.split, row)
}

fn message(attempt: &Attempt) -> Option<String> {
    attempt.verdict.as_ref().and_then(|verdict| verdict.messages.first().cloned())
}

fn rounds(ledger: &Ledger) -> Result<Vec<u32>, ExportError> {
    Ok(ledger.stats()?.rounds.into_keys().collect())
}
