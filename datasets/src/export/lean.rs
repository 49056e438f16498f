//! A Lake project of all proved theorems, each with its shortest proof.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::write::{whole_folder, written};
use super::{ExportError, Provenance, Table, card};
use crate::Split;

/// Theorems in one file: few enough that an editor opens it quickly.
const IN_A_FILE: usize = 200;
const TOOLCHAIN: &str = include_str!("../../../lean-project/lean-toolchain");
/// The options under which proofs are judged.
const LAKEFILE: &str = "name = \"proofs\"\ndefaultTargets = [\"Proofs\"]\n\n[[lean_lib]]\nname = \"Proofs\"\n\
     leanOptions = { autoImplicit = false, relaxedAutoImplicit = false, maxHeartbeats = 200000 }\n";

/// Writes the statements of a table of proofs ([`super::proofs`]) as a Lake project. Statements with the same header
/// share files. Returns how many theorems it has.
///
/// # Errors
/// [`ExportError`]; then there is no folder.
pub fn write_lean_project(table: &Table, origins: &Provenance, folder: &Path) -> Result<usize, ExportError> {
    let mut by_header: BTreeMap<(String, &str), Vec<&Value>> = BTreeMap::new();
    let shortest = shortest_proofs(table);
    for (split, row) in shortest.values() {
        let header = row["header"].as_str().unwrap_or_default().trim().to_owned();
        by_header.entry((header, module_of(*split))).or_default().push(row);
    }
    whole_folder(folder, |draft| {
        let write = |name: &str, text: &str| {
            let path = draft.join(name);
            fs::create_dir_all(path.parent().unwrap_or(draft))
                .and_then(|()| fs::write(&path, text))
                .map_err(written(&path))
        };
        let mut imports = String::new();
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for ((header, module), rows) in &by_header {
            let together = if opens_scope(header) { 1 } else { IN_A_FILE };
            for rows in rows.chunks(together) {
                let number = numbers.entry(*module).or_default();
                *number += 1;
                let name = format!("{module}{number:03}");
                write(&format!("Proofs/{name}.lean"), &file(header, rows))?;
                imports.push_str(&format!("import Proofs.{name}\n"));
            }
        }
        write("Proofs.lean", &imports)?;
        write("lakefile.toml", LAKEFILE)?;
        write("lean-toolchain", TOOLCHAIN)?;
        write("README.md", &card::of_project(shortest.len(), origins))
    })?;
    Ok(shortest.len())
}

fn module_of(split: Split) -> &'static str {
    match split {
        Split::Train => "Train",
        Split::Valid => "Validation",
        Split::Test => "Test",
    }
}

/// The shortest proof of each statement that has a signature.
fn shortest_proofs(table: &Table) -> BTreeMap<&str, (Split, &Value)> {
    let length = |row: &Value| row["proof"].as_str().map_or(0, |proof| proof.chars().count());
    let mut shortest: BTreeMap<&str, (Split, &Value)> = BTreeMap::new();
    for (split, row) in
        table.all().filter(|(_, row)| row["signature"].as_str().is_some_and(|it| !it.is_empty()))
    {
        let best = shortest.entry(row["statement"].as_str().unwrap_or_default()).or_insert((split, row));
        if length(row) < length(best.1) {
            *best = (split, row);
        }
    }
    shortest
}

/// Whether a header opens a scope that only the end of its file closes.
fn opens_scope(header: &str) -> bool {
    let opens = |line: &str| {
        ["namespace", "section", "noncomputable section", "mutual"].iter().any(|word| line.starts_with(word))
    };
    header.lines().any(|line| opens(line.trim()))
}

/// Imports first; what else the header says stands in a section of its own, for each theorem anew.
fn file(header: &str, rows: &[&Value]) -> String {
    let is_import = |line: &&str| line.trim_start().starts_with("import ");
    let mut text: String = header.lines().filter(is_import).map(|line| format!("{line}\n")).collect();
    let context: Vec<_> = header.lines().filter(|line| !is_import(line)).collect();
    let context = context.join("\n").trim().to_owned();
    for (number, row) in rows.iter().enumerate() {
        let [name, signature, proof] =
            ["statement", "signature", "proof"].map(|key| row[key].as_str().unwrap_or_default());
        // The prefix keeps the library's names, which proofs mention, from being taken.
        let theorem = format!("theorem stp_{name} {signature} := {proof}\n");
        if opens_scope(header) {
            text.push_str(&format!("\n{context}\n\n{theorem}"));
        } else if context.is_empty() {
            text.push_str(&format!("\n{theorem}"));
        } else {
            text.push_str(&format!("\nnamespace Stp{number}\n{context}\n\n{theorem}\nend Stp{number}\n"));
        }
    }
    text
}
