//! Where in a rendered text the values are: between characters that no text has, for Unicode keeps them for programs.

use crate::tokenizer::Part;

/// Before a value.
const BEGIN: char = '\u{fdd0}';
/// After a value.
const END: char = '\u{fdd1}';
/// Before token ids with commas between them, which end with [`END`].
const TOKENS: char = '\u{fdd2}';

/// A text without the characters that are marks.
fn clean(text: &str) -> String {
    text.replace([BEGIN, END, TOKENS], "")
}

/// A value, marked as one.
pub(super) fn value(text: &str) -> String {
    format!("{BEGIN}{}{END}", clean(text))
}

/// Tokens that stand for a value.
pub(super) fn tokens(ids: &[u32]) -> String {
    let ids: Vec<_> = ids.iter().map(u32::to_string).collect();
    format!("{TOKENS}{}{END}", ids.join(","))
}

/// The pieces of a marked text.
pub(super) fn parts(marked: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut push = |part: Part| match &part {
        Part::Written(text) | Part::Value(text) if text.is_empty() => {}
        _ => parts.push(part),
    };
    let mut rest = marked;
    while let Some(at) = rest.find([BEGIN, TOKENS]) {
        push(Part::Written(clean(&rest[..at])));
        let is_value = rest[at..].starts_with(BEGIN);
        let inside = &rest[at + BEGIN.len_utf8()..];
        let (inside, after) = inside.split_once(END).unwrap_or((inside, ""));
        push(if is_value {
            Part::Value(clean(inside))
        } else {
            Part::Tokens(inside.split(',').filter_map(|id| id.parse().ok()).collect())
        });
        rest = after;
    }
    push(Part::Written(clean(rest)));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_marked_comes_back_in_pieces() {
        let text = format!("<s>a {}b{}{}", value("x\u{fdd1}y"), tokens(&[3, 40]), tokens(&[]));
        let expected = [
            Part::Written("<s>a ".to_owned()),
            Part::Value("xy".to_owned()),
            Part::Written("b".to_owned()),
            Part::Tokens(vec![3, 40]),
            Part::Tokens(vec![]),
        ];
        assert_eq!(parts(&text), expected);
        assert!(parts("").is_empty());
    }
}
