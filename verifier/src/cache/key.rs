//! Under which keys answers are kept.

use sha2::{Digest, Sha256};

use crate::protocol::{Candidate, Trust};

/// Raised whenever the judge's rules change, so that no old answer is served under new rules.
pub const RULES: u32 = 6;

/// A hash of all that an answer depends on.
pub type Key = [u8; 32];

/// The key of a check: `toolchain` names the Lean, `heartbeats` is its own limit.
pub(crate) fn check_key(toolchain: &str, heartbeats: u64, messages: usize, candidate: &Candidate) -> Key {
    let proof = normalise(&candidate.proof);
    let limits = format!("{heartbeats} {messages}");
    hash(&[
        "check",
        toolchain,
        &limits,
        author(candidate.trust),
        &candidate.header,
        &candidate.signature,
        &proof,
    ])
}

/// The key of a statement.
pub(crate) fn statement_key(
    toolchain: &str,
    heartbeats: u64,
    header: &str,
    signature: &str,
    trust: Trust,
) -> Key {
    hash(&["statement", toolchain, &heartbeats.to_string(), author(trust), header, signature])
}

fn author(trust: Trust) -> &'static str {
    match trust {
        Trust::Trusted => "trusted",
        Trust::Foreign => "foreign",
    }
}

fn hash(parts: &[&str]) -> Key {
    let mut hasher = Sha256::new_with_prefix(RULES.to_le_bytes());
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

/// A proof without the spaces at the ends of its lines and after it, which Lean does not see. A text with a
/// string in it is left alone, for there they may count.
fn normalise(proof: &str) -> String {
    if proof.contains('"') {
        return proof.to_owned();
    }
    let lines: Vec<_> = proof.trim_end().split('\n').map(str::trim_end).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(proof: &str) -> Candidate {
        Candidate::new("", ": True", proof)
    }

    #[test]
    fn keys_tell_apart_what_counts_and_nothing_else() {
        let key = |proof: &str| check_key("lean", 1, 5, &candidate(proof));
        assert_eq!(key("by\n  simp"), key("by  \n  simp\n\n"));
        assert_ne!(key("by\n  simp"), key("by\n   simp"));
        assert_ne!(key("\"a \n\""), key("\"a\n\""));
        assert_ne!(key("x"), check_key("other", 1, 5, &candidate("x")));
        assert_ne!(key("x"), check_key("lean", 2, 5, &candidate("x")));
        assert_ne!(key("x"), check_key("lean", 1, 4, &candidate("x")));
        let moved = Candidate::new(": ", "True", "x");
        assert_ne!(key("x"), check_key("lean", 1, 5, &moved));
    }
}
