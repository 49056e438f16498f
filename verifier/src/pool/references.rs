//! What a statement's theorem must look like, worked out by one process and then known to all.
//!
//! A proof's theorem is compared with the statement's, which costs an elaboration of its own. Most statements are
//! proved many times, so the answer is kept: a hash of the type, the universes and the number of commands.

use dashmap::DashMap;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// About 10 MB; a round's worth of statements at a time.
const MOST: usize = 1 << 15;

/// References by header and signature, as the workers gave them.
#[derive(Debug, Default)]
pub(super) struct References(DashMap<[u8; 32], Value>);

impl References {
    /// The reference of a statement; null if it is not known yet.
    pub(super) fn get(&self, header: &str, signature: &str) -> Value {
        self.0.get(&key(header, signature)).map_or(Value::Null, |found| found.clone())
    }

    /// Keeps what an answer says of its statement.
    pub(super) fn keep(&self, header: &str, signature: &str, answer: &Value) {
        if let Some(reference) = answer.get("reference") {
            if self.0.len() >= MOST {
                self.0.clear();
            }
            self.0.insert(key(header, signature), reference.clone());
        }
    }
}

fn key(header: &str, signature: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((header.len() as u64).to_le_bytes());
    hash.update(header);
    hash.update(signature);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_is_kept_for_its_statement_alone() {
        let references = References::default();
        references.keep("a", "b", &json!({ "reference": { "commands": 2 } }));
        references.keep("", "c", &json!({ "ok": false }));
        assert_eq!(references.get("a", "b"), json!({ "commands": 2 }));
        for (header, signature) in [("", "ab"), ("ab", ""), ("", "c")] {
            assert_eq!(references.get(header, signature), Value::Null);
        }
    }
}
