//! Which conjectures the conjecturer is trained on (paper, section 3.3).
//!
//! Version 1 weighs all kept conjectures alike: the paper's re-weighting towards the unproved statements is
//! not done here yet.

use std::collections::BTreeMap;

/// A conjecture of a round with what the prover made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Its signature.
    pub signature: String,
    /// The trigger lemma it was asked with.
    pub lemma: Option<String>,
    /// Attempts that were proved, and judged.
    pub proved: u32,
    /// Attempts that were judged.
    pub judged: u32,
    /// Its correct proofs with their trigger lemmas.
    pub proofs: Vec<(String, Vec<String>)>,
}

/// A conjecture to train on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// The lemma to train it with: none where no found proof uses the one it was asked with.
    pub lemma: Option<String>,
}

/// Limits of the selection.
#[derive(Clone, Copy, Debug)]
pub struct SelectionLimits {
    /// Highest pass rate of a barely provable conjecture (paper: 1/4).
    pub highest_rate: f64,
    /// Part of each lemma's group to drop, those with the shortest proofs for their length (paper: 20 %).
    pub inelegant_share: f64,
}

impl Default for SelectionLimits {
    fn default() -> Self {
        Self { highest_rate: 0.25, inelegant_share: 0.2 }
    }
}

/// Keeps what is barely provable, re-labels what does not use its lemma, and drops the least elegant of each
/// lemma's group. The order is kept.
pub fn select(candidates: &[Candidate], limits: SelectionLimits) -> Vec<Kept> {
    let mut groups: BTreeMap<Option<String>, Vec<(usize, f64)>> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let rate = f64::from(candidate.proved) / f64::from(candidate.judged.max(1));
        if candidate.proved == 0 || rate > limits.highest_rate {
            continue;
        }
        groups.entry(used_lemma(candidate)).or_default().push((index, elegance(candidate)));
    }
    let mut kept = Vec::new();
    for (lemma, mut group) in groups {
        group.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let dropped = (group.len() as f64 * limits.inelegant_share) as usize;
        kept.extend(group.into_iter().skip(dropped).map(|(index, _)| (index, lemma.clone())));
    }
    kept.sort_by_key(|(index, _)| *index);
    kept.into_iter().map(|(index, lemma)| Kept { id: candidates[index].id.clone(), lemma }).collect()
}

fn used_lemma(candidate: &Candidate) -> Option<String> {
    candidate.lemma.clone().filter(|lemma| candidate.proofs.iter().any(|(_, used)| used.contains(lemma)))
}

/// Length of the shortest proof over the length of the statement: a long statement with a short proof is
/// padded, not hard.
fn elegance(candidate: &Candidate) -> f64 {
    let shortest = candidate.proofs.iter().map(|(proof, _)| proof.chars().count()).min().unwrap_or(0);
    shortest as f64 / candidate.signature.chars().count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(
        id: &str,
        proved: u32,
        lemma: Option<&str>,
        used: &[&str],
        proof_length: usize,
    ) -> Candidate {
        Candidate {
            id: id.into(),
            signature: "x".repeat(10),
            lemma: lemma.map(String::from),
            proved,
            judged: 8,
            proofs: vec![("p".repeat(proof_length), used.iter().map(|name| (*name).to_owned()).collect())],
        }
    }

    #[test]
    fn only_the_barely_provable_stay_and_unused_lemmas_are_relabelled() {
        let all = [
            candidate("never", 0, None, &[], 5),
            candidate("easy", 3, None, &[], 5),
            candidate("uses", 2, Some("L"), &["L"], 5),
            candidate("ignores", 1, Some("L"), &["M"], 5),
        ];
        let kept = select(&all, SelectionLimits::default());
        let expected = [("uses", Some("L")), ("ignores", None)];
        assert_eq!(kept, expected.map(|(id, lemma)| Kept { id: id.into(), lemma: lemma.map(String::from) }));
    }

    #[test]
    fn the_fifth_with_the_shortest_proofs_is_dropped_in_each_group() {
        let all: Vec<_> = (0..10).map(|i| candidate(&format!("c{i}"), 1, None, &[], 20 - i)).collect();
        let kept = select(&all, SelectionLimits::default());
        assert_eq!(kept.len(), 8);
        assert!(kept.iter().all(|kept| kept.id != "c9" && kept.id != "c8"));
        let switched_off = SelectionLimits { inelegant_share: 0.0, ..SelectionLimits::default() };
        assert_eq!(select(&all, switched_off).len(), 10);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_barely_provable(counts in proptest::collection::vec(0u32..9, 0..40)) {
            let all: Vec<_> =
                counts.iter().enumerate().map(|(i, &n)| candidate(&i.to_string(), n, None, &[], i)).collect();
            for kept in select(&all, SelectionLimits::default()) {
                let index: usize = kept.id.parse().unwrap();
                prop_assert!((1..=2).contains(&counts[index]));
            }
        }
    }
}
