//! Why a proof failed: Lean's message as one of a few kinds, and the tactic that it is about.

use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;
use stp_datasets::Status;

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A name that Lean does not know.
    UnknownName,
    /// A term of another type than is wanted there.
    TypeMismatch,
    /// All tactics ran, and goals are left.
    UnsolvedGoals,
    /// `rw` found nothing to rewrite.
    Rewrite,
    /// `simp`, `omega`, `decide` and their like could not close or change the goal.
    Automation,
    /// Another tactic failed.
    Tactic,
    /// Cases that do not fit what is divided into cases.
    Cases,
    /// Lean cannot read it.
    Syntax,
    /// Brackets and numbers that cannot be: no Lean was asked.
    Brackets,
    /// Something that no proof may contain or rest on.
    Forbidden,
    /// Lean's own limits: heartbeats, depth of recursion.
    Limit,
    /// The wall-clock limit.
    Timeout,
    /// Lean died of it: memory, stack.
    Crash,
    /// The model was cut off before the end.
    Unfinished,
    /// The answer has no proof.
    NoProof,
    /// The statement does not elaborate.
    Statement,
    /// Anything else.
    Other,
}

impl FailureKind {
    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::UnknownName => "unknown name",
            Self::TypeMismatch => "type mismatch",
            Self::UnsolvedGoals => "unsolved goals",
            Self::Rewrite => "rewrite failed",
            Self::Automation => "automation gave up",
            Self::Tactic => "tactic failed",
            Self::Cases => "wrong cases",
            Self::Syntax => "syntax",
            Self::Brackets => "unbalanced text",
            Self::Forbidden => "forbidden",
            Self::Limit => "Lean's limits",
            Self::Timeout => "timeout",
            Self::Crash => "crash or memory",
            Self::Unfinished => "cut off",
            Self::NoProof => "no proof in the answer",
            Self::Statement => "statement error",
            Self::Other => "other",
        }
    }

    /// Whether Lean stopped before it ran what the proof says: such an answer cannot take long by itself.
    pub fn is_early(self) -> bool {
        use FailureKind::{Brackets, Forbidden, NoProof, Syntax, Unfinished, UnknownName};
        matches!(self, Brackets | Forbidden | NoProof | Syntax | Unfinished | UnknownName)
    }
}

/// What Lean's messages contain, by kind; the first that fits counts, so what is special stands before what is general.
const SIGNS: &[(FailureKind, &[&str])] = &[
    (
        FailureKind::Limit,
        &["maximum recursion depth", "heartbeats", "deterministic) timeout", "stack overflow"],
    ),
    (FailureKind::Crash, &["out of memory"]),
    // So said runs from before `unfinished` was a status.
    (FailureKind::Unfinished, &["the proof did not end within"]),
    (
        FailureKind::UnknownName,
        &[
            "nknown identifier",
            "nknown constant",
            "nknown theorem",
            "nknown namespace",
            "nknown free variable",
            "unknownIdentifier",
            "does not contain",
            "Invalid field",
            "invalid field",
        ],
    ),
    (
        FailureKind::Syntax,
        &[
            "unexpected token",
            "unexpected end of input",
            "expected token",
            "unknown tactic",
            "unexpected identifier",
            "expected command",
            "invalid occurrence of `·`",
            "elaboration function for",
        ],
    ),
    (
        FailureKind::Rewrite,
        &[
            "Tactic `rewrite` failed",
            "tactic 'rewrite' failed",
            "did not find instance of the pattern",
            "Did not find an occurrence of the pattern",
            "motive is not type correct",
        ],
    ),
    (
        FailureKind::Automation,
        &[
            "omega could not",
            "simp made no progress",
            "`simp` made no progress",
            "`simp_all` made no progress",
            "simp_all made no progress",
            "`dsimp` made no progress",
            "Tactic `decide`",
            "tactic 'decide'",
            "`grind` failed",
            "grind failed",
            "linarith failed",
            "ring failed",
            "ring_nf failed",
            "aesop: failed",
            "Tactic `native_decide`",
            "Tactic `rfl` failed",
            "The rfl tactic failed",
            "Tactic `assumption` failed",
            "Tactic `contradiction` failed",
            "Tactic `bv_decide`",
        ],
    ),
    (
        FailureKind::Cases,
        &[
            "alternative name",
            "Alternative `",
            "lternative `",
            "Missing cases",
            "missing cases",
            "is not an inductive type",
            "major premise type is not an inductive type",
            "Too many variable names",
        ],
    ),
    (
        FailureKind::TypeMismatch,
        &[
            "ype mismatch",
            "Function expected",
            "function expected",
            "numerals are data",
            "failed to synthesize",
            "Failed to synthesize",
            "Invalid `⟨...⟩` notation",
            "type expected",
            "Type expected",
            "has already been declared",
            "could not be resolved",
            "don't know how to synthesize",
            "too many arguments",
            "Invalid projection",
            "nvalid field notation",
        ],
    ),
    (FailureKind::Tactic, &["Tactic `", "tactic '"]),
    (FailureKind::UnsolvedGoals, &["unsolved goals", "No goals to be solved", "no goals to be"]),
];

/// What a text gate says of text that Lean could not read either.
const UNREADABLE: [&str; 6] =
    ["closes nothing", "is missing", "without a space", "lacks its digits", "does not end", "write spaces"];

/// The kind of a failure by its verdict; of several messages the first decides, for the others often follow from it.
pub fn classify(status: Status, messages: &[String]) -> FailureKind {
    let first = messages.first().map(String::as_str).unwrap_or_default();
    match status {
        Status::Timeout => FailureKind::Timeout,
        Status::Crashed => FailureKind::Crash,
        Status::Unfinished => FailureKind::Unfinished,
        Status::Malformed => FailureKind::NoProof,
        Status::StatementError => FailureKind::Statement,
        Status::Rejected if first == "the proof is empty" => FailureKind::NoProof,
        Status::Rejected if UNREADABLE.iter().any(|sign| first.contains(sign)) => FailureKind::Brackets,
        Status::Rejected => FailureKind::Forbidden,
        Status::Failed | Status::Proved => kind_of(first),
    }
}

/// Lean's own words come first: goals that are shown below them may contain anything.
fn kind_of(message: &str) -> FailureKind {
    let (head, _) = message.split_once("\n⊢").unwrap_or((message, ""));
    let line = head.lines().next().unwrap_or_default();
    let found = |text: &str| {
        let fits = |signs: &&(FailureKind, &[&str])| signs.1.iter().any(|sign| text.contains(sign));
        SIGNS.iter().find(fits).map(|(kind, _)| *kind)
    };
    found(line).or_else(|| found(head)).unwrap_or(FailureKind::Other)
}

static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(\d+):(\d+): ").ok());
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:[Tt]actic [`'])([A-Za-z_]+[?!]?)[`']|: `?(simp_all|simp|dsimp|omega|grind|linarith|nlinarith|ring_nf|ring|aesop)`?:? (?:made no|could not|failed)").ok()
});
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-z][a-zA-Z_0-9]*[?!']?").ok());

/// Tactics that a position may be told to belong to.
const TACTICS: &str = "
    aesop all_goals apply assumption by_cases calc cases change constructor contradiction conv decide dsimp exact
    exists exfalso ext field_simp first funext generalize grind have induction injection intro intros left let
    linarith match native_decide nlinarith norm_num obtain omega positivity rcases refine repeat replace rfl right
    ring ring_nf rintro rw rwa show simp simp_all simpa split subst suffices symm trivial try unfold use";

/// Before the signature in the text that Lean reads: `theorem _root_.stp_target `.
const LEAD: usize = 26;
/// Between the signature and the proof.
const JOINT: &str = " := ";

/// The tactic that failed first, as the message names it, or else as the proof has it where the message points to.
pub fn failed_tactic(signature: &str, proof: &str, messages: &[String]) -> Option<String> {
    let first = messages.first()?;
    let line = first.lines().next()?;
    let named = NAMED.as_ref()?.captures(line).and_then(|it| it.get(1).or_else(|| it.get(2)));
    let word = match named {
        Some(name) => name.as_str(),
        None => {
            let place = PLACE.as_ref()?.captures(line)?;
            tactic_at(signature, proof, place[1].parse().ok()?, place[2].parse().ok()?)?
        }
    };
    Some(match word {
        "rewrite" => "rw".to_owned(),
        "introN" => "intro".to_owned(),
        other => other.to_owned(),
    })
}

/// The tactic of a proof that has line and column (in characters, from the beginning of the theorem) in its step.
fn tactic_at<'a>(signature: &str, proof: &'a str, line: usize, column: usize) -> Option<&'a str> {
    let signature_lines = signature.split('\n').count();
    let index = line.checked_sub(signature_lines)?;
    let before = if index > 0 {
        0
    } else {
        let last = signature.rsplit('\n').next().unwrap_or_default().chars().count();
        last + JOINT.len() + if signature_lines == 1 { LEAD } else { 0 }
    };
    let text = proof.split('\n').nth(index)?;
    let column = column.checked_sub(before)?;
    let end = text.char_indices().nth(column).map_or(text.len(), |(at, _)| at);
    // The step begins after what ends the one before it.
    let start = ["<;> ", "; ", "=> ", "by ", "· ", "| ", "(", ":= "]
        .iter()
        .filter_map(|mark| text.get(..end)?.rfind(mark).map(|at| at + mark.len()))
        .filter(|start| {
            WORD.as_ref().is_some_and(|word| is_tactic(word, text.get(*start..).unwrap_or_default()))
        })
        .max()
        .unwrap_or_else(|| text.len() - text.trim_start().len());
    let word = WORD.as_ref()?.find(text.get(start..)?)?.as_str();
    TACTICS.split_whitespace().any(|known| known == word).then_some(word)
}

fn is_tactic(word: &Regex, text: &str) -> bool {
    word.find(text).is_some_and(|found| TACTICS.split_whitespace().any(|known| known == found.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: Status, message: &str) -> FailureKind {
        classify(status, &[message.to_owned()])
    }

    /// Messages as Lean 4.28 writes them.
    #[test]
    fn messages_have_kinds() {
        for (expected, message) in [
            (FailureKind::UnknownName, "2:8: error(lean.unknownIdentifier): Unknown identifier `k`"),
            (FailureKind::UnknownName, "2:8: error(lean.unknownIdentifier): Unknown constant `Nat.lt_x`"),
            (FailureKind::Syntax, "2:3: error: unknown tactic"),
            (FailureKind::Syntax, "5:43: error: unexpected token '∃'; expected ']'"),
            (FailureKind::Syntax, "3:0: error: unexpected end of input; expected ':=' or '|'"),
            (
                FailureKind::Rewrite,
                "3:16: error: Tactic `rewrite` failed: Did not find an occurrence of the pattern\n  f (?n + 1)\nin the \
                 target expression\n  f 0 % 5 = 2\n\n⊢ f 0 % 5 = 2",
            ),
            (FailureKind::Automation, "1:105: error: omega could not prove the goal:\nNo usable constraints"),
            (FailureKind::Automation, "2:2: error: Tactic `decide` failed for proposition\n  p"),
            (FailureKind::Automation, "2:2: error: `simp` made no progress"),
            (FailureKind::Automation, "2:2: error: `grind` failed\ncase grind"),
            (FailureKind::TypeMismatch, "1:81: error: Application type mismatch: The argument\n  h.right"),
            (FailureKind::TypeMismatch, "1:113: error: Function expected at\n  2\nbut this term has type"),
            (FailureKind::Cases, "5:2: error: Invalid alternative name `omega`: Expected `succ`"),
            (FailureKind::Cases, "6:2: error: Duplicate alternative name `cons`"),
            (FailureKind::Tactic, "2:8: error: Tactic `introN` failed: There are no additional binders"),
            (
                FailureKind::UnsolvedGoals,
                "1:140: error: unsolved goals\ncase nil\nα : Type\n⊢ omega could not",
            ),
            (
                FailureKind::Limit,
                "2:2: error: (deterministic) timeout at `whnf`, maximum number of heartbeats",
            ),
            (
                FailureKind::TypeMismatch,
                "1:69: error: Invalid projection: Projection operates on types of the form",
            ),
            (FailureKind::Unfinished, "the proof did not end within 48 tokens"),
            (FailureKind::Other, "2:2: error: something new"),
        ] {
            assert_eq!(kind(Status::Failed, message), expected, "{message}");
        }
    }

    #[test]
    fn statuses_have_kinds() {
        assert_eq!(kind(Status::Rejected, "`)` closes nothing"), FailureKind::Brackets);
        assert_eq!(kind(Status::Rejected, "a `⟩` is missing"), FailureKind::Brackets);
        assert_eq!(kind(Status::Rejected, "`theorem` belongs to commands"), FailureKind::Forbidden);
        assert_eq!(kind(Status::Rejected, "the proof is empty"), FailureKind::NoProof);
        assert_eq!(kind(Status::Timeout, "no answer within 5 s"), FailureKind::Timeout);
        assert_eq!(kind(Status::Unfinished, "the proof did not end"), FailureKind::Unfinished);
        assert_eq!(classify(Status::Crashed, &[]), FailureKind::Crash);
        assert_eq!(classify(Status::Malformed, &[]), FailureKind::NoProof);
    }

    fn tactic(signature: &str, proof: &str, message: &str) -> Option<String> {
        failed_tactic(signature, proof, &[message.to_owned()])
    }

    #[test]
    fn a_message_names_its_tactic() {
        let named = |message| tactic(": p", "by skip", message).unwrap();
        assert_eq!(named("3:16: error: Tactic `rewrite` failed: Did not find"), "rw");
        assert_eq!(named("2:8: error: Tactic `introN` failed: There are"), "intro");
        assert_eq!(named("1:105: error: omega could not prove the goal:"), "omega");
        assert_eq!(named("2:2: error: `simp` made no progress"), "simp");
    }

    #[test]
    fn a_position_leads_to_its_tactic() {
        let unknown = "error(lean.unknownIdentifier): Unknown identifier `k`";
        let proof = "by\n  induction n with\n  | zero => simp [k]\n  | succ n ih => rw [k, ih]; exact k";
        let at = |place: &str| tactic("(n : Nat) : n = n", proof, &format!("{place}: {unknown}"));
        assert_eq!(at("2:12").as_deref(), Some("induction"));
        assert_eq!(at("3:18").as_deref(), Some("simp"));
        assert_eq!(at("4:21").as_deref(), Some("rw"));
        assert_eq!(at("4:36").as_deref(), Some("exact"));
        assert_eq!(at("9:1"), None);
        // On the first line the theorem stands before the proof: this is Lean's own position.
        let signature = "(p : Nat → Prop) (h : ∀ n, p n → p (n + 9)) (k : p 14) : p (14 + 9 * 40)";
        let place = format!("1:{}: {unknown}", LEAD + signature.chars().count() + JOINT.len() + 9);
        assert_eq!(tactic(signature, "by exact k", &place).as_deref(), Some("exact"));
        let unsolved = "2:2: error: unsolved goals\n⊢ a = b";
        assert_eq!(tactic(": a = b", "by\n  constructor", unsolved).as_deref(), Some("constructor"));
        assert_eq!(tactic(": a = b", "foo bar", "1:34: error: Type mismatch"), None);
    }
}
