//! The conjecturer's prompt: `<|lemma|> LEMMA <|theorem|> SEED <|proof|> PROOF <|conjecture|>`, answered by
//! `SIGNATURE <|end|>`. "No lemma" is an empty lemma.

use stp_model::{Example, Special, Tokenizer};

/// The prompt for a seed theorem with its proof, and perhaps a trigger lemma's signature.
pub fn prompt(tokenizer: &Tokenizer, lemma: Option<&str>, seed: &str, proof: &str) -> Vec<u32> {
    let parts =
        [(Special::Lemma, lemma.unwrap_or_default()), (Special::Theorem, seed), (Special::Proof, proof)];
    let mut tokens = Vec::new();
    for (marker, text) in parts {
        tokens.push(marker.id());
        tokens.extend(tokenizer.encode(text));
    }
    tokens.push(Special::Conjecture.id());
    tokens
}

/// A prompt with the statement that was to be conjectured, as a training example.
pub fn example(
    tokenizer: &Tokenizer,
    lemma: Option<&str>,
    seed: &str,
    proof: &str,
    signature: &str,
    weight: f32,
) -> Example {
    let mut target = tokenizer.encode(signature);
    target.push(Special::End.id());
    Example { prompt: prompt(tokenizer, lemma, seed, proof), target, weight }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lemma_is_an_empty_lemma() {
        let tokenizer = Tokenizer::train(&["(a : Nat) : a = a".to_owned()], 300).unwrap();
        let with = prompt(&tokenizer, Some("(a : Nat) : a = a"), ": a", "b");
        let without = prompt(&tokenizer, None, ": a", "b");
        assert_eq!(without[..2], [Special::Lemma.id(), Special::Theorem.id()]);
        assert!(with.len() > without.len() && with.ends_with(&without[1..]));
    }
}
