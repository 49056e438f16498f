use std::os::unix::fs::PermissionsExt;

use super::*;

const LIMIT: Duration = Duration::from_secs(20);

/// A program that stands in for a kernel.
fn program(folder: &Path, name: &str, script: &str) -> Kernel {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Kernel::at(&path).unwrap()
}

/// An export that declares one constant.
fn declaring(kind: &str, name: &str) -> Export {
    let rest = if kind == "axiom" { r#""isUnsafe":false"# } else { r#""value":1,"all":[1]"# };
    let rows = [
        r#"{"meta":{"exporter":{"name":"e","version":"1"},"lean":{"githash":"g","version":"4"},"format":{"version":"3.1.0"}}}"#,
        &format!(r#"{{"in":1,"str":{{"pre":0,"str":"{name}"}}}}"#),
        r#"{"ie":0,"sort":0}"#,
        r#"{"ie":1,"bvar":0}"#,
        &format!(r#"{{"{kind}":{{"name":1,"levelParams":[],"type":0,{rest}}}}}"#),
    ];
    Export::read(rows.join("\n").as_bytes()).unwrap()
}

fn ask(kernel: &Kernel, library: &Export, candidate: &Export, limit: Duration) -> Word {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(kernel.judge(library, candidate, limit)).unwrap()
}

#[test]
fn exit_codes_are_words() {
    let folder = tempfile::tempdir().unwrap();
    let (library, candidate) = (declaring("axiom", "choice"), declaring("thm", "stp_target"));
    let cases = [
        ("exit 0", Word::Accepted),
        ("echo 'stp_target: type mismatch' >&2; exit 1", Word::Refused("stp_target: type mismatch".into())),
        ("echo 'nested inductive'; exit 2", Word::Declined("nested inductive".into())),
    ];
    for (script, expected) in cases {
        let kernel = program(folder.path(), "con-ron", script);
        assert_eq!(ask(&kernel, &library, &candidate, LIMIT), expected);
    }
    let killed = program(folder.path(), "con-ron", "kill -9 $$");
    assert!(
        matches!(ask(&killed, &library, &candidate, LIMIT), Word::Declined(words) if words.contains("signal"))
    );
    let slow = program(folder.path(), "con-ron", "sleep 60 & sleep 60");
    let began = std::time::Instant::now();
    assert_eq!(ask(&slow, &library, &candidate, Duration::from_millis(300)), Word::TimedOut);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_program_gets_the_library_and_the_candidate_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let (library, candidate) = (declaring("axiom", "choice"), declaring("thm", "stp_target"));
    let copy = folder.path().join("copy");
    let kernel = program(folder.path(), "kernel", &format!("cp \"$1\" '{}'", copy.display()));
    assert_eq!(ask(&kernel, &library, &candidate, LIMIT), Word::Accepted);
    let whole = Export::read(std::fs::read(&copy).unwrap().as_slice()).unwrap();
    assert!(whole.declares("choice") && whole.declares("stp_target"));
    assert_eq!(whole.declarations().len(), 2);
}

#[test]
fn nanoda_gets_a_configuration_that_grants_the_librarys_axioms() {
    let folder = tempfile::tempdir().unwrap();
    let (library, candidate) = (declaring("axiom", "choice"), declaring("thm", "stp_target"));
    let script = "python3 - \"$1\" <<'END'\nimport json, sys\nc = json.load(open(sys.argv[1]))\n\
                  assert c['permitted_axioms'] == ['choice'], c\nassert c['unpermitted_axiom_hard_error'] is True\n\
                  assert c['nat_extension'] and c['string_extension']\nlines = open(c['export_file_path']).readlines()\n\
                  assert any('stp_target' in line for line in lines)\nEND";
    let kernel = program(folder.path(), "nanoda_bin", script);
    assert_eq!(ask(&kernel, &library, &candidate, LIMIT), Word::Accepted);
}

#[test]
fn an_axiom_of_the_candidates_own_is_not_even_shown() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = program(folder.path(), "con-ron", "exit 0");
    let word = ask(&kernel, &Export::default(), &declaring("axiom", "cheat"), LIMIT);
    assert!(matches!(word, Word::Refused(words) if words.contains("cheat")));
}

#[test]
fn a_path_without_a_kernel_is_an_error_that_helps() {
    let missing = Kernel::at(Path::new("/no/such/kernel")).unwrap_err().to_string();
    assert!(missing.contains("--kernel") && missing.contains("/no/such/kernel"), "{missing}");
    assert!(Kernel::at(Path::new("/")).unwrap_err().to_string().contains("not a file"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lean4lean"), "").unwrap();
    let reason = Kernel::at(&folder.path().join("lean4lean")).unwrap_err().to_string();
    assert!(reason.contains("reads no export files"), "{reason}");
}

/// Compiled modules of Lean 4.35 that the crate which reads them is tested with.
fn modules() -> PathBuf {
    let rustc = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "olean-export").unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    manifest.with_file_name("tests").join("cases").join("build")
}

#[test]
fn a_native_library_is_read_as_far_as_it_is_needed() {
    let library = Oleans::new(vec![modules()]);
    let imports = ["Top".to_owned()];
    let below = library.below(&imports, &["two".to_owned(), "Odd.succ".to_owned()]).unwrap();
    assert!(below.origin().version.starts_with("4.35"), "{:?}", below.origin());
    for name in ["two", "N.add", "N.rec", "Even.zero", "Odd.rec"] {
        assert!(below.declares(name), "{name}");
    }
    for name in ["letty", "Pair", "choice", "N.add_zero"] {
        assert!(!below.declares(name), "{name}");
    }
    assert!(below.missing().is_empty(), "{:?}", below.missing());
    // A theorem comes with its proof, and so with the axioms below it.
    let theorem = library.below(&imports, &["N.add_zero".to_owned()]).unwrap();
    assert!(theorem.axioms().is_empty() && theorem.declares("Eq.refl"));
    assert_eq!(library.below(&imports, &["choice".to_owned()]).unwrap().axioms(), ["choice"]);
    // The second time the modules are in memory.
    assert_eq!(
        library.below(&imports, &["two".to_owned(), "Odd.succ".to_owned()]).unwrap().to_text(),
        below.to_text()
    );
}

#[test]
fn modules_that_are_not_there_are_named() {
    let reason = Oleans::new(vec![modules()]).below(&["Mathlib".to_owned()], &[]).unwrap_err().to_string();
    assert!(reason.contains("Mathlib") && reason.contains("LEAN_PATH"), "{reason}");
}
