//! Whether a whole Lean text may run code of its own while it is elaborated.

use super::{config, names};

/// Words, or parts of dotted words, with which a text can run code or leave something behind that runs.
const RUNNING: &[&str] = &[
    "#eval",
    "#eval!",
    "#exit",
    "#guard",
    "builtin_initialize",
    "by_elab",
    "command_elab",
    "csimp",
    "declare_config_elab",
    "elab",
    "elab_rules",
    "eval%",
    "export",
    "extern",
    "ffi",
    "implemented_by",
    "init",
    "initialize",
    "macro",
    "macro_rules",
    "meta",
    "native",
    "native_decide",
    "nativeDecide",
    "ofReduceBool",
    "ofReduceNat",
    "reduceBool",
    "reduceNat",
    "run_cmd",
    "run_elab",
    "run_meta",
    "run_tac",
    "syntax",
    "tactic",
    "term_elab",
];

/// What a text may open without running anything.
const NAMESPACES: &[&str] = &["Elab", "IO", "Lean", "Meta", "System", "_root_", "debug"];

/// A cheap word test that says yes too often rather than too seldom: words in comments count.
///
/// A process that elaborated such a text must not judge anything afterwards.
pub fn may_run_code(text: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '#' | '!' | '%' | '\'' | '?');
    let runs = |word: &str| {
        RUNNING.contains(&word)
            || word.starts_with("register_")
            || word.starts_with("#eval")
            || (!NAMESPACES.contains(&word) && names::is_machinery(word))
    };
    text.split(|c| !part_of_word(c)).any(runs) || config::may_run(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_noticed_and_mathematics_is_not() {
        for text in [
            "#eval 1 + 1",
            "open Lean\nrun_cmd logInfo \"x\"",
            "initialize x : Nat ← pure 3",
            "@[extern \"f\"] opaque f : Nat",
            "@[implemented_by g] def f := 1",
            "theorem x : 2 ^ 64 % 7 = 2 := by native_decide",
            "example : 1 = 1 := by decide +native",
            "elab \"x\" : tactic => pure ()",
            "def f := unsafeIO (pure 1)",
            "theorem x : p := by run_tac foo",
            "register_option x : Bool := {}",
            "@[export emscripten_run_script] opaque f : Nat",
            "theorem x : p := by simp (maxSteps := f 5)",
            "theorem x : p := by simp (maxSteps\n  -- c\n := f 5)",
            "theorem x : p := by simp (maxSteps /- := 5) -/ := f 5)",
            "theorem x : p := by grind (config := { splits := f 5 })",
            "theorem x : p := by grind (splits := f 5)",
            "theorem x (h : a = a := by decide (kernel := f)) : p",
            "def f := dbgSleep 5 fun _ => lcProof",
            "unsafe def f := 1",
            "simproc_decl f (x) := fun _ => g",
        ] {
            assert!(may_run_code(text), "{text}");
        }
        for text in [
            "import Mathlib\ntheorem x (a b : Nat) : a + b = b + a := by\n  omega",
            "theorem elaborate : True := trivial -- the meaning of it",
            "def f : Nat → Nat | 0 => 1 | n + 1 => f n\n#check f\n#print axioms f",
            "example (xs : List Nat) : xs.initial = 1 := by simp_all [List.length]",
            "import Lean\nopen Lean Meta\n/-- Doc. -/\ntheorem x : p := by simp (maxSteps := 5) (config := { zeta := true }) [h]",
            "theorem x (a b : Int) : f a ≤ f (max a b) := by simp [max]",
            "theorem x : Nat.lcm a b = 1 := by rw (occs := .pos [1]) [foo (n := n + 1)]",
        ] {
            assert!(!may_run_code(text), "{text}");
        }
    }
}
