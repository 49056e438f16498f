//! The records that cross crates: plain data, so that a crate can be read, tested or replaced alone.

use serde::{Deserialize, Serialize};

/// Which part of a corpus a statement belongs to. Fixed in the corpus files, never drawn at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Proved, conjectured about and trained on.
    Train,
    /// Proved after each round to measure progress; never trained on.
    Valid,
    /// Never seen by a run; for final evaluation only.
    Test,
}

/// A Lean theorem without its proof.
///
/// `signature` is what stands between the name and `:=`, for example `(a b : Nat) : a + b = b + a`.
/// The name is kept apart because it carries no mathematics: models never see it, and the judge
/// chooses its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Statement {
    /// Unique in its corpus or run; also a valid Lean identifier.
    pub id: String,
    /// Binders and type: `(a b : Nat) : a + b = b + a`.
    pub signature: String,
    /// Trusted Lean text before the theorem (imports, `open`); empty for core statements.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub header: String,
    /// Topic tags such as `nat`, `list`, `induction`.
    #[serde(default)]
    pub topics: Vec<String>,
    /// The part of the corpus it belongs to; conjectures are always [`Split::Train`].
    pub split: Split,
}

/// The topic of statements that a model wrote.
pub const CONJECTURE: &str = "conjecture";

/// What the ids of goals that a failed proof left open begin with.
pub const SUBGOAL: &str = "subgoal_";

impl Statement {
    /// Whether a model wrote it, so that the judge must not trust its text.
    pub fn is_conjecture(&self) -> bool {
        self.topics.iter().any(|topic| topic == CONJECTURE)
    }

    /// `theorem ID SIGNATURE`, ready to be followed by `:= PROOF`.
    pub fn declaration(&self) -> String {
        format!("theorem {} {}", self.id, self.signature)
    }
}

/// The tactics whose success alone makes a statement easy.
pub const SINGLE_TACTICS: [&str; 6] = ["rfl", "decide", "simp", "omega", "simp_all", "grind"];

/// One line of a corpus file: a statement with the proofs known for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorpusEntry {
    /// The statement itself.
    #[serde(flatten)]
    pub statement: Statement,
    /// Proofs checked by Lean, each the text after `:=`, for example `by\n  omega`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<String>,
    /// Which of the [`SINGLE_TACTICS`] close it alone (measured).
    #[serde(default)]
    pub closed_by: Vec<String>,
    /// Imported, and no Lean has elaborated the statement yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
}

impl CorpusEntry {
    /// An entry that Lean has not seen yet.
    pub fn unchecked(statement: Statement) -> Self {
        Self { statement, proofs: Vec::new(), closed_by: Vec::new(), unchecked: true }
    }

    /// Whether no single tactic closes it. Only where tactics were tried at all does that say something.
    pub fn is_hard(&self) -> bool {
        self.closed_by.is_empty()
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Lean accepted exactly this statement, with no axiom beyond the three standard ones.
    Proved,
    /// Lean looked at the proof and refused it.
    Failed,
    /// The text gate or the checker (axioms, other declarations, the kernel again) refused it.
    Rejected,
    /// The statement itself does not elaborate.
    StatementError,
    /// The wall-clock limit ran out.
    Timeout,
    /// The Lean process died on it (stack, memory, a bug).
    Crashed,
    /// The model was cut off before the proof ended, so nobody looked at it: a run's own note, never a verifier's answer.
    Unfinished,
    /// The model ended an answer in which there is no proof, so nobody looked at it: a run's own note as well.
    Malformed,
}

impl Status {
    const ALL: [Self; 8] = [
        Self::Proved,
        Self::Failed,
        Self::Rejected,
        Self::StatementError,
        Self::Timeout,
        Self::Crashed,
        Self::Unfinished,
        Self::Malformed,
    ];

    /// The snake-case name used in files, the ledger and the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::StatementError => "statement_error",
            Self::Timeout => "timeout",
            Self::Crashed => "crashed",
            Self::Unfinished => "unfinished",
            Self::Malformed => "malformed",
        }
    }

    /// The inverse of [`Status::as_str`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether the judge has settled the matter, so that the same proof need not be asked about again. Time-outs and
    /// crashes depend on the machine's load, and what is unfinished or malformed was never judged.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Proved | Self::Failed | Self::Rejected | Self::StatementError)
    }
}

/// What the judge says of one proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The outcome.
    pub status: Status,
    /// Lean's messages or the gate's reason; empty when proved.
    #[serde(default)]
    pub messages: Vec<String>,
    /// Axioms the proof depends on (only known when Lean finished).
    #[serde(default)]
    pub axioms: Vec<String>,
    /// Theorems of the library that the proof names, as far as its term confirms them.
    #[serde(default)]
    pub premises: Vec<String>,
    /// Theorems of the library that only the proof's term shows: what tactics found by themselves.
    #[serde(default)]
    pub implicit_premises: Vec<String>,
    /// Time Lean spent on it, in milliseconds; zero when Lean was not asked.
    #[serde(default)]
    pub elapsed_ms: u32,
}

impl Verdict {
    /// A verdict with nothing but a status and one message.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            messages: vec![message.into()],
            axioms: Vec::new(),
            premises: Vec::new(),
            implicit_premises: Vec::new(),
            elapsed_ms: 0,
        }
    }

    /// Whether the proof counts.
    pub fn is_proved(&self) -> bool {
        self.status == Status::Proved
    }
}

/// A library theorem offered to the conjecturer as trigger lemma.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lemma {
    /// Full name, for example `Nat.add_comm`.
    pub name: String,
    /// Binders and type as Lean prints them: `(n m : Nat) : n + m = m + n`.
    pub signature: String,
}
