//! What an evaluation found: pass@k with intervals, in all and by topic.

use std::collections::{BTreeMap, HashMap};

use comfy_table::CellAlignment;
use serde::{Deserialize, Serialize};
use stp_datasets::{CorpusEntry, Tally};
use stp_prover::pass_at_k;

use crate::statistics::wilson;
use crate::tables::table_for;

/// Topics with fewer statements are not in the table for people: their intervals say nothing.
const FEWEST: usize = 5;
/// The topic of statements that have none.
const NO_TOPIC: &str = "no topic";
/// Statements that some single tactic of the corpus' `closed_by` closes, and those that none does.
const EASY: &str = "closed by one tactic";
/// See [`EASY`].
pub const HARD: &str = "closed by no single tactic";

/// The unbiased estimate of pass@k over some statements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassAt {
    /// Samples that a statement gets.
    pub k: u32,
    /// Mean over the statements of the chance that one of `k` samples is a proof.
    pub estimate: f64,
    /// Lower end of Wilson's 95 % interval over statements.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Numbers of some of the statements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which: `all`, a topic, or how hard.
    pub name: String,
    /// How many statements.
    pub statements: usize,
    /// How many have a proof among all their samples.
    pub proved: usize,
    /// For each k that was asked for.
    pub pass: Vec<PassAt>,
}

/// A whole evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationResult {
    /// Name of the run's folder; empty for a model of no run.
    pub run: String,
    /// The model: a checkpoint of the run.
    pub checkpoint: String,
    /// The set.
    pub set: String,
    /// Samples of each statement.
    pub samples: u32,
    /// Ids of statements that this Lean does not elaborate; they count as not proved.
    pub not_elaborated: Vec<String>,
    /// Statements that are in the run's training set, up to bound names and spaces.
    pub in_training: usize,
    /// All statements.
    pub all: Part,
    /// By how hard they are and by topic; a statement with several topics counts for each.
    pub parts: Vec<Part>,
    /// Names of the statements with a proof.
    pub proved: Vec<String>,
    /// Tokens that were sampled.
    pub tokens: u64,
    /// Time that sampling took, in seconds.
    pub sampling_seconds: f64,
    /// Time that Lean took, in seconds, answers of earlier runs left out.
    pub lean_seconds: f64,
    /// A hash of the settings and statements that it was made with; empty where that was not kept.
    #[serde(default)]
    pub settings: String,
}

/// `all` and the parts of a set of which each statement has a tally; without one it has no proof among `samples`.
pub fn parts(
    entries: &[CorpusEntry],
    measured: bool,
    tallies: &HashMap<String, Tally>,
    samples: u32,
    ks: &[u32],
) -> (Part, Vec<Part>) {
    let tally = |entry: &&CorpusEntry| {
        let of_entry = tallies.get(&entry.statement.id).copied();
        of_entry.unwrap_or(Tally { proved: 0, judged: samples })
    };
    let part = |name: &str, of: &[&CorpusEntry]| {
        let tallies: Vec<_> = of.iter().map(tally).collect();
        Part {
            name: name.to_owned(),
            statements: of.len(),
            proved: tallies.iter().filter(|tally| tally.proved > 0).count(),
            pass: ks.iter().map(|&k| pass_at(&tallies, k)).collect(),
        }
    };
    let mut groups: Vec<(String, Vec<&CorpusEntry>)> = Vec::new();
    if measured {
        let (hard, easy): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.is_hard());
        groups.extend([(HARD.to_owned(), hard), (EASY.to_owned(), easy)]);
    }
    let mut topics: Vec<_> = by_topic(entries).into_iter().collect();
    topics.sort_by_key(|(_, of)| std::cmp::Reverse(of.len()));
    groups.extend(topics);
    let parts = groups.iter().filter(|(_, of)| !of.is_empty()).map(|(name, of)| part(name, of)).collect();
    (part("all", &entries.iter().collect::<Vec<_>>()), parts)
}

/// Statements of each topic; none if no statement has one.
fn by_topic(entries: &[CorpusEntry]) -> BTreeMap<String, Vec<&CorpusEntry>> {
    let mut topics: BTreeMap<String, Vec<&CorpusEntry>> = BTreeMap::new();
    if entries.iter().all(|entry| entry.statement.topics.is_empty()) {
        return topics;
    }
    for entry in entries {
        if entry.statement.topics.is_empty() {
            topics.entry(NO_TOPIC.to_owned()).or_default().push(entry);
        }
        for topic in &entry.statement.topics {
            topics.entry(topic.clone()).or_default().push(entry);
        }
    }
    topics
}

fn pass_at(tallies: &[Tally], k: u32) -> PassAt {
    let sum: f64 = tallies.iter().map(|tally| pass_at_k(tally.judged, tally.proved, k)).sum();
    let estimate = sum / tallies.len().max(1) as f64;
    let (low, high) = wilson(estimate, tallies.len());
    PassAt { k, estimate, low, high }
}

impl EvaluationResult {
    /// The table for people: box-drawing on a screen, or Markdown.
    pub fn table(&self, markdown: bool) -> String {
        let mut table = table_for(markdown);
        let mut header = vec!["statements".to_owned(), "number".to_owned(), "proved".to_owned()];
        header.extend(self.all.pass.iter().map(|pass| format!("pass@{} (95 %)", pass.k)));
        table.set_header(header);
        let large = self.parts.iter().filter(|part| part.statements >= FEWEST);
        for part in std::iter::once(&self.all).chain(large) {
            let mut row = vec![part.name.clone(), part.statements.to_string(), part.proved.to_string()];
            row.extend(part.pass.iter().map(PassAt::percent));
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }

    /// What the numbers rest on, in one paragraph.
    pub fn notes(&self) -> String {
        let mut text = format!(
            "{} on `{}`, {} samples of each statement, {} tokens in {:.0} s; pass@k is the unbiased estimate, with Wilson's \
             95 % interval over statements (too wide rather than too narrow where k is below the samples).",
            self.checkpoint, self.set, self.samples, self.tokens, self.sampling_seconds
        );
        let small = self.parts.iter().filter(|part| part.statements < FEWEST).count();
        if small > 0 {
            text += &format!(" {small} topics with fewer than {FEWEST} statements are in the JSON alone.");
        }
        text += &not_elaborated_note(&self.not_elaborated);
        if self.in_training > 0 {
            let whose = if self.run.is_empty() { "the corpus" } else { "the run" };
            text += &format!(
                " {} of the statements are training statements of {whose}: this is no held-out set.",
                self.in_training
            );
        }
        if self.run.is_empty() {
            text += " What the model was trained on is not known here.";
        }
        text
    }
}

/// A sentence about statements that Lean does not take; nothing where there are none.
pub(crate) fn not_elaborated_note(ids: &[String]) -> String {
    if ids.is_empty() {
        return String::new();
    }
    format!(
        " {} statements do not elaborate in this Lean and count as not proved: {}.",
        ids.len(),
        ids.join(", ")
    )
}

impl PassAt {
    /// `12.3 % (10.1–15.0)`.
    pub fn percent(&self) -> String {
        format!("{:.1} % ({:.1}–{:.1})", 100.0 * self.estimate, 100.0 * self.low, 100.0 * self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{Split, Statement};

    fn entry(id: &str, topics: &[&str], closed_by: &[&str]) -> CorpusEntry {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        CorpusEntry {
            closed_by: own(closed_by),
            ..CorpusEntry::unchecked(Statement {
                id: id.to_owned(),
                signature: ": True".to_owned(),
                header: String::new(),
                topics: own(topics),
                split: Split::Test,
            })
        }
    }

    #[test]
    fn parts_average_over_their_statements() {
        let entries =
            [entry("a", &["nat", "order"], &[]), entry("b", &["nat"], &["simp"]), entry("c", &[], &[])];
        let tallies = HashMap::from([
            ("a".to_owned(), Tally { proved: 1, judged: 4 }),
            ("b".to_owned(), Tally { proved: 4, judged: 4 }),
        ]);
        let (all, parts) = parts(&entries, true, &tallies, 4, &[1, 2, 4]);
        let estimates = |part: &Part| part.pass.iter().map(|pass| pass.estimate).collect::<Vec<_>>();
        assert_eq!((all.statements, all.proved), (3, 2));
        // a: 1/4, then 1 − C(3,2)/C(4,2) = 1/2, then 1.
        for (found, expected) in estimates(&all).into_iter().zip([1.25 / 3.0, 1.5 / 3.0, 2.0 / 3.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        let names: Vec<_> = parts.iter().map(|part| (part.name.as_str(), part.statements)).collect();
        assert_eq!(names, [(HARD, 2), (EASY, 1), ("nat", 2), (NO_TOPIC, 1), ("order", 1)]);
        assert_eq!(estimates(&parts[1]), [1.0, 1.0, 1.0]);
        let bare = [entry("a", &[], &[])];
        assert!(super::parts(&bare, false, &tallies, 4, &[1]).1.is_empty());
    }
}
