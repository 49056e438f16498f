//! The commands of a text, for those who must know what in it is a proof.

use super::commands::{IN_TERMS, commands, declaration, defines_commands, may_hold_commands};
use super::scan::{Piece, pieces};
use super::{DECLARES, LeanFileError, LeanTheorem, Lines, begins_command, take};

/// A command of a text, with the `open … in` before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlined<'a> {
    /// Its text, up to the next command.
    pub text: &'a str,
    /// The line of its keyword, from 1.
    pub line: usize,
    /// What it is.
    pub kind: OutlinedKind,
}

/// What a command is.
#[derive(Clone, Debug, PartialEq)]
pub enum OutlinedKind {
    /// A theorem, lemma or example. Its header is empty.
    Theorem {
        /// What it says, and where its proof stands in the whole text.
        theorem: LeanTheorem,
        /// Whether no other command can stand in what was read as its text.
        is_alone: bool,
    },
    /// Theorems that cannot be told from their proofs.
    Entangled(LeanFileError),
    /// A command that begins with a word of Lean's, and in which no theorem stands.
    Known,
    /// What begins with another word or has a theorem in it: it may belong to a proof.
    Unknown,
}

/// The commands of a text whose lines end in `\n` alone, in order.
pub fn outline(text: &str) -> Vec<Outlined<'_>> {
    let pieces = pieces(text);
    let ranges = commands(text, &pieces);
    let count = ranges.len();
    let mut found = Vec::with_capacity(count);
    let mut prefix_from = None;
    let mut lines = Lines { text, line: 1, at: 0 };
    let has_own_commands = defines_commands(&pieces);
    for (number, range) in (1..).zip(ranges) {
        let from = prefix_from.take().unwrap_or(range.start);
        if pieces[range.end - 1].text == "in" && number < count {
            prefix_from = Some(from);
            continue;
        }
        let keyword_at = (range.start + declaration(&pieces[range.clone()])).min(range.end - 1);
        let end = pieces.get(range.end).map_or(text.len(), |piece| piece.start);
        let own = &pieces[keyword_at..range.end];
        let line = lines.of(&own[0]);
        let mut kind = kind(text, own, (line, end));
        if let OutlinedKind::Theorem { is_alone, .. } = &mut kind {
            *is_alone &= !has_own_commands;
        }
        found.push(Outlined { text: &text[pieces[from].start..end], line, kind });
    }
    found
}

/// What the command is whose keyword comes first, in that line; it ends before that byte.
fn kind(text: &str, pieces: &[Piece<'_>], (line, end): (usize, usize)) -> OutlinedKind {
    let keyword = &pieces[0];
    if DECLARES.contains(&keyword.text) {
        return match take(text, pieces, String::new(), "", end) {
            Ok(theorem) => OutlinedKind::Theorem { theorem, is_alone: !may_hold_commands(text, pieces) },
            Err(error) => OutlinedKind::Entangled(error),
        };
    }
    let has_theorem = pieces.iter().any(|piece| DECLARES.contains(&piece.text));
    if keyword.text == "mutual" && has_theorem {
        return OutlinedKind::Entangled(LeanFileError {
            line,
            name: String::new(),
            reason: "stands in a `mutual` block, whose theorems are not taken apart.".to_owned(),
        });
    }
    // `open … in` and `set_option … in` may belong to a term or a tactic.
    let may_be_term = IN_TERMS.contains(&keyword.text) && pieces.iter().any(|it| it.text == "in");
    let is_known = begins_command(&text[keyword.start..]) && !may_be_term && !has_theorem;
    if is_known { OutlinedKind::Known } else { OutlinedKind::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_apart() {
        let text = "import Lean\nopen Nat in\n/-- doc -/\ntheorem a : 1 = 1 := by\n  rfl\n\
                    mutual\ntheorem b : True := trivial\nend\ndef c := 1\nopen Nat in by rfl\n\
                    example : 2 = 2 := rfl def d := 1";
        let found = outline(text);
        let brief: Vec<_> = found
            .iter()
            .map(|it| {
                let kind = match &it.kind {
                    OutlinedKind::Theorem { theorem, is_alone } => format!("{} {is_alone}", theorem.name),
                    OutlinedKind::Entangled(_) => "entangled".to_owned(),
                    OutlinedKind::Known => "known".to_owned(),
                    OutlinedKind::Unknown => "unknown".to_owned(),
                };
                (it.line, kind)
            })
            .collect();
        let named = |line, kind: &str| (line, kind.to_owned());
        assert_eq!(brief[..3], [named(1, "known"), named(4, "a true"), named(6, "entangled")]);
        assert!(found[1].text.starts_with("open Nat in"));
        // A definition in the line of an example is no part of it.
        assert_eq!(brief.last(), Some(&named(11, " false")));
        assert_eq!(found.iter().map(|it| it.text.len()).sum::<usize>(), text.len());
    }

    #[test]
    fn a_text_may_hold_nothing() {
        assert!(outline("").is_empty() && outline("-- no\n").is_empty());
        assert_eq!(outline("open Nat in").len(), 1);
    }
}
