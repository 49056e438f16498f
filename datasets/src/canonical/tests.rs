use super::*;
use proptest::prelude::*;

fn same(a: &str, b: &str) {
    assert_eq!(canonical_text(a), canonical_text(b), "{a}\n{b}");
}

fn different(a: &str, b: &str) {
    assert_ne!(canonical_text(a), canonical_text(b), "{a}\n{b}");
}

#[test]
fn names_are_numbered_in_the_order_of_binding() {
    assert_eq!(canonical_text("(a b : Nat)  : a+b = b + a"), "(x0 x1 : Nat) : x0 + x1 = x1 + x0");
    assert_eq!(canonical_text(": ∀ n, ∃ m : Nat, n < m"), ": ∀ x0, ∃ x1 : Nat, x0 < x1");
}

#[test]
fn every_kind_of_binder_is_known() {
    for (a, b) in [
        ("{α : Type} [i : Foo α] ⦃x : α⦄ : x = x", "{β : Type} [j : Foo β] ⦃y : β⦄ : y = y"),
        ("{α} [DecidableEq α] (x : α) : x = x", "{T} [DecidableEq T] (t : T) : t = t"),
        (": ∀ x ∈ xs, ∃ y > x, y = x", ": ∀ a ∈ xs, ∃ b > a, b = a"),
        (": (fun x y => x + y) 1 2 = 3", ": (λ a b ↦ a + b) 1 2 = 3"),
        (": ∃! x : Nat, x = 0", ": ∃! y : Nat, y = 0"),
        (": Nonempty (Σ x, F x)", ": Nonempty (Σ y, F y)"),
        (": (x : Nat) → P x", ": (y : Nat) -> P y"),
        (": (f : Nat → Nat) → {n : Nat} → f n = n", ": (g : Nat → Nat) → {k : Nat} → g k = k"),
        ("(s : {x : Nat // x > 1}) : s.1 > 1", "(t : {y : Nat // y > 1}) : t.1 > 1"),
        ("(h : ∀ (x : Nat) (y : Fin x), P x y) : Q", "(k : ∀ (a : Nat) (b : Fin a), P a b) : Q"),
        ("(p : Bool) : (if p then 1 else 2) > 0", "(q : Bool) : (if q then 1 else 2) > 0"),
        ("(xs ys : List Nat) : xs <+: ys", "(l m : List Nat) : l<+:m"),
        ("(xs : List Nat) : xs.length.succ = 1", "(l : List Nat) : l.length.succ = 1"),
    ] {
        same(a, b);
    }
}

#[test]
fn scopes_end_where_lean_ends_them() {
    for (a, b) in [
        // A name in scope, and the same name used after its scope.
        ("(x y : Nat) : (∀ x, P x) ∧ Q x", "(x y : Nat) : (∀ y, P y) ∧ Q y"),
        ("(x y : Nat) : ⟨fun x => x, x⟩ = p", "(x y : Nat) : ⟨fun y => y, y⟩ = p"),
        (
            "(x y : Nat) : if ∃ x, P x then x = 1 else y = 1",
            "(x y : Nat) : if ∃ x, P x then y = 1 else x = 1",
        ),
        ("(x y : Nat) : ((x : T) → P x) ↔ Q x", "(x y : Nat) : ((y : T) → P y) ↔ Q y"),
        ("(x y : Nat) : (x : T) → P x ↔ Q x", "(x y : Nat) : (y : T) → P y ↔ Q y"),
        // The type of a binder does not see its name.
        ("(x y : Nat) : ∀ x : F x, G x", "(x y : Nat) : ∀ x : F y, G x"),
        // Field names and constructors are no references.
        ("(x y : Nat) : f.x = .x", "(x y : Nat) : f.y = .y"),
        ("(a b : Nat) : a - b = 0", "(a b : Nat) : b - a = 0"),
        ("(s t : Set) : sᶜ ⊆ tᶜ", "(t s : Set) : sᶜ ⊆ tᶜ"),
        ("(a : Nat) (i : List Nat) : f a[i] = 0", "(a : Nat) (i : List Nat) : f a [i] = 0"),
        (": ∃ x, P x", ": ∃! x, P x"),
        (": x0 = 1", "(x0 : Nat) : x0 = 1"),
        // Free names may not be caught by the numbered ones.
        ("(a : Nat) : a = x0", "(a : Nat) : x0 = a"),
        ("(a : Nat) : a = x0", "(a : Nat) : a = a"),
        (r#": f "a  b" = 1"#, r#": f "a b" = 1"#),
        (": 'a' = c", ": 'b' = c"),
    ] {
        different(a, b);
    }
    same("(x y : Nat) : (∀ x, P x) ∧ Q x", "(a b : Nat) : (∀ c, P c) ∧ Q a");
}

#[test]
fn what_is_not_understood_keeps_its_names_but_not_its_spaces() {
    for text in [
        "(x : Nat) : match x with | 0 => True | y => y = y",
        "(x : Nat) : let y := x; y = x",
        "(x : Nat) : ∑ i ∈ range x, i = 0",
        "(x : Nat) : (fun (a, b) => a) p = x",
        "(x : Nat) : if h : x = 0 then f h else x",
        "(x : Nat) (y : Nat := x) : x = y",
        "(x : Nat) : (y : A) × B y",
        "(x : Nat) : x = x : Nat",
        "(x : Nat",
        "x y",
    ] {
        let canonical = canonical_text(text);
        assert!(canonical.contains('x') && !canonical.contains("x0"), "{canonical}");
        same(text, &text.replace(' ', "  "));
    }
    assert_eq!(canonical_text(" (x : \"open "), "(x : \"open");
}

#[test]
fn comments_do_not_count() {
    same("(a : Nat) /- x /- y -/ -/ : a = a -- end", "(a : Nat) : a = a");
    same(": ∀ x, x = x", ": ∀x , x=x");
}

#[test]
fn deep_and_long_texts_are_survived() {
    for piece in ["(", "∀ x, (", "if ", "[x] → ", "⟨fun a => ", "/-"] {
        canonical_text(&format!(": {}", piece.repeat(5000)));
    }
}

#[test]
fn normalised_spaces_are_single() {
    assert_eq!(normalise_spaces("  a\n\t b  "), "a b");
}

/// A term over the names in scope; what it binds is numbered from `next`.
fn term(scope: Vec<usize>, next: usize, depth: u32) -> BoxedStrategy<Vec<Piece>> {
    let leaf = if scope.is_empty() {
        Just(vec![Piece::Text("c")]).boxed()
    } else {
        prop_oneof![
            3 => proptest::sample::select(scope.clone()).prop_map(|name| vec![Piece::Name(name)]),
            1 => proptest::sample::select(vec!["0", "Nat.succ", "f"]).prop_map(|text| vec![Piece::Text(text)]),
        ]
        .boxed()
    };
    if depth == 0 {
        return leaf;
    }
    let inner = term(scope.clone(), next, depth - 1);
    // The bound of `∀ x ∈ s` may not mention `x`, not even bound anew.
    let kind = term(scope.clone(), next + 1, depth - 1);
    let mut wider = scope;
    wider.push(next);
    let body = term(wider, next + 1, depth - 1);
    let bind = |open: &'static [&'static str], middle: &'static [&'static str]| {
        (kind.clone(), body.clone()).prop_map(move |(kind, body)| {
            let mut pieces: Vec<_> = open.iter().map(|text| Piece::Text(text)).collect();
            pieces.push(Piece::Name(next));
            for text in middle {
                if *text == "TYPE" {
                    pieces.push(Piece::Text("("));
                    pieces.extend(kind.clone());
                    pieces.push(Piece::Text(")"));
                } else {
                    pieces.push(Piece::Text(text));
                }
            }
            pieces.extend(body);
            pieces.push(Piece::Text(")"));
            pieces
        })
    };
    prop_oneof![
        leaf,
        (inner.clone(), proptest::sample::select(vec!["+", "∧", "=", "→"]), inner.clone()).prop_map(
            |(mut left, operator, right)| {
                left.push(Piece::Text(operator));
                left.extend(right);
                left
            }
        ),
        bind(&["(", "∀"], &[","]),
        bind(&["(", "∃"], &[":", "TYPE", ","]),
        bind(&["(", "fun"], &["=>"]),
        bind(&["(", "("], &[":", "TYPE", ")", "→"]),
        bind(&["(", "∀"], &["∈", "TYPE", ","]),
    ]
    .boxed()
}

#[derive(Clone, Debug)]
enum Piece {
    Text(&'static str),
    Name(usize),
}

fn statement() -> impl Strategy<Value = Vec<Piece>> {
    term(vec![0, 1], 2, 4).prop_map(|goal| {
        let mut pieces: Vec<_> = ["(", "p", "q", ":", "T", ")", ":"].map(Piece::Text).into();
        pieces[1] = Piece::Name(0);
        pieces[2] = Piece::Name(1);
        pieces.extend(goal);
        pieces
    })
}

fn write(pieces: &[Piece], names: &[&str], spaces: &[&str]) -> String {
    let word = |piece: &Piece| match piece {
        Piece::Text(text) => (*text).to_owned(),
        Piece::Name(number) => names[number % names.len()].to_owned() + &"'".repeat(number / names.len()),
    };
    let spaced = pieces.iter().zip(spaces.iter().cycle()).map(|(piece, space)| word(piece) + space);
    spaced.collect()
}

proptest! {
    #[test]
    fn spaces_and_bound_names_do_not_count(
        pieces in statement(),
        spaces in proptest::collection::vec(proptest::sample::select(vec![" ", "  ", "\n", " /- c -/ "]), 1..9),
    ) {
        let plain = write(&pieces, &["a", "b", "d"], &[" "]);
        let other = write(&pieces, &["x1", "ys", "α", "h₁", "n"], &spaces);
        prop_assert_eq!(canonical_text(&plain), canonical_text(&other));
    }

    #[test]
    fn a_different_choice_of_names_is_seen(
        pieces in statement(), place in any::<prop::sample::Index>(),
    ) {
        let used: Vec<usize> = (7..pieces.len()).filter(|&at| matches!(pieces[at], Piece::Name(0 | 1))).collect();
        prop_assume!(!used.is_empty());
        let mut changed = pieces.clone();
        let at = used[place.index(used.len())];
        if let Piece::Name(name) = pieces[at] {
            changed[at] = Piece::Name(1 - name);
        }
        let names = ["a", "b", "d"];
        prop_assert_ne!(
            canonical_text(&write(&pieces, &names, &[" "])),
            canonical_text(&write(&changed, &names, &[" "]))
        );
    }

    #[test]
    fn canonical_texts_are_their_own(text in "([(){}\\[\\]⟨⟩:,.=>→λ∀∃|'\"/! x0-]|fun |if | then | else |//|xx?[0-9]|/-|-/|--|\n|∈|::|->){0,40}") {
        let once = canonical_text(&text);
        prop_assert_eq!(canonical_text(&once), once);
    }

    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        let once = canonical_text(&text);
        prop_assert_eq!(canonical_text(&once), once);
    }
}

#[test]
fn names_and_spaces_do_not_matter() {
    let same = [
        ("(a b : Nat) : a + b = b + a", "(x  y:Nat):x+y = y+x"),
        ("(f : Nat → Nat) (h : ∀ n, f n = n) : f 0 = 0", "(g : Nat → Nat) (k : ∀ m, g m = m) : g 0 = 0"),
        (
            "{α : Type} (xs : List α) : xs.length = xs.reverse.length",
            "{β : Type} (l : List β) : l.length = l.reverse.length",
        ),
        (": ∃ k, k > 3", ": ∃ n, n > 3"),
        ("(f : Nat → Nat) : (fun x => f x) = f", "(h : Nat → Nat) : (fun y => h y) = h"),
    ];
    for (left, right) in same {
        assert_eq!(canonical_text(left), canonical_text(right));
    }
}

#[test]
fn different_statements_stay_different() {
    let different = [
        ("(a b : Nat) : a + b = b + a", "(a b : Nat) : a + b = a + b"),
        ("(a : Nat) : a = a", "(a : Int) : a = a"),
        ("(n : Nat) : n.succ ≠ 0", "(n : Nat) : n.pred ≠ 0"),
        ("(a : Nat) : x0 = a", "(a : Nat) : a = x0"),
        (": 12 = 12", ": 1 2 = 12"),
    ];
    for (left, right) in different {
        assert_ne!(canonical_text(left), canonical_text(right));
    }
}

#[test]
fn a_shape_is_a_statement_without_its_numbers() {
    let shape = "(x0 : Nat) (x1 : x0 > 0) : x0 % 0 < 0";
    for text in ["(n : Nat) (h : n > 5) : n % 3 < 12", "(k : Nat) (hk : k > 0) : k % 12 < 3"] {
        assert_eq!(canonical_shape(text), shape);
    }
    assert_ne!(canonical_shape("(n : Nat) (h : n > 5) : n % 3 ≤ 12"), shape);
    assert_eq!(canonical_shape("(p1 : Prop) : p1 → p1"), "(x0 : Prop) : x0 → x0");
}

#[test]
fn an_implicit_binder_may_count_as_any_other() {
    let library = "{a b : Int} (bpos : 0 < b) (H : a ∣ b) : a ≤ b";
    let given = "(a b : Int) (hb : 0 < b) (h : a ∣ b) : a ≤ b";
    assert_eq!(canonical_explicit(library), canonical_explicit(given));
    assert_ne!(canonical_statement(library), canonical_statement(given));
    assert_eq!(
        canonical_explicit("⦃p : Prop⦄ : p → {n // n = 1} = S"),
        "(x0 : Prop) : x0 → {x1 // x1 = 1} = S"
    );
    assert_eq!(canonical_explicit("{a : Nat"), canonical_statement("{a : Nat"));
}

#[test]
fn a_raw_string_ends_at_its_quote() {
    let found = words(": r\"\\\" = \"x\"").unwrap();
    assert_eq!(found, [":", "r\"\\\"", "=", "\"x\""]);
    assert_eq!(
        canonical_statement("(a : String) : a = r\"\\\""),
        canonical_statement("(b : String)  : b = r\"\\\"")
    );
}
