//! Which names of a signature are bound, and where.
//!
//! A walk over the tokens that knows Lean's simple binders and gives up (`None`) on all others.

use super::lexer::{Kind, Token, closing};

/// Nesting beyond which a text is not looked into.
const MAX_DEPTH: usize = 64;
/// Tokens beyond which a text is not looked into.
const MAX_TOKENS: usize = 10_000;

/// Keywords that bind names, or end scopes, in ways this walk does not know.
const UNKNOWN_WORDS: [&str; 21] = [
    "match",
    "let",
    "have",
    "show",
    "from",
    "by",
    "do",
    "where",
    "with",
    "suffices",
    "open",
    "in",
    "calc",
    "nomatch",
    "nofun",
    "set_option",
    "letI",
    "haveI",
    "let_fun",
    "at",
    "return",
];

/// Symbols that bind names, end scopes or quote syntax in ways this walk does not know.
const UNKNOWN_SYMBOLS: [&str; 15] =
    [":=", "←", "<-", ";", "`", "«", "»", "$", "∑", "∏", "⋃", "⋂", "⨆", "⨅", "∫"];

/// Operators in which a colon introduces no type.
const WITH_COLON: [&str; 4] = ["::", "<+:", "<:+", "<:+:"];

/// Symbols that bind weaker than a dependent arrow, and so end its scope.
const WEAKER_THAN_ARROW: [&str; 4] = ["↔", "<|", "|>", "<|>"];

/// For each token its canonical text, if it is or refers to a bound name; `None` if scopes are uncertain.
pub(super) fn bound_names(tokens: &[Token<'_>]) -> Option<Vec<Option<String>>> {
    let (bound, prefix) = bindings(tokens)?;
    let name = |(token, binder): (&Token<'_>, Option<usize>)| {
        binder.map(|number| format!("{prefix}{number}{}", &token.text[head(&token.text).len()..]))
    };
    Some(tokens.iter().zip(bound).map(name).collect())
}

/// For each token the number of the bound name that it is or refers to, and letters that begin no free name of the form
/// `x0`; `None` if scopes are uncertain.
pub(super) fn bindings(tokens: &[Token<'_>]) -> Option<(Vec<Option<usize>>, String)> {
    if tokens.len() > MAX_TOKENS {
        return None;
    }
    let mut walk =
        Walk { tokens, at: 0, depth: 0, scope: Vec::new(), binders: 0, bound: vec![None; tokens.len()] };
    walk.signature()?;
    let prefix = fresh_prefix(tokens, &walk.bound);
    Some((walk.bound, prefix))
}

/// `x`, or as many of them as no free name of the form `x0` needs.
fn fresh_prefix(tokens: &[Token<'_>], bound: &[Option<usize>]) -> String {
    let free =
        tokens.iter().zip(bound).filter(|(token, binder)| token.kind == Kind::Word && binder.is_none());
    let taken = free.filter_map(|(token, _)| {
        let letters = head(&token.text).trim_end_matches(|c: char| c.is_ascii_digit());
        (letters.bytes().all(|byte| byte == b'x') && letters.len() < head(&token.text).len())
            .then_some(letters.len())
    });
    "x".repeat(1 + taken.max().unwrap_or(0))
}

fn head(word: &str) -> &str {
    word.split('.').next().unwrap_or(word)
}

struct Walk<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    depth: usize,
    /// Names in scope with the numbers of their binders, innermost last.
    scope: Vec<(&'a str, usize)>,
    binders: usize,
    bound: Vec<Option<usize>>,
}

impl<'a> Walk<'a> {
    fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.get(self.at)
    }

    fn next_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.is(text))
    }

    fn expect(&mut self, text: &str) -> Option<()> {
        self.next_is(text).then(|| self.at += 1)
    }

    fn signature(&mut self) -> Option<()> {
        while self.peek()?.kind == Kind::Open {
            self.binder_group(true)?;
        }
        self.expect(":")?;
        self.term()?;
        self.peek().is_none().then_some(())
    }

    /// A name that a binder may introduce here: an identifier without dots.
    fn binder_name(&self) -> bool {
        self.peek().is_some_and(is_binder_name)
    }

    fn bind(&mut self, names: &[usize]) {
        for &index in names {
            let name = &*self.tokens[index].text;
            if name != "_" {
                self.scope.push((name, self.binders));
                self.bound[index] = Some(self.binders);
                self.binders += 1;
            }
        }
    }

    fn names(&mut self) -> Vec<usize> {
        let start = self.at;
        while self.binder_name() {
            self.at += 1;
        }
        (start..self.at).collect()
    }

    /// `(x y : T)`, `{x}`, `⦃x : T⦄`, `[inst : C]`, `[C]`; the names stay in scope.
    fn binder_group(&mut self, untyped: bool) -> Option<()> {
        let open = &*self.peek()?.text;
        let close = closing(open)?.to_string();
        let anonymous = open == "[" && !self.tokens.get(self.at + 2).is_some_and(|token| token.is(":"));
        if !matches!(open, "(" | "{" | "⦃" | "[") {
            return None;
        }
        self.at += 1;
        if anonymous {
            self.term()?;
            return self.expect(&close);
        }
        let names = self.names();
        if names.is_empty() {
            return None;
        }
        if self.next_is(":") {
            self.at += 1;
            self.term()?;
        } else if !untyped && open == "(" {
            return None;
        }
        self.bind(&names);
        self.expect(&close)
    }

    /// Walks to the end of a term; what it binds goes out of scope there.
    fn term(&mut self) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let outer = self.scope.len();
        let result = self.term_tokens();
        self.scope.truncate(outer);
        self.depth -= 1;
        result
    }

    fn term_tokens(&mut self) -> Option<()> {
        let mut in_arrow = false;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Close | Kind::Comma => break,
                Kind::Word if token.is("then") || token.is("else") => break,
                Kind::Word => self.word(token)?,
                Kind::Open if self.is_arrow_binder() => {
                    self.binder_group(false)?;
                    self.expect("→")?;
                    in_arrow = true;
                }
                Kind::Open => self.group()?,
                Kind::Number => self.number(&token.text)?,
                Kind::Literal => self.at += 1,
                Kind::Dot => self.dot()?,
                Kind::Symbol if matches!(&*token.text, ":" | "=>" | "//" | "|") => break,
                Kind::Symbol if in_arrow && WEAKER_THAN_ARROW.contains(&&*token.text) => return None,
                Kind::Symbol => self.symbol(&token.text)?,
            }
        }
        Some(())
    }

    fn word(&mut self, token: &'a Token<'a>) -> Option<()> {
        let word = &*token.text;
        if UNKNOWN_WORDS.contains(&word) || word.contains('«') {
            return None;
        }
        self.at += 1;
        match word {
            "fun" => self.binders_until("=>"),
            "if" => {
                if self.binder_name() && self.tokens.get(self.at + 1).is_some_and(|token| token.is(":")) {
                    return None;
                }
                self.term()?;
                self.expect("then")?;
                self.term()?;
                self.expect("else")
            }
            // A string after `s!` holds terms.
            _ if word.ends_with('!') && self.peek().is_some_and(|next| next.kind == Kind::Literal) => None,
            _ => {
                let binder = self.scope.iter().rev().find(|(name, _)| *name == head(word));
                self.bound[self.at - 1] = binder.map(|(_, number)| *number);
                Some(())
            }
        }
    }

    fn number(&mut self, text: &str) -> Option<()> {
        let letters = text.contains(|c: char| !c.is_ascii_digit());
        self.at += 1;
        (!letters || ["0x", "0b", "0o"].iter().any(|start| text.starts_with(start))).then_some(())
    }

    /// A dot and the field or constructor name directly after it, which is no reference to a binder.
    fn dot(&mut self) -> Option<()> {
        self.at += 1;
        if let Some(next) = self.peek().filter(|next| next.glued) {
            match next.kind {
                Kind::Word | Kind::Number => self.at += 1,
                Kind::Dot => return None,
                _ => {}
            }
        }
        Some(())
    }

    fn symbol(&mut self, text: &str) -> Option<()> {
        let colon = text.contains(':') && !WITH_COLON.contains(&text);
        if colon || text.contains("=>") || UNKNOWN_SYMBOLS.contains(&text) {
            return None;
        }
        self.at += 1;
        match text {
            "∀" | "Σ" | "Π" => self.binders_until(","),
            "∃" => {
                if self.peek().is_some_and(|next| next.glued && next.is("!")) {
                    self.at += 1;
                }
                self.binders_until(",")
            }
            _ => Some(()),
        }
    }

    /// The binders after `∀`, `∃`, `Σ`, `fun`; their names stay in scope to the end of the current term.
    fn binders_until(&mut self, end: &str) -> Option<()> {
        let start = self.at;
        let mut names = self.names();
        while self.peek()?.kind == Kind::Open {
            self.bind(&names);
            self.binder_group(false)?;
            names = self.names();
        }
        let only_names = self.at == start + names.len();
        if only_names && self.next_is(":") {
            self.at += 1;
            self.term()?;
        } else if only_names && names.len() == 1 && end == "," && self.peek()?.kind == Kind::Symbol {
            self.bounded(names[0])?;
        }
        self.bind(&names);
        if self.at == start {
            return None;
        }
        self.expect(end)
    }

    /// `∈ xs` or `< n` after the name of a bounded quantifier.
    fn bounded(&mut self, name: usize) -> Option<()> {
        let start = self.at;
        self.at += 1;
        self.term()?;
        // Whether the bound may refer to the name itself depends on the notation.
        let refers =
            |token: &Token<'_>| token.kind == Kind::Word && head(&token.text) == self.tokens[name].text;
        (!self.tokens[start..self.at].iter().any(refers)).then_some(())
    }

    fn group(&mut self) -> Option<()> {
        let open = &*self.peek()?.text;
        let close = closing(open)?.to_string();
        let typed_names = self.looks_typed(self.at);
        self.at += 1;
        if open == "{" && self.is_comprehension() {
            self.comprehension()?;
            return self.expect(&close);
        }
        loop {
            self.term()?;
            if self.expect(",").is_none() && !(open == "(" && self.expect(":").is_some()) {
                break;
            }
        }
        self.expect(&close)?;
        // `(x : α) × β x` binds `x`.
        (!(typed_names && self.peek().is_some_and(|next| next.text.starts_with('×')))).then_some(())
    }

    fn is_comprehension(&self) -> bool {
        let marks = ["//", "|", ":"];
        self.binder_name() && self.tokens.get(self.at + 1).is_some_and(|token| marks.contains(&&*token.text))
    }

    /// `x // p`, `x : T // p`, `x | p` or `x : T | p` within braces.
    fn comprehension(&mut self) -> Option<()> {
        let outer = self.scope.len();
        let name = self.at;
        self.at += 1;
        if self.next_is(":") {
            self.at += 1;
            self.term()?;
        }
        self.bind(&[name]);
        if self.expect("//").is_none() {
            self.expect("|")?;
        }
        self.term()?;
        self.scope.truncate(outer);
        Some(())
    }

    /// Whether the bracket here is a binder of a dependent arrow.
    fn is_arrow_binder(&self) -> bool {
        let Some(end) = self.matching_close() else { return false };
        let arrow = self.tokens.get(end + 1).is_some_and(|token| token.is("→"));
        let open = &*self.tokens[self.at].text;
        arrow && (matches!(open, "{" | "⦃" | "[") || (open == "(" && self.looks_typed(self.at)))
    }

    /// Whether names and a colon follow the bracket.
    fn looks_typed(&self, open: usize) -> bool {
        let after = self.tokens[open + 1..].iter().position(|token| !is_binder_name(token));
        after.is_some_and(|names| names > 0 && self.tokens[open + 1 + names].is(":"))
    }

    fn matching_close(&self) -> Option<usize> {
        let mut depth = 0_usize;
        for (offset, token) in self.tokens[self.at..].iter().enumerate() {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close if depth == 1 => return Some(self.at + offset),
                Kind::Close => depth -= 1,
                _ => {}
            }
        }
        None
    }
}

fn is_binder_name(token: &Token<'_>) -> bool {
    token.kind == Kind::Word
        && !token.text.contains(['.', '«'])
        && !["fun", "if", "then", "else"].contains(&&*token.text)
        && !UNKNOWN_WORDS.contains(&&*token.text)
}
