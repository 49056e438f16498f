//! What a misspelt name was meant to be.

/// The name among `known` that a misspelt one was most likely meant to be: equal but for capitals, or with few letters
/// changed, left out, added or exchanged. `None` if nothing is near.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let rated = known.into_iter().map(|name| (strsim::osa_distance(&wrong, &name.to_lowercase()), name));
    let near = rated.filter(|(distance, name)| *distance <= allowed(&wrong, name));
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// Letters that may be wrong: a third of the longer name's, at most four.
fn allowed(wrong: &str, name: &str) -> usize {
    (wrong.chars().count().max(name.chars().count()) / 3).min(4)
}

/// ` Did you mean X?`, to stand behind a sentence; nothing where nothing is near.
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, known).map_or_else(String::new, |name| format!(" Did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_what_was_meant_and_another_word_finds_nothing() {
        let known = ["tiny", "smoke", "small", "deepseek-prover-7b"];
        for (wrong, meant) in [("tniy", "tiny"), ("TINY", "tiny"), ("smal", "small"), ("smoek", "smoke")] {
            assert_eq!(nearest(wrong, known), Some(meant), "{wrong}");
        }
        assert_eq!(nearest("deepseek-prover-v7b", known), Some("deepseek-prover-7b"));
        for wrong in ["huge", "x", ""] {
            assert_eq!(nearest(wrong, known), None, "{wrong}");
        }
        assert_eq!(did_you_mean("tiyn", known), " Did you mean `tiny`?");
        assert_eq!(did_you_mean("huge", known), "");
    }
}
