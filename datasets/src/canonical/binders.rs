//! A signature taken apart into its binders, and put together again in an order of its own.
//!
//! Binders may change places where none depends on the other. What a binder depends on is read from the names that its
//! type mentions; instances may be used without being named, so nothing passes by an instance binder.

use std::borrow::Cow;

use super::lexer::{Kind, Token, closing, tokens};
use super::print::print;
use super::scopes;

/// Orders that are compared at most; beyond that, some statements that are equal up to binder order are not noticed.
const MOST_ORDERS: usize = 512;

/// A binder of a signature: `(a : Nat)`, `{α}`, `[DecidableEq α]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binder {
    /// The opening bracket.
    pub open: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The type as text, if it is written.
    pub kind: Option<String>,
}

/// The binders of a signature, one for each name, and the text after the colon; `None` where its scopes are uncertain.
pub fn binders(signature: &str) -> Option<(Vec<Binder>, String)> {
    let tokens = tokens(signature)?;
    let parsed = Parsed::read(&tokens)?;
    let binder = |part: &Part| Binder {
        open: tokens[part.open].text.to_string(),
        name: part.name.map(|at| tokens[at].text.to_string()),
        kind: (!part.kind.is_empty()).then(|| print(&tokens[part.kind.clone()])),
    };
    Some((parsed.parts.iter().map(binder).collect(), print(&tokens[parsed.goal.clone()])))
}

/// Makes the implicit binders before a signature's colon explicit.
pub(super) fn make_explicit(tokens: &mut [Token<'_>]) {
    let mut at = 0;
    while tokens.get(at).is_some_and(|token| token.kind == Kind::Open)
        && let Some(close) = matching_close(tokens, at)
    {
        if matches!(&*tokens[at].text, "{" | "⦃") {
            tokens[at].text = Cow::Borrowed("(");
            tokens[close].text = Cow::Borrowed(")");
        }
        at = close + 1;
    }
}

/// The signature's tokens with one bracket for each binder, in an order that does not depend on the given one, and
/// bound names numbered; `None` where scopes are uncertain.
pub(super) fn reordered<'t>(tokens: &[Token<'t>]) -> Option<Vec<Token<'t>>> {
    let parsed = Parsed::read(tokens)?;
    let colours = parsed.colours(tokens);
    let mut search = Search { parsed: &parsed, tokens, colours: &colours, left: MOST_ORDERS, best: None };
    search.extend(&mut Vec::new());
    search.best.map(|(_, tokens)| tokens)
}

/// One binder, by places in the tokens.
struct Part {
    open: usize,
    close: usize,
    name: Option<usize>,
    /// The number of its name.
    id: Option<usize>,
    kind: std::ops::Range<usize>,
}

struct Parsed {
    parts: Vec<Part>,
    goal: std::ops::Range<usize>,
    /// For each token the number of the binder that it is or refers to.
    bound: Vec<Option<usize>>,
    /// For each token the binder whose name it is or refers to.
    refers: Vec<Option<usize>>,
    prefix: String,
    /// For each binder the ones that must stand before it.
    needs: Vec<Vec<usize>>,
}

impl Parsed {
    fn read(tokens: &[Token<'_>]) -> Option<Self> {
        let (bound, prefix) = scopes::bindings(tokens)?;
        let mut parts = Vec::new();
        let mut at = 0;
        while tokens.get(at)?.kind == Kind::Open {
            let close = matching_close(tokens, at)?;
            let colon = (at + 1..close).find(|&i| tokens[i].is(":"));
            let named = tokens[at].text != "[" || colon == Some(at + 2);
            if named {
                let kind = colon.map_or(close..close, |colon| colon + 1..close);
                let names = at + 1..colon.unwrap_or(close);
                parts.extend(names.map(|name| Part {
                    open: at,
                    close,
                    name: Some(name),
                    id: bound[name],
                    kind: kind.clone(),
                }));
            } else {
                parts.push(Part { open: at, close, name: None, id: None, kind: at + 1..close });
            }
            at = close + 1;
        }
        let part_of = |id: usize| parts.iter().position(|part| part.id == Some(id));
        let refers = bound.iter().map(|id| id.and_then(part_of)).collect();
        let goal = at + 1..tokens.len();
        let mut parsed = Self { parts, goal, bound, refers, prefix, needs: Vec::new() };
        parsed.needs = (0..parsed.parts.len()).map(|part| parsed.needs_of(tokens, part)).collect();
        Some(parsed)
    }

    fn needs_of(&self, tokens: &[Token<'_>], part: usize) -> Vec<usize> {
        let is_instance = |at: usize| tokens[self.parts[at].open].text == "[";
        let mentions = |other: usize| {
            self.parts[other].id.is_some()
                && self.parts[part].kind.clone().any(|at| self.bound[at] == self.parts[other].id)
        };
        (0..part).filter(|&other| is_instance(part) || is_instance(other) || mentions(other)).collect()
    }

    /// A number for each binder, by what it is and where it is used: the same for statements that differ in the order
    /// of binders and in names alone.
    fn colours(&self, tokens: &[Token<'_>]) -> Vec<u64> {
        let count = self.parts.len();
        let mut colours = vec![0u64; count];
        for _ in 0..count.min(4) {
            let before = colours.clone();
            let range = |range: std::ops::Range<usize>, own: Option<usize>| {
                let first = range.clone().find_map(|at| self.local(at)).unwrap_or_default();
                let mut hash = Hash::new();
                for at in range {
                    match (self.refers[at], self.local(at)) {
                        (Some(part), _) if Some(part) == own => hash.text("own"),
                        (Some(part), _) => hash.number(before[part]),
                        (_, Some(id)) => hash.number(id.wrapping_sub(first) as u64),
                        _ => hash.text(&tokens[at].text),
                    }
                }
                hash.0
            };
            for (index, part) in self.parts.iter().enumerate() {
                let mut hash = Hash::new();
                hash.number(before[index]);
                hash.text(&tokens[part.open].text);
                hash.number(range(part.kind.clone(), None));
                hash.number(range(self.goal.clone(), Some(index)));
                let mut uses: Vec<u64> = (0..count)
                    .filter(|&user| self.needs[user].contains(&index))
                    .map(|user| range(self.parts[user].kind.clone(), Some(index)) ^ before[user])
                    .collect();
                uses.sort_unstable();
                uses.into_iter().for_each(|user| hash.number(user));
                colours[index] = hash.0;
            }
        }
        colours
    }

    /// The number of a name that is bound within a type or the goal.
    fn local(&self, at: usize) -> Option<usize> {
        self.bound[at].filter(|_| self.refers[at].is_none())
    }

    /// The tokens in an order of binders, with bound names numbered as they come.
    fn written<'t>(&self, tokens: &[Token<'t>], order: &[usize]) -> Vec<Token<'t>> {
        let mut writer = Writer { parsed: self, tokens, numbers: Vec::new(), found: Vec::new() };
        for part in order.iter().map(|&index| &self.parts[index]) {
            writer.forget_locals();
            writer.put(part.open);
            if let Some(name) = part.name {
                writer.put(name);
                if !part.kind.is_empty() {
                    writer.put(part.kind.start - 1);
                }
            }
            part.kind.clone().for_each(|at| writer.put(at));
            writer.put(part.close);
        }
        writer.forget_locals();
        (self.goal.start - 1..self.goal.end).for_each(|at| writer.put(at));
        writer.found
    }
}

struct Writer<'a, 't> {
    parsed: &'a Parsed,
    tokens: &'a [Token<'t>],
    /// The numbers of names that were written; none for what is out of scope.
    numbers: Vec<Option<usize>>,
    found: Vec<Token<'t>>,
}

impl Writer<'_, '_> {
    fn put(&mut self, at: usize) {
        let mut token = self.tokens[at].clone();
        if let Some(id) = self.parsed.bound[at] {
            let known = self.numbers.iter().position(|known| *known == Some(id));
            let number = known.unwrap_or_else(|| {
                self.numbers.push(Some(id));
                self.numbers.len() - 1
            });
            let rest = token.text.find('.').map_or("", |dot| &self.tokens[at].text[dot..]);
            token.text = Cow::Owned(format!("{}{number}{rest}", self.parsed.prefix));
        }
        self.found.push(token);
    }

    /// A type that several binders share is written for each, with bound names of its own.
    fn forget_locals(&mut self) {
        let parts = &self.parsed.parts;
        let local = |id: &Option<usize>| parts.iter().all(|part| part.id != *id);
        self.numbers.iter_mut().filter(|id| local(id)).for_each(|id| *id = None);
    }
}

/// The orders that dependencies allow, binders of lower colours first; of those that colours do not tell apart, the one
/// with the least text.
struct Search<'a, 't> {
    parsed: &'a Parsed,
    tokens: &'a [Token<'t>],
    colours: &'a [u64],
    left: usize,
    best: Option<(String, Vec<Token<'t>>)>,
}

impl Search<'_, '_> {
    fn extend(&mut self, order: &mut Vec<usize>) {
        if order.len() == self.parsed.parts.len() {
            self.left = self.left.saturating_sub(1);
            let tokens = self.parsed.written(self.tokens, order);
            let text = print(&tokens);
            if self.best.as_ref().is_none_or(|(best, _)| text < *best) {
                self.best = Some((text, tokens));
            }
            return;
        }
        let free = |index: &usize| {
            !order.contains(index) && self.parsed.needs[*index].iter().all(|need| order.contains(need))
        };
        let free: Vec<usize> = (0..self.parsed.parts.len()).filter(free).collect();
        let Some(least) = free.iter().map(|&index| self.colours[index]).min() else { return };
        for index in free.into_iter().filter(|&index| self.colours[index] == least) {
            if self.left == 0 {
                return;
            }
            order.push(index);
            self.extend(order);
            order.pop();
        }
    }
}

fn matching_close(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    closing(&tokens[open].text)?;
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 1 => return Some(at),
            Kind::Close => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// FNV-1a.
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn text(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
