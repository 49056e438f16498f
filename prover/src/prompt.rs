//! The prover's prompt: `<|prove|> SIGNATURE <|proof|>`, answered by `PROOF <|end|>`.

use stp_model::{Example, Special, Tokenizer};

/// The prompt for a statement. The theorem's name is left out: it carries no mathematics.
pub fn prompt(tokenizer: &Tokenizer, signature: &str) -> Vec<u32> {
    let mut tokens = vec![Special::Prove.id()];
    tokens.extend(tokenizer.encode(signature));
    tokens.push(Special::Proof.id());
    tokens
}

/// A statement with a proof of it, as a training example.
pub fn example(tokenizer: &Tokenizer, signature: &str, proof: &str, weight: f32) -> Example {
    let mut target = tokenizer.encode(proof);
    target.push(Special::End.id());
    Example { prompt: prompt(tokenizer, signature), target, weight }
}

/// Tokens of a message that a repair prompt shows at most.
const MESSAGE_TOKENS: usize = 64;

/// The prompt for a second attempt: `<|prove|> SIGNATURE <|theorem|> FAILED PROOF <|statement|> MESSAGE <|proof|>`,
/// answered as the first one is. The failed proof is cut so that the whole fits in `room` tokens, if the rest does.
pub fn repair_prompt(
    tokenizer: &Tokenizer,
    signature: &str,
    failed: &str,
    message: &str,
    room: usize,
) -> Vec<u32> {
    let (signature, mut failed, mut message) =
        (tokenizer.encode(signature), tokenizer.encode(failed), tokenizer.encode(message));
    message.truncate(MESSAGE_TOKENS);
    failed.truncate(room.saturating_sub(signature.len() + message.len() + 4));
    let mut tokens = vec![Special::Prove.id()];
    tokens.extend(signature);
    tokens.push(Special::Theorem.id());
    tokens.extend(failed);
    tokens.push(Special::Statement.id());
    tokens.extend(message);
    tokens.push(Special::Proof.id());
    tokens
}

/// A prompt for a second attempt with the proof that it should have been answered with.
pub fn repair_example(tokenizer: &Tokenizer, prompt: Vec<u32>, proof: &str, weight: f32) -> Example {
    let mut target = tokenizer.encode(proof);
    target.push(Special::End.id());
    Example { prompt, target, weight }
}

/// A proof without what changes nothing: spaces at line ends, blank lines, surrounding white space.
pub fn normalise_proof(proof: &str) -> String {
    let lines: Vec<_> = proof.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompt_and_target_are_framed_by_markers() {
        let texts = ["(a : Nat) : a = a".to_owned(), "by\n  rfl".to_owned()];
        let tokenizer = Tokenizer::train(&texts, 300).unwrap();
        let example = example(&tokenizer, &texts[0], &texts[1], 0.5);
        assert_eq!(example.prompt.first(), Some(&Special::Prove.id()));
        assert_eq!(example.prompt.last(), Some(&Special::Proof.id()));
        assert_eq!(example.target.last(), Some(&Special::End.id()));
        assert_eq!(tokenizer.decode(&example.target[..example.target.len() - 1]), texts[1]);
    }

    #[test]
    fn a_repair_prompt_keeps_to_its_room() {
        let texts = ["(a : Nat) : a = a".to_owned(), "by\n  rfl".to_owned()];
        let tokenizer = Tokenizer::train(&texts, 300).unwrap();
        let failed = "by omega ".repeat(50);
        let prompt = repair_prompt(&tokenizer, &texts[0], &failed, &"unsolved goals ".repeat(50), 100);
        assert_eq!(prompt.len(), 100);
        assert!(prompt.ends_with(&[Special::Proof.id()]));
        let markers = |id: Special| prompt.iter().filter(|token| **token == id.id()).count();
        assert_eq!(
            [Special::Prove, Special::Theorem, Special::Statement, Special::Proof].map(markers),
            [1; 4]
        );
        let example = repair_example(&tokenizer, prompt, "by\n  rfl", 1.0);
        assert_eq!(example.target.last(), Some(&Special::End.id()));
    }

    #[test]
    fn blank_lines_and_trailing_spaces_go() {
        assert_eq!(normalise_proof(" by  \n\n  simp \n"), "by\n  simp");
    }
}
