//! Names that look like others, or that are taken already: none of them hides an axiom.

use serde_json::json;

use super::checker::checker;
use super::export::{Export, Maker, TARGET, by_axiom, mentioning};

#[test]
fn names_that_are_printed_like_a_standard_axiom_are_others() {
    let mut checker = checker();
    for text in ["Quot.sound", "Classical.choice"] {
        let forged = by_axiom(|e| e.part(0, text));
        checker.proof_of(": False", &forged).is("rejected", &format!("it depends on {text}"));
    }
    for text in ["\"propext\"", "propext ", "\u{ab}propext\u{bb}", "propext\0"] {
        checker.plain(&by_axiom(|e| e.part(0, text))).is("rejected", "it depends on");
    }
    checker.plain(&by_axiom(|e| e.part(e.part(0, "Quot"), "sound\""))).is("rejected", "it depends on");
    // The library's axioms are not declared anew.
    for text in ["propext", "Quot.sound", "Classical.choice"] {
        checker.plain(&by_axiom(|e| e.name(text))).is("failed", "(kernel)");
    }
    checker.plain(&by_axiom(|_| 0)).is("rejected", "it depends on");
}

#[test]
fn two_names_of_one_text_stay_two() {
    let mut checker = checker();
    let dotted = |e: &Export| (e.part(0, "x.y"), e.name("x.y"));
    let counted = |e: &Export| {
        let x = e.name("x");
        (e.part(x, "5"), e.number(x, 5))
    };
    for (text, pair) in [("x.y", &dotted as &dyn Fn(&Export) -> (usize, usize)), ("x.5", &counted)] {
        for axiom_first in [true, false] {
            // An axiom of False, and something honest of the same text.
            let e = Export::new();
            let ((evil, good), absurd) = (pair(&e), e.known("False"));
            if axiom_first {
                e.axiom(evil, absurd);
            }
            e.definition(good, e.known("True"), e.known("True.intro"), "safe");
            if !axiom_first {
                e.axiom(evil, absurd);
            }
            e.target(absurd, e.constant(evil, &[]));
            checker.proof_of(": False", &e).is("rejected", &format!("it depends on {text}"));
            // Two theorems of the same text, one of which rests on an axiom.
            let e = Export::new();
            let ((first, second), axiom) = (pair(&e), e.name("evil"));
            e.axiom(axiom, e.known("False"));
            let (bad, honest) = if axiom_first { (first, second) } else { (second, first) };
            e.theorem(bad, e.known("False"), e.constant(axiom, &[]));
            e.theorem(honest, e.known("True"), e.known("True.intro"));
            let verdict = checker.check(&e, &[text], json!({ "header": "" })).remove(0);
            verdict.is("rejected", "two declarations are printed as");
        }
    }
}

#[test]
fn what_was_declared_before_is_forgotten() {
    let mut checker = checker();
    for _ in 0..2 {
        // A type whose constructors and recursor have names that an axiom has afterwards, and a theorem that has one.
        let e = Export::new();
        let kind = e.name("I");
        let term = e.constant(kind, &[]);
        let maker = e.name("I.mk");
        e.inductive(kind, e.sort(e.one()), &[(maker, term)], json!([]));
        e.theorem(e.name("evil"), e.known("True"), e.known("True.intro"));
        let recursor = e.constant(e.name("I.rec"), &[0]);
        let motive = e.lambda(term, e.known("True"));
        let value = e.constant(maker, &[]);
        let proof = e.apply(recursor, &[motive, e.known("evil"), value]);
        e.target(e.known("True"), mentioning(&e, e.known("True"), proof));
        checker.plain(&e).is("proved", "");
        for text in ["I", "I.mk", "I.rec", "evil"] {
            checker.plain(&by_axiom(|e| e.name(text))).is("rejected", &format!("it depends on {text}"));
        }
        // What an earlier proof declared is not there.
        let e = Export::new();
        e.target(e.known("True"), e.known("evil"));
        checker.plain(&e).is("failed", "unknown constant");
    }
}

#[test]
fn constructors_with_a_headers_names_do_not_hide_its_axioms() {
    let mut checker = checker();
    let header = "theorem Foo.helper : (1 : Nat) = 2 := sorry\naxiom Bar.ax : False";
    let target = |name: &str| {
        let e = Export::new();
        let helper = e.known(name);
        if name == "Foo.helper" {
            let (nat, one) = (e.known("Nat"), e.one());
            let number = |digits: &str| {
                let literal = e.literal(digits);
                let instance = e.apply(e.known("instOfNatNat"), &[literal]);
                e.apply(e.constant(e.name("OfNat.ofNat"), &[0]), &[nat, literal, instance])
            };
            let equality = e.constant(e.name("Eq"), &[one]);
            e.target(e.apply(equality, &[nat, number("1"), number("2")]), helper);
        } else {
            e.target(e.known("False"), helper);
        }
        e
    };
    let expected = [("Foo.helper", "sorryAx"), ("Bar.ax", "Bar.ax")];
    let poison = |make: &dyn Fn(&Export, &str) -> usize| {
        let e = Export::new();
        let kind = e.name("P");
        let term = e.constant(kind, &[]);
        let makers: Vec<usize> = expected.iter().map(|(text, _)| make(&e, text)).collect();
        let constructors: Vec<Maker> = makers.iter().map(|&maker| (maker, term)).collect();
        e.inductive(kind, e.sort(e.one()), &constructors, json!([]));
        for (number, &maker) in makers.iter().enumerate() {
            e.definition(e.name(&format!("use{number}")), term, e.constant(maker, &[]), "safe");
        }
        e.true_target();
        e
    };
    let apart = poison(&|e, text| e.part(e.name("other"), text));
    let printed_alike = poison(&|e, text| e.part(0, text));
    let the_same = poison(&|e, text| e.name(text));
    for (number, before) in [&printed_alike, &the_same, &apart].into_iter().enumerate() {
        // A header that nothing was asked about yet.
        let context = json!({ "header": format!("{header}\n-- {number}") });
        // The target rests on none of it.
        checker.check(before, &[TARGET], context.clone()).remove(0).is("proved", "");
        for (name, axiom) in expected {
            let verdict = checker.check(&target(name), &[TARGET], context.clone()).remove(0);
            verdict.is("rejected", &format!("it depends on {axiom}"));
        }
    }
}

#[test]
fn library_names_are_not_taken_over() {
    let mut checker = checker();
    let honest = || {
        let e = Export::new();
        let zero = e.known("Nat.zero");
        e.target(e.apply(e.known("Nat.le"), &[zero, zero]), e.apply(e.known("Nat.le_refl"), &[zero]));
        e
    };
    let dotted = |e: &Export, text: &str| e.part(0, text);
    for (number, make) in [dotted, Export::name].into_iter().enumerate() {
        // A header that nothing was asked about yet.
        let context = json!({ "header": format!("-- {number}") });
        let mut judge = |export: &Export| checker.check(export, &[TARGET], context.clone()).remove(0);
        let e = Export::new();
        let kind = e.name("P");
        let term = e.constant(kind, &[]);
        let names = ["Nat.le_refl", "False.elim", "Nat.rec", "Lean.trustCompiler"];
        let constructors: Vec<Maker> = names.iter().map(|text| (make(&e, text), term)).collect();
        e.inductive(kind, e.sort(e.one()), &constructors, json!([]));
        for (maker, _) in constructors {
            e.definition(e.name(&format!("use{maker}")), term, e.constant(maker, &[]), "safe");
        }
        e.true_target();
        judge(&e).is("proved", "");
        judge(&honest()).is("proved", "");
        // An axiom and a theorem in the place of a library lemma.
        let e = Export::new();
        e.axiom(make(&e, "Nat.le_refl"), e.known("False"));
        e.target(e.known("False"), e.constant(make(&e, "Nat.le_refl"), &[]));
        let verdict = judge(&e);
        assert_ne!(verdict.status, "proved", "{verdict:?}");
        judge(&honest()).is("proved", "");
        let e = Export::new();
        e.target(e.known("True"), e.known("Lean.trustCompiler"));
        judge(&e).is("rejected", "it depends on Lean.trustCompiler");
    }
}

#[test]
fn a_recursors_name_is_nobody_elses() {
    let mut checker = checker();
    for (text, is_nested) in [("I.rec", false), ("I.rec_1", true)] {
        let declare = |e: &Export, maker: usize| {
            let (kind, one) = (e.name("I"), e.one());
            let term = e.constant(kind, &[]);
            let list = e.apply(e.constant(e.name("List"), &[0]), &[term]);
            let made = if is_nested { e.pi(list, term) } else { term };
            e.inductive(kind, e.sort(one), &[(maker, made)], json!([]));
            (made, e.constant(maker, &[]))
        };
        let e = by_axiom(|e| e.name(text));
        declare(&e, e.name("I.mk"));
        checker.plain(&e).is("rejected", &format!("it depends on {text}"));
        // The type comes first and the axiom of its recursor's name is none.
        let e = Export::new();
        declare(&e, e.name("I.mk"));
        e.axiom(e.name(text), e.known("False"));
        e.target(e.known("False"), e.known(text));
        let verdict = checker.plain(&e);
        assert_ne!(verdict.status, "proved", "{verdict:?}");
        // A constructor by that name.
        let e = Export::new();
        let (kind, maker) = declare(&e, e.name(text));
        e.target(e.known("True"), mentioning(&e, kind, maker));
        checker.plain(&e).is("failed", "already declared");
    }
}

#[test]
fn a_name_that_is_declared_twice_is_what_it_was_first() {
    let mut checker = checker();
    // An axiom, then a proof by that name of what it says.
    let e = Export::new();
    let (name, absurd) = (e.name("evil"), e.known("False"));
    e.axiom(name, absurd);
    e.theorem(name, absurd, e.constant(name, &[]));
    e.target(absurd, e.constant(name, &[]));
    checker.plain(&e).is("rejected", "it depends on evil");
    // Something honest, then an axiom by that name.
    let e = Export::new();
    let (name, absurd) = (e.name("evil"), e.known("False"));
    e.theorem(name, e.known("True"), e.known("True.intro"));
    e.axiom(name, absurd);
    e.target(absurd, e.constant(name, &[]));
    checker.plain(&e).is("failed", "(kernel)");
    // The target twice.
    let e = by_axiom(|e| e.name("evil"));
    e.true_target();
    checker.plain(&e).is("rejected", "it depends on evil");
    checker.proof_of(": True", &e).is("rejected", "not the statement asked for");
    let e = Export::new();
    e.true_target();
    e.axiom(e.name("evil"), e.known("False"));
    e.target(e.known("False"), e.known("evil"));
    checker.proof_of(": False", &e).is("rejected", "not the statement asked for");
}
