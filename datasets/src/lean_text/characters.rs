//! The characters of Lean text: which belong to names, which are symbols, and which hide something.

/// Characters of no width, that turn the direction of writing, or control the terminal: with them a text looks
/// like another one, so they may not even stand in comments.
pub(super) fn is_invisible(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
        || is_variation(c)
}

/// What makes the character before it an emoji or not; people's comments have it.
pub(super) fn is_variation(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}')
}

/// Letters to every Lean.
fn is_letter_like(c: char) -> bool {
    matches!(c, 'α'..='ω' | 'Α'..='Ω' | 'ϊ'..='ϻ' | 'ἀ'..='῾' | '℀'..='⅏' | '𝒜'..='𝖟')
        && !matches!(c, 'λ' | 'Π' | 'Σ' | '\u{3a2}')
}

/// Letters to the Lean of today, and nothing to older ones: `é`, `ö`.
pub fn is_late_letter(c: char) -> bool {
    matches!(c, 'À'..='ſ') && !matches!(c, '×' | '÷')
}

/// What a name, or a part of one, begins with.
pub(super) fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || is_letter_like(c) || is_late_letter(c)
}

/// What a name goes on with.
pub(super) fn is_word_rest(c: char) -> bool {
    is_word_start(c)
        || c.is_ascii_digit()
        || matches!(c, '\'' | '!' | '?' | '₀'..='₉' | 'ₐ'..='ₜ' | 'ᵢ'..='ᵪ' | 'ⱼ')
}

/// ASCII punctuation, and the symbols, arrows and superscripts of mathematics: what Lean and its libraries make
/// notation of. None is part of a name to any Lean.
pub(super) fn is_symbol(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, 'λ' | 'Π' | 'Σ' | '¬' | '×' | '·' | '÷' | '±' | '°' | '§' | '¹' | '²' | '³')
        // Superscripts and subscripts, letters among them: `ˣ`, `ᵀ`, `ᶜ`.
        || matches!(c, 'ʰ'..='ʸ' | 'ˡ'..='ˣ' | 'ᴬ'..='ᵡ' | '\u{1d78}' | '\u{1d9b}'..='\u{1dbf}')
        || matches!(c, '⁰'..='ⁿ' | '₊'..='₎' | '‖' | '†'..='•' | '…' | '′'..='‴' | '‼' | '⁅' | '⁆')
        // Arrows, operators and the technical and geometric signs beside them.
        || matches!(c, '←'..='⋿' | '⌀'..='⏿' | '■'..='◿' | '★' | '☆' | '♠'..='♯' | '✓' | '✝' | '✶')
        || matches!(c, 'ᗮ' | 'ᘁ' | 'ꟳ')
        || matches!(c, '⟀'..='⟿' | '⤀'..='⫿' | '⬀'..='⬯' | '𝟎'..='𝟿')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mathematics_needs_is_a_symbol() {
        for c in "ᵀᶜˣᴴᵒᵖᵐᵗᵁˢᶠᗮ‖₊₋⁻¹⁅⁆‼†‡•…⋆★♯𝟙𝟘⟂⟮⟯⟪⟫⌊⌋⌈⌉⨁⨂⨅⨆⥤⤳⊢⊗⇨↥↑⇑∂∫∑∏∣°′⬝⧸⦋⦌".chars()
        {
            assert!(is_symbol(c) && !is_word_rest(c) && !is_invisible(c), "{c:?}");
        }
    }

    #[test]
    fn what_looks_like_something_else_is_none() {
        for c in "（）；：‘’“”–—а⁄＝｜ꞌ\u{37e}\u{a0}\u{301}".chars() {
            assert!(!is_symbol(c) && !is_word_start(c), "{c:?}");
        }
    }

    #[test]
    fn no_character_is_of_two_kinds() {
        for c in (0..=0x0010_ffff).filter_map(char::from_u32) {
            let kinds = [is_invisible(c), is_word_start(c), is_symbol(c)];
            let count = kinds.iter().filter(|kind| **kind).count();
            assert!(count <= 1 || matches!(c, '_'), "{c:?} {kinds:?}");
            assert!(!is_symbol(c) || !is_word_rest(c) || matches!(c, '_' | '\'' | '!' | '?'), "{c:?}");
        }
    }

    /// Lean's own `isIdRest`, asked of Lean 4.28.
    #[test]
    fn the_characters_of_names_are_those_of_lean() {
        let ranges = [
            (0x21, 0x21),
            (0x27, 0x27),
            (0x30, 0x39),
            (0x3f, 0x3f),
            (0x41, 0x5a),
            (0x5f, 0x5f),
            (0x61, 0x7a),
            (0xc0, 0xd6),
            (0xd8, 0xf6),
            (0xf8, 0x17f),
            (0x391, 0x39f),
            (0x3a1, 0x3a1),
            (0x3a4, 0x3a9),
            (0x3b1, 0x3ba),
            (0x3bc, 0x3fb),
            (0x1d62, 0x1d6a),
            (0x1f00, 0x1ffe),
            (0x2080, 0x2089),
            (0x2090, 0x209c),
            (0x2100, 0x214f),
            (0x2c7c, 0x2c7c),
            (0x1d49c, 0x1d59f),
        ];
        for c in (0..=0x0010_ffff).filter_map(char::from_u32) {
            let lean = ranges.iter().any(|(from, to)| (*from..=*to).contains(&u32::from(c)));
            assert_eq!(is_word_rest(c), lean, "{c:?}");
        }
    }
}
