//! Whole texts that say themselves what their theorems claim: no proof of theirs may run code.
//!
//! A text's commands are its author's, as a header is. A proof in it is not: what runs code while it is elaborated can
//! declare another theorem under the name of its own, silence Lean's errors, or change what later statements mean. Where a
//! row gives the statement, the checker compares; a text alone has nothing to compare with. So a proof that the gate would
//! refuse for the code in it is replaced before Lean sees the text, and its theorem is `rejected`.

use std::borrow::Cow;

use stp_datasets::{Outlined, OutlinedKind, Status, Verdict, outline};

use super::{check_signature, check_sketch, config, may_run_code, normalise};
use crate::pool::is_named;
use crate::protocol::{FileJudgement, JudgedFile, JudgedTheorem, Position};

/// A text in whose proofs no code runs.
#[derive(Debug)]
pub(crate) struct Still<'a> {
    /// The text, with `sorry` in the place of proofs that run code; all else stays in its line and column.
    pub(crate) text: Cow<'a, str>,
    /// The theorems of those proofs.
    pub(crate) refused: Vec<Refused>,
    /// Its theorems, each with its name.
    names: Vec<String>,
}

/// A theorem that is not judged, for the code that its text may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// As written; empty for an example.
    name: String,
    /// Of its keyword, from 1.
    line: usize,
    reason: String,
}

/// The text without the code in its proofs.
///
/// # Errors
/// The theorem whose code cannot be told from the rest of the text.
pub(crate) fn still(text: &str) -> Result<Still<'_>, Refused> {
    let text = normalise(text);
    if !may_run_code(&text) {
        return Ok(Still { names: Vec::new(), text, refused: Vec::new() });
    }
    let (mut names, mut refused, mut proofs) = (Vec::new(), Vec::new(), Vec::new());
    for command in outline(&text) {
        if let OutlinedKind::Theorem { theorem, .. } = &command.kind {
            names.push(theorem.name.clone());
        }
        let Some(reason) = code_of(&command)? else { continue };
        let OutlinedKind::Theorem { theorem, .. } = command.kind else { continue };
        refused.push(Refused { name: theorem.name, line: command.line, reason });
        proofs.push(theorem.proof_at);
    }
    let mut done = String::with_capacity(text.len());
    let mut from = 0;
    for proof in proofs {
        done.push_str(&text[from..proof.start]);
        // A proof by equations has no `:=`.
        let assign = if text[proof.clone()].trim_start().starts_with('|') { ":= " } else { "" };
        done.push_str(&blank(&text[proof.clone()], assign));
        from = proof.end;
    }
    done.push_str(&text[from..]);
    Ok(Still { text: done.into(), refused, names })
}

/// Why a theorem's proof runs code; `None` if it does not, or if the command is no theorem.
///
/// # Errors
/// As [`still`].
fn code_of(command: &Outlined<'_>) -> Result<Option<String>, Refused> {
    if !may_run_code(command.text) {
        return Ok(None);
    }
    let refused = |name: &str, reason: String| Refused { name: name.to_owned(), line: command.line, reason };
    match &command.kind {
        OutlinedKind::Known if is_proof_with_code(command.text) => {
            Err(refused("", "an instance may run code as it is elaborated".to_owned()))
        }
        OutlinedKind::Known => Ok(None),
        OutlinedKind::Unknown => Err(refused("", "this may run code, and may belong to a proof".to_owned())),
        OutlinedKind::Entangled(error) => {
            Err(refused(&error.name, format!("it may run code, and it {}", error.reason)))
        }
        OutlinedKind::Theorem { theorem, is_alone } => {
            if may_run_code(&theorem.signature)
                && let Err(reason) = check_signature(&theorem.signature)
            {
                return Err(refused(&theorem.name, format!("its statement may run code: {reason}")));
            }
            match check_sketch(&theorem.proof) {
                Ok(()) => Ok(None),
                Err(_) if !may_run_code(&theorem.proof) => Ok(None),
                Err(reason) if *is_alone => Ok(Some(reason)),
                Err(reason) => {
                    let reason =
                        format!("its proof may run code ({reason}), and other commands may stand in it");
                    Err(refused(&theorem.name, reason))
                }
            }
        }
    }
}

/// Whether an instance, which may be a proof, runs code in its body. One of functions that are run elsewhere is none.
fn is_proof_with_code(text: &str) -> bool {
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '%')));
    words.clone().any(|word| word == "instance")
        && (words.any(|word| ELABORATING.contains(&word)) || config::may_run(text))
}

/// Words with which a term or a tactic runs code while it is elaborated.
const ELABORATING: [&str; 6] = ["by_elab", "eval%", "run_elab", "run_meta", "run_tac", "native_decide"];

/// `sorry` that takes the lines and columns of a proof.
fn blank(proof: &str, assign: &str) -> String {
    let (begin, end) = (format!("{assign}(sorry"), ")");
    let mut lines: Vec<String> = proof.split('\n').map(|line| " ".repeat(line.chars().count())).collect();
    let keep = |line: &str, length: usize| line.chars().skip(length).collect::<String>();
    if let Some(last) = lines.last_mut() {
        last.pop();
    }
    lines[0] = format!("{begin}{}", keep(&lines[0], begin.chars().count()));
    format!("{}{end}", lines.join("\n"))
}

impl Refused {
    /// The verdict on its theorem.
    pub(crate) fn verdict(&self) -> Verdict {
        let reason = format!(
            "{}:0: error: {}. In a text that states its theorems itself no proof may run code: give the statement beside the text, or put \
             the code into a command before the theorem.",
            self.line, self.reason
        );
        Verdict::new(Status::Rejected, reason)
    }

    /// What becomes of a whole text in which this cannot be told from the rest.
    pub(crate) fn judgement(&self, text: &str) -> FileJudgement {
        let text = normalise(text);
        let place = |line: usize| Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: 0 };
        let theorem = |command: &Outlined<'_>| {
            let name = match &command.kind {
                OutlinedKind::Theorem { theorem, .. } => theorem.name.clone(),
                OutlinedKind::Entangled(error) => error.name.clone(),
                OutlinedKind::Known | OutlinedKind::Unknown if command.line != self.line => return None,
                _ => String::new(),
            };
            let pos = place(command.line);
            Some(JudgedTheorem { name, pos, end_pos: pos, verdict: self.verdict() })
        };
        let theorems = outline(&text).iter().filter_map(theorem).collect();
        FileJudgement::Done(JudgedFile { theorems, messages: Vec::new() })
    }
}

impl Still<'_> {
    /// The verdict on the theorem of that name, or on the last one, if its proof is one that was replaced.
    pub(crate) fn refusal(&self, name: Option<&str>) -> Option<Verdict> {
        let is_it = |own: &str| name.is_none_or(|name| is_same(own, name));
        let wanted = self.names.iter().rfind(|own| is_it(own))?;
        self.refused.iter().rfind(|refused| refused.name == *wanted).map(Refused::verdict)
    }

    /// A judgement of the text, with the reasons of those whose proofs were replaced.
    pub(crate) fn told(&self, judgement: FileJudgement) -> FileJudgement {
        let FileJudgement::Done(mut file) = judgement else { return judgement };
        for theorem in file.theorems.iter_mut().filter(|theorem| !theorem.verdict.is_proved()) {
            let lines = theorem.pos.line as usize..=theorem.end_pos.line as usize;
            let is_it = |it: &&Refused| lines.contains(&it.line) && is_same(&theorem.name, &it.name);
            if let Some(refused) = self.refused.iter().find(is_it) {
                theorem.verdict = refused.verdict();
            }
        }
        FileJudgement::Done(file)
    }
}

/// Whether two names may be of the same theorem, one of them without its namespace.
fn is_same(one: &str, other: &str) -> bool {
    is_named(one, other) || is_named(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_that_runs_code_is_replaced_in_its_place() {
        let text = "import Lean\nopen Lean Elab Tactic\nelab \"t\" : tactic => pure ()\n\
                    theorem a : 1 = 2 := by\n  run_tac\n    pure ()\ntheorem b : 1 = 1 := by t";
        let found = still(text).unwrap();
        assert_eq!(found.text.matches('\n').count(), text.matches('\n').count());
        assert!(
            found.text.contains("theorem a : 1 = 2 := (sorry\n         \n          )\ntheorem b"),
            "{}",
            found.text
        );
        assert_eq!(found.refused.len(), 1);
        assert_eq!(found.refusal(Some("a")).unwrap().status, Status::Rejected);
        assert!(found.refusal(None).is_none() && found.refusal(Some("b")).is_none());
        assert!(still(&found.text).unwrap().refused.is_empty());
    }

    #[test]
    fn texts_without_code_in_proofs_stay_as_they_are() {
        for text in [
            "import Mathlib\r\ntheorem x : 1 = 1 := by rfl",
            "import Lean\nopen Lean Elab Meta Command\n#eval 1\nrun_cmd logInfo \"x\"\ntheorem x : 1 = 1 := rfl",
            "@[csimp] theorem x : @f = @g := by funext; simp",
            "theorem x (s : State) : s.init = 1 := by simp [State.init]",
            "set_option maxRecDepth 1000\nmacro \"x\" : tactic => `(tactic| rfl)\nlemma y : 1 = 1 := by sorry",
        ] {
            let found = still(text).unwrap_or_else(|refused| panic!("{text}: {refused:?}"));
            assert_eq!((found.text.as_ref(), found.refused.len()), (normalise(text).as_ref(), 0), "{text}");
        }
    }

    #[test]
    fn code_that_cannot_be_told_from_the_rest_refuses_the_text() {
        for text in [
            "theorem x (h : by run_tac foo) : 1 = 2 := h",
            "theorem x : 1 = 2 := (\nopen Nat in by run_tac foo)",
            "theorem x : 1 = 2 := (by\nrun_tac foo)",
            "mutual\ntheorem x : 1 = 2 := by run_tac foo\nend",
            "theorem x : 1 = 2 := by run_tac foo\n  local instance : Add Nat := f",
            "theorem x : 1 = 2 where y := by run_tac foo",
            "def c := 1 theorem x : 1 = 2 := by run_tac foo",
            "instance x : Fact (1 = 2) := by run_tac foo",
            "macro \"setup\" : command => `(open Nat)\ntheorem x : 1 = 2 := by run_tac foo\n  setup",
        ] {
            let refused = still(text).expect_err(text);
            let FileJudgement::Done(file) = refused.judgement(text) else { panic!("{text}") };
            assert_eq!(file.theorems[0].verdict.status, Status::Rejected, "{text}");
        }
    }

    #[test]
    fn equations_get_a_body() {
        let found = still("theorem x : (n : Nat) → n = n\n  | 0 => by run_tac foo\n  | _ => rfl").unwrap();
        assert_eq!(found.text, "theorem x : (n : Nat) → n = n\n  := (sorry            \n           )");
    }
}
