//! A theorem of a whole text that a row brings, perhaps with the statement that it must prove.
//!
//! The statement is as foreign as the text. So it is elaborated where proofs are, and the checker tells of both what they
//! claim.

use stp_datasets::Verdict;

use crate::handle::Pool;
use crate::protocol::{Trust, VerifierError};

/// The verdict on the theorem called `name`, or on the last one. The first `added` lines of the text are not its writer's.
/// `statement`: header and signature.
pub(super) async fn judge(
    pool: &Pool,
    text: &str,
    added: u32,
    name: Option<&str>,
    statement: Option<(String, String)>,
) -> Result<Verdict, VerifierError> {
    let statement =
        statement.as_ref().map(|(header, signature)| (header.as_str(), signature.as_str(), Trust::Foreign));
    let mut verdict = pool.judge_source(text, name, statement).await?;
    verdict.messages.iter_mut().for_each(|message| *message = below(added, message));
    Ok(verdict)
}

/// A message with the line that its place has in the text as it was written.
fn below(added: u32, message: &str) -> String {
    let placed = message.split_once(':').and_then(|(line, rest)| Some((line.parse::<u32>().ok()?, rest)));
    match placed {
        Some((line, rest)) if line > added => format!("{}:{rest}", line - added),
        Some((_, rest)) if added > 0 => format!("header:{rest}"),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_text_as_it_was_written() {
        assert_eq!(below(2, "3:4: no"), "1:4: no");
        assert_eq!(below(3, "3:4: no"), "header:4: no");
        assert_eq!(below(0, "3:4: no"), "3:4: no");
        assert_eq!(below(2, "no"), "no");
    }
}
