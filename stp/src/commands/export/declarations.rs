//! Proved theorems as data for other kernels: Lean's export format 3.1.
//!
//! Each theorem is judged once more, and what the checker accepted is written with all that it needs beyond its imports. Theorems
//! with the same imports share a file, each below a name of its own.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stp_datasets::Split;
use stp_datasets::export::Table;
use stp_verifier::export::Export;
use stp_verifier::{Candidate, Pool, PoolConfig, imports_of};

use crate::args::LeanArgs;
use crate::display::Display;
use crate::lean::locate_or_install;

/// The name under which the judge proves theorems.
const TARGET: &str = "stp_target";
const README: &str = "Proved theorems in Lean's export format 3.1, for kernels such as nanoda_bin or con-ron. Each file holds \
     declarations beyond the imports that `index.jsonl` names for it: put the declarations of these modules before them, with \
     lean4export or olean-export. `index.jsonl` says which theorem is which statement.\n";

/// A proof to hand out.
struct Proof {
    statement: String,
    candidate: Candidate,
}

/// Writes the folder; returns how many theorems it holds.
pub(super) async fn write(table: &Table, folder: &Path, args: &LeanArgs, workers: usize) -> Result<usize> {
    let taken = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    ensure!(
        !taken,
        "{} is there already and is no empty folder. Give another with -o, or remove it first.",
        folder.display()
    );
    let display = Display::new(false);
    let lean = locate_or_install(args, &display)?;
    let pool = Pool::start(&lean, PoolConfig { workers, ..PoolConfig::default() });
    let mut files: BTreeMap<String, Export> = BTreeMap::new();
    let mut index = Vec::new();
    for Proof { statement, candidate } in proofs(table) {
        let imports = imports_of(&candidate.header);
        let data = match pool.export(candidate).await? {
            Ok(data) => data,
            Err(verdict) => {
                display.line(&format!("{statement} is left out: {}", verdict.messages.join(" ")));
                continue;
            }
        };
        let export = Export::read(data.as_bytes())?;
        let place = files.entry(imports.clone()).or_default();
        place.append_below(&export, &["stp", &statement])?;
        index.push(json!({ "statement": statement, "theorem": format!("stp.{statement}.{TARGET}"), "imports": imports }));
    }
    pool.shutdown().await;
    write_files(folder, &files, &mut index)
        .with_context(|| format!("cannot write {}. Give another folder with -o.", folder.display()))?;
    Ok(index.len())
}

fn write_files(folder: &Path, files: &BTreeMap<String, Export>, index: &mut [Value]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, (imports, export)) in files.iter().enumerate() {
        let name = format!("proofs{:03}.ndjson", number + 1);
        export.write(std::io::BufWriter::new(std::fs::File::create(folder.join(&name))?))?;
        for row in index.iter_mut().filter(|row| row["imports"] == **imports) {
            row["file"] = name.clone().into();
        }
    }
    let mut out = std::fs::File::create(folder.join("index.jsonl"))?;
    for row in index {
        writeln!(out, "{row}")?;
    }
    std::fs::write(folder.join("README.md"), README)
}

/// The shortest proof of each statement. Statements are judged as if nobody vouched for them, which all pass that hold.
fn proofs(table: &Table) -> Vec<Proof> {
    let mut shortest: BTreeMap<&str, &Value> = BTreeMap::new();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let splits: [&Split; 2] = [&Split::Train, &Split::Valid];
    for row in splits.into_iter().filter_map(|split| table.rows.get(split)).flatten() {
        let statement = row["statement"].as_str().unwrap_or_default();
        let best = shortest.entry(statement).or_insert(row);
        if text(row, "proof").len() < text(best, "proof").len() {
            *best = row;
        }
    }
    let proof = |(statement, row): (&str, &Value)| Proof {
        statement: statement.to_owned(),
        candidate: Candidate::new(text(row, "header"), text(row, "signature"), text(row, "proof")).foreign(),
    };
    shortest.into_iter().map(proof).collect()
}
