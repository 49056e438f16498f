//! Trigger lemmas: the library theorems that a proof invokes by name.
//!
//! A proof term mentions many theorems that a tactic put there; what the proof's author invoked is what also
//! stands in the text.

/// The premises of a proof whose name the proof's text mentions: in full, or by its last component (as in
/// `h.symm` for `Eq.symm`).
pub fn trigger_lemmas(premises: &[String], proof: &str) -> Vec<String> {
    let words: Vec<&str> =
        proof.split(|c: char| !is_name_character(c)).filter(|word| !word.is_empty()).collect();
    premises.iter().filter(|premise| words.iter().any(|word| mentions(word, premise))).cloned().collect()
}

fn is_name_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '\'' | '!' | '?' | '₀'..='₉')
}

/// `Nat.add_comm` mentions itself; `h.trans` and `.trans` mention `Nat.le.trans` by its last component.
fn mentions(word: &str, premise: &str) -> bool {
    if word == premise {
        return true;
    }
    let (Some((_, last)), Some((_, of_word))) = (premise.rsplit_once('.'), word.rsplit_once('.')) else {
        return false;
    };
    last == of_word && !word.starts_with(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_text_invokes_is_a_trigger() {
        let premises: Vec<String> =
            ["Nat.add_comm", "Nat.le_trans", "List.length_append", "Nat.zero_add"].map(String::from).into();
        let proof = "by\n  rw [Nat.add_comm]\n  exact h.le_trans (by simp [List.length_append'])";
        assert_eq!(trigger_lemmas(&premises, proof), ["Nat.add_comm", "Nat.le_trans"]);
        assert!(trigger_lemmas(&premises, "by omega").is_empty());
        assert!(trigger_lemmas(&premises, "Int.add_comm x y").is_empty());
    }
}
