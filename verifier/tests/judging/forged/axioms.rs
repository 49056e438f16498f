//! Axioms are found, wherever they stand, and nothing unsafe is believed.

use serde_json::json;

use super::checker::checker;
use super::export::{Export, FALSE_BOUND, TARGET, by_axiom, mentioning};

#[test]
fn an_honest_proof_is_proved_and_an_axiom_is_found() {
    let mut checker = checker();
    let e = Export::new();
    e.true_target();
    checker.proof_of(": True", &e).is("proved", "");
    checker.plain(&by_axiom(|e| e.name("evil"))).is("rejected", "it depends on evil");
    // The claim below is written as Lean writes it: what else is wrong with proofs of it is found for other reasons.
    let e = Export::new();
    let claim = e.bound(e.known("Nat.le"));
    e.axiom(e.name("evil"), claim);
    e.target(claim, e.known("evil"));
    checker.proof_of(FALSE_BOUND, &e).is("rejected", "it depends on evil");
}

#[test]
fn axioms_that_trust_more_than_the_kernel_are_named() {
    let mut checker = checker();
    let e = Export::new();
    let absurd = e.known("False");
    let sorry = e.apply(e.constant(e.name("sorryAx"), &[0]), &[absurd, e.known("Bool.false")]);
    e.target(absurd, sorry);
    checker.plain(&e).is("rejected", "it depends on sorryAx");
    let e = Export::new();
    e.target(e.known("False"), e.apply(e.known("lcProof"), &[e.known("False")]));
    checker.plain(&e).is("failed", "(kernel)"); // it is unsafe
    // The kernel is not to run compiled code, by whatever name it is asked.
    for name in ["Lean.reduceBool", "Lean.reduceNat"] {
        for make in [Export::name, |e: &Export, text: &str| e.part(0, text)] {
            let e = Export::new();
            e.constant(make(&e, name), &[]);
            e.true_target();
            checker.plain(&e).is("rejected", "not well-formed");
        }
    }
    let e = Export::new();
    let yes = e.known("Bool.true");
    let proof = e.apply(e.known("Lean.ofReduceBool"), &[yes, yes, e.reflexive("Bool", yes)]);
    e.target(e.equal("Bool", yes, yes), proof);
    let verdict = checker.plain(&e);
    assert_ne!(verdict.status, "proved", "{verdict:?}");
}

#[test]
fn an_axiom_in_a_family_of_types_is_found_from_each_of_its_constants() {
    let mut checker = checker();
    let e = Export::new();
    let (absurd, nat, one) = (e.known("False"), e.known("Nat"), e.one());
    let axiom = e.name("evil");
    e.axiom(axiom, absurd);
    let eliminate = e.constant(e.name("False.rec"), &[one]);
    let hidden = e.apply(eliminate, &[e.lambda(absurd, nat), e.constant(axiom, &[])]);
    let (first, second, maker) = (e.name("P"), e.name("Q"), e.name("Q.mk"));
    let indexed = e.apply(e.constant(second, &[]), &[hidden]);
    let kind = e.sort(one);
    e.family(&[(first, kind, &[]), (second, e.pi(nat, kind), &[(maker, indexed)])], json!([]));
    let yes = e.known("True");
    let mut roots = Vec::new();
    let mut claim = |name: &'static str, proof| {
        e.theorem(e.name(name), yes, proof);
        roots.push(name);
    };
    claim("of_maker", mentioning(&e, indexed, e.constant(maker, &[])));
    claim("of_first", mentioning(&e, kind, e.constant(first, &[])));
    claim("of_second", mentioning(&e, e.pi(nat, kind), e.constant(second, &[])));
    for verdict in checker.check(&e, &roots, json!({ "header": "" })) {
        verdict.is("rejected", "it depends on evil");
    }
}

#[test]
fn nothing_unsafe_is_believed() {
    let mut checker = checker();
    for safety in ["unsafe", "partial", "SAFE", ""] {
        let e = Export::new();
        let (name, absurd) = (e.name("loop"), e.known("False"));
        e.definition(name, absurd, e.constant(name, &[]), safety);
        e.target(absurd, e.constant(name, &[]));
        checker.plain(&e).is("failed", "unsafe or partial");
    }
    let e = Export::new();
    let (name, absurd) = (e.name("loop"), e.known("False"));
    e.definition(name, absurd, e.constant(name, &[]), "safe");
    e.target(absurd, e.constant(name, &[]));
    checker.plain(&e).is("failed", "(kernel)");
    let e = Export::new();
    e.target(e.known("False"), e.known(TARGET));
    checker.plain(&e).is("failed", "(kernel)");
}
