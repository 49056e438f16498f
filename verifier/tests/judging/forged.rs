//! Declarations that no honest elaborator hands out. The checker is asked by itself, in one process for all of them:
//! whatever it is told, it proves nothing false, and what it was told before helps nobody later.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

const TARGET: &str = "stp_target";
/// A statement that is false and names only constructors, so that its term is easily written down.
const FALSE_BOUND: &str = ": Nat.le (Nat.succ Nat.zero) Nat.zero";

struct Checker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: usize,
}

impl Checker {
    fn start() -> Self {
        let lean = crate::common::managed();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join("managed");
        let mut child = stp_verifier::managed_program(&lean)
            .unwrap()
            .args(lean.node_arguments())
            .arg(format!("--allow-fs-read={}", scripts.display()))
            .arg(scripts.join("checker.js"))
            .arg(&lean.lean_js)
            .arg(&lean.library)
            .arg("20000")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut checker = Self { child, input, output, asked: 0 };
        let ready = checker.answer();
        assert_eq!(ready["ready"], true, "{ready}");
        checker
    }

    fn answer(&mut self) -> Value {
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert!(length > 0, "the checker ended: {:?}", self.child.wait());
            if let Some(text) = line.strip_prefix("@stp ") {
                return serde_json::from_str(text).unwrap();
            }
        }
    }

    fn ask(&mut self, mut request: Value) -> Value {
        self.asked += 1;
        request["id"] = json!(self.asked.to_string());
        writeln!(self.input, "{request}").unwrap();
        let answer = self.answer();
        assert_eq!(answer["id"], request["id"], "{answer}");
        assert!(answer["crashed"].is_null(), "{answer}");
        answer
    }

    /// What a trusted statement claims.
    fn reference(&mut self, header: &str, signature: &str) -> Value {
        let answer = self.ask(json!({ "op": "reference", "header": header, "signature": signature }));
        assert_eq!(answer["ok"], true, "{answer}");
        answer["reference"].clone()
    }

    /// The verdicts on `roots`; `context` holds the header or the imports, and the reference if one is wanted.
    fn check(&mut self, export: &Export, roots: &[&str], context: Value) -> Vec<Verdict> {
        let mut request = json!({ "op": "check", "export": export.text(), "roots": roots, "proof": "" });
        request.as_object_mut().unwrap().extend(context.as_object().unwrap().clone());
        let answer = self.ask(request);
        let verdicts = answer["verdicts"].as_array().unwrap();
        assert_eq!(verdicts.len(), roots.len());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        verdicts
            .iter()
            .map(|it| Verdict { status: text(&it["status"]), message: text(&it["messages"][0]) })
            .collect()
    }

    /// The verdict on the target below no header.
    fn plain(&mut self, export: &Export) -> Verdict {
        self.check(export, &[TARGET], json!({ "header": "" })).remove(0)
    }

    /// The verdict on the target as a proof of `signature`.
    fn proof_of(&mut self, signature: &str, export: &Export) -> Verdict {
        let reference = self.reference("", signature);
        self.check(export, &[TARGET], json!({ "header": "", "reference": reference })).remove(0)
    }
}

#[derive(Debug)]
struct Verdict {
    status: String,
    message: String,
}

impl Verdict {
    fn is(&self, status: &str, message: &str) {
        assert!(
            self.status == status && self.message.contains(message),
            "not {status} ({message}): {self:?}"
        );
    }
}

static CHECKER: LazyLock<Mutex<Checker>> = LazyLock::new(|| Mutex::new(Checker::start()));

fn checker() -> MutexGuard<'static, Checker> {
    CHECKER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A constructor's name and type.
type Maker = (usize, usize);
/// A type's name and sort, and its constructors.
type Member<'a> = (usize, usize, &'a [Maker]);

/// Export data in the making. Names, levels and terms are known by the numbers of their lines.
struct Export {
    lines: RefCell<Vec<Value>>,
    counts: RefCell<[usize; 3]>,
}

impl Export {
    fn new() -> Self {
        Self { lines: RefCell::default(), counts: RefCell::new([1, 1, 0]) }
    }

    fn text(&self) -> String {
        let meta = json!({ "meta": { "format": { "version": "3.1.0" } } });
        let lines = self.lines.borrow();
        let texts: Vec<String> = [&meta].into_iter().chain(lines.iter()).map(Value::to_string).collect();
        texts.join("\n") + "\n"
    }

    fn put(&self, line: Value) {
        self.lines.borrow_mut().push(line);
    }

    fn numbered(&self, kind: usize, mut line: Value) -> usize {
        let count = &mut self.counts.borrow_mut()[kind];
        line[["in", "il", "ie"][kind]] = json!(*count);
        self.put(line);
        *count += 1;
        *count - 1
    }

    /// A name whose last part may hold dots.
    fn part(&self, prefix: usize, text: &str) -> usize {
        self.numbered(0, json!({ "str": { "pre": prefix, "str": text } }))
    }

    fn number(&self, prefix: usize, number: u64) -> usize {
        self.numbered(0, json!({ "num": { "pre": prefix, "i": number } }))
    }

    fn name(&self, text: &str) -> usize {
        text.split('.').fold(0, |prefix, part| self.part(prefix, part))
    }

    fn level(&self, level: Value) -> usize {
        self.numbered(1, level)
    }

    fn one(&self) -> usize {
        self.level(json!({ "succ": 0 }))
    }

    fn term(&self, term: Value) -> usize {
        self.numbered(2, term)
    }

    fn constant(&self, name: usize, levels: &[usize]) -> usize {
        self.term(json!({ "const": { "name": name, "us": levels } }))
    }

    /// A constant without universes.
    fn known(&self, name: &str) -> usize {
        self.constant(self.name(name), &[])
    }

    fn apply(&self, function: usize, arguments: &[usize]) -> usize {
        let apply = |function, argument| self.term(json!({ "app": { "fn": function, "arg": argument } }));
        arguments.iter().copied().fold(function, apply)
    }

    fn binder(&self, kind: &str, domain: usize, body: usize) -> usize {
        self.term(json!({ kind: { "name": 0, "type": domain, "body": body, "binderInfo": "default" } }))
    }

    fn lambda(&self, domain: usize, body: usize) -> usize {
        self.binder("lam", domain, body)
    }

    fn pi(&self, domain: usize, body: usize) -> usize {
        self.binder("forallE", domain, body)
    }

    fn variable(&self, index: usize) -> usize {
        self.term(json!({ "bvar": index }))
    }

    fn sort(&self, level: usize) -> usize {
        self.term(json!({ "sort": level }))
    }

    fn literal(&self, digits: &str) -> usize {
        self.term(json!({ "natVal": digits }))
    }

    /// `left = right` in a type of the lowest universe.
    fn equal(&self, kind: &str, left: usize, right: usize) -> usize {
        self.apply(self.constant(self.name("Eq"), &[self.one()]), &[self.known(kind), left, right])
    }

    fn reflexive(&self, kind: &str, value: usize) -> usize {
        self.apply(self.constant(self.name("Eq.refl"), &[self.one()]), &[self.known(kind), value])
    }

    /// The term of [`FALSE_BOUND`], with another relation in the place of `Nat.le`.
    fn bound(&self, relation: usize) -> usize {
        let zero = self.known("Nat.zero");
        self.apply(relation, &[self.apply(self.known("Nat.succ"), &[zero]), zero])
    }

    fn axiom(&self, name: usize, claim: usize) {
        self.put(json!({ "axiom": { "name": name, "levelParams": [], "type": claim, "isUnsafe": false } }));
    }

    fn definition(&self, name: usize, kind: usize, value: usize, safety: &str) {
        let hints = "abbrev";
        self.put(json!({ "def": {
            "name": name, "levelParams": [], "type": kind, "value": value, "hints": hints, "safety": safety, "all": [name]
        } }));
    }

    fn theorem(&self, name: usize, claim: usize, proof: usize) {
        self.polymorphic(name, &[], claim, proof);
    }

    fn polymorphic(&self, name: usize, levels: &[usize], claim: usize, proof: usize) {
        self.put(json!({ "thm": {
            "name": name, "levelParams": levels, "type": claim, "value": proof, "all": [name]
        } }));
    }

    fn target(&self, claim: usize, proof: usize) {
        self.theorem(self.name(TARGET), claim, proof);
    }

    /// An honest proof of `True`, which would be proved if what stands beside it were overlooked.
    fn true_target(&self) {
        self.target(self.known("True"), self.known("True.intro"));
    }

    /// A type with constructors, given by names and types, and with that data about recursors.
    fn inductive(&self, name: usize, sort: usize, constructors: &[Maker], recursors: Value) {
        self.family(&[(name, sort, constructors)], recursors);
    }

    fn family(&self, types: &[Member], recursors: Value) {
        let all: Vec<usize> = types.iter().map(|(name, ..)| *name).collect();
        let heads: Vec<Value> = types
            .iter()
            .map(|(name, sort, constructors)| {
                let names: Vec<usize> = constructors.iter().map(|(name, _)| *name).collect();
                json!({
                    "name": name, "levelParams": [], "type": sort, "numParams": 0, "numIndices": 0, "all": all,
                    "ctors": names, "isUnsafe": false
                })
            })
            .collect();
        let constructors: Vec<Value> = types
            .iter()
            .flat_map(|(.., constructors)| constructors.iter())
            .map(|(name, kind)| json!({ "name": name, "type": kind, "isUnsafe": false }))
            .collect();
        self.put(json!({ "inductive": { "types": heads, "ctors": constructors, "recs": recursors } }));
    }
}

/// A proof of `False` by an axiom of it, whose name `make` puts down.
fn by_axiom(make: impl Fn(&Export) -> usize) -> Export {
    let e = Export::new();
    let (absurd, name) = (e.known("False"), make(&e));
    e.axiom(name, absurd);
    e.target(absurd, e.constant(name, &[]));
    e
}

/// A proof of `True` that mentions a value.
fn mentioning(e: &Export, kind: usize, value: usize) -> usize {
    e.apply(e.lambda(kind, e.known("True.intro")), &[value])
}

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
