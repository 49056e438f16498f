//! What the server answers on texts and on rows, honest and hostile ones.

use serde_json::json;

use super::server::{ROOMY, post, until};
use crate::common::POOL;

#[test]
fn code_in_a_text_changes_nothing_for_later_ones() {
    let before = POOL.stats().recycled;
    let code = "#eval (IO.FS.writeFile \"/stp-library/evil.txt\" \"x\" : IO Unit)\n\
                #eval (IO.FS.removeFile \"/stp-library/Init.olean\" : IO Unit)\n\
                #eval show IO Unit from do IO.println (← (← IO.getStdin).getLine)";
    let body = json!({ "snippets": [{ "id": "a", "code": code }], "timeout": 120 });
    let messages = post(*ROOMY, "/api/check", &body).json()["results"][0]["response"]["messages"].clone();
    for index in [0, 1] {
        assert!(messages[index]["data"].as_str().unwrap().contains("read-only file system"), "{messages:#}");
    }
    let library = crate::common::managed().library;
    assert!(!library.join("evil.txt").exists() && library.join("Init.olean").exists());
    until("the process is replaced", || POOL.stats().recycled > before);
    // A process that ends in the middle is the text's own matter.
    let body =
        json!({ "snippets": [{ "id": "a", "code": "#eval (IO.Process.exit 3 : IO Unit)" }], "timeout": 120 });
    let result = post(*ROOMY, "/api/check", &body).json()["results"][0].clone();
    assert!(result["error"].as_str().unwrap().contains("died"), "{result:#}");
    assert_eq!(
        crate::common::status("(a b : Nat) : a + b = b + a", "by omega"),
        stp_datasets::Status::Proved
    );
}

#[test]
fn the_judge_cannot_be_cheated_over_http() {
    let rows = json!([
        { "id": 1, "signature": "(a b : Nat) : a + b = b + a", "proof": "by omega" },
        { "id": "two", "statement": "theorem x (xs : List Nat) : xs ++ [] = xs := by sorry", "proof": "by simp" },
        { "id": 3, "signature": "(a : Nat) : a = a + 1", "proof": "by omega" },
        { "id": 4, "signature": ": False", "proof": "by sorry" },
        { "id": 5, "signature": ": 1 = 2", "proof": "by decide +kernel", "header": "set_option debug.skipKernelTC true" },
        { "id": 6, "signature": ": False", "proof": "h", "header": "axiom h : False" },
        { "id": 7, "signature": ": True := trivial\n#eval 1\ntheorem y : True", "proof": "trivial" },
        { "id": 8, "header": "open Nat", "signature": "(a b : Nat) (h : a < b) : a + 1 ≤ b", "proof": "succ_le_of_lt h" },
        { "id": 9, "signature": "(a : Nat) : a + c = a", "proof": "by simp" },
    ]);
    let reply = post(*ROOMY, "/api/judge", &json!({ "rows": rows })).json();
    let verdicts = reply["verdicts"].as_array().unwrap();
    let found: Vec<_> = verdicts.iter().map(|v| (v["id"].clone(), v["status"].as_str().unwrap())).collect();
    let expected = [
        (json!(1), "proved"),
        (json!("two"), "proved"),
        (json!(3), "failed"),
        (json!(4), "rejected"),
        (json!(5), "rejected"),
        (json!(6), "rejected"),
        (json!(7), "rejected"),
        (json!(8), "proved"),
        (json!(9), "statement_error"),
    ];
    assert_eq!(found, expected, "{reply:#}");
    assert_eq!(verdicts[1]["implicit_premises"], json!(["List.append_nil"]));
    assert!(verdicts[0]["seconds"].as_f64().unwrap() > 0.0 && verdicts[0]["axioms"].is_array());
}

#[test]
fn a_bad_row_costs_the_others_nothing() {
    let snippets = json!([
        { "id": "good", "code": "#check Nat" },
        { "id": "bad" },
        { "id": "long", "code": "-".repeat(300 << 10) },
        { "custom_id": "other", "full_code": "theorem x : 1 = 2 := rfl" },
        { "id": "good", "proof": "#check Int" },
    ]);
    let reply = post(*ROOMY, "/api/check", &json!({ "snippets": snippets, "timeout": 120 }));
    let results = reply.json()["results"].as_array().unwrap().clone();
    let said: Vec<_> = results.iter().map(|r| r["response"]["messages"][0]["severity"].clone()).collect();
    assert_eq!(json!(said), json!(["info", null, null, "error", "info"]), "{}", reply.text);
    assert_eq!(results[3]["id"], "other");
    assert!(results[1]["error"].as_str().unwrap().contains("no `code`"), "{}", reply.text);

    let rows = json!([
        { "name": "a", "formal_statement": "theorem a.{u} (t : Type u) (x : t) : x = x := by sorry", "formal_proof": ":= rfl" },
        { "id": "b", "statement": "theorem b : 1 + 1 = 2" },
        { "id": "c", "theorem": "theorem c : 1 + 1 = 2 := by", "proof": "```lean4\n  decide\n```", "header": "open Nat" },
        { "id": "d", "signature": ": 1 + 1 = 3", "proof": "by decide", "heder": "open Nat" },
    ]);
    let reply = post(*ROOMY, "/api/judge", &json!({ "rows": rows }));
    let verdicts = reply.json()["verdicts"].as_array().unwrap().clone();
    let statuses: Vec<_> = verdicts.iter().map(|verdict| verdict["status"].clone()).collect();
    assert_eq!(json!(statuses), json!(["proved", "malformed", "proved", "failed"]), "{}", reply.text);
    assert_eq!(
        (&verdicts[0]["id"], &verdicts[3]["note"]),
        (&json!("a"), &json!("Did you mean `header` by `heder`?"))
    );
}

#[test]
fn a_theorem_of_a_whole_text_is_judged() {
    let text = "def double (n : Nat) := n + n\n\
                theorem helper (n : Nat) : double n = 2 * n := by unfold double; omega\n\
                theorem x (n : Nat) : double n % 2 = 0 := by rw [helper]; omega";
    let own = "def N := Unit\ndef y : 1 = 2 := sorry\ntheorem x : (1 : Nat) + 1 = 2 := rfl";
    let rows = json!([
        { "id": 1, "code": text },
        { "id": 2, "code": text, "statement": "theorem helper (n : Nat) : double n = 2 * n := by sorry" },
        { "id": 3, "code": own, "statement": "theorem x : (1 : Nat) + 1 = 2" },
        { "id": 4, "code": own, "statement": "theorem x : (1 : Nat) + 1 = 3" },
        // A text may bring a meaning of its own, which is not the statement's.
        { "id": 5, "full_code": "namespace A\ndef Nat := Unit\ntheorem x : ∀ a b : Nat, a = b := fun _ _ => rfl\nend A",
          "statement": "theorem x : ∀ a b : Nat, a = b" },
        { "id": 6, "code": "theorem x : 1 = 2 := sorry" },
        { "id": 7, "code": "axiom bad : 1 = 2\ntheorem x : 1 = 2 := bad" },
        { "id": 8, "header": "import Std", "code": "theorem x : True :=\n  nonsense" },
        { "id": 9, "statement": "theorem x : 1 = 2", "header": "axiom bad : 1 = 2", "code": "theorem x : 1 = 2 := bad" },
    ]);
    let reply = post(*ROOMY, "/api/judge", &json!({ "rows": rows }));
    let verdicts = reply.json()["verdicts"].as_array().unwrap().clone();
    let statuses: Vec<_> = verdicts.iter().map(|verdict| verdict["status"].clone()).collect();
    let expected = [
        "proved",
        "statement_error",
        "proved",
        "rejected",
        "rejected",
        "rejected",
        "rejected",
        "failed",
        "rejected",
    ];
    assert_eq!(json!(statuses), json!(expected), "{:#}", reply.json());
    assert!(verdicts[7]["messages"][0].as_str().unwrap().starts_with("2:"), "{:#}", reply.json());
}
