//! What is judged: candidates made of a corpus' proofs, half of them wrong.

use std::collections::HashSet;

use stp_datasets::CorpusEntry;
use stp_verifier::Candidate;

/// Every other one has the next different proof of the corpus, which is another statement's and mostly wrong.
pub(super) fn candidates(entries: &[CorpusEntry], count: usize) -> Vec<Candidate> {
    let pairs: Vec<_> =
        entries.iter().flat_map(|entry| entry.proofs.iter().map(move |proof| (entry, proof))).collect();
    (0..count)
        .map(|index| {
            let (entry, proof) = pairs[index / 2 % pairs.len()];
            let other = pairs
                .iter()
                .cycle()
                .skip(index / 2 % pairs.len())
                .find(|(next, other)| next.statement.id != entry.statement.id && *other != proof);
            let proof = if index % 2 == 0 { proof } else { other.map_or(proof, |(_, proof)| proof) };
            Candidate::new(&*entry.statement.header, &*entry.statement.signature, proof.as_str())
        })
        .collect()
}

/// The first candidate of each statement.
pub(super) fn distinct_statements(candidates: &[Candidate]) -> Vec<Candidate> {
    let mut seen = HashSet::new();
    candidates.iter().filter(|it| seen.insert((&it.header, &it.signature))).cloned().collect()
}

/// The whole text of a candidate.
pub(super) fn text_of(Candidate { header, signature, proof, .. }: &Candidate) -> String {
    format!("{header}\ntheorem candidate {signature} := {proof}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_candidates_have_the_proof_of_another_statement() {
        let entries = stp_datasets::Corpus::core().unwrap().entries;
        let candidates = candidates(&entries, 2000);
        assert_eq!(candidates.len(), 2000);
        for pair in candidates.chunks(2) {
            assert_eq!(pair[0].signature, pair[1].signature);
        }
        let differ = candidates.chunks(2).filter(|pair| pair[0].proof != pair[1].proof).count();
        assert_eq!(differ, 1000);
    }
}
