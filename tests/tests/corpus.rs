//! What the built-in corpora promise, checked in Lean: every statement elaborates, no two are the same, and
//! every proof holds.

use std::process::Command;

#[test]
fn the_built_in_corpora_hold_what_they_claim() {
    for corpus in ["practice", "core", "library"] {
        let output = Command::new(stp_tests::stp()).args(["corpus", "check", corpus]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{corpus}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("statements"), "{text}");
    }
}
