//! What the tokens of a byte-level vocabulary stand for.

/// The bytes of a token as its vocabulary spells it: one character for each byte, as GPT-2 began it. A token that is spelt
/// otherwise stands for its own text, with SentencePiece's `▁` for a space.
pub(crate) fn bytes_of(token: &str) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
    bytes.unwrap_or_else(|| token.replace('▁', " ").into_bytes())
}

/// The byte that a character stands for: printable ones for themselves, the others by number from U+0100 on.
fn byte_of(c: char) -> Option<u8> {
    let code = u32::from(c);
    if let Ok(byte) = u8::try_from(code) {
        return is_printable(byte).then_some(byte);
    }
    let place = usize::try_from(code.checked_sub(256)?).ok()?;
    (0..=255).filter(|byte| !is_printable(*byte)).nth(place)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        let alphabet = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet();
        let bytes: std::collections::BTreeSet<u8> = alphabet.iter().map(|c| byte_of(*c).unwrap()).collect();
        assert_eq!((alphabet.len(), bytes.len()), (256, 256));
        assert_eq!(bytes_of("Ġx"), b" x");
        assert_eq!(bytes_of("▁x"), b" x");
    }
}
