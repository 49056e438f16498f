//! Lean text as data sets and models write it: in fences, with or without a header, a name, a proof.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::lean_file::{begins_command, command_texts, plain_lines, theorem_from_end, theorem_names};
use crate::{LeanTheorem, normalise_spaces};

/// The Lean in a text: what stands in its last whole fence, or all of it.
pub(super) fn code_of(text: &str) -> Cow<'_, str> {
    plain(text, |_| true)
}

/// As [`code_of`], but of fences only one with a theorem counts.
pub(super) fn statement_of(text: &str) -> Cow<'_, str> {
    plain(text, |code| ["theorem", "lemma", "example"].iter().any(|word| code.contains(word)))
}

fn plain(text: &str, wanted: impl Fn(&str) -> bool) -> Cow<'_, str> {
    plain_lines(fenced(text, wanted).unwrap_or(text))
}

/// What is in a text's last whole fence of Lean. One that is not closed counts where there is no other, and so does
/// what stands before a fence that only closes, for there the answer goes on with the prompt's.
fn fenced(text: &str, wanted: impl Fn(&str) -> bool) -> Option<&str> {
    let (mut lean, mut bare, mut open) = (None, None, None::<(usize, bool)>);
    // Doc comments have fences of their own: how much more often comments were opened than closed since the last fence.
    let (mut at, mut fences, mut open_comments) = (0, 0, 0isize);
    for line in text.split_inclusive('\n') {
        let (begin, end) = (at, at + line.len());
        at = end;
        let label = line.trim().strip_prefix("```").filter(|_| open_comments <= 0);
        let Some(label) = label else {
            open_comments += balance_of_comments(line);
            continue;
        };
        (fences, open_comments) = (fences + 1, 0);
        match open.take() {
            Some((start, is_lean)) if label.is_empty() => {
                let code = &text[start..begin];
                if wanted(code) {
                    *(if is_lean { &mut lean } else { &mut bare }) = Some(code);
                }
            }
            _ if label.is_empty() && fences == 1 && text[end..].trim().is_empty() => {
                return Some(&text[..begin]);
            }
            _ => {
                let is_lean = label.trim().to_lowercase().starts_with("lean");
                open = (is_lean || label.is_empty()).then_some((end, is_lean));
            }
        }
    }
    let unclosed =
        || open.filter(|(_, is_lean)| *is_lean).map(|(start, _)| &text[start..]).filter(|code| wanted(code));
    lean.or(bare).or_else(unclosed)
}

/// How many more comments a text opens than it closes.
fn balance_of_comments(text: &str) -> isize {
    text.matches("/-").count().cast_signed() - text.matches("-/").count().cast_signed()
}

/// The last theorem of a text that has a name, or else its last, with what stands before it as its header. A text without a
/// keyword is a signature
/// (`(a : Nat) : a = a`) or a proposition (`∀ a : Nat, a = a`). `proofs` may name theorems of the header,
/// but for those that repeat some of them.
pub(super) fn theorem_of(header: &str, text: &str, proofs: &[String]) -> Result<LeanTheorem, String> {
    let text = text.trim();
    let names = theorem_names(text);
    let bare = names.is_empty();
    if bare && (begins_command(text) || text.is_empty()) {
        return Err("there is no theorem in it".to_owned());
    }
    let declared = if bare { format!("theorem x {}", signature(text)) } else { text.to_owned() };
    let whole = below(&plain_lines(header), &declared);
    let own = theorem_names(header);
    let brings_its_own = |text: &str| theorem_names(text).iter().any(|name| own.contains(name));
    let proofs: Vec<_> =
        proofs.iter().map(|text| code_of(text)).filter(|text| !brings_its_own(text)).collect();
    let beside = proofs.join("\n");
    // An example below it is none of a statement's.
    let back = names.iter().rev().position(|name| !name.is_empty()).unwrap_or(0);
    let last = |text: &str| theorem_from_end(text, back, &beside);
    let found = match last(&whole) {
        Some(Err(error)) => match last(&format!("{whole}\n:= sorry")) {
            // A statement without `:=`; it may end in a comment.
            Some(Ok(theorem)) => Ok(theorem),
            _ => Err(error),
        },
        Some(found) => found,
        None => return Err("there is no theorem in it".to_owned()),
    };
    let theorem = found.map_err(|error| format!("`{}` {}", error.name, error.reason))?;
    Ok(if bare { LeanTheorem { name: String::new(), ..theorem } } else { theorem })
}

/// A signature; a proposition gets the colon before it.
fn signature(text: &str) -> Cow<'_, str> {
    let binds = text.starts_with(['(', '{', '[', '⦃', ':']);
    let has_colon = || crate::lean_file::has_type(text);
    if binds && has_colon() { text.into() } else { format!(": {text}").into() }
}

/// A text below a header.
pub(super) fn below(header: &str, text: &str) -> String {
    if header.trim().is_empty() { text.to_owned() } else { format!("{}\n{text}", header.trim_end()) }
}

/// What a whole text lacks of a header: nothing if it brings its own imports, else those commands that it does not
/// repeat.
pub(super) fn lacking(header: &str, text: &str) -> String {
    let begins = |word: &str| command_texts(text).first().is_some_and(|first| first.starts_with(word));
    if begins("import") || begins("module") || begins("public") || begins("prelude") {
        return String::new();
    }
    let there: HashSet<String> = units(text).iter().map(|unit| normalise_spaces(unit)).collect();
    let header = plain_lines(header);
    let absent = units(&header).into_iter().filter(|unit| !there.contains(&normalise_spaces(unit)));
    absent.map(|unit| format!("{unit}\n")).collect()
}

/// The commands of a text, those from a `namespace` or `section` to its `end` as one: apart from each other they mean something
/// else.
fn units(text: &str) -> Vec<String> {
    let commands = command_texts(text);
    // What is not closed stands alone.
    let (mut open, mut ends) = (Vec::new(), (0..commands.len()).collect::<Vec<_>>());
    for (at, command) in commands.iter().enumerate() {
        let mut words = command.split_whitespace();
        match (words.next(), words.next()) {
            (Some("namespace" | "section"), _) | (Some("noncomputable" | "public"), Some("section")) => {
                open.push(at);
            }
            (Some("end"), _) => {
                if let Some(begin) = open.pop() {
                    ends[begin] = at;
                }
            }
            _ => {}
        }
    }
    let (mut found, mut at) = (Vec::new(), 0);
    while at < commands.len() {
        found.push(commands[at..=ends[at]].join("\n"));
        at = ends[at] + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_fence_counts() {
        for (text, code) in [
            ("theorem x : True := trivial", "theorem x : True := trivial"),
            ("So:\n```lean4\nrfl\n```\nDone.", "rfl\n"),
            ("```lean\nfirst\n```\nno, rather\n```lean4\nsecond\n```\nor\n```lean4\nthi", "second\n"),
            ("```\nplain\n```", "plain\n"),
            ("```python\nprint()\n```\n```lean4\nrfl\n```\n```python\nx\n```\n", "rfl\n"),
            ("```lean4\ncut", "cut"),
            ("  omega\n```", "  omega\n"),
            (
                "/-- As in\n```lean\nfoo\n```\n-/\ntheorem x : True := trivial",
                "/-- As in\n```lean\nfoo\n```\n-/\ntheorem x : True := trivial",
            ),
            ("```lean4\r\nsimp\r\nomega\r\n```", "simp\nomega\n"),
        ] {
            assert_eq!(code_of(text), code, "{text}");
        }
        let prompt = "Use `omega` as in\n```lean4\nomega\n```\n";
        assert_eq!(statement_of(prompt), prompt, "a fence without a theorem is no statement");
    }

    #[test]
    fn statements_come_in_many_forms() {
        let wanted = "(a b : Nat) : a + b = b + a";
        for (text, tail) in [
            ("(a b : Nat) : a + b = b + a", "sorry"),
            ("(a b : Nat) : a + b = b + a := by", "by"),
            ("theorem X.y (a b : Nat) : a + b = b + a := by sorry", "by sorry"),
            ("import Std\nlemma x (a b : Nat) : a + b = b + a :=", ""),
            ("@[simp] theorem x (a b : Nat) : a + b = b + a\n", "sorry"),
            ("example (a b : Nat) : a + b = b + a := by\n  sorry", "by\n  sorry"),
            ("(a b : Nat) : a + b = b + a -- easy", "sorry"),
            ("theorem x (a b : Nat) : a + b = b + a -- easy", "sorry"),
            ("theorem x (a b : Nat) : a + b = b + a -- easy\n  := by sorry", "by sorry"),
        ] {
            let found = theorem_of("open Nat", text, &[]).unwrap();
            assert_eq!((found.signature.as_str(), found.proof.as_str()), (wanted, tail), "{text}");
            assert!(found.header.starts_with("open Nat\n"), "{}", found.header);
        }
        for (text, signature) in [
            ("∀ a : Nat, a = a", ": ∀ a : Nat, a = a"),
            ("1 + 1 = 2", ": 1 + 1 = 2"),
            ("(1 : Int) = 1", ": (1 : Int) = 1"),
            (": True", ": True"),
            ("1 = 1 -- easy", ": 1 = 1"),
            ("#[1].size = 1", ": #[1].size = 1"),
        ] {
            assert_eq!(theorem_of("", text, &[]).unwrap().signature, signature);
        }
        for text in ["", "def x := 1", "import Std"] {
            assert!(theorem_of("", text, &[]).unwrap_err().contains("no theorem"), "{text}");
        }
    }

    #[test]
    fn a_statement_is_what_has_the_name() {
        let text = "theorem main : 1 = 2 := by sorry\n\nexample : True := by sorry";
        assert_eq!(theorem_of("", text, &[]).unwrap().signature, ": 1 = 2");
        let type_alone = "(1 : Nat) = 1 ∧ ∃ y : Nat, y = 2";
        assert_eq!(theorem_of("", type_alone, &[]).unwrap().signature, format!(": {type_alone}"));
        assert_eq!(
            theorem_of("", "(a : Nat) [Add Nat] : a = a", &[]).unwrap().signature,
            "(a : Nat) [Add Nat] : a = a"
        );
    }

    #[test]
    fn fences_in_comments_take_no_time() {
        let text = format!("/-\n{}", "```\n".repeat(200_000));
        assert_eq!(code_of(&text), text);
        let fences = format!("{}rfl{}", "```\n".repeat(100_000), " ".repeat(100_000));
        assert_eq!(code_of(&fences), "");
    }

    #[test]
    fn a_text_gets_what_it_lacks_of_the_header() {
        let header = "import Std\nopen Nat\nuniverse u\n";
        assert_eq!(lacking(header, "theorem x : True := trivial"), header);
        assert_eq!(lacking(header, "open  Nat\ntheorem x : True := trivial"), "import Std\nuniverse u\n");
        let inside = "open Nat in\ntheorem x : True := trivial";
        assert_eq!(lacking(header, inside), header, "what holds for one command is not the header's");
        let scoped = "namespace A\ndef f : Nat := 1\nend A\n";
        let text = "namespace A\ntheorem aux : f = 1 := rfl\nend A\ntheorem x : A.f = 1 := A.aux";
        assert_eq!(lacking(scoped, text), scoped, "a scope stays whole");
        assert_eq!(lacking(scoped, &format!("{scoped}{text}")), "");
        assert_eq!(
            lacking("namespace A\nopen Nat\n", "namespace A\ntheorem x : True := trivial"),
            "open Nat\n"
        );
        assert_eq!(lacking(header, "-- mine\nimport Std\ntheorem x : True := trivial"), "");
    }
}
