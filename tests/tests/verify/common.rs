//! Calls of `stp verify` in a scratch folder, and what they leave.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use stp_tests::stp;

/// `stp verify` with one Lean process in that folder.
pub fn verify(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(stp());
    command.arg("verify").args(args).args(["--workers", "1", "--timeout", "60"]).current_dir(folder);
    command
}

pub fn run(folder: &Path, args: &[&str]) -> Output {
    let output = verify(folder, args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

pub fn rows(text: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(text).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Id and verdict of each row; `error` where there is no verdict.
pub fn brief(rows: &[Value]) -> Vec<(String, String)> {
    let name = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    rows.iter().map(|row| (name(&row["id"]), row["verdict"].as_str().unwrap_or("error").to_owned())).collect()
}

pub fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, verdict)| ((*id).to_owned(), (*verdict).to_owned())).collect()
}
