//! Which single tactics close a statement.

use stp_datasets::{SINGLE_TACTICS, Statement};
use stp_verifier::{Candidate, Pool, VerifierError};

/// The tactics that close a statement alone.
pub(super) async fn closed_by(pool: &Pool, statement: &Statement) -> Result<Vec<String>, VerifierError> {
    let mut closing = Vec::new();
    for tactic in SINGLE_TACTICS {
        if pool.check(candidate(statement, &format!("by {tactic}"))).await?.is_proved() {
            closing.push(tactic.to_owned());
        }
    }
    Ok(closing)
}

/// A proof of a statement, to be judged.
pub(super) fn candidate(statement: &Statement, proof: &str) -> Candidate {
    Candidate::new(&*statement.header, &*statement.signature, proof)
}
