//! Where a theorem's type ends, and its proof begins.

use super::scan::{Piece, pieces};

/// How a theorem's type ends; with the piece that ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// At `:=`.
    Assign(usize),
    /// At the `|` of its first equation.
    Equations(usize),
    /// At `where`.
    Where,
    /// With the text.
    Missing,
}

/// The end of the type in the pieces of a theorem, without its name.
pub(super) fn body(pieces: &[Piece<'_>]) -> Body {
    let (mut depth, mut colon, mut lets, mut arms) = (0i64, false, 0usize, false);
    let arrows = arrows_to_come(pieces);
    for (index, piece) in pieces.iter().enumerate() {
        depth += bracket(piece);
        if depth != 0 {
            continue;
        }
        match piece.text {
            ":" => colon = true,
            "let" | "have" | "letI" | "haveI" if colon => lets += 1,
            "match" if colon => arms = true,
            ":=" if lets > 0 => lets -= 1,
            ":=" => return Body::Assign(index),
            "where" if colon => return Body::Where,
            // The arms of `match … with` and `fun | …` belong to the type, and so do the bars of `|a|`.
            "|" if colon && index > 0 && matches!(pieces[index - 1].text, "fun" | "λ") => arms = true,
            // So do those of `let f : T | …`, which has no `:=`.
            "|" if colon && !arms && arrows[index] && lets > 0 => (arms, lets) = (true, lets - 1),
            "|" if colon && !arms && arrows[index] => return Body::Equations(index),
            _ => {}
        }
    }
    Body::Missing
}

/// How much deeper it leads.
fn bracket(piece: &Piece<'_>) -> i64 {
    match piece.text {
        "(" | "[" | "{" | "⟨" | "⦃" => 1,
        ")" | "]" | "}" | "⟩" | "⦄" => -1,
        _ => 0,
    }
}

/// For each piece that stands outside of brackets whether `=>` comes there before any `:=`, but for the arrows of `fun`.
fn arrows_to_come(pieces: &[Piece<'_>]) -> Vec<bool> {
    let mut found = vec![false; pieces.len()];
    // From the last piece to the first: the depth of each against the last one's, and how many arrows are to come.
    let mut depth: i64 = pieces.iter().map(bracket).sum();
    let (mut arrows, mut next) = (0usize, "");
    for (piece, found) in pieces.iter().zip(&mut found).rev() {
        match (piece.text, next) {
            (":=", _) if depth == 0 => arrows = 0,
            ("fun" | "λ", _) if depth == 0 => arrows = arrows.saturating_sub(1),
            ("=", ">") if depth == 0 => arrows += 1,
            _ => {}
        }
        *found = arrows > 0;
        depth -= bracket(piece);
        next = piece.text;
    }
    found
}

/// Whether a text has a colon of its own before any `:=`, as `(a : Nat) : a = a` has and `(1 : Nat) = 1` has not.
pub(crate) fn has_type(text: &str) -> bool {
    let mut depth = 0i64;
    for piece in pieces(text) {
        let before = depth;
        depth += bracket(&piece);
        match piece.text {
            ":" if before == 0 => return true,
            // Before the colon there are binders in brackets, and nothing else.
            _ if before == 0 && depth == 0 => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As [`arrows_to_come`] says it of the first piece.
    fn arrow_comes_first(pieces: &[Piece<'_>]) -> bool {
        let (mut depth, mut functions) = (0i64, 0usize);
        for pair in pieces.windows(2) {
            depth += bracket(&pair[0]);
            match (pair[0].text, pair[1].text) {
                (":=", _) if depth == 0 => return false,
                ("fun" | "λ", _) if depth == 0 => functions += 1,
                ("=", ">") if depth == 0 && functions > 0 => functions -= 1,
                ("=", ">") if depth == 0 => return true,
                _ => {}
            }
        }
        false
    }

    #[test]
    fn many_bars_take_no_time() {
        let text = format!(": {}0 = 0 := rfl", "|a| + ".repeat(100_000));
        assert!(matches!(body(&pieces(&text)), Body::Assign(_)));
    }

    proptest::proptest! {
        #[test]
        fn arrows_are_those_of_a_search(text in "(=> |:= |fun |\\| |\\(|\\)|= |x ){0,40}") {
            let pieces = pieces(&text);
            let arrows = arrows_to_come(&pieces);
            let mut depth = 0;
            for (index, piece) in pieces.iter().enumerate() {
                depth += bracket(piece);
                if depth == 0 && piece.text == "|" {
                    proptest::prop_assert_eq!(arrows[index], arrow_comes_first(&pieces[index..]));
                }
            }
        }
    }
}
