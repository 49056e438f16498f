//! Which conjectures the conjecturer is trained on (paper, section 3.3). How much each weighs is decided in
//! [`crate::transport`].

use std::collections::BTreeMap;

/// A conjecture of a round with what the prover made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TriedConjecture {
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
    /// Highest pass rate of a barely provable conjecture (paper: 1/4); with 1 all that were proved are kept.
    pub highest_rate: f64,
    /// Whether a conjecture loses a lemma that its found proofs do without.
    pub check_lemma: bool,
    /// Conjectures without a used lemma for each one with one, at most (paper's code: 20)...
    pub without_for_each: usize,
    /// ...or this many, if that is more (paper's code: 4096).
    pub without_least: usize,
    /// Part of each lemma's group to drop, those with the shortest proofs for their length (paper: 20 %).
    pub inelegant_share: f64,
}

impl Default for SelectionLimits {
    fn default() -> Self {
        Self {
            highest_rate: 0.25,
            check_lemma: true,
            without_for_each: 20,
            without_least: 4096,
            inelegant_share: 0.2,
        }
    }
}

/// Keeps what is barely provable, re-labels what does not use its lemma, and drops the least elegant of each
/// lemma's group. The order is kept.
pub fn select(candidates: &[TriedConjecture], limits: SelectionLimits) -> Vec<Kept> {
    let barely = |candidate: &TriedConjecture| {
        let rate = f64::from(candidate.proved) / f64::from(candidate.judged.max(1));
        candidate.proved > 0 && rate <= limits.highest_rate
    };
    let label = |candidate: &TriedConjecture| {
        if limits.check_lemma { used_lemma(candidate) } else { candidate.lemma.clone() }
    };
    let labelled: Vec<_> = candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| barely(candidate))
        .map(|(index, candidate)| (index, label(candidate)))
        .collect();
    let with_lemma = labelled.iter().filter(|(_, lemma)| lemma.is_some()).count();
    let mut room = (limits.without_for_each * with_lemma).max(limits.without_least);
    let mut groups: BTreeMap<Option<String>, Vec<(usize, f64)>> = BTreeMap::new();
    for (index, lemma) in labelled {
        if lemma.is_none() {
            let Some(left) = room.checked_sub(1) else { continue };
            room = left;
        }
        groups.entry(lemma).or_default().push((index, elegance(&candidates[index])));
    }
    let mut kept = Vec::new();
    for (lemma, group) in groups {
        let mut ratios: Vec<_> = group.iter().map(|(_, ratio)| *ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let dropped = (group.len() as f64 * limits.inelegant_share) as usize;
        let least = ratios.get(dropped).copied().unwrap_or_default();
        kept.extend(
            group.into_iter().filter(|(_, ratio)| *ratio >= least).map(|(index, _)| (index, lemma.clone())),
        );
    }
    kept.sort_by_key(|(index, _)| *index);
    kept.into_iter().map(|(index, lemma)| Kept { id: candidates[index].id.clone(), lemma }).collect()
}

/// The lemma that a conjecture was asked with, if one of its found proofs uses it.
pub fn used_lemma(candidate: &TriedConjecture) -> Option<String> {
    candidate.lemma.clone().filter(|lemma| candidate.proofs.iter().any(|(_, used)| used.contains(lemma)))
}

/// Length of the shortest proof over the length of the statement: a long statement with a short proof is
/// padded, not hard.
fn elegance(candidate: &TriedConjecture) -> f64 {
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
    ) -> TriedConjecture {
        TriedConjecture {
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

    #[test]
    fn each_part_can_be_switched_off() {
        let all = [
            candidate("easy", 7, Some("L"), &["M"], 5),
            candidate("hard", 1, Some("L"), &["M"], 5),
            candidate("never", 0, None, &[], 5),
        ];
        let ids =
            |limits| select(&all, limits).into_iter().map(|kept| (kept.id, kept.lemma)).collect::<Vec<_>>();
        let wide = SelectionLimits { highest_rate: 1.0, ..SelectionLimits::default() };
        assert_eq!(ids(wide), [("easy".to_owned(), None), ("hard".to_owned(), None)]);
        let trusting = SelectionLimits { check_lemma: false, ..SelectionLimits::default() };
        assert_eq!(ids(trusting), [("hard".to_owned(), Some("L".to_owned()))]);
    }

    #[test]
    fn those_without_a_used_lemma_are_not_too_many() {
        let mut all = vec![candidate("with", 1, Some("L"), &["L"], 5)];
        all.extend((0..9).map(|i| candidate(&format!("c{i}"), 1, None, &[], 5)));
        let limits = |without_for_each, without_least| SelectionLimits {
            without_for_each,
            without_least,
            ..SelectionLimits::default()
        };
        assert_eq!(select(&all, limits(4, 0)).len(), 5);
        assert_eq!(select(&all, limits(4, 6)).len(), 7);
        assert_eq!(select(&all, SelectionLimits::default()).len(), 10, "equally elegant ones stay together");
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
