//! What the page of a report lets people search: statements, conjectures and goals, each with what was tried at it.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;
use serde::Serialize;
use stp_datasets::{
    Conjecture, ConjectureOutcome, Ledger, LedgerSketch, Origin, Phase, SUBGOAL, Split, Statement, Tally,
};

use super::automation::Automation;
use super::kept::{KeptAttempt, KeptAttempts};
use super::shown::cut;
use super::topics::{InTopics, State, Topic, topics};

/// Statements of the corpus, written statements and dropped texts that a page holds at most.
const MOST: [usize; 3] = [2500, 2000, 600];
/// Characters of all attempts that a page holds at most.
const MOST_TEXT: usize = 3_000_000;
/// Sketches of a statement's failed proofs that are shown.
const SKETCHES: usize = 3;
/// Characters of a sketch.
const LONGEST: usize = 600;

/// What a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    /// A given training statement.
    Train,
    /// A validation statement.
    Valid,
    /// A conjecture, or a text that was to become one.
    Conjecture,
    /// A goal that a failed proof left open.
    Goal,
}

/// A statement with what there is to read of it.
#[derive(Debug, Serialize)]
pub struct BrowserRow {
    kind: RowKind,
    name: String,
    signature: String,
    topics: Vec<String>,
    state: State,
    /// Whether no single tactic proves it, where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    hard: Option<bool>,
    /// Of what was written: the round.
    #[serde(skip_serializing_if = "Option::is_none")]
    round: Option<u32>,
    /// Of a dropped text: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// What a conjecture began with; of a goal the statement whose proof left it open.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lemma: Option<String>,
    /// The round of its first proof that did not come with the corpus.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u32>,
    /// That proof was put together by search, of proofs of its goals.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    by_search: bool,
    /// Round, phase, proved and judged.
    tallies: Vec<(u32, &'static str, u32, u32)>,
    attempts: Vec<KeptAttempt>,
    /// What its failed proofs left open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sketches: Vec<ShownSketch>,
    /// How many conjectures began with it.
    #[serde(skip_serializing_if = "is_zero")]
    conjectures: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A failed proof with holes.
#[derive(Debug, Serialize)]
pub struct ShownSketch {
    round: u32,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    goals: Vec<String>,
}

/// All statements of a run, before it is decided which of them a page holds.
#[derive(Debug, Default)]
pub(super) struct Browser {
    rows: Vec<BrowserRow>,
    left_out: usize,
}

/// What rows are made of.
pub(super) struct Sources<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) given: &'a [Statement],
    pub(super) valid: &'a [Statement],
    pub(super) automation: Option<&'a Automation>,
    pub(super) last: u32,
}

/// Tallies of a statement by round and phase.
type Tallies = BTreeMap<(u32, &'static str), Tally>;

impl Browser {
    /// Reads all but the attempts.
    pub(super) fn read(sources: &Sources<'_>) -> Result<(Self, Vec<Topic>)> {
        let ledger = sources.ledger;
        let mut tallies = all_tallies(ledger, sources.last)?;
        let with_proof = ledger.proved_names(Phase::Corpus, 1)?;
        let mut sketches = sketches(ledger, sources.last)?;
        let corpus = (sources.given.iter().map(|it| (it, RowKind::Train)))
            .chain(sources.valid.iter().map(|it| (it, RowKind::Valid)));
        let mut rows: Vec<_> = corpus
            .map(|(statement, kind)| {
                let of = tallies.remove(&statement.id).unwrap_or_default();
                let mut row = row_of(kind, statement.id.clone(), statement.signature.clone(), &of);
                row.topics.clone_from(&statement.topics);
                row.hard = sources.automation.map(|it| !it.closes(&statement.id));
                let known = match kind {
                    RowKind::Valid => row.first == Some(0),
                    _ => with_proof.contains(&statement.id),
                };
                if known {
                    row.state = State::Stage1;
                }
                row
            })
            .collect();
        let families = topics(rows.iter().map(in_topics));
        let (written, seeded) = written(sources, &mut tallies)?;
        rows.extend(written);
        for row in &mut rows {
            row.conjectures = seeded.get(&row.name).copied().unwrap_or_default();
            row.sketches = sketches.remove(&row.name).unwrap_or_default();
        }
        Ok((chosen(rows), families))
    }

    /// What attempts are to be kept of.
    pub(super) fn watch(&self) -> KeptAttempts {
        KeptAttempts::of_names(self.rows.iter().map(|row| row.name.as_str()))
    }

    /// The rows with their attempts, and how many there are besides.
    pub(super) fn finish(mut self, mut kept: KeptAttempts) -> (Vec<BrowserRow>, usize) {
        for row in &mut self.rows {
            row.attempts = kept.take(&row.name);
        }
        shorten(&mut self.rows, MOST_TEXT);
        (self.rows, self.left_out)
    }
}

fn row_of(kind: RowKind, name: String, signature: String, tallies: &Tallies) -> BrowserRow {
    let first = tallies.iter().filter(|(_, tally)| tally.proved > 0).map(|((round, _), _)| *round).min();
    let sampled =
        |round| tallies.iter().any(|((of, phase), it)| *of == round && *phase != "search" && it.proved > 0);
    BrowserRow {
        kind,
        name,
        signature,
        topics: Vec::new(),
        state: if first.is_some() { State::New } else { State::Never },
        hard: None,
        round: None,
        outcome: None,
        seed: None,
        lemma: None,
        by_search: kind == RowKind::Train && first.is_some_and(|round| !sampled(round)),
        first,
        tallies: tallies.iter().map(|((round, phase), it)| (*round, *phase, it.proved, it.judged)).collect(),
        attempts: Vec::new(),
        sketches: Vec::new(),
        conjectures: 0,
    }
}

fn in_topics(row: &BrowserRow) -> InTopics<'_> {
    let last = row.tallies.iter().rev().find(|(_, phase, ..)| *phase != "search");
    InTopics {
        topics: &row.topics,
        is_valid: row.kind == RowKind::Valid,
        state: row.state,
        last: last.map_or((0, 0), |(_, _, proved, judged)| (*proved, *judged)),
    }
}

fn all_tallies(ledger: &Ledger, last: u32) -> Result<HashMap<String, Tallies>> {
    let mut all: HashMap<String, Tallies> = HashMap::new();
    for phase in [Phase::Train, Phase::Valid, Phase::Search] {
        for ((round, name), tally) in ledger.tallies_of(phase, 0..=last)? {
            all.entry(name).or_default().insert((round, phase.as_str()), tally);
        }
    }
    Ok(all)
}

/// Conjectures, goals and dropped texts, the newest first; and how many conjectures began with each statement.
fn written(
    sources: &Sources<'_>,
    tallies: &mut HashMap<String, Tallies>,
) -> Result<(Vec<BrowserRow>, HashMap<String, usize>)> {
    let (mut rows, mut seeded, mut named) = (Vec::new(), HashMap::new(), HashSet::new());
    for round in (1..=sources.last).rev() {
        for conjecture in sources.ledger.conjectures_of(round)? {
            *seeded.entry(conjecture.seed.clone()).or_default() += 1;
            named.extend(conjecture.statement.clone());
            rows.push(conjectured(conjecture, tallies));
        }
    }
    // Goals that automation was tried on without becoming conjectures.
    for it in sources.ledger.statements()? {
        let statement = it.statement;
        if it.origin == Origin::Conjecture
            && !named.contains(&statement.id)
            && statement.split == Split::Train
        {
            let of = tallies.remove(&statement.id).unwrap_or_default();
            let mut row = row_of(kind_of(&statement.id), statement.id, statement.signature, &of);
            row.round = of.keys().map(|(round, _)| *round).min();
            rows.push(row);
        }
    }
    Ok((rows, seeded))
}

fn kind_of(name: &str) -> RowKind {
    if name.starts_with(SUBGOAL) { RowKind::Goal } else { RowKind::Conjecture }
}

fn conjectured(conjecture: Conjecture, tallies: &mut HashMap<String, Tallies>) -> BrowserRow {
    let Conjecture { round, input, sample, seed, lemma, signature, outcome, statement, .. } = conjecture;
    let name = statement.unwrap_or_else(|| format!("r{round}_i{input}_s{sample}"));
    let of = tallies.remove(&name).unwrap_or_default();
    let mut row = row_of(kind_of(&name), name, signature, &of);
    let accepted = outcome.is_none_or(|it| it == ConjectureOutcome::Accepted);
    if !accepted {
        row.state = State::Dropped;
        row.outcome = outcome.map(ConjectureOutcome::as_str);
    }
    BrowserRow { round: Some(round), seed: Some(seed), lemma, ..row }
}

/// By the statement whose proofs failed; the newest first.
fn sketches(ledger: &Ledger, last: u32) -> Result<HashMap<String, Vec<ShownSketch>>> {
    let mut all: HashMap<String, Vec<ShownSketch>> = HashMap::new();
    for round in (1..=last).rev() {
        for LedgerSketch { parent, failed, sketch, reason, goals, .. } in ledger.sketches_of(round)? {
            let of = all.entry(parent).or_default();
            if of.len() < SKETCHES {
                let text = sketch.map_or(failed, |it| it.proof);
                of.push(ShownSketch { round, text: cut(&text, LONGEST), reason, goals });
            }
        }
    }
    Ok(all)
}

/// As many rows of each part as fit: of the corpus what is new or never proved comes first, of the rest the newest.
fn chosen(rows: Vec<BrowserRow>) -> Browser {
    let count = rows.len();
    let mut parts: [Vec<BrowserRow>; 3] = Default::default();
    for row in rows {
        let part = match (row.kind, row.state) {
            (RowKind::Train | RowKind::Valid, _) => 0,
            (_, State::Dropped) => 2,
            _ => 1,
        };
        parts[part].push(row);
    }
    if parts[0].len() > MOST[0] {
        parts[0].sort_by_key(|row| row.state == State::Stage1);
    }
    for (part, most) in parts.iter_mut().zip(MOST) {
        part.truncate(most);
    }
    let rows: Vec<_> = parts.into_iter().flatten().collect();
    Browser { left_out: count - rows.len(), rows }
}

/// Drops attempts until the texts of all are no longer than that: of each statement the last ones first.
fn shorten(rows: &mut [BrowserRow], most: usize) {
    let length = |rows: &[BrowserRow]| -> usize {
        rows.iter().flat_map(|row| &row.attempts).map(KeptAttempt::length).sum()
    };
    let mut each = rows.iter().map(|row| row.attempts.len()).max().unwrap_or_default();
    while each > 0 && length(rows) > most {
        each -= 1;
        rows.iter_mut().for_each(|row| row.attempts.truncate(each));
    }
}

#[cfg(test)]
mod tests;
