//! How a proof that stands apart from its statement follows it: as a term, or as a block of tactics.

use crate::lean_file::{code_lines, strings};
use crate::lean_text::{Span, spans};

/// Words that begin a tactic, of core Lean, Batteries and Mathlib. They decide only where the statement leaves it
/// open whether a proof is a term, and which line of a proof that lost its indentation is a tactic of its own.
const TACTICS: &str = "\
    abel ac_nf ac_rfl aesop all_goals any_goals apply apply_assumption apply_fun apply_mod_cast apply_rules \
    assumption assumption_mod_cast beta_reduce bound bv_decide bv_omega by_cases by_contra calc case cases \
    cases' change choose classical clear clear_value compute_degree congr constructor continuity \
    contradiction contrapose contrapose! conv conv_lhs conv_rhs convert cutsat decide delta done dsimp \
    eapply erw eta_reduce exact exact_mod_cast exacts exfalso exists existsi ext ext1 fapply fconstructor \
    field_simp fin_cases first focus fun_cases fun_induction fun_prop funext gcongr generalize \
    get_elem_tactic grind group have haveI hint if induction induction' infer_instance injection injections \
    interval_cases intro intros itauto iterate left let letI lia lift linarith linear_combination map_tacs \
    match measurability mono native_decide next nlinarith nofun nomatch noncomm_ring norm_cast norm_num \
    nth_rewrite nth_rw observe obtain omega on_goal order peel pick_goal polyrith positivity push_cast \
    push_neg rcases refine refine' rel rename rename_i repeat repeat' replace revert rewrite rfl rfl' right \
    ring ring1 ring_nf rintro rotate_left rotate_right rsuffices rw rwa set show show_term simp simp! simp? \
    simp_all simp_all_arith simp_arith simp_rw simpa skip slice_lhs slice_rhs sorry specialize split \
    split_ifs stop subst subst_eqs subst_vars substs suffices swap symm symm_saturate tauto trans \
    transitivity trivial try unfold unhygienic use wlog zify";
/// What ends a line whose block follows on the next.
const OPENERS: [&str; 7] = ["by", "=>", "do", "then", "else", "from", ":="];

/// The proof as it stands after `:=`, or from its first `|`; `tail` is what the statement has after its own `:=`.
///
/// After `:= by` a proof is tactics; after `:= by sorry` it is tactics if it begins with the name of one, and else a
/// term, as it is after `:=`, `:= sorry` and where the statement has none of these. A proof that says `by` or `:=`
/// itself has said it.
pub(super) fn joined(tail: &str, proof: &str) -> String {
    let proof = proof.trim_end();
    let begun = proof.trim_start();
    let code = code_lines(proof).first().map_or("", |line| line.text);
    if let Some(rest) = begun.strip_prefix(":=") {
        return rest.trim_start().to_owned();
    }
    if word_of(code) == "by" || code.starts_with('|') {
        return begun.to_owned();
    }
    match spans(tail).filter(Span::is_code).map(|span| span.text).collect::<Vec<_>>()[..] {
        ["by"] => block(proof),
        ["by", "sorry"] if begins_tactic(code) => block(proof),
        _ => begun.to_owned(),
    }
}

/// A block of tactics after `by`, each line as far to the right of the others as Lean needs it.
///
/// Who cuts white space off a text takes the first line's indentation: then the next tactic shows where it was.
fn block(proof: &str) -> String {
    let blank = proof.len() - proof.trim_start().len();
    let proof = &proof[proof[..blank].rfind('\n').map_or(0, |newline| newline + 1)..];
    let lines = code_lines(proof);
    let Some(first) = lines.first() else { return format!("by\n  {proof}") };
    if first.indent > 0 {
        return format!("by\n{proof}");
    }
    let later = &lines[1..];
    let least = later.iter().map(|line| line.indent).min().unwrap_or(0);
    let next = later.iter().position(|line| line.indent == least);
    let lost = next.filter(|&next| {
        let nested = next == 0 && opens_block(first.text);
        least > 0 && !proof[..first.start].contains('\n') && begins_tactic(later[next].text) && !nested
    });
    match lost {
        Some(_) => format!("by\n{}{proof}", " ".repeat(least)),
        None => format!("by\n{}", indented(proof)),
    }
}

/// Every line two columns further to the right, except where a string goes on.
fn indented(text: &str) -> String {
    let mut inside = strings(text).into_iter().peekable();
    let mut moved = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        while inside.next_if(|range| range.end <= at).is_some() {}
        let in_string = inside.peek().is_some_and(|range| range.start < at);
        if !line.trim().is_empty() && !in_string {
            moved.push_str("  ");
        }
        moved.push_str(line);
        at += line.len();
    }
    moved
}

fn begins_tactic(line: &str) -> bool {
    line.starts_with(['·', '•']) || TACTICS.split_whitespace().any(|tactic| tactic == word_of(line))
}

fn opens_block(line: &str) -> bool {
    OPENERS.iter().any(|opener| {
        line.strip_suffix(opener)
            .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

fn word_of(line: &str) -> &str {
    let end = line.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '\'' | '!' | '?' | '.')));
    &line[..end.unwrap_or(line.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_proof_says_of_itself_comes_first() {
        for tail in ["by", "by sorry", "sorry", ""] {
            assert_eq!(joined(tail, "by omega"), "by omega");
            assert_eq!(joined(tail, ":= by\n  omega\n"), "by\n  omega");
            assert_eq!(joined(tail, " := rfl"), "rfl");
            assert_eq!(joined(tail, "| 0 => rfl\n| n + 1 => rfl"), "| 0 => rfl\n| n + 1 => rfl");
        }
    }

    #[test]
    fn the_statement_says_whether_tactics_follow() {
        assert_eq!(joined("by", "omega"), "by\n  omega");
        assert_eq!(joined("by", "foo"), "by\n  foo");
        assert_eq!(joined("by sorry", "omega"), "by\n  omega");
        assert_eq!(joined("by\n  sorry", "· omega"), "by\n  · omega");
        assert_eq!(joined("by sorry", "Nat.le_of_lt h"), "Nat.le_of_lt h");
        assert_eq!(joined("by sorry", "fun h => h"), "fun h => h");
        assert_eq!(joined("sorry", "omega"), "omega");
        assert_eq!(joined("", "le_succ a"), "le_succ a");
    }

    #[test]
    fn blocks_keep_their_shape() {
        for (proof, expected) in [
            ("  intro\n  rfl", "by\n  intro\n  rfl"),
            ("\n  intro\n\n  rfl\n", "by\n  intro\n\n  rfl"),
            ("intro\nrfl", "by\n  intro\n  rfl"),
            // Cut off: the tactic below shows where the first one was.
            ("intro x\n  rfl", "by\n  intro x\n  rfl"),
            ("intro x\n    rfl", "by\n    intro x\n    rfl"),
            ("constructor\n  · rfl\n  · rfl", "by\n  constructor\n  · rfl\n  · rfl"),
            ("have h : p := by\n    simp\n  exact h", "by\n  have h : p := by\n    simp\n  exact h"),
            ("intro x -- why\n  -- because\n  rfl", "by\n  intro x -- why\n  -- because\n  rfl"),
            // Not cut off: what is deeper goes on with the first.
            (
                "induction n with\n  | zero => rfl\n  | succ n ih => simp",
                "by\n  induction n with\n    | zero => rfl\n    | succ n ih => simp",
            ),
            ("case pos =>\n  simp", "by\n  case pos =>\n    simp"),
            ("exact foo a\n  b", "by\n  exact foo a\n    b"),
            ("have h : p := by\n  simp\nexact h", "by\n  have h : p := by\n    simp\n  exact h"),
            ("-- first\n  omega", "by\n-- first\n  omega"),
            ("exact \"a\nb\".length_pos", "by\n  exact \"a\nb\".length_pos"),
            ("exact f \"a\nb\" \"\nc\n\"\nrfl", "by\n  exact f \"a\nb\" \"\nc\n\"\n  rfl"),
            ("", "by\n  "),
        ] {
            assert_eq!(joined("by", proof), expected, "{proof}");
        }
    }
    #[test]
    fn many_strings_take_no_time() {
        let proof = "exact \"a\"\n".repeat(50_000);
        assert_eq!(joined("by", &proof).lines().count(), 50_001);
    }
}
