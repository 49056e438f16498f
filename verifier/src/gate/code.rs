//! Whether a whole Lean text may run code of its own while it is elaborated.

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
    "dsimproc",
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
    "simproc",
    "syntax",
    "tactic",
    "term_elab",
    "unsafe",
    "unsafeBaseIO",
    "unsafeCast",
    "unsafeEIO",
    "unsafeIO",
];

/// A cheap word test that says yes too often rather than too seldom: words in comments count.
///
/// A process that elaborated such a text must not judge anything afterwards.
pub fn may_run_code(text: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '#' | '!' | '%' | '\'' | '?');
    text.split(|c| !part_of_word(c))
        .any(|word| RUNNING.contains(&word) || word.starts_with("register_") || word.starts_with("#eval"))
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
        ] {
            assert!(may_run_code(text), "{text}");
        }
        for text in [
            "import Mathlib\ntheorem x (a b : Nat) : a + b = b + a := by\n  omega",
            "theorem elaborate : True := trivial -- the meaning of it",
            "def f : Nat → Nat | 0 => 1 | n + 1 => f n\n#check f\n#print axioms f",
            "example (xs : List Nat) : xs.initial = 1 := by simp_all [List.length]",
        ] {
            assert!(!may_run_code(text), "{text}");
        }
    }
}
