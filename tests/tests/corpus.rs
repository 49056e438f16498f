//! What the built-in corpus promises, checked in Lean: every statement elaborates, no two are the same, and
//! every proof holds.
#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn the_core_corpus_holds_what_it_claims() {
    let output = Command::new(stp_tests::stp()).args(["corpus", "check", "core"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("statements"), "{text}");
}
