//! Imports without the library that the kernel relies on, and imports beside a header.

use serde_json::json;

use super::checker::checker;
use super::export::{Export, TARGET};

/// `Nat.gcd` is what the kernel computes by itself, whatever its declaration says: with another one, 2 is 0.
fn with_another_gcd() -> Export {
    let e = Export::new();
    let (nat, gcd) = (e.known("Nat"), e.name("Nat.gcd"));
    let (zero, two, four, six) = (e.literal("0"), e.literal("2"), e.literal("4"), e.literal("6"));
    e.definition(gcd, e.pi(nat, e.pi(nat, nat)), e.lambda(nat, e.lambda(nat, zero)), "safe");
    let of = |left, right| e.apply(e.constant(gcd, &[]), &[left, right]);
    e.theorem(e.name("computed"), e.equal("Nat", of(six, four), two), e.reflexive("Nat", two));
    let unfolded = e.pi(nat, e.equal("Nat", of(e.variable(0), four), zero));
    e.theorem(e.name("unfolded"), unfolded, e.lambda(nat, e.reflexive("Nat", zero)));
    let one = e.one();
    let symm = e.apply(
        e.constant(e.name("Eq.symm"), &[one]),
        &[nat, of(six, four), two, e.constant(e.name("computed"), &[])],
    );
    let proof = e.apply(
        e.constant(e.name("Eq.trans"), &[one]),
        &[nat, two, of(six, four), zero, symm, e.apply(e.constant(e.name("unfolded"), &[]), &[six])],
    );
    e.target(e.equal("Nat", two, zero), proof);
    e
}

#[test]
fn imports_that_lack_what_the_kernel_knows_by_name_are_not_judged_in() {
    let mut checker = checker();
    let forged = with_another_gcd();
    let all = ["computed", "unfolded", TARGET];
    for imports in ["prelude", "prelude\nimport Init.Prelude", "module\nprelude\npublic import Init.Prelude"]
    {
        for verdict in checker.check(&forged, &all, json!({ "imports": imports })) {
            verdict.is("statement_error", "the imports must hold all of Init");
        }
        // In a header they are no imports, and what the kernel computes is right.
        let verdict = checker.check(&forged, &[TARGET], json!({ "header": imports })).remove(0);
        assert_ne!(verdict.status, "proved", "{imports}: {verdict:?}");
        let e = Export::new();
        e.true_target();
        let verdict = checker.check(&e, &[TARGET], json!({ "imports": imports })).remove(0);
        verdict.is("statement_error", "the imports must hold all of Init");
    }
    for context in [json!({ "imports": "" }), json!({ "imports": "import Init" }), json!({ "header": "" })] {
        checker.check(&forged, &[TARGET], context).remove(0).is("failed", "(kernel)");
    }
}

#[test]
fn imports_do_not_change_what_a_header_means() {
    let mut checker = checker();
    let name = "Lean.Position";
    let header = format!("def {name} : Type := Empty");
    let reference = checker.reference(&header, &format!(": Nonempty {name}"));
    let e = Export::new();
    let (kind, zero, one) = (e.known(name), e.literal("0"), e.one());
    let position = e.apply(e.known("Lean.Position.mk"), &[zero, zero]);
    let claim = e.apply(e.constant(e.name("Nonempty"), &[one]), &[kind]);
    e.target(claim, e.apply(e.constant(e.name("Nonempty.intro"), &[one]), &[kind, position]));
    let imports = "import Lean.Data.Position";
    let verdict =
        checker.check(&e, &[TARGET], json!({ "imports": imports, "reference": reference })).remove(0);
    verdict.is("rejected", "not the statement asked for");
    // It is right about what is imported.
    checker.check(&e, &[TARGET], json!({ "imports": imports })).remove(0).is("proved", "");
    let more = format!("{imports} open Nat");
    let verdict = checker.check(&e, &[TARGET], json!({ "imports": more })).remove(0);
    verdict.is("statement_error", "more than imports");
}
