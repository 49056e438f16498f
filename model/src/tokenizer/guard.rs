//! Which tokens no value may spell, beside those that a tokenizer calls special.

/// Whether a token that is not called special stands for a part of a conversation all the same. Of the tokens that were added to
/// a vocabulary many are ordinary text, so they are known by how they are written: `<|user|>`, DeepSeek's `<｜User｜>`, and the
/// tags of thoughts, tools and turns.
pub(super) fn looks_special(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else { return false };
    let is_between = |bar: char| {
        inside.strip_prefix(bar).and_then(|rest| rest.strip_suffix(bar)).is_some_and(|it| !it.is_empty())
    };
    let tag = inside.strip_prefix('/').unwrap_or(inside);
    let is_tag = matches!(tag, "think" | "start_of_turn" | "end_of_turn") || tag.starts_with("tool_");
    is_tag || is_between('|') || is_between('｜')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_conversation_are_told_from_text() {
        for text in [
            "<|im_start|>",
            "<｜User｜>",
            "<｜tool▁calls▁begin｜>",
            "<think>",
            "</think>",
            "<tool_call>",
            "</tool_response>",
            "<start_of_turn>",
            "<end_of_turn>",
        ] {
            assert!(looks_special(text), "{text}");
        }
        for text in
            ["", "ø", "<", "<>", "<|>", "<||>", "<b>", "<thinking>", "think", "|x|", "  ", "</", "< |x| >"]
        {
            assert!(!looks_special(text), "{text}");
        }
    }
}
