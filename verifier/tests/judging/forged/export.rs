//! Exports written by hand, line by line, in which anything may stand.

use std::cell::RefCell;

use serde_json::{Value, json};

pub const TARGET: &str = "stp_target";
/// A statement that is false and names only constructors, so that its term is easily written down.
pub const FALSE_BOUND: &str = ": Nat.le (Nat.succ Nat.zero) Nat.zero";

/// A constructor's name and type.
pub type Maker = (usize, usize);
/// A type's name and sort, and its constructors.
pub type Member<'a> = (usize, usize, &'a [Maker]);

/// Export data in the making. Names, levels and terms are known by the numbers of their lines.
pub struct Export {
    lines: RefCell<Vec<Value>>,
    pub counts: RefCell<[usize; 3]>,
}

impl Export {
    pub fn new() -> Self {
        Self { lines: RefCell::default(), counts: RefCell::new([1, 1, 0]) }
    }

    pub fn text(&self) -> String {
        let meta = json!({ "meta": { "format": { "version": "3.1.0" } } });
        let lines = self.lines.borrow();
        let texts: Vec<String> = [&meta].into_iter().chain(lines.iter()).map(Value::to_string).collect();
        texts.join("\n") + "\n"
    }

    pub fn put(&self, line: Value) {
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
    pub fn part(&self, prefix: usize, text: &str) -> usize {
        self.numbered(0, json!({ "str": { "pre": prefix, "str": text } }))
    }

    pub fn number(&self, prefix: usize, number: u64) -> usize {
        self.numbered(0, json!({ "num": { "pre": prefix, "i": number } }))
    }

    pub fn name(&self, text: &str) -> usize {
        text.split('.').fold(0, |prefix, part| self.part(prefix, part))
    }

    pub fn level(&self, level: Value) -> usize {
        self.numbered(1, level)
    }

    pub fn one(&self) -> usize {
        self.level(json!({ "succ": 0 }))
    }

    pub fn term(&self, term: Value) -> usize {
        self.numbered(2, term)
    }

    pub fn constant(&self, name: usize, levels: &[usize]) -> usize {
        self.term(json!({ "const": { "name": name, "us": levels } }))
    }

    /// A constant without universes.
    pub fn known(&self, name: &str) -> usize {
        self.constant(self.name(name), &[])
    }

    pub fn apply(&self, function: usize, arguments: &[usize]) -> usize {
        let apply = |function, argument| self.term(json!({ "app": { "fn": function, "arg": argument } }));
        arguments.iter().copied().fold(function, apply)
    }

    fn binder(&self, kind: &str, domain: usize, body: usize) -> usize {
        self.term(json!({ kind: { "name": 0, "type": domain, "body": body, "binderInfo": "default" } }))
    }

    pub fn lambda(&self, domain: usize, body: usize) -> usize {
        self.binder("lam", domain, body)
    }

    pub fn pi(&self, domain: usize, body: usize) -> usize {
        self.binder("forallE", domain, body)
    }

    pub fn variable(&self, index: usize) -> usize {
        self.term(json!({ "bvar": index }))
    }

    pub fn sort(&self, level: usize) -> usize {
        self.term(json!({ "sort": level }))
    }

    pub fn literal(&self, digits: &str) -> usize {
        self.term(json!({ "natVal": digits }))
    }

    /// `left = right` in a type of the lowest universe.
    pub fn equal(&self, kind: &str, left: usize, right: usize) -> usize {
        self.apply(self.constant(self.name("Eq"), &[self.one()]), &[self.known(kind), left, right])
    }

    pub fn reflexive(&self, kind: &str, value: usize) -> usize {
        self.apply(self.constant(self.name("Eq.refl"), &[self.one()]), &[self.known(kind), value])
    }

    /// The term of [`FALSE_BOUND`], with another relation in the place of `Nat.le`.
    pub fn bound(&self, relation: usize) -> usize {
        let zero = self.known("Nat.zero");
        self.apply(relation, &[self.apply(self.known("Nat.succ"), &[zero]), zero])
    }

    pub fn axiom(&self, name: usize, claim: usize) {
        self.put(json!({ "axiom": { "name": name, "levelParams": [], "type": claim, "isUnsafe": false } }));
    }

    pub fn definition(&self, name: usize, kind: usize, value: usize, safety: &str) {
        let hints = "abbrev";
        self.put(json!({ "def": {
            "name": name, "levelParams": [], "type": kind, "value": value, "hints": hints, "safety": safety, "all": [name]
        } }));
    }

    pub fn theorem(&self, name: usize, claim: usize, proof: usize) {
        self.polymorphic(name, &[], claim, proof);
    }

    pub fn polymorphic(&self, name: usize, levels: &[usize], claim: usize, proof: usize) {
        self.put(json!({ "thm": {
            "name": name, "levelParams": levels, "type": claim, "value": proof, "all": [name]
        } }));
    }

    pub fn target(&self, claim: usize, proof: usize) {
        self.theorem(self.name(TARGET), claim, proof);
    }

    /// An honest proof of `True`, which would be proved if what stands beside it were overlooked.
    pub fn true_target(&self) {
        self.target(self.known("True"), self.known("True.intro"));
    }

    /// A type with constructors, given by names and types, and with that data about recursors.
    pub fn inductive(&self, name: usize, sort: usize, constructors: &[Maker], recursors: Value) {
        self.family(&[(name, sort, constructors)], recursors);
    }

    pub fn family(&self, types: &[Member], recursors: Value) {
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
pub fn by_axiom(make: impl Fn(&Export) -> usize) -> Export {
    let e = Export::new();
    let (absurd, name) = (e.known("False"), make(&e));
    e.axiom(name, absurd);
    e.target(absurd, e.constant(name, &[]));
    e
}

/// A proof of `True` that mentions a value.
pub fn mentioning(e: &Export, kind: usize, value: usize) -> usize {
    e.apply(e.lambda(kind, e.known("True.intro")), &[value])
}
