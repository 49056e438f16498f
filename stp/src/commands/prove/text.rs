//! A Lean text with `sorry`s: where they are, and the text with proofs in their places.

use std::ops::Range;

use similar::{ChangeTag, TextDiff};
use stp_datasets::lean_text::{Span, SpanKind, spans};
use stp_datasets::{Goal, Hole, LeanTheorem, Outlined, OutlinedKind, Sketch, outline, theorems};
use stp_selfplay::search::solve::step_of_line;

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
        let commands = outline(&self.text);
        // They follow each other up to the end of the text.
        let begin = self.text.len() - commands.iter().map(|it| it.text.len()).sum::<usize>();
        let reason = |place: usize| {
            let mut end = begin;
            let around = commands.iter().find(|command| {
                end += command.text.len();
                place < end
            });
            around.map_or_else(|| IN_NO_PROOF.to_owned(), why_not)
        };
        outside.map(|span| OutOfReach { line: line_of(span.start), reason: reason(span.start) }).collect()
    }

    /// The text with proofs in the places of those of theorems, by their places among the theorems.
    pub(super) fn with(&self, proofs: &[(usize, String)]) -> String {
        let found = theorems(&self.text);
        let mut text = self.text.clone();
        let mut proofs: Vec<_> = proofs.iter().collect();
        proofs.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
        for (index, proof) in proofs {
            let Some(Ok(theorem)) = found.get(*index) else { continue };
            let is_bare = is_bare(&theorem.proof);
            let proof = if is_bare { self.in_place_of_bare(theorem, proof) } else { proof.clone() };
            text.replace_range(theorem.proof_at.clone(), &proof);
        }
        text
    }

    /// What takes the place of a proof that is nothing but `sorry`.
    fn in_place_of_bare(&self, theorem: &LeanTheorem, proof: &str) -> String {
        if let Some(beside) = self.beside_comments(theorem, proof) {
            return beside;
        }
        let indented = indented(&self.text, theorem.line, proof);
        let before = &self.text[..theorem.proof_at.start];
        let is_glued = !before.ends_with(char::is_whitespace) && !indented.starts_with(char::is_whitespace);
        if is_glued { format!(" {indented}") } else { indented }
    }

    /// A proof in the place of the `sorry` alone, where comments stand beside that.
    fn beside_comments(&self, theorem: &LeanTheorem, proof: &str) -> Option<String> {
        let written = theorem.proof.as_str();
        spans(written).find(|span| !span.is_code())?;
        let sorry = sorries(written).next()?;
        let column = self.column(theorem.proof_at.start + sorry.start);
        let is_term = spans(written).find(Span::is_code).is_some_and(|first| first.start == sorry.start);
        let goal = Goal::Statement { signature: theorem.signature.clone(), setup: Vec::new() };
        let hole = Hole { start: sorry.start, stop: sorry.end(), column, goals: 1, is_term, goal };
        let sketch = Sketch { proof: written.to_owned(), holes: vec![hole], messages: Vec::new() };
        sketch.filled(|_| Some(proof))
    }

    /// What a search made of a theorem's proof on lines of its own, as it stands in this text: what was written stays in its line,
    /// and lines that came for a `sorry` follow it.
    pub(super) fn laid_out(&self, theorem: &LeanTheorem, found: &str) -> String {
        let written = theorem.proof.as_str();
        let Some((lead, step)) = step_of_line(written) else { return found.to_owned() };
        let Some(body) = found.strip_prefix(lead) else { return found.to_owned() };
        let before = &written[..written.trim_end().len() - step.len()];
        let place = theorem.proof_at.start + before.len();
        let mut lines = body.split('\n');
        let first = lines.next().unwrap_or_default();
        // Lines of a block in brackets need not stand below what is before these.
        let is_block = first.ends_with('(') || first.ends_with("(by");
        let column = if is_block { self.indentation(place) } else { self.column(place) };
        let moved = |line: &str| {
            let inner = line.trim_start_matches(' ');
            let indentation = (line.len() - inner.len() + column).saturating_sub(SEARCHED_COLUMN);
            if inner.is_empty() { "\n".to_owned() } else { format!("\n{:indentation$}{inner}", "") }
        };
        format!("{before}{first}{}", lines.map(moved).collect::<String>())
    }

    /// The line up to a place.
    fn line_before(&self, place: usize) -> &str {
        let before = &self.text[..place];
        &before[before.rfind('\n').map_or(0, |end| end + 1)..]
    }

    fn column(&self, place: usize) -> usize {
        self.line_before(place).chars().count()
    }

    fn indentation(&self, place: usize) -> usize {
        let line = self.line_before(place);
        line.len() - line.trim_start_matches(' ').len()
    }
}

/// The column of the first step of a proof that is searched on lines of its own.
const SEARCHED_COLUMN: usize = 2;

const IN_NO_PROOF: &str = "it stands in no proof of a theorem; only these are searched.";

/// Why nothing is searched in a command, outside of what is a theorem's proof.
fn why_not(command: &Outlined<'_>) -> String {
    match &command.kind {
        OutlinedKind::Entangled(error) if !error.name.is_empty() => {
            format!("`{}` {}", error.name, error.reason)
        }
        OutlinedKind::Entangled(error) if command.text.starts_with("mutual") => {
            format!("it {}", error.reason)
        }
        OutlinedKind::Entangled(error) => format!("the `example` {}", error.reason),
        _ => IN_NO_PROOF.to_owned(),
    }
}

/// A proof whose lines after the first stand as far in as its theorem does.
fn indented(text: &str, line: usize, proof: &str) -> String {
    let of_theorem = text.lines().nth(line - 1).unwrap_or_default();
    let column = of_theorem.len() - of_theorem.trim_start_matches(' ').len();
    proof.replace('\n', &format!("\n{:column$}", ""))
}

/// Where a proof is still to come: `sorry`, and `admit`, the same tactic by another name.
fn sorries(text: &str) -> impl Iterator<Item = Span<'_>> {
    spans(text).filter(|span| span.kind == SpanKind::Word && matches!(span.text, "sorry" | "admit"))
}

/// A proof with `sorry` for each `admit`; nothing else of it moves.
pub(super) fn without_admit(proof: &str) -> String {
    let mut text = proof.to_owned();
    for span in sorries(proof) {
        text.replace_range(span.start..span.end(), "sorry");
    }
    text
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
    matches!(code.iter().map(String::as_str).collect::<Vec<_>>()[..], ["sorry"] | ["by", "sorry" | "admit"])
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
    fn a_sorry_behind_a_theorem_that_is_not_searched_is_not_blamed_on_that() {
        let text = LeanText::of(
            "theorem d : True where\n  x := sorry\ndef f : Nat := sorry\nmutual\ntheorem m : True := sorry\nend\n\
             example : True where\n  x := sorry\ninstance : Inhabited Nat := ⟨sorry⟩\n",
        );
        let found: Vec<_> = text.out_of_reach().into_iter().map(|it| (it.line, it.reason)).collect();
        let wanted = [
            (2, "`d` gives"),
            (3, IN_NO_PROOF),
            (5, "it stands in a `mutual`"),
            (8, "the `example` gives"),
            (9, IN_NO_PROOF),
        ];
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for ((line, reason), wanted) in found.iter().zip(wanted) {
            assert!(*line == wanted.0 && reason.starts_with(wanted.1), "{line}: {reason}");
        }
    }

    #[test]
    fn admit_is_a_sorry() {
        let text =
            LeanText::of("theorem a : True := by admit\ntheorem b : True := by\n  constructor <;> admit\n");
        let brief: Vec<_> = text.open().into_iter().map(|it| (it.theorem.name, it.is_bare)).collect();
        assert_eq!(brief, [("a".to_owned(), true), ("b".to_owned(), false)]);
        assert_eq!(without_admit("by\n  admit -- admit\n  sorry"), "by\n  sorry -- admit\n  sorry");
        assert_eq!(count_of_sorries("by admit; sorry; exact x.admit"), 2);
    }

    #[test]
    fn comments_beside_a_sorry_stay() {
        for (written, filled) in [
            (
                "  theorem a : p := by\n    -- easy\n    sorry\n",
                "  theorem a : p := by\n    -- easy\n    skip\n    rfl\n",
            ),
            (
                "theorem a : p := by /- easy -/ sorry\n",
                "theorem a : p := by /- easy -/ skip\n                               rfl\n",
            ),
            (
                "theorem a : p := -- easy\n  sorry\n",
                "theorem a : p := -- easy\n  (by\n      skip\n      rfl)\n",
            ),
        ] {
            assert_eq!(LeanText::of(written).with(&[(0, "by\n  skip\n  rfl".into())]), filled);
        }
    }

    #[test]
    fn a_line_that_was_written_stays_a_line() {
        use stp_selfplay::search::solve::on_lines_of_its_own;
        for (written, from, to, filled) in [
            (
                "  theorem a : p := by  simp; sorry\n",
                "sorry",
                "omega",
                "  theorem a : p := by  simp; omega\n",
            ),
            (
                "  theorem a : p := by simp; sorry\n",
                "sorry",
                "(\n      skip\n      omega)",
                "  theorem a : p := by simp; (\n      skip\n      omega)\n",
            ),
            (
                "theorem a : p := by cases h with | b => sorry\n",
                "sorry",
                "skip\n                   omega",
                "theorem a : p := by cases h with | b => skip\n                                     omega\n",
            ),
            (
                "theorem a : p :=fun h => sorry\n",
                "sorry",
                "(by simp)",
                "theorem a : p :=fun h => (by simp)\n",
            ),
            (
                "theorem a : p :=\n    by simp; sorry\n",
                "sorry",
                "rfl",
                "theorem a : p :=\n    by simp; rfl\n",
            ),
        ] {
            let text = LeanText::of(written);
            let open = text.open().remove(0);
            let found = on_lines_of_its_own(&open.theorem.proof).replace(from, to);
            let laid_out = text.laid_out(&open.theorem, &found);
            assert_eq!(text.with(&[(0, laid_out)]), filled, "{found}");
        }
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
