//! Configurations of tactics. Lean *runs* them: `simp (maxSteps := E)` compiles and evaluates `E`, whatever it is,
//! and so does `(config := { E with … })`. So only what needs no running may stand there.
//!
//! A named argument of a function, `f (n := E)`, looks the same and is everyday. What tells them apart is the name,
//! where no function has such an argument, or the tactic before it.

use super::lexer::{self, Lexeme, Token};
use super::names::parts;

/// Fields of the configurations of Lean's tactics and Mathlib's that no theorem has as an argument.
const FIELDS: &[&str] = &[
    "abstractProof",
    "acNf",
    "acSteps",
    "allowSynthFailures",
    "andFlattening",
    "applyConfig",
    "autoUnfold",
    "backtracking",
    "binaryProofs",
    "bitVecOfNat",
    "canonHeartbeats",
    "catchRuntime",
    "cfg",
    "commitIndependentGoals",
    "config",
    "congrConsts",
    "contextual",
    "dsimp",
    "elimLets",
    "embeddedConstraintSubst",
    "etaStruct",
    "extAll",
    "failIfUnchanged",
    "fixedInt",
    "funCC",
    "graphviz",
    "implicitDefEqProofs",
    "kernel",
    "letToHave",
    "matchEqs",
    "maxDepth",
    "maxDischargeDepth",
    "maxSteps",
    "maxSuggestions",
    "mbtc",
    "memoize",
    "native",
    "newGoals",
    "numInst",
    "numThreads",
    "occs",
    "offsetCnstrs",
    "onlyGivenNames",
    "preserveBinderNames",
    "processOptions",
    "qlia",
    "ringSteps",
    "rewriteHyps",
    "shortCircuit",
    "simpConfig",
    "simp_config",
    "simprocs",
    "singlePass",
    "splitDisjunctions",
    "splitHypotheses",
    "splitImp",
    "splitIndPred",
    "splitIte",
    "splitMatch",
    "splitMinMax",
    "splitNatAbs",
    "splitNatSub",
    "splitNe",
    "stepLimit",
    "synthAssignedInstances",
    "targetOnly",
    "toApplyConfig",
    "toApplyRulesConfig",
    "toBacktrackConfig",
    "toConfig",
    "toExtractLetsConfig",
    "toNoopConfig",
    "transparency",
    "trimProofs",
    "underBinder",
    "unfoldPartialApp",
    "useContext",
    "useSorry",
    "usedOnly",
    "warnExponents",
    "wrapWithBy",
    "zetaDelta",
    "zetaHave",
    "zetaReduce",
    "zetaUnused",
];

/// Fields that theorems may well have as arguments: they count after a tactic that takes a configuration.
const COMMON_FIELDS: &[&str] = &[
    "ac",
    "all",
    "approx",
    "arith",
    "beta",
    "clean",
    "constructor",
    "decide",
    "descend",
    "detailed",
    "ematch",
    "enums",
    "eta",
    "exfalso",
    "exp",
    "ext",
    "funext",
    "gen",
    "grind",
    "ground",
    "harder",
    "implicits",
    "index",
    "inj",
    "instances",
    "intro",
    "iota",
    "jp",
    "lax",
    "leave",
    "lia",
    "lift",
    "linarith",
    "locals",
    "lookahead",
    "main",
    "max",
    "merge",
    "min",
    "missing",
    "name",
    "only",
    "order",
    "proj",
    "proofs",
    "reducible",
    "revert",
    "ring",
    "splits",
    "star",
    "structures",
    "symm",
    "timeout",
    "trace",
    "trivial",
    "types",
    "verbose",
    "zeta",
];

/// Tactics that take a configuration, without the `!` and `?` of their variants.
const TACTICS: &[&str] = &[
    "abel_nf",
    "aesop",
    "aesop_cat",
    "apply_rules",
    "bv_normalize",
    "bv_omega",
    "cc",
    "cutsat",
    "data_synth",
    "dsimp",
    "enat_to_nat",
    "erw",
    "extract_lets",
    "field_simp",
    "fin_omega",
    "finish",
    "fun_prop",
    "gcongr",
    "generalize_proofs",
    "grewrite",
    "grind",
    "grobner",
    "grw",
    "itauto",
    "lia",
    "lift_lets",
    "linarith",
    "linear_combination",
    "linear_combination2",
    "measurability",
    "mvcgen",
    "nlinarith",
    "norm_cast",
    "norm_num",
    "nth_rewrite",
    "nth_rw",
    "omega",
    "positivity",
    "push_cast",
    "push_neg",
    "rewrite",
    "rify",
    "ring_nf",
    "rw",
    "set_config",
    "simp",
    "simp_all",
    "simp_all_arith",
    "simp_arith",
    "simp_intro",
    "simp_rw",
    "simpa",
    "solve_by_elim",
    "tauto",
    "zify",
];

/// What such a tactic takes in parentheses that is a tactic, a number or a list of names: never run as a term.
const NOT_RUN: &[&str] = &["add", "disch", "discharger", "erase", "exp", "norm", "rule_sets"];

/// Whether somewhere in `text` a term may be run, as far as can be told without dividing it: a cheap test that says yes
/// too often.
pub(super) fn may_run(text: &str) -> bool {
    let mut rest = text;
    while let Some(place) = rest.find(":=") {
        let (before, after) = (&rest[..place], &rest[place + 2..]);
        rest = after;
        // What stands in the parentheses so far; a comment may be among it.
        let inside = before.rsplit_once('(').map_or("", |(_, inside)| inside);
        let commented = inside.contains("--") || inside.contains("/-");
        let known = |part: &str| FIELDS.contains(&part) || COMMON_FIELDS.contains(&part);
        let is_field = |word: &str| parts(word).any(known);
        let in_question = if commented {
            inside.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '\''))).any(is_field)
        } else {
            is_field(inside.trim())
        };
        if !in_question {
            continue;
        }
        let plain = !commented
            && after.find(')').is_some_and(|end| {
                lexer::tokens(&after[..=end]).is_ok_and(|tokens| {
                    let mut value = Value { tokens: &tokens };
                    value.read() && value.take(Token::Close(')'))
                })
            });
        if !plain {
            return true;
        }
    }
    false
}

/// Whether a term is run where a parenthesis at `open` begins `(NAME := …)`.
///
/// # Errors
/// In words for people.
pub(super) fn check(tokens: &[Lexeme<'_>], open: usize) -> Result<(), String> {
    let [_, name, colon, equals, value @ ..] = &tokens[open..] else { return Ok(()) };
    let (Token::Word(name), Token::Symbol(':'), Token::Symbol('=')) = (name.token, colon.token, equals.token)
    else {
        return Ok(());
    };
    // `(have := h; t)` and `(let x := e; t)`.
    if matches!(name, "have" | "haveI" | "let" | "letI" | "this") {
        return Ok(());
    }
    if !parts(name).any(|part| FIELDS.contains(&part)) && !configures(tokens, open, name) {
        return Ok(());
    }
    let mut value = Value { tokens: value };
    if value.read() && value.take(Token::Close(')')) {
        return Ok(());
    }
    Err(format!(
        "`{name} := …` configures a tactic, which Lean runs as a program: only `true`, `false`, numbers, `.name` and \
         records of these may stand there"
    ))
}

/// Whether the parenthesis at `open` belongs to a tactic that takes a configuration.
fn configures(tokens: &[Lexeme<'_>], open: usize, name: &str) -> bool {
    if NOT_RUN.contains(&name) {
        return false;
    }
    let mut depth = 0usize;
    let mut previous = tokens[..open].iter().rev().peekable();
    while let Some(lexeme) = previous.next() {
        match lexeme.token {
            Token::Close(_) => depth += 1,
            Token::Open(_) if depth == 0 => return false,
            Token::Open(_) => depth -= 1,
            _ if depth > 0 => {}
            Token::Symbol('*' | '!' | '?') | Token::Word("only") => {}
            Token::Word(word) => {
                // `+zetaDelta`, `-failIfUnchanged`.
                let flag = previous
                    .next_if(|before| lexeme.joined && matches!(before.token, Token::Symbol('+' | '-')));
                if flag.is_none() && matches!(word, "decide" | "native_decide") {
                    // As a function `decide` has an argument `p`.
                    return name == "revert";
                }
                if flag.is_none() {
                    return TACTICS.contains(&word.trim_end_matches(['!', '?']));
                }
            }
            _ => return false,
        }
    }
    false
}

/// Reads one value that needs no running.
struct Value<'a, 'b> {
    tokens: &'b [Lexeme<'a>],
}

impl<'a> Value<'a, '_> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.first().map(|lexeme| lexeme.token)
    }

    fn take(&mut self, token: Token<'_>) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    /// Whether the record ends here, or its next field begins.
    fn at_end(&self) -> bool {
        self.peek() == Some(Token::Close('}'))
            || matches!(self.tokens, [Lexeme { token: Token::Word(_), first: true, .. }, colon, equals, ..]
                if (colon.token, equals.token) == (Token::Symbol(':'), Token::Symbol('=')))
    }

    fn read(&mut self) -> bool {
        if self.take(Token::Word("some")) {
            return self.read_number();
        }
        if self.take(Token::Word("true")) || self.take(Token::Word("false")) || self.take(Token::Word("none"))
        {
            return true;
        }
        if self.take(Token::Open('{')) {
            return self.read_record();
        }
        if self.take(Token::Open('[')) {
            return self.read_list();
        }
        if self.take(Token::Symbol('.')) {
            return self.read_constructor();
        }
        self.read_number()
    }

    fn read_number(&mut self) -> bool {
        let number = matches!(self.peek(), Some(Token::Literal(text)) if text.starts_with(|c: char| c.is_ascii_digit()));
        if number {
            self.tokens = &self.tokens[1..];
        }
        number
    }

    /// `.default`, `.pos [1, 2]`, `.some 3`.
    fn read_constructor(&mut self) -> bool {
        match self.tokens {
            [Lexeme { token: Token::Word(word), joined: true, .. }, after @ ..] if !word.contains('.') => {
                self.tokens = after;
            }
            _ => return false,
        }
        if self.take(Token::Open('[')) {
            return self.read_list();
        }
        !matches!(self.peek(), Some(Token::Literal(_))) || self.read_number()
    }

    /// The rest of `[1, 2]`.
    fn read_list(&mut self) -> bool {
        loop {
            if self.take(Token::Close(']')) {
                return true;
            }
            if !self.read_number() {
                return false;
            }
            if !self.take(Token::Symbol(',')) {
                return self.take(Token::Close(']'));
            }
        }
    }

    /// The rest of `{ a := true, b := 3 }`; a field may begin a line without a comma.
    fn read_record(&mut self) -> bool {
        loop {
            if self.take(Token::Close('}')) {
                return true;
            }
            let Some(Token::Word(_)) = self.peek() else { return false };
            self.tokens = &self.tokens[1..];
            if !(self.take(Token::Symbol(':')) && self.take(Token::Symbol('=')) && self.read()) {
                return false;
            }
            if !self.take(Token::Symbol(',')) && !self.at_end() {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check_proof, check_signature};
    use proptest::prelude::*;

    #[test]
    fn values_that_need_no_running_pass() {
        for proof in [
            "by simp (maxSteps := 5)",
            "by simp (config := { contextual := true, zeta := false })",
            "by simp (config := { contextual := true\n                    zeta := false }) [h]",
            "by simp (config := { toConfig := { zeta := false }, maxSteps := 10 })",
            "by simp +contextual (maxSteps := 1000000) -failIfUnchanged only [h] at h ⊢",
            "by rw (occs := .pos [1, 2]) [h]",
            "by rw (occs := [2]) [h]",
            "by rw (config := { occs := .neg [1] }) [h]",
            "by decide (kernel := true)",
            "by mvcgen (stepLimit := some 5)",
            "by mvcgen (stepLimit := .some 5)",
            "by simp (disch := omega) [h]",
            "by simp (discharger := assumption) only [h]",
            "by apply_rules (transparency := .reducible) [h]",
            "by grind (splits := 5) (gen := 3) only [foo]",
            "by omega (config := {})",
            "by aesop (config := { maxRuleApplications := 300 }) (add norm foo)",
            "by linear_combination (exp := n) h",
        ] {
            check_proof(proof).unwrap_or_else(|reason| panic!("{proof}: {reason}"));
        }
    }

    #[test]
    fn named_arguments_pass() {
        for proof in [
            "foo (n := n + 1)",
            "Nat.le_trans (m := k * 2) h h'",
            "by\n  induction n using Nat.rec (motive := fun n => n = n) with\n  | _ => rfl",
            "by rw [foo (max := k + 1)]; exact bar (index := n + 1) (by simp)",
            "by simp [foo (n := n + 1), bar (exp := k)]",
            "decide_eq_true (p := n = 0) h",
            "by exact decide (p := n < 3)",
            "(have := h; by omega)",
            "(let x := 5; rfl)",
            "(have : T := e; x)",
            "{ x with fst := y + 1, snd := f z }",
            "fun (x : Nat := 5 + 5) => x",
            "match x with | .node (left := l) (right := r) => h (left := l) | _ => g",
            "by constructor; exact symm (a := b + c) h",
        ] {
            check_proof(proof).unwrap_or_else(|reason| panic!("{proof}: {reason}"));
        }
    }

    const RUN: &[&str] = &[
        "simp (maxSteps := E)",
        "simpa (maxSteps := E)",
        "simp_all (maxSteps := E)",
        "simp? (maxSteps := E)",
        "simp! [foo] (maxSteps := E)",
        "dsimp (decide := E)",
        "dsimp? (zeta := E)",
        "simp (config := E)",
        "simp (config := { E with zeta := true })",
        "simp (config := { zeta := E })",
        "simp (config := { maxSteps := 5, zeta := E })",
        "simp (config := { contextual := true\n  zeta := E })",
        "simp (config := { toConfig := { zeta := E } })",
        "simp (toConfig.zeta := E)",
        "simp +arith (beta := E)",
        "simp -zeta only (beta := E) [foo]",
        "simp (beta := true) (eta := E)",
        "simp (disch := skip) (eta := E)",
        "simp ( maxSteps/- c -/:=\n -- d\n E)",
        "omega (splitNatSub := E)",
        "omega (config := E)",
        "decide (kernel := E)",
        "decide (native := E)",
        "decide (revert := E)",
        "grind (splits := E)",
        "grind? (gen := E)",
        "grind => finish (gen := E)",
        "grind => set_config (gen := E) in finish",
        "lia (config := E)",
        "lia (order := E)",
        "cutsat (splits := E)",
        "grobner (ring := E)",
        "rw (occs := E) [foo]",
        "rw (occs := .pos E) [foo]",
        "rw (occs := .pos [E]) [foo]",
        "rw (occs := .pos (E)) [foo]",
        "rewrite (transparency := E) [foo]",
        "erw (offsetCnstrs := E) [foo]",
        "norm_cast (zeta := E)",
        "push_cast (zeta := E)",
        "extract_lets (merge := E)",
        "lift_lets (types := E)",
        "solve_by_elim* (symm := E)",
        "solve_by_elim (exfalso := E)",
        "apply_rules (symm := E) [foo]",
        "mvcgen (leave := E)",
        "conv => simp (maxSteps := E)",
        "conv => lhs; rw (occs := E) [foo]",
        "norm_num (maxSteps := E)",
        "aesop (config := E)",
        "aesop (add norm foo) (simp_config := E)",
        "linarith (config := { E with })",
        "field_simp (anything := E)",
    ];

    /// `E` is anything that would be run.
    #[test]
    fn what_would_be_run_is_refused() {
        for run in RUN {
            for term in [
                "f x",
                "id 5",
                "5 + 5",
                "(5)",
                "x",
                "by exact 5",
                "true && true",
                "if p then 1 else 2",
                ".f x",
                ".f (x)",
            ] {
                let proof = format!("by {}", run.replace('E', term));
                assert!(check_proof(&proof).is_err(), "{proof}");
                let signature = format!("(h : a = a := by {}) : True", run.replace('E', term));
                assert!(check_signature(&signature).is_err(), "{signature}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_term_is_found_wherever_it_stands(
            index in 0..RUN.len(), before in "[a-z ]{0,10}", after in "[a-z ]{0,10}",
        ) {
            let run = RUN[index].replace('E', "f x");
            let proof = format!("by {before}\n  {run}\n  {after}");
            prop_assert!(check_proof(&proof).is_err());
        }
    }
}
