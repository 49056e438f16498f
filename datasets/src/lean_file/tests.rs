use super::*;

const FILE: &str = "import Std\n\nopen Nat\n\n/-- doc: theorem -/\n@[simp]\nprivate theorem one {a : Nat} (h : a = 1) :\n    a + 0 = 1 := by\n  -- theorem inside\n  simp [h]\n\n#eval 1\n\n/-! section about two -/\ndef twice (n : Nat) := n + n\n\nopen List in\nlemma two.{u} {α : Type u} (xs : List α) : let n := xs.length; n = n := rfl -- done\n\nexample : 1 = 1 := rfl\n\ntheorem three : ∀ n : Nat, n = n\n  | 0 => rfl\n  | n + 1 => rfl\n\nnamespace A\ntheorem four : twice 2 = 4 :=\n  rfl\nend A\n";

#[test]
fn theorems_come_out_with_what_stands_before_them() {
    let found = theorems(FILE);
    let names: Vec<_> = found
        .iter()
        .map(|theorem| theorem.as_ref().map_or_else(|e| e.name.as_str(), |t| t.name.as_str()))
        .collect();
    assert_eq!(names, ["one", "two", "", "three", "four"]);
    let one = found[0].as_ref().unwrap();
    assert_eq!((one.line, one.header.as_str()), (7, "import Std\n\nopen Nat\n\n"));
    assert_eq!(one.signature, "{a : Nat} (h : a = 1) :\n    a + 0 = 1");
    assert_eq!(one.proof, "by\n  -- theorem inside\n  simp [h]");
    let two = found[1].as_ref().unwrap();
    assert!(two.header.ends_with("\n\nuniverse u\nopen List in\n"), "{}", two.header);
    assert_eq!(
        (two.signature.as_str(), two.proof.as_str()),
        ("{α : Type u} (xs : List α) : let n := xs.length; n = n", "rfl")
    );
    let three = found[3].as_ref().unwrap();
    assert_eq!((three.line, three.signature.as_str()), (22, ": ∀ n : Nat, n = n"));
    assert_eq!(three.proof, "| 0 => rfl\n  | n + 1 => rfl");
    let four = found[4].as_ref().unwrap();
    assert!(four.header.contains("def twice") && !four.header.contains("theorem three"));
    assert!(!four.header.contains("#eval") && !four.header.contains("example"));
    assert_eq!(four.proof, "\n  rfl");
}

#[test]
fn earlier_theorems_come_along_where_they_are_needed() {
    let text = "theorem A.a : True := trivial\ntheorem b : True := a\ntheorem wrong : False := x\n@[simp] theorem s : True := trivial\ntheorem c : True := b\n";
    let last = theorems(text).pop().unwrap().unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(last.header.lines().collect::<Vec<_>>(), [lines[0], lines[1], lines[3]]);
}

#[test]
fn a_theorem_is_needed_where_something_of_it_is_named() {
    let text = "theorem mine : 1 = 1 := rfl\ntheorem A.other : 1 = 1 := rfl\ntheorem c : 1 = 1 := mine.symm.trans A.other.symm\n";
    let last = theorems(text).pop().unwrap().unwrap();
    assert_eq!(last.header.lines().count(), 2, "{}", last.header);
    assert!(mentions("by exact (foo n).symm", "B.foo") && mentions("foo.mp h", "foo"));
    assert!(mentions("B.foo n", "A.B.foo") && !mentions("by exact A.foo n", "B.foo"));
    assert!(!mentions("by simp [food] -- foo", "foo") && !mentions("by rfl", ""));
}

#[test]
fn commands_of_every_kind_end_a_proof() {
    for command in
        ["grind_pattern a => f x", "deriving instance DecidableEq for C", "run_cmd return", "alias b := a"]
    {
        let text = format!("theorem a : True := by\n  trivial\n{command}\ntheorem b : True := trivial\n");
        let found: Vec<_> = theorems(&text).into_iter().map(Result::unwrap).collect();
        assert_eq!(found[0].proof, "by\n  trivial", "{command}");
        assert!(found[1].header.contains(command), "{command}");
    }
    // A clause of the command before it, and still no loss.
    let text = "inductive C where\n  | a\nderiving DecidableEq\ntheorem b : True := trivial\n";
    assert!(theorems(text)[0].as_ref().unwrap().header.contains("  | a\nderiving DecidableEq\n"));
}

#[test]
fn a_theorem_that_may_hold_commands_is_not_left_out() {
    for hidden in ["  local instance : Add Nat := ⟨fun _ _ => 0⟩", "unknown_command x", "    open Nat"] {
        let text = format!(
            "section\n  theorem helper : True := trivial\n{hidden}\n  theorem x : 1 + 1 = 2 := rfl\n"
        );
        let last = theorems(&text).pop().unwrap().unwrap();
        assert!(last.header.contains(hidden.trim()), "{}", last.header);
    }
    let text = "theorem helper : True := by\n  trivial\ntheorem x : True := trivial\n";
    assert_eq!(theorems(text).pop().unwrap().unwrap().header, "");
}

/// The header of a theorem below a text.
fn header_below(text: &str) -> String {
    theorems(&format!("{text}\ntheorem x : 1 + 1 = 2 := rfl\n")).pop().unwrap().unwrap().header
}

#[test]
fn what_may_hold_another_command_is_not_left_out() {
    let zero = "local instance : Add Nat := ⟨fun _ _ => 0⟩";
    let setup = "macro \"setup\" : command => `(instance : Add Nat := ⟨fun _ _ => 0⟩)";
    for text in [
        format!("#check Nat\n {zero}"),
        format!("#check Nat {zero}"),
        format!("#guard_msgs in\n#check Nat\n {zero}"),
        format!("example : True := trivial\n {zero}"),
        format!("example : True := trivial {zero}"),
        format!("{setup}\n#check Nat\nsetup"),
        format!("{setup}\nexample : True := trivial\nsetup"),
        format!("{setup}\ntheorem a : True := trivial\n setup"),
        format!("theorem a : True := trivial {zero}"),
        format!("/-- doc -/ theorem a : True := trivial variable (n : Nat) {zero}"),
        format!("theorem a : True := trivial /-/- -/ {zero} --/"),
        format!("variable (n : Nat) {zero} open Nat in\nexample : True := trivial"),
        "#check c namespace A".to_owned(),
        "abbrev Q : Prop := Foo #[1]\n#[2]".to_owned(),
        "def xs : Array Nat :=\n#[1, 2]".to_owned(),
        "example : True := trivial\n open A".to_owned(),
        "example : True := trivial\n set_option autoImplicit true".to_owned(),
        "theorem a : True := trivial @[simp] def b : Nat := 1".to_owned(),
        "theorem a : True := trivial /-- doc -/ unknown".to_owned(),
        "/-- doc -/ #guard_msgs(drop all) in def f : Nat := 1".to_owned(),
        "instance : Add Nat := ⟨fun _ _ => 0⟩ in\nexample : True := trivial".to_owned(),
        "theorem a : 1 = 1 := by\nopen Nat in\nrfl".to_owned(),
        "theorem a (p : Prop) : p ∨ ¬p :=\nopen Classical in\nset_option maxRecDepth 9 in\nem p".to_owned(),
        "macro_rules | `(#check $t) => `(instance : Add Nat := ⟨fun _ _ => 0⟩)\n#check 1".to_owned(),
        // Where Lean may read a string or a comment otherwise, anything may be anywhere.
        "theorem a : True := f ''\"\n#check 1\n--\"".to_owned(),
        "/-- -- -/ theorem a : True := trivial\n#check 1 -/".to_owned(),
    ] {
        assert_eq!(header_below(&text), format!("{text}\n"));
    }
}

#[test]
fn what_is_surely_alone_is_left_out() {
    for text in [
        "#check Nat",
        "#eval do\n  let x := 1\n  return x",
        "#guard_msgs in\n#check #[1]",
        "/-- info: 1 -/\n#guard_msgs in\n#eval 1",
        "/-- info: 1 -/\n#guard_msgs (info, drop error) in #eval 1",
        "example : 2 = 2 := by\n  rfl\n\n/-! a section -/\n\n-- and more",
        "/-- doc -/\nprivate theorem a : True := by\n  -- why\n  trivial",
        "open Nat in\nset_option maxRecDepth 9 in\nlemma a : #[1].size = 1 := rfl",
    ] {
        assert_eq!(header_below(text), "", "{text}");
    }
}

#[test]
fn what_follows_in_may_belong_to_a_proof() {
    let text = "theorem a : 1 = 1 := by\nopen Nat in\nset_option maxRecDepth 9 in\nrfl\n\nopen Nat in\n-- b\n@[simp] theorem b : True := trivial\n";
    let found: Vec<_> = theorems(text).into_iter().map(Result::unwrap).collect();
    assert_eq!(found[0].proof, "by\nopen Nat in\nset_option maxRecDepth 9 in\nrfl");
    assert_eq!((found.len(), found[1].name.as_str()), (2, "b"));
    assert!(found[1].header.ends_with("rfl\n\nopen Nat in\n-- b\n"), "{}", found[1].header);
    assert_eq!(command_texts("open Nat in\n1 = 1"), ["open Nat in\n1 = 1"]);
}

#[test]
fn a_hash_begins_a_command_where_a_letter_follows() {
    assert!(begins_command("#check Nat") && begins_command("variable? [Ring R]"));
    assert!(!begins_command("#[1, 2].size = 2") && !begins_command("#1 = 1"));
}

#[test]
fn a_name_is_the_same_with_and_without_marks() {
    for (declared, called) in [("«foo»", "foo"), ("foo", "«foo»"), ("A.«foo»", "A.foo"), ("«a b»", "«a b»")]
    {
        let text = format!("theorem {declared} : True := trivial\ntheorem x : True := {called}\n");
        let found = theorems(&text).pop().unwrap().unwrap();
        assert!(found.header.contains(declared), "{declared}");
        assert!(mentions(called, declared), "{declared}");
    }
    assert!(!mentions("foo", "«fo»"));
}

#[test]
fn universe_parameters_are_told_from_what_looks_like_them() {
    for (statement, reason) in [
        ("theorem x.} : True := by sorry", "universe parameters"),
        ("theorem x. : True := by sorry", "universe parameters"),
        ("theorem x.{ : True := by sorry", "universe parameters"),
        ("theorem x.{} : True := by sorry", "universe parameters"),
        ("theorem x.{u end A} : True := by sorry", "universe parameters"),
    ] {
        let error = signature_of(statement).unwrap_err();
        assert!(error.contains(reason), "{statement}: {error}");
    }
    let text = "open Nat in\ntheorem x.{u, v} (α : Type u) (β : Type v) : True := trivial";
    let found = theorems(text).pop().unwrap().unwrap();
    assert_eq!(&found.header[found.universes.clone()], "universe u v\n");
    assert_eq!(found.header_of_file(), "open Nat in\n");
}

#[test]
fn a_text_that_is_cut_off_gets_an_answer() {
    for text in
        ["@\ntheorem a : True := trivial", "@", "@[", "@[simp", "private", "theorem", "open Nat in", "#"]
    {
        let _ = (theorems(text), theorem_names(text), outline(text), signature_of(text));
    }
}

#[test]
fn a_comment_at_the_end_is_none_of_a_statement() {
    for statement in [
        ": 1 = 1 -- easy",
        "theorem x : 1 = 1 -- easy",
        "theorem x : 1 = 1 -- easy\n  := by sorry",
        "theorem x : 1 = 1 /- easy -/ := by sorry",
    ] {
        assert_eq!(signature_of(statement).unwrap().1, ": 1 = 1", "{statement}");
    }
    assert_eq!(signature_of("-- nothing").unwrap().1, "");
}

#[test]
fn theorems_of_a_block_are_on_their_lines() {
    let text = format!("mutual\n{}end\n", "theorem a : True := trivial\n".repeat(3));
    let lines: Vec<_> = theorems(&text).into_iter().map(|it| it.unwrap_err().line).collect();
    assert_eq!(lines, [2, 3, 4]);
}

#[test]
fn the_last_theorems_can_be_taken_alone() {
    let text = "def a := 1\ntheorem b : True := trivial\ntheorem c : True := b\nexample : True := c\n";
    assert_eq!(theorem_names(text), ["b", "c", ""]);
    let all = theorems(text);
    for (back, expected) in all.iter().rev().enumerate() {
        assert_eq!(theorem_from_end(text, back, "").as_ref(), Some(expected));
    }
    assert!(theorem_from_end(text, 3, "").is_none());
}

#[test]
fn types_end_where_lean_ends_them() {
    for (text, signature, proof) in [
        (
            "theorem x : ∃ f : Nat → Nat, f = fun n => n := ⟨_, rfl⟩",
            ": ∃ f : Nat → Nat, f = fun n => n",
            "⟨_, rfl⟩",
        ),
        (
            "theorem x (a : Int) : |a| = |a| := by\n  cases a with\n  | ofNat n => rfl\n  | negSucc n => rfl",
            "(a : Int) : |a| = |a|",
            "by\n  cases a with\n  | ofNat n => rfl\n  | negSucc n => rfl",
        ),
        (
            "theorem x : match 1 with | 0 => False | _ => True := trivial",
            ": match 1 with | 0 => False | _ => True",
            "trivial",
        ),
        (
            "theorem x (a b : Nat) : ∃ f : Nat → Nat, a ||| b = b ||| a ∧ f = fun n => n := by sorry",
            "(a b : Nat) : ∃ f : Nat → Nat, a ||| b = b ||| a ∧ f = fun n => n",
            "by sorry",
        ),
        ("theorem x (n : Nat) : letI m := n; m = n := rfl", "(n : Nat) : letI m := n; m = n", "rfl"),
        (
            "theorem x : (fun | 0 => 1 | n => n) 0 = 1\n| rfl => by have := 1; rfl",
            ": (fun | 0 => 1 | n => n) 0 = 1",
            "| rfl => by have := 1; rfl",
        ),
        (
            "theorem x : let f : Nat → Nat | 0 => 0 | n => n; f 0 = 0 := rfl",
            ": let f : Nat → Nat | 0 => 0 | n => n; f 0 = 0",
            "rfl",
        ),
        (
            "theorem x (a : Int) : have h : |a| = |a| := rfl; True := trivial",
            "(a : Int) : have h : |a| = |a| := rfl; True",
            "trivial",
        ),
    ] {
        let found = theorems(text).pop().unwrap().unwrap();
        assert_eq!((found.signature.as_str(), found.proof.as_str()), (signature, proof));
    }
    let error =
        theorems("theorem x : True ∧ True where\n  left := trivial\n  right := trivial").pop().unwrap();
    assert!(error.unwrap_err().reason.contains("`where`"));
}

#[test]
fn what_stands_before_in_belongs_to_the_theorem() {
    for text in [
        "open Nat in theorem x : True := trivial",
        "open Nat in\nset_option maxRecDepth 9 in\n/-- doc -/\n@[simp] private theorem x : True := trivial",
    ] {
        let found = theorems(text).pop().unwrap().unwrap();
        assert!(found.header.contains("open Nat in") && found.name == "x", "{found:?}");
        assert!(!found.header.contains("theorem") && found.proof == "trivial", "{found:?}");
    }
}

#[test]
fn a_mutual_block_is_one_command() {
    let text = "mutual\ntheorem a : True := trivial\n  theorem b : True := a\nend\n\nprivate theorem c : True := a\n";
    let found = theorems(text);
    let lines: Vec<_> =
        found.iter().filter_map(|it| it.as_ref().err()).map(|it| (it.line, &*it.name)).collect();
    assert_eq!(lines, [(2, "a"), (3, "b")]);
    let last = found[2].as_ref().unwrap();
    assert!(
        last.header.starts_with("mutual\n") && last.header.trim_end().ends_with("end"),
        "{}",
        last.header
    );
    assert_eq!((found.len(), last.line), (3, 6));
}

#[test]
fn files_of_windows_are_read_as_lean_reads_them() {
    let text = "\u{feff}open Nat\r\n\r\ntheorem x : True := by\r\n  skip\r\n  trivial\r\n";
    let found = theorems(text).pop().unwrap().unwrap();
    assert_eq!((found.line, found.header.as_str()), (3, "open Nat\n\n"));
    assert_eq!(found.proof, "by\n  skip\n  trivial");
    assert_eq!(signature_of("theorem x :\r\n  True := by").unwrap().1, ":\n  True");
}

#[test]
fn a_proof_knows_its_place() {
    let text =
        "theorem a : True := by\n  trivial\n-- b\nnamespace X\ntheorem b : True :=\n  trivial\n\nend X\n";
    for theorem in theorems(text).into_iter().map(Result::unwrap) {
        assert_eq!(text[theorem.proof_at], theorem.proof);
    }
}

#[test]
fn a_file_without_theorems_has_none() {
    assert!(theorems("").is_empty() && theorems("-- theorem\n").is_empty());
    assert!(theorems("def x := 1\n#check x\n").is_empty());
}

#[test]
fn statements_of_data_sets_become_signatures() {
    let signature = "(a b : Nat) : a + b = b + a";
    for statement in [
        signature.to_owned(),
        format!("theorem add_comm' {signature} := by sorry"),
        format!("/-- doc -/ theorem add_comm' {signature} := by"),
        format!("@[simp] lemma x {signature} :="),
        format!("example {signature}"),
    ] {
        assert_eq!(signature_of(&statement), Ok((String::new(), signature.to_owned())), "{statement}");
    }
    assert_eq!(
        signature_of("theorem x.{u} (α : Type u) : α = α := rfl"),
        Ok(("universe u\n".to_owned(), "(α : Type u) : α = α".to_owned()))
    );
    assert!(signature_of("theorem a : True := trivial\ntheorem b : True := trivial").is_err());
    assert!(signature_of("theorem").is_err());
}

proptest::proptest! {
    #[test]
    fn any_text_gets_an_answer(text in "(theorem |lemma |by|:=|:|\\(|\\)|open X in\n|#guard in |mutual|end|/--|-/|@|\\[|\\]|\n|a|«|»|#|\\||=>|\\.|\\{|\\}| ){0,30}") {
        let _ = (theorems(&text), theorem_names(&text), outline(&text), signature_of(&text));
    }
}

#[test]
fn a_raw_string_ends_at_its_quote() {
    let text = "theorem a : r\"\\\" = r\"\\\" := rfl\ntheorem b : True := trivial";
    let names: Vec<_> = theorems(text).into_iter().map(|theorem| theorem.unwrap().name).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn a_theorem_named_with_an_at_sign_is_needed() {
    let found = theorems("theorem a : True := trivial\ntheorem b : True := @a\n");
    assert!(found[1].as_ref().unwrap().header.contains("theorem a"));
}
