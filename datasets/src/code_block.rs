//! Blocks of Lean code in the answers of chat models.

/// The last block between fences of which the first says `lean`: what stands before it, and its code. Without the second fence it
/// goes to the end.
pub fn last_block(answer: &str) -> Option<(&str, &str)> {
    let (before, fenced) = answer.split_at(answer.rfind("```lean")?);
    let (_, code) = fenced.split_once('\n')?;
    Some((before, code.split("```").next().unwrap_or(code)))
}
