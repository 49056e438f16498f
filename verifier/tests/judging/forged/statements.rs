//! Only a theorem proves, and only the statement that was asked for.

use serde_json::json;

use super::checker::checker;
use super::export::{Export, FALSE_BOUND, TARGET};

#[test]
fn another_theorem_is_not_the_statement() {
    let mut checker = checker();
    let e = Export::new();
    e.true_target();
    for signature in [": False", FALSE_BOUND, ": True ∧ True", "(_ : False) : True"] {
        checker.proof_of(signature, &e).is("rejected", "not the statement asked for");
    }
    // A relation that is printed like the library's.
    let e = Export::new();
    let (relation, nat) = (e.part(0, "Nat.le"), e.known("Nat"));
    let kind = e.pi(nat, e.pi(nat, e.sort(0)));
    e.definition(relation, kind, e.lambda(nat, e.lambda(nat, e.known("True"))), "safe");
    e.target(e.bound(e.constant(relation, &[])), e.known("True.intro"));
    checker.plain(&e).is("proved", "");
    checker.proof_of(FALSE_BOUND, &e).is("rejected", "not the statement asked for");
    // A statement about all universes, proved of the lowest.
    let reference = checker.reference("universe u", "(a : Sort u) (x y : a) : x = y");
    let e = Export::new();
    let (level, kind) = (e.name("u"), e.sort(0));
    let equality = |type_: usize, x: usize, y: usize| {
        e.apply(e.constant(e.name("Eq"), &[0]), &[e.variable(type_), e.variable(x), e.variable(y)])
    };
    let claim = e.pi(kind, e.pi(e.variable(0), e.pi(e.variable(1), equality(2, 1, 0))));
    let same = e.apply(e.constant(e.name("Eq.refl"), &[0]), &[e.variable(2), e.variable(1)]);
    let proof = e.lambda(kind, e.lambda(e.variable(0), e.lambda(e.variable(1), same)));
    e.polymorphic(e.name(TARGET), &[level], claim, proof);
    checker.plain(&e).is("proved", "");
    let context = json!({ "header": "universe u", "reference": reference });
    checker.check(&e, &[TARGET], context).remove(0).is("rejected", "not the statement asked for");
}

#[test]
fn only_theorems_prove() {
    let mut checker = checker();
    let e = Export::new();
    e.axiom(e.name(TARGET), e.known("False"));
    checker.proof_of(": False", &e).is("rejected", "does not declare a theorem");
    let e = Export::new();
    e.definition(e.name(TARGET), e.known("True"), e.known("True.intro"), "safe");
    checker.proof_of(": True", &e).is("rejected", "does not declare a theorem");
    let e = Export::new();
    let kind = e.name(TARGET);
    e.inductive(kind, e.sort(0), &[], json!([]));
    checker.plain(&e).is("rejected", "does not declare a theorem");
    // A theorem of a type that is no proposition.
    let e = Export::new();
    e.target(e.known("Nat"), e.known("Nat.zero"));
    checker.plain(&e).is("failed", "must be a proposition");
    // No theorem, or one by another name.
    checker.plain(&Export::new()).is("rejected", "declares no theorem");
    let e = Export::new();
    e.theorem(e.part(0, "stp_target "), e.known("True"), e.known("True.intro"));
    checker.plain(&e).is("rejected", "declares no theorem");
    let e = Export::new();
    e.theorem(e.name("_private.Stp.0.stp_target"), e.known("True"), e.known("True.intro"));
    checker.plain(&e).is("rejected", "declares no theorem");
}
