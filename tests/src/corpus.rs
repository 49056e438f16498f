//! A corpus from which a small model learns something in seconds.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

/// Topics that the corpus takes for closed by a single tactic.
pub const EASY: [&str; 2] = ["plus", "small"];

/// Statements about numbers, of which a small model soon writes new ones: true, trivial and false ones. Those on `hard`
/// are proved by nothing that the others are proved by, and those on `open` come without a proof.
///
/// # Panics
/// If the file cannot be written.
pub fn small_corpus(path: &Path) {
    let mut text = String::new();
    let mut add = |topic: &str, number: usize, signature: String, proof: &str| {
        let split = if number % 8 == 7 { "valid" } else { "train" };
        let id = format!("{topic}_{number}");
        let proofs: Vec<_> = Some(proof).into_iter().filter(|proof| !proof.is_empty()).collect();
        let closed_by: &[&str] = if EASY.contains(&topic) { &["omega"] } else { &[] };
        let row = json!({
            "id": id, "split": split, "topics": [topic], "signature": signature, "proofs": proofs,
            "closed_by": closed_by
        });
        writeln!(text, "{row}").unwrap();
    };
    for number in 0..16 {
        let (a, b) = (number * 7 % 40 + 2, number * 11 % 50 + 3);
        add(
            "lt",
            number,
            format!("(m n : Nat) (h : m < n) : m < n + {a} + {b}"),
            &format!("Nat.lt_add_right {b} (Nat.lt_add_right {a} h)"),
        );
        add("le", number, format!("(m n : Nat) (h : m + {a} ≤ n) : m ≤ n + {b}"), "by omega");
        add("small", number, format!("(n : Nat) (h : n = {a}) : n < {}", a + b), "by omega");
        add("plus", number, format!("(n : Nat) : n < n + {a}"), "by simp");
        add(
            "open",
            number,
            format!("(p : Nat → Prop) (h : ∀ n, p n → p (n + {a})) (k : p {b}) : p ({b} + {a} * 40)"),
            "",
        );
        add("hard", number, format!("(p q : Nat → Prop) (h : p {a} ∧ q {b}) : q {b} ∧ p {a}"), "⟨h.2, h.1⟩");
    }
    std::fs::write(path, text).unwrap();
}
