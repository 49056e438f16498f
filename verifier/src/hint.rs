//! What may be behind Lean's messages where they do not say it: most often that there is no Mathlib.

/// Tactics that Mathlib or a library of its brings, and core Lean has not.
const MATHLIB_TACTICS: &str = "\
    abel aesop apply_fun bound by_contra! cases' choose compute_degree continuity contrapose! convert field \
    field_simp fin_cases fun_prop gcongr group induction' interval_cases itauto lift linarith \
    linear_combination measurability nlinarith noncomm_ring norm_num nth_rw nth_rewrite peel plausible \
    polyrith positivity push_neg qify rify ring ring1 ring_nf rsuffices set slim_check split_ifs tauto use \
    wlog zify";
/// Names and notations that core Lean has not.
const MATHLIB_NAMES: &str = "\
    ℝ ℕ ℤ ℚ ℂ ∑ ∏ Finset Real Complex Polynomial Matrix ZMod Nat.Prime";
/// Tactics of core Lean that are written as a proof without `by` most often.
const CORE_TACTICS: &str = "\
    omega simp decide grind simp_all exact intro induction constructor rw";
/// How Lean says that it does not know something.
const UNKNOWN: [&str; 7] = [
    "unknown tactic",
    "nknown identifier",
    "nknown constant",
    "expected token",
    "unexpected token",
    "does not contain",
    "is unknown, and Lean's `autoImplicit`",
];
/// How Lean says that it has no such module.
const NO_MODULE: [&str; 3] = ["unknown module prefix", "unknown package", "of module"];
/// Modules that every Lean has.
const CORE_MODULES: [&str; 4] = ["Init", "Std", "Lean", "Lake"];

/// How Lean says that a definition of the library has no body where this text stands.
const NO_BODY: &str = ": Expected a definition with an exposed body";
/// How Lean says that it could not compute with something, or look into it.
const STUCK: [&str; 4] = [
    "did not reduce to `isTrue` or `isFalse`",
    "ot definitionally equal",
    "Tactic `unfold` failed to unfold",
    "Tactic `delta` failed",
];
/// Functions of core Lean without a body in the managed library, by the last part of their names; those that proofs
/// compute with most often.
const BODILESS: &str = "\
    toString repr toDigits toDigitsCore digitChar toNat? toInt? mergeSort insertionSort qsort binSearch splitOn \
    capitalize";

/// What to do about messages of Lean's on a text, if that is not plain from them.
pub fn hint(text: &str, messages: &[String]) -> Option<String> {
    let said = |what: &str| messages.iter().any(|message| message.contains(what));
    if messages.is_empty() {
        return None;
    }
    let foreign = foreign_import(text);
    if let Some(module) = foreign.filter(|_| NO_MODULE.iter().any(|what| said(what))) {
        return Some(format!(
            "this Lean has no module `{module}`; give a Lake project that has it with --project FOLDER."
        ));
    }
    if text.starts_with('\u{feff}') && said("expected token") {
        return Some(
            "the text begins with a byte order mark, which Lean does not read; save it without.".to_owned(),
        );
    }
    if let Some(name) = bodiless(text, messages).filter(|_| foreign.is_none()) {
        return Some(format!(
            "the library of the managed Lean lacks the body of `{name}`, so nothing computes with it or unfolds it; \
             lemmas about it may do, or a Lean of your own (--lean PATH)."
        ));
    }
    if foreign.is_some() || !UNKNOWN.iter().any(|what| said(what)) {
        return None;
    }
    let words = words(text);
    let first =
        |names: &str| words.iter().copied().find(|word| names.split_whitespace().any(|name| name == *word));
    let unquoted = |name: &str| said(&format!("nknown identifier `{name}`"));
    let mathlib = "it needs `import Mathlib` in the header and a Lean that has Mathlib (--project FOLDER).";
    if let Some(tactic) = first(MATHLIB_TACTICS).filter(|tactic| said("unknown tactic") || unquoted(tactic)) {
        return Some(format!("`{tactic}` is a tactic of Mathlib: {mathlib}"));
    }
    if let Some(tactic) = CORE_TACTICS.split_whitespace().find(|tactic| unquoted(tactic)) {
        return Some(format!("`{tactic}` is a tactic: write `by` before it."));
    }
    first(MATHLIB_NAMES).map(|name| format!("`{name}` is of Mathlib: {mathlib}"))
}

/// The first module that a text imports and that does not come with Lean.
fn foreign_import(text: &str) -> Option<&str> {
    let modules = text.lines().filter_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("public ").unwrap_or(line);
        line.strip_prefix("import ")?.split_whitespace().find(|word| !matches!(*word, "all" | "meta"))
    });
    modules.into_iter().find(|module| {
        let root = module.split('.').next().unwrap_or_default();
        !CORE_MODULES.contains(&root)
    })
}

/// The function whose missing body may be behind messages: the one that Lean names, or one that the text computes with.
fn bodiless<'a>(text: &'a str, messages: &'a [String]) -> Option<&'a str> {
    let named = |message: &'a String| message.split_once(NO_BODY)?.0.strip_suffix('`')?.rsplit('`').next();
    let stuck = || messages.iter().any(|message| STUCK.iter().any(|what| message.contains(what)));
    let part_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '?');
    messages.iter().find_map(named).or_else(|| {
        let mut names = text.split(|c: char| !part_of_name(c)).filter(|_| stuck());
        names.find(|name| BODILESS.split_whitespace().any(|bodiless| bodiless == *name))
    })
}

/// Words of a text in order, and the first parts of dotted ones.
fn words(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '!' | '.');
    let mut words = Vec::new();
    for word in text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()) {
        words.extend(word.match_indices('.').map(|(at, _)| &word[..at]));
        words.push(word);
    }
    words.extend(["∑", "∏"].into_iter().filter(|sign| text.contains(sign)));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, message: &str) -> String {
        hint(text, &[message.to_owned()]).unwrap_or_default()
    }

    #[test]
    fn what_mathlib_brings_is_named() {
        for tactic in
            ["ring", "norm_num", "linarith", "nlinarith [h]", "positivity", "aesop", "field_simp at h"]
        {
            let found = of(&format!("theorem x : 1 = 1 := by {tactic}"), "unknown tactic");
            let name = tactic.split(' ').next().unwrap();
            assert!(found.starts_with(&format!("`{name}` is a tactic of Mathlib")), "{found}");
            assert!(found.contains("--project") && found.contains("import Mathlib"), "{found}");
        }
        assert!(of("x := ring", "Unknown identifier `ring`").contains("`ring` is a tactic of Mathlib"));
        assert!(of("(x : ℝ) : x = x", "Unknown identifier `ℝ`").contains("`ℝ` is of Mathlib"));
        assert!(of(": Nat.Prime 5", "Unknown constant `Nat.Prime`").contains("`Nat.Prime` is of Mathlib"));
        assert!(of(": ∑ i in s, i = 3", "expected token").contains("`∑`"));
    }

    #[test]
    fn a_missing_module_is_named() {
        let text = "import Std\nimport Mathlib.Tactic.Ring\ntheorem x : 1 = 1 := by ring";
        let found = of(text, "unknown module prefix 'Mathlib'\n\nNo directory 'Mathlib'");
        assert!(found.contains("no module `Mathlib.Tactic.Ring`") && found.contains("--project"), "{found}");
    }

    #[test]
    fn tactics_without_by_and_byte_order_marks_are_named() {
        assert!(of("theorem x : 1 = 1 := omega", "Unknown identifier `omega`").contains("write `by`"));
        assert!(of("\u{feff}theorem x : 1 = 1 := rfl", "expected token").contains("byte order mark"));
    }

    #[test]
    fn bodies_that_the_library_lacks_are_named() {
        let simp =
            "1:74: error: Invalid simp theorem `Nat.toDigits`: Expected a definition with an exposed body";
        let found = of("theorem x : f 15 = g := by simp [Nat.toDigits]", simp);
        assert!(found.contains("the body of `Nat.toDigits`") && found.contains("--lean PATH"), "{found}");
        let decide = "Tactic `decide` failed for proposition\n  toString 5 = \"5\"\nbecause its `Decidable` instance\n  \
                      instDecidableEqString (toString 5) \"5\"\ndid not reduce to `isTrue` or `isFalse`.";
        assert!(of("theorem x : toString 5 = \"5\" := by decide", decide).contains("the body of `toString`"));
        let rfl = "Not a definitional equality: the left-hand side\n  [2, 1].mergeSort\nis not definitionally equal to";
        assert!(of(": [2, 1].mergeSort = [1, 2]\nrfl", rfl).contains("the body of `mergeSort`"));
        let unfold = "Tactic `unfold` failed to unfold `Nat.repr` in\n  Nat.repr 5 = \"5\"";
        assert!(of(": Nat.repr 5 = \"5\"", unfold).contains("the body of `repr`"));
        for text in
            ["theorem x : f 5 = 5 := by decide", "import Mathlib\ntheorem x : toString 5 = y := by decide"]
        {
            assert_eq!(hint(text, &[decide.to_owned()]), None, "{text}");
        }
    }

    #[test]
    fn plain_messages_need_no_hint() {
        assert_eq!(hint("theorem x : 1 = 2 := by ring", &[]), None);
        for (text, message) in [
            ("theorem x : 1 = 2 := by omega", "omega could not prove the goal"),
            ("theorem x : a = 2 := by simp", "Unknown identifier `a`"),
            ("import Mathlib\ntheorem x : 1 = 2 := by rings", "unknown tactic"),
            ("theorem x : 1 = 2 := by foo", "unknown tactic"),
        ] {
            assert_eq!(hint(text, &[message.to_owned()]), None, "{text}");
        }
    }
}
