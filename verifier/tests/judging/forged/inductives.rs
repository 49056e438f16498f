//! Inductive types, their recursors and projections, with claims about them that are wrong.

use serde_json::json;

use super::checker::checker;
use super::export::{Export, Maker, mentioning};

#[test]
fn recursors_are_the_kernels() {
    let mut checker = checker();
    // The recursor is said to prove False.
    let e = Export::new();
    let (kind, maker) = (e.name("I"), e.name("I.mk"));
    let (term, absurd, recursor) = (e.constant(kind, &[]), e.known("False"), e.name("I.rec"));
    let said = json!([{
        "name": recursor, "levelParams": [], "type": absurd, "all": [kind], "numParams": 0, "numIndices": 0,
        "numMotives": 0, "numMinors": 0, "rules": [], "k": true, "isUnsafe": false
    }]);
    e.inductive(kind, e.sort(e.one()), &[(maker, term)], said);
    e.target(absurd, e.constant(recursor, &[]));
    let verdict = checker.plain(&e);
    assert_ne!(verdict.status, "proved", "{verdict:?}");
    // A proposition of two proofs is said to be eliminated into data.
    let e = Export::new();
    let (kind, left, right, recursor) = (e.name("I"), e.name("I.a"), e.name("I.b"), e.name("I.rec"));
    let (term, one, nat) = (e.constant(kind, &[]), e.one(), e.known("Nat"));
    let level = e.name("u");
    let said = json!([{
        "name": recursor, "levelParams": [level], "type": nat, "all": [kind], "numParams": 0, "numIndices": 0,
        "numMotives": 1, "numMinors": 2, "rules": [], "k": true, "isUnsafe": false
    }]);
    e.inductive(kind, e.sort(0), &[(left, term), (right, term)], said);
    let (zero, two) = (e.known("Nat.zero"), e.literal("2"));
    let of = |value| {
        e.apply(e.constant(recursor, &[one]), &[e.lambda(term, nat), zero, two, e.constant(value, &[])])
    };
    e.target(e.equal("Nat", of(left), of(right)), e.reflexive("Nat", of(left)));
    let verdict = checker.plain(&e);
    assert_ne!(verdict.status, "proved", "{verdict:?}");
}

#[test]
fn types_that_are_no_types_are_refused() {
    let mut checker = checker();
    type Made = (usize, Vec<Maker>);
    let mut refused = |make: &dyn Fn(&Export, usize) -> Made| {
        let e = Export::new();
        let kind = e.name("I");
        let term = e.constant(kind, &[]);
        let (sort, constructors) = make(&e, term);
        e.inductive(kind, sort, &constructors, json!([]));
        e.target(e.known("True"), mentioning(&e, sort, term));
        checker.plain(&e).is("failed", "(kernel)");
    };
    // A type that its own constructor takes functions from.
    refused(&|e, term| {
        let negative = e.pi(e.pi(term, e.known("False")), term);
        (e.sort(e.one()), vec![(e.name("I.mk"), negative)])
    });
    // A type that holds all types of its own universe.
    refused(&|e, term| {
        let kind = e.sort(e.one());
        (kind, vec![(e.name("I.mk"), e.pi(kind, term))])
    });
    // Two constructors by one name, a constructor by the name of the type, one of another type, one with loose variables.
    refused(&|e, term| {
        let maker = e.name("I.mk");
        (e.sort(e.one()), vec![(maker, term), (maker, term)])
    });
    refused(&|e, term| (e.sort(e.one()), vec![(e.name("I"), term)]));
    refused(&|e, _| (e.sort(e.one()), vec![(e.name("I.mk"), e.known("Nat"))]));
    refused(&|e, term| (e.sort(e.one()), vec![(e.name("I.mk"), e.pi(e.variable(3), term))]));
    // What is marked unsafe may be all of that, and proves nothing.
    let e = Export::new();
    let kind = e.name("I");
    let term = e.constant(kind, &[]);
    let maker = e.name("I.mk");
    e.put(json!({ "inductive": {
        "types": [{
            "name": kind, "levelParams": [], "type": e.sort(e.one()), "numParams": 0, "numIndices": 0, "all": [kind],
            "ctors": [maker], "isUnsafe": true
        }],
        "ctors": [{ "name": maker, "type": e.pi(e.pi(term, e.known("False")), term), "isUnsafe": false }],
        "recs": []
    } }));
    e.target(e.known("True"), mentioning(&e, e.sort(e.one()), term));
    checker.plain(&e).is("failed", "unsafe or partial");
}

#[test]
fn projections_are_checked() {
    let mut checker = checker();
    let project = |e: &Export, structure: usize, index: usize, value: usize| {
        e.term(json!({ "proj": { "typeName": structure, "idx": index, "struct": value } }))
    };
    // The witness of a proof of existence.
    let e = Export::new();
    let (nat, one) = (e.known("Nat"), e.one());
    let predicate = e.lambda(nat, e.known("True"));
    let witness = |digits: &str| {
        let exists = e.constant(e.name("Exists.intro"), &[one]);
        let proof = e.apply(exists, &[nat, predicate, e.literal(digits), e.known("True.intro")]);
        project(&e, e.name("Exists"), 0, proof)
    };
    e.target(e.equal("Nat", witness("0"), witness("1")), e.reflexive("Nat", witness("0")));
    checker.plain(&e).is("failed", "(kernel)");
    // Fields that are not there, and fields of another type's.
    for (structure, index) in
        [("And", 2), ("And", (1 << 30) - 1), ("Prod", 0), ("Nat", 0), ("Or", 0), ("absent", 0)]
    {
        let e = Export::new();
        let yes = e.known("True");
        let both = e.apply(e.known("And.intro"), &[yes, yes, e.known("True.intro"), e.known("True.intro")]);
        e.target(e.known("False"), project(&e, e.name(structure), index, both));
        checker.plain(&e).is("failed", "(kernel)");
    }
}
