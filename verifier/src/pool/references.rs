//! What a statement's theorem must look like, worked out once and then known to all.
//!
//! A proof's theorem is compared with the statement's, which costs an elaboration of its own. Most statements are proved
//! many times, so the checker's answer is kept. Only the checker's: no process that ran a candidate writes here.

use std::sync::Arc;

use dashmap::DashMap;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::protocol::Trust;

/// About 10 MB; a round's worth of statements at a time.
const MOST: usize = 1 << 15;

type Key = [u8; 32];

/// What one statement claims; it is asked for once, whoever needs it.
pub(super) type Reference = Arc<OnceCell<String>>;

/// References by header, signature and who wrote them.
#[derive(Debug, Default)]
pub(super) struct References(DashMap<Key, Reference>);

impl References {
    /// The place of a statement's reference, which may still be empty.
    pub(super) fn of(&self, header: &str, signature: &str, trust: Trust) -> Reference {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.entry(key(header, signature, trust)).or_default().clone()
    }

    /// Forgets what a statement claims, because the process that said so may have lied.
    pub(super) fn forget(&self, header: &str, signature: &str, trust: Trust) {
        self.0.remove(&key(header, signature, trust));
    }
}

fn key(header: &str, signature: &str, trust: Trust) -> Key {
    let mut hash = Sha256::new();
    hash.update([u8::from(trust == Trust::Foreign)]);
    hash.update((header.len() as u64).to_le_bytes());
    hash.update(header);
    hash.update(signature);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_kept_for_its_statement_and_author_alone() {
        let references = References::default();
        references.of("a", "b", Trust::Trusted).set("claim".to_owned()).unwrap();
        assert_eq!(references.of("a", "b", Trust::Trusted).get().map(String::as_str), Some("claim"));
        for (header, signature, trust) in
            [("", "ab", Trust::Trusted), ("ab", "", Trust::Trusted), ("a", "b", Trust::Foreign)]
        {
            assert_eq!(references.of(header, signature, trust).get(), None);
        }
        references.forget("a", "b", Trust::Trusted);
        assert_eq!(references.of("a", "b", Trust::Trusted).get(), None);
    }
}
