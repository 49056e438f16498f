//! Where in a rendered text the values are: between characters that no text has, for Unicode keeps them for programs.

use crate::tokenizer::Part;

/// Before a value.
const BEGIN: char = '\u{fdd0}';
/// After a value.
const END: char = '\u{fdd1}';
/// Before token ids with commas between them.
const TOKENS: char = '\u{fdd2}';
/// After token ids.
const CLOSE: char = '\u{fdd3}';

/// A text without the characters that are marks.
pub(super) fn clean(text: &str) -> String {
    text.replace([BEGIN, END, TOKENS, CLOSE], "")
}

/// A text as a value, whatever it is.
pub(super) fn cleaned(text: &str) -> String {
    format!("{BEGIN}{}{END}", clean(text))
}

/// A value, marked as one. Tokens in it, as [`tokens`] writes them, stay tokens: an expression may have put text beside them.
/// `None` if it has taken them apart, for then nobody can say what is a token and what is text.
pub(super) fn value(text: &str) -> Option<String> {
    let mut pieces = text.split(TOKENS);
    let mut marked = plain(pieces.next()?)?;
    for piece in pieces {
        let (ids, after) = piece.split_once(CLOSE)?;
        if !is_ids(ids) {
            return None;
        }
        marked.push_str(&format!("{TOKENS}{ids}{CLOSE}{}", plain(after)?));
    }
    Some(marked)
}

/// A value without tokens, marked as one; `None` if tokens end in it that did not begin.
fn plain(text: &str) -> Option<String> {
    (!text.contains(CLOSE)).then(|| cleaned(text))
}

/// Whether these are token ids as [`tokens`] writes them.
fn is_ids(text: &str) -> bool {
    text.is_empty() || text.split(',').all(|id| id.parse::<u32>().is_ok())
}

/// Tokens that stand for a value.
pub(super) fn tokens(ids: &[u32]) -> String {
    let ids: Vec<_> = ids.iter().map(u32::to_string).collect();
    format!("{TOKENS}{}{CLOSE}", ids.join(","))
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
        let (inside, after) = inside.split_once(if is_value { END } else { CLOSE }).unwrap_or((inside, ""));
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
        let text = format!("<s>a {}b{}{}", value("x\u{fdd1}y").unwrap(), tokens(&[3, 40]), tokens(&[]));
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

    #[test]
    fn tokens_within_a_value_stay_tokens_unless_they_are_taken_apart() {
        let cut = tokens(&[3, 40]);
        let expected =
            [Part::Value("a ".to_owned()), Part::Tokens(vec![3, 40]), Part::Value(" b".to_owned())];
        assert_eq!(parts(&value(&format!("a {cut} b")).unwrap()), expected);
        let marks: Vec<char> = cut.chars().collect();
        for broken in [&marks[1..], &marks[..marks.len() - 1], &[TOKENS, 'x', CLOSE][..]] {
            assert_eq!(value(&broken.iter().collect::<String>()), None, "{broken:?}");
        }
    }
}
