//! The lines of an export: what is not well-formed or too large is refused, and numbers mean what their digits say.

use serde_json::json;

use super::checker::checker;
use super::export::{Export, TARGET, mentioning};

#[test]
fn numbers_are_the_same_in_words_and_in_digits() {
    let mut checker = checker();
    for (number, before) in [
        ("1000000000", "999999999"),
        ("1073741824", "1073741823"),
        ("2147483648", "2147483647"),
        ("4294967296", "4294967295"),
        ("18446744073709551616", "18446744073709551615"),
    ] {
        let e = Export::new();
        let (number, before) = (e.literal(number), e.literal(before));
        let sum = e.apply(e.known("Nat.add"), &[before, e.literal("1")]);
        let is_equal = e.apply(e.known("Nat.beq"), &[number, sum]);
        for answer in ["true", "false"] {
            let value = e.known(&format!("Bool.{answer}"));
            e.theorem(e.name(answer), e.equal("Bool", is_equal, value), e.reflexive("Bool", value));
        }
        let next = e.apply(e.known("Nat.succ"), &[before]);
        e.theorem(e.name("next"), e.equal("Nat", number, next), e.reflexive("Nat", number));
        e.theorem(e.name("same"), e.equal("Nat", number, before), e.reflexive("Nat", number));
        let verdicts = checker.check(&e, &["true", "false", "next", "same"], json!({ "header": "" }));
        for (verdict, status) in verdicts.iter().zip(["proved", "failed", "proved", "failed"]) {
            verdict.is(status, "");
        }
    }
}

#[test]
fn what_grows_without_bound_is_refused_and_what_is_shared_is_not() {
    let mut checker = checker();
    for kind in ["max", "imax"] {
        let e = Export::new();
        let level = (0..60).fold(e.one(), |level, _| e.level(json!({ kind: [level, level] })));
        e.target(e.known("True"), mentioning(&e, e.sort(level), e.known("True")));
        checker.plain(&e).is("rejected", "too large");
    }
    let e = Export::new();
    (0..20_000).fold(0, |level, _| e.level(json!({ "succ": level })));
    e.true_target();
    checker.plain(&e).is("rejected", "too large");
    let e = Export::new();
    (0..5_000).fold(0, |prefix, _| e.part(prefix, "part"));
    e.true_target();
    checker.plain(&e).is("rejected", "too large");
    // A statement and a proof of 2^60 nodes each, all but 60 of them the same.
    let e = Export::new();
    let (mut claim, mut proof) = (e.known("True"), e.known("True.intro"));
    for _ in 0..60 {
        proof = e.apply(e.known("And.intro"), &[claim, claim, proof, proof]);
        claim = e.apply(e.known("And"), &[claim, claim]);
    }
    e.target(claim, proof);
    checker.plain(&e).is("proved", "");
}

#[test]
fn lines_that_are_not_well_formed_are_refused() {
    let mut checker = checker();
    // Below an honest proof of True, whose lines are 4 names, no levels and 2 terms.
    let honest = Export::new();
    honest.true_target();
    assert_eq!(*honest.counts.borrow(), [5, 1, 2]);
    for line in [
        "null",
        "5",
        "[]",
        "{}",
        "{",
        "\"x\"",
        r#"{"in":4,"str":{"pre":0,"str":"a"}}"#,
        r#"{"in":6,"str":{"pre":0,"str":"a"}}"#,
        r#"{"in":"5","str":{"pre":0,"str":"a"}}"#,
        r#"{"in":5}"#,
        r#"{"in":5,"str":{"pre":-1,"str":"a"}}"#,
        r#"{"in":5,"str":{"pre":5,"str":"a"}}"#,
        r#"{"in":5,"str":{"pre":0.5,"str":"a"}}"#,
        r#"{"in":5,"str":{"pre":"__proto__","str":"a"}}"#,
        r#"{"in":5,"str":{"pre":0,"str":7}}"#,
        r#"{"in":5,"num":{"pre":0,"i":-1}}"#,
        r#"{"in":5,"num":{"pre":0,"i":1e300}}"#,
        r#"{"il":1}"#,
        r#"{"il":1,"succ":1}"#,
        r#"{"il":1,"max":[0]}"#,
        r#"{"il":1,"max":[0,"length"]}"#,
        r#"{"il":1,"param":9}"#,
        r#"{"ie":1,"bvar":0}"#,
        r#"{"ie":2}"#,
        r#"{"ie":2,"bvar":-1}"#,
        r#"{"ie":2,"bvar":1048576}"#,
        r#"{"ie":2,"sort":1}"#,
        r#"{"ie":2,"const":{"name":1}}"#,
        r#"{"ie":2,"const":{"name":1,"us":[1]}}"#,
        r#"{"ie":2,"const":{"name":1,"us":{"length":1}}}"#,
        r#"{"ie":2,"app":{"fn":2,"arg":0}}"#,
        r#"{"ie":2,"app":{"fn":0}}"#,
        r#"{"ie":2,"lam":{"name":0,"type":0,"body":0,"binderInfo":"none"}}"#,
        r#"{"ie":2,"letE":{"name":0,"type":0,"value":0,"body":0}}"#,
        r#"{"ie":2,"proj":{"typeName":1,"idx":-1,"struct":0}}"#,
        r#"{"ie":2,"proj":{"typeName":1,"idx":1073741824,"struct":0}}"#,
        r#"{"ie":2,"natVal":5}"#,
        r#"{"ie":2,"natVal":"007"}"#,
        r#"{"ie":2,"natVal":"-1"}"#,
        r#"{"ie":2,"natVal":"1e3"}"#,
        r#"{"ie":2,"strVal":5}"#,
        r#"{"ie":2,"mdata":{}}"#,
        r#"{"axiom":null}"#,
        r#"{"axiom":{}}"#,
        r#"{"thm":{"name":1,"levelParams":[],"type":0,"value":7,"all":[]}}"#,
        r#"{"thm":{"name":1,"levelParams":5,"type":0,"value":0,"all":[]}}"#,
        r#"{"inductive":{}}"#,
        r#"{"inductive":{"types":[{}],"ctors":[]}}"#,
        r#"{"inductive":{"types":[null],"ctors":[]}}"#,
        r#"{"inductive":{"types":[{"name":1,"levelParams":[],"type":0,"numParams":0,"ctors":[]}],"ctors":[null]}}"#,
        r#"{"ie":2,"lam":{"name":0,"type":0,"body":0,"binderInfo":"toString"}}"#,
        r#"{"inductive":{"types":[{"name":1,"levelParams":[],"type":0,"numParams":0,"ctors":[7]}],"ctors":[]}}"#,
        r#"{"quot":{}}"#,
        r#"{"toString":1}"#,
    ] {
        let export = format!("{}{line}\n", honest.text());
        let request =
            json!({ "op": "check", "header": "", "export": export, "roots": [TARGET], "proof": "" });
        let verdict = &checker.ask(request)["verdicts"][0];
        assert_eq!(verdict["status"], "rejected", "{line}: {verdict}");
        let message = verdict["messages"][0].as_str().unwrap_or_default();
        assert!(message.contains("not well-formed"), "{line}: {verdict}");
    }
    checker.plain(&honest).is("proved", "");
    // A number that no honest proof writes out.
    let e = Export::new();
    e.literal(&"9".repeat(100_001));
    e.true_target();
    checker.plain(&e).is("rejected", "not well-formed");
}

#[test]
fn a_declaration_without_its_parts_is_refused_and_the_checker_goes_on() {
    let mut checker = checker();
    for line in [
        r#"{"def":{"name":5,"levelParams":[],"type":0,"value":0,"hints":null,"safety":"safe","all":[5]}}"#,
        r#"{"def":{"name":5,"levelParams":[],"type":0,"value":0,"hints":"opaque","safety":"safe","all":9}}"#,
        r#"{"inductive":{"types":[{"name":5,"levelParams":[],"type":0,"numParams":"x","ctors":[],"isUnsafe":false}],"ctors":[]}}"#,
    ] {
        let honest = Export::new();
        honest.true_target();
        let export = format!("{}{}\n{line}\n", honest.text(), r#"{"in":5,"str":{"pre":0,"str":"bad"}}"#);
        let request =
            json!({ "op": "check", "header": "", "export": export, "roots": [TARGET], "proof": "" });
        let answer = checker.ask(request);
        assert_eq!(answer["verdicts"][0]["status"], "proved", "it needs none of {line}: {answer}");
    }
}
