//! A Lean text with `sorry`s: where they are, and the text with proofs in their places.

use std::ops::Range;

use similar::{ChangeTag, TextDiff};
use stp_datasets::lean_text::{Span, SpanKind, spans};
use stp_datasets::{LeanTheorem, theorems};

/// A theorem with something to fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// Its place among the text's theorems.
    pub index: usize,
    /// The theorem.
    pub theorem: LeanTheorem,
    /// Nothing but `sorry` is there.
    pub is_bare: bool,
}

/// A `sorry` that cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutOfReach {
    /// Its line, from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// A text whose lines end in `\n`, without a byte order mark, and how it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeanText {
    /// The text.
    pub text: String,
    has_mark: bool,
    /// Whether each of its lines ends in `\r\n`.
    returns: Vec<bool>,
}

impl LeanText {
    /// Takes a file's text.
    pub(super) fn of(written: &str) -> Self {
        let has_mark = written.starts_with('\u{feff}');
        let returns = written.split_inclusive('\n').map(|line| line.ends_with("\r\n")).collect();
        Self { text: stp_verifier::gate::normalise(written).into_owned(), has_mark, returns }
    }

    /// Another text in its place, as the file was written: lines that stay keep their ends, and new ones have those of most.
    pub(super) fn written(&self, text: &str) -> String {
        let mut written = if self.has_mark { "\u{feff}" } else { "" }.to_owned();
        let of_most = 2 * self.returns.iter().filter(|it| **it).count() > self.returns.len();
        for change in TextDiff::from_lines(self.text.as_str(), text).iter_all_changes() {
            if change.tag() == ChangeTag::Delete {
                continue;
            }
            let known = change.old_index().and_then(|line| self.returns.get(line).copied());
            match change.value().strip_suffix('\n').filter(|_| known.unwrap_or(of_most)) {
                Some(line) => written.extend([line, "\r\n"]),
                None => written.push_str(change.value()),
            }
        }
        written
    }

    /// The theorems to fill.
    pub(super) fn open(&self) -> Vec<Open> {
        let found = theorems(&self.text).into_iter().enumerate();
        let open = |(index, theorem): (usize, Result<LeanTheorem, _>)| {
            let theorem = theorem.ok()?;
            has_sorry(&theorem.proof).then(|| Open { index, is_bare: is_bare(&theorem.proof), theorem })
        };
        found.filter_map(open).collect()
    }

    /// The `sorry`s that stand in no proof that can be searched.
    pub(super) fn out_of_reach(&self) -> Vec<OutOfReach> {
        let found = theorems(&self.text);
        let proofs: Vec<&Range<usize>> = found.iter().flatten().map(|it| &it.proof_at).collect();
        let line_of = |place: usize| self.text[..place].matches('\n').count() + 1;
        let outside = sorries(&self.text).filter(|span| !proofs.iter().any(|at| at.contains(&span.start)));
        let reason = |line: usize| {
            let mut refused = found.iter().filter_map(|it| it.as_ref().err());
            let near = refused
                .rfind(|it| it.line <= line)
                .filter(|it| !found.iter().flatten().any(|other| (it.line + 1..=line).contains(&other.line)));
            match near {
                Some(error) => format!("`{}` {}", error.name, error.reason),
                None => "it stands in no proof of a theorem; only these are searched.".to_owned(),
            }
        };
        outside
            .map(|span| line_of(span.start))
            .map(|line| OutOfReach { line, reason: reason(line) })
            .collect()
    }

    /// The text with proofs in the places of those of theorems, by their places among the theorems.
    pub(super) fn with(&self, proofs: &[(usize, String)]) -> String {
        let found = theorems(&self.text);
        let mut text = self.text.clone();
        let mut proofs: Vec<_> = proofs.iter().collect();
        proofs.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
        for (index, proof) in proofs {
            let Some(Ok(theorem)) = found.get(*index) else { continue };
            let at = theorem.proof_at.clone();
            let is_bare = is_bare(&theorem.proof);
            let indented = if is_bare { indented(&self.text, theorem.line, proof) } else { proof.clone() };
            let glued = !self.text[..at.start].ends_with(char::is_whitespace)
                && !indented.starts_with(char::is_whitespace);
            text.replace_range(at, &format!("{}{indented}", if glued { " " } else { "" }));
        }
        text
    }
}

/// A proof whose lines after the first stand as far in as its theorem does.
fn indented(text: &str, line: usize, proof: &str) -> String {
    let of_theorem = text.lines().nth(line - 1).unwrap_or_default();
    let column = of_theorem.len() - of_theorem.trim_start_matches(' ').len();
    proof.replace('\n', &format!("\n{:column$}", ""))
}

fn sorries(text: &str) -> impl Iterator<Item = Span<'_>> {
    spans(text).filter(|span| span.kind == SpanKind::Word && span.text == "sorry")
}

/// How much is left to prove.
pub(super) fn count_of_sorries(proof: &str) -> usize {
    sorries(proof).count()
}

/// Whether something is left to prove.
pub(super) fn has_sorry(proof: &str) -> bool {
    sorries(proof).next().is_some()
}

/// Whether nothing is there but `sorry`.
pub(super) fn is_bare(proof: &str) -> bool {
    let code: Vec<String> = spans(proof).filter(Span::is_code).map(|span| span.text.to_owned()).collect();
    matches!(code.iter().map(String::as_str).collect::<Vec<_>>()[..], ["sorry"] | ["by", "sorry"])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "import Std\n\ndef f : Nat := sorry\n\n-- sorry\nsection\n  theorem a (n : Nat) : n = n :=\n    sorry\nend\n\
        theorem b : True ∧ True := by\n  constructor\n  · trivial\n  · sorry\ntheorem c : True := trivial\n\
        theorem d : True where\n  x := sorry\n";

    #[test]
    fn open_theorems_are_found_with_what_is_there() {
        let text = LeanText::of(TEXT);
        let brief: Vec<_> =
            text.open().into_iter().map(|it| (it.index, it.theorem.name, it.is_bare)).collect();
        assert_eq!(brief, [(0, "a".to_owned(), true), (1, "b".to_owned(), false)]);
        let lines: Vec<_> = text.out_of_reach().into_iter().map(|it| (it.line, it.reason)).collect();
        assert_eq!(lines.iter().map(|it| it.0).collect::<Vec<_>>(), [3, 16]);
        assert!(lines[0].1.contains("no proof of a theorem") && lines[1].1.contains("`where`"), "{lines:?}");
    }

    #[test]
    fn proofs_take_their_places_and_nothing_else_changes() {
        let text = LeanText::of(TEXT);
        let filled =
            text.with(&[(0, "by\n  rfl".into()), (1, "by\n  constructor\n  · trivial\n  · simp".into())]);
        let expected =
            TEXT.replace(":=\n    sorry\nend", ":= by\n    rfl\nend").replace("  · sorry", "  · simp");
        assert_eq!(filled, expected);
        assert_eq!(text.with(&[]), TEXT);
    }

    #[test]
    fn a_file_keeps_its_line_ends() {
        let written = format!("\u{feff}{}", TEXT.replace('\n', "\r\n"));
        let text = LeanText::of(&written);
        assert_eq!(text.text, TEXT);
        assert_eq!(text.written(&text.text), written);
        let mixed = LeanText::of("theorem a : True := by\r\n  sorry\n-- the end\r\n");
        let filled = mixed.with(&[(0, "by\n  trivial".into())]);
        assert_eq!(mixed.written(&filled), "theorem a : True := by\r\n  trivial\r\n-- the end\r\n");
        assert_eq!(mixed.written(&mixed.text), "theorem a : True := by\r\n  sorry\n-- the end\r\n");
    }
}
