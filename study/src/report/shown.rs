//! Texts that are cut so that a page stays small.

/// At most `longest` characters; what was cut is said by `…`.
pub(super) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_stays() {
        assert_eq!(cut("⊢ a", 3), "⊢ a");
        assert_eq!(cut("⊢ ab", 3), "⊢ a…");
    }
}
