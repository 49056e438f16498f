//! The dataset card: what the rows are and where they come from, in the form that the Hugging Face hub reads.

use super::format::{Format, split_file};
use super::{Kind, Table};

/// Where an export comes from.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// The corpus that the run was given.
    pub corpus: String,
    /// Its licence, as the hub spells it.
    pub licence: String,
    /// The Lean that judged.
    pub toolchain: String,
    /// SHA-256 of the run's settings.
    pub config_hash: String,
    /// The method, for example `stp`.
    pub method: String,
    /// The run's seed.
    pub seed: u64,
}

impl Provenance {
    fn lines(&self) -> String {
        let Self { corpus, toolchain, config_hash, method, seed, .. } = self;
        format!(
            "- made by `stp` {} (method `{method}`, seed {seed}) from the corpus `{corpus}`\n\
             - judged by {toolchain}\n\
             - settings: SHA-256 `{config_hash}`\n\
             - hashes of the files: `SHA256SUMS`\n",
            env!("CARGO_PKG_VERSION")
        )
    }
}

pub(super) fn of_table(table: &Table, format: Format, origins: &Provenance) -> String {
    let counts = || table.rows.iter().filter(|(_, rows)| !rows.is_empty());
    let files: String = counts()
        .map(|(&split, _)| {
            let name = split_file(split);
            format!("  - split: {name}\n    path: data/{name}.{}\n", format.ending())
        })
        .collect();
    let splits: String =
        counts().map(|(&split, rows)| format!("| {} | {} |\n", split_file(split), rows.len())).collect();
    let columns: String = table
        .columns
        .iter()
        .map(|column| format!("| `{}` | {} | {} |\n", column.name, kind(column.kind), column.meaning))
        .collect();
    let held_out = if table.for_training {
        "Meant for training: it has rows of the training split alone.\n\n"
    } else {
        "Rows of `validation` are held out: do not train on them.\n\n"
    };
    let configs = if files.is_empty() {
        String::new()
    } else {
        format!("configs:\n- config_name: default\n  data_files:\n{files}")
    };
    format!(
        "---\nlicense: {licence}\ntags:\n- lean4\n- theorem-proving\n{configs}---\n\n\
         # Lean 4: {title}\n\n{origin}\n{held_out}\
         | split | rows |\n|---|---|\n{splits}\n\
         | column | type | meaning |\n|---|---|---|\n{columns}",
        licence = origins.licence,
        title = table.title,
        origin = origins.lines(),
    )
}

pub(super) fn of_project(theorems: usize, origins: &Provenance) -> String {
    format!(
        "# {theorems} theorems proved by a language model\n\n{}\nEach theorem has its shortest proof. `lake build` \
         checks them all.\n",
        origins.lines()
    )
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "integer",
        Kind::Number => "number",
        Kind::Texts => "list of texts",
    }
}
