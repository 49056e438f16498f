//! The native backend, on the managed Lean under the command line of `lean`.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{RUNTIME, candidate};
use stp_datasets::Status;
use stp_verifier::toolchain::{self, Located, ToolchainOptions};
use stp_verifier::{FileOutcome, Pool, PoolConfig};

/// A `lean` program: a shell script that runs the managed Lean once for each call.
fn lean_program(folder: &Path) -> PathBuf {
    let lean = common::managed();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join("managed");
    let program = folder.join("lean");
    let script = format!(
        "#!/bin/sh\nexec '{}' --stack-size=4000 '{}/lean-cli.js' '{}' '{}' \"$@\" | grep -v '^\\[DEBUG'\n",
        lean.node.display(),
        scripts.display(),
        lean.lean_js.display(),
        lean.library.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[test]
fn a_batch_file_gives_every_candidate_its_own_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let lean = Some(lean_program(folder.path()));
    let found = toolchain::locate(&ToolchainOptions { lean, ..Default::default() }).unwrap();
    let Located::Ready(toolchain) = found else { panic!("an explicit lean is always ready") };
    assert!(toolchain.describe().contains("--lean"), "{}", toolchain.describe());
    let config = PoolConfig { workers: 1, check_timeout: Duration::from_secs(3), ..PoolConfig::default() };
    let pool = {
        let _inside = RUNTIME.enter();
        Pool::start(&toolchain, config)
    };
    let expected = [
        ("(a b : Nat) : a + b = b + a", "by\n  rw [Nat.add_comm]", Status::Proved),
        ("(a b : Nat) : a + b = b + a", "by\n  rw [Nat.mul_comm]", Status::Failed),
        ("(a : Nat) : a = b", "rfl", Status::StatementError),
        ("(p : Prop) : p ∨ ¬p", "by\n  exact Classical.em p", Status::Proved),
        (": False", "by sorry", Status::Rejected),
        ("(n : Nat) : n = n", "by\n  induction n with\n  | zero => rfl", Status::Failed),
        ("(xs : List Nat) : xs ++ [] = xs", "by simp", Status::Proved),
    ];
    let checks: Vec<_> = expected
        .iter()
        .map(|(signature, proof, _)| {
            let (pool, candidate) = (pool.clone(), candidate(signature, proof));
            RUNTIME.spawn(async move { pool.check(candidate).await })
        })
        .collect();
    for ((_, proof, expected), check) in expected.iter().zip(checks) {
        let verdict = RUNTIME.block_on(check).unwrap().unwrap();
        assert_eq!(verdict.status, *expected, "{proof}: {verdict:?}");
    }
    let em = RUNTIME.block_on(pool.check(candidate("(p : Prop) : p ∨ ¬p", "Classical.em p"))).unwrap();
    // Imported theorems carry no proof in this build, so what they rest on is not listed.
    assert_eq!((em.status, em.axioms.len()), (Status::Proved, 0));
    let names = ["Nat.add_comm".to_owned(), "No.such".to_owned()];
    let signatures = RUNTIME.block_on(pool.signatures(&names)).unwrap();
    assert_eq!(signatures, [Some("(n m : Nat) : n + m = m + n".to_owned()), None]);
    assert!(!RUNTIME.block_on(pool.statement("", "(a : Nat) : a = b")).unwrap().ok);
    // A whole text is a file of its own. The command line does not list sorries, so its warnings stand for them.
    let text = "theorem x : 1 = 2 := by\n  sorry\n#check Nat\nexample : 1 = 2 := rfl";
    let outcome = RUNTIME.block_on(pool.run_file(text, Duration::from_secs(120))).unwrap();
    let FileOutcome::Done(report) = outcome else { panic!("{outcome:?}") };
    let said: Vec<_> = report.messages.iter().map(|m| (m.severity.as_str(), m.pos.line)).collect();
    assert_eq!(said, [("warning", 1), ("info", 3), ("error", 4)], "{report:?}");
    assert_eq!((report.sorries.len(), report.sorries[0].pos.line), (1, 1));
}
