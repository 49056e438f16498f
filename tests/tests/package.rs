//! What others install: the wheel in a fresh virtual environment, with its Python module.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use stp_tests::manual::{Page, reader, repository, run_in};
use stp_tests::{clients, external, finish, stp};

/// What the wheel's module is tried with.
const FRAMES: [&str; 2] = ["pandas==2.3.3", "polars==1.35.2"];

/// Both kinds of data frame agree with the rows, for verdicts and for a run's tables.
const SCRIPT: &str = r#"
import pandas, polars, stp

rows = [
    {"name": "swap", "formal_statement": "theorem swap (a b : Nat) : a + b = b + a := by sorry", "answer": "omega", "n": 1},
    {"name": "minus", "formal_statement": "theorem minus (a b : Nat) : a - b = b - a := by sorry", "answer": "omega", "n": 2},
    {"name": "empty", "formal_statement": None, "answer": "omega", "n": 3},
]
columns = {"proof": "answer"}
plain = stp.verify(rows, columns=columns)
assert [it["verdict"] for it in plain] == ["proved", "failed", "malformed"], plain
assert [it["row"] for it in plain] == [0, 1, 2] and [it["id"] for it in plain] == ["swap", "minus", "empty"], plain
assert "omega could not prove" in plain[1]["messages"][0] and plain[0]["hash"], plain
for frame in (pandas.DataFrame(rows), polars.DataFrame(rows)):
    verdicts = stp.verify(frame, columns=columns)
    assert type(verdicts) is type(frame)
    assert list(verdicts["verdict"]) == ["proved", "failed", "malformed"], verdicts
    assert list(verdicts["messages"][1]) == plain[1]["messages"]
assert stp.verify([]) == []
parts = stp.verify([{"statement": "theorem x : 1 + 1 = 2", "proof": ["by rfl", "by sorry"]}])
assert [(it["part"], it["parts"], it["verdict"]) for it in parts] == [(1, 2, "proved"), (2, 2, "rejected")], parts
try:
    stp.verify(rows, options=["--lean", "/no/such/lean"])
except stp.StpError as error:
    assert "/no/such/lean" in str(error) and "exit code 1" in str(error), error
else:
    raise AssertionError("a Lean that is not there judged something")

folder = "runs/tiny-stp-seed0"
for table in ("attempts", "conjectures", "statements", "rounds"):
    rows, pandas_frame, polars_frame = (
        getattr(stp.Run(folder, frame=kind), table)() for kind in ("rows", "pandas", "polars")
    )
    assert len(rows) > 0, table
    assert polars_frame.rows(named=True) == rows, table
    assert list(pandas_frame.columns) == list(rows[0]) and len(pandas_frame) == len(rows), table
run = stp.Run(folder, frame="rows")
proved = run.query("SELECT count(*) AS n FROM judged WHERE status = 'proved' AND phase <> 'seed'")[0]["n"]
assert proved == sum(it["proved"] for it in run.statements()), proved
assert sum(it["proved"] for it in run.conjectures()) <= proved
assert all(type(it["topics"]) is list for it in run.statements())
try:
    run.query("DELETE FROM attempts")
except Exception as error:
    assert "readonly" in str(error), error
else:
    raise AssertionError("a run was changed")
try:
    stp.Run("no/such/run")
except stp.StpError as error:
    assert "give the folder of a run" in str(error)
else:
    raise AssertionError("a run that is not there was opened")
"#;

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Builds the wheel, from what `cargo build --release` left. `maturin` moves the binary away and back, so the other tests'
/// name of it is made before.
fn wheel(folder: &Path) -> PathBuf {
    stp();
    let maturin = clients(env!("CARGO_TARGET_TMPDIR"));
    let mut command = Command::new(maturin);
    command.args(["-m", "maturin", "build", "--release", "--locked", "--out"]).arg(folder);
    // Cargo's own variables are those of this test, not of what is built.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    let built = command.current_dir(repository()).output().unwrap();
    let told = said(&built);
    assert!(built.status.success(), "{told}");
    let compiled: Vec<_> = told.lines().filter(|line| line.trim_start().starts_with("Compiling")).collect();
    let ours = |line: &&&str| line.contains("Compiling stp") || line.contains(" stp-");
    assert!(compiled.iter().all(|line| ours(&line)), "compiled twice:\n{told}");
    let wheels: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(wheels.len(), 1, "{wheels:?}");
    wheels[0].clone()
}

#[test]
fn the_wheel_works_in_a_fresh_environment() {
    if !external("the_wheel_works_in_a_fresh_environment") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let wheel = wheel(&folder.path().join("wheels"));
    let environment = folder.path().join("venv");
    let python = environment.join("bin/python");
    finish(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"];
    finish(Command::new(&python).args(install).arg(&wheel));

    // Neither library is needed before a data frame is asked for.
    let bare = "import stp, sys; assert not {'pandas', 'polars'} & set(sys.modules); print(stp.find_stp())";
    let output = run_in(folder.path(), Command::new(&python).args(["-c", bare]));
    let binary = PathBuf::from(String::from_utf8(output.stdout.clone()).unwrap().trim());
    assert_eq!(binary, environment.join("bin/stp"), "{}", said(&output));
    let version = Command::new(&python).args(["-m", "stp", "--version"]).output().unwrap();
    assert_eq!(said(&version), format!("stp {}\n", env!("CARGO_PKG_VERSION")));

    finish(Command::new(&python).args(install).args(FRAMES));
    reader(env!("CARGO_TARGET_TMPDIR"), folder.path());
    let manual = Page::read(&repository().join("docs/python.md"));
    let shown =
        manual.blocks.iter().filter(|block| block.info == "python run").map(|block| block.text.as_str());
    for script in shown.chain([SCRIPT]) {
        let output = run_in(folder.path(), Command::new(&python).args(["-c", script]));
        assert!(output.status.success(), "{script}\n{}", said(&output));
    }
}
