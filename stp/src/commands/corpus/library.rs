//! `stp corpus library`: the theorems of Lean's own library as a corpus, each with its name as the proof.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use clap::Args;
use regex::Regex;
use stp_datasets::{
    Corpus, CorpusEntry, Split, Statement, binders, canonical_explicit, distinct_id, plain_id,
};
use stp_verifier::{Pool, PoolConfig, VerifierError, ask_each};

use super::tactics::{candidate, closed_by};
use crate::args::LeanArgs;
use crate::display::Display;
use crate::lean::locate_or_install;

/// Theorems under way for each Lean process.
const AHEAD: usize = 2;

/// What the built-in corpus speaks of.
const LIBRARY_NAMESPACES: &str =
    "_root_,And,Bool,Classical,Decidable,Eq,Exists,Function,Iff,Int,List,Nat,Ne,Not,Option,Or,Prod";
/// Longest signature in characters.
const MAX_CHARACTERS: usize = 220;
/// Names about Lean itself, programs, and types that the corpus does not speak of.
static FOREIGN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"Internal|Linear|Lawful|instance|forIn|Spec$|__|Expr|Poly|SOM|ToString|Repr|Array|Vector|UInt|BitVec|Stream|HEq|heq|Monad|M_|^bind|^map_|^pure|^cast|^dite|^apply|^compare|Id\.",
    )
    .ok()
});
/// Universes as Lean prints them; the corpus has no universe variables.
static UNIVERSE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b(Type|Sort) [uvw](_\d+)?\b").ok());

/// `stp corpus library`.
#[derive(Clone, Debug, Args)]
pub struct CorpusLibraryArgs {
    /// The file to write, one JSON object a line.
    #[arg(short, long, value_name = "FILE.jsonl")]
    pub output: PathBuf,
    /// Whose theorems, separated by commas; `_root_` stands for names without a dot.
    #[arg(long, value_delimiter = ',', value_name = "NAMES", default_value = LIBRARY_NAMESPACES)]
    pub namespaces: Vec<String>,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// A theorem as an entry, and its fingerprint.
type Made = Option<(CorpusEntry, Option<String>)>;

/// Writes the corpus as JSON lines.
pub(super) async fn library(args: CorpusLibraryArgs) -> Result<ExitCode> {
    let display = Display::new(false);
    let lean = locate_or_install(&args.lean, &display)?;
    let pool = Pool::start(&lean, PoolConfig { workers: args.workers.max(1), ..PoolConfig::default() });
    let names: Vec<_> =
        pool.theorems().await?.into_iter().filter(|name| is_wanted(name, &args.namespaces)).collect();
    anyhow::ensure!(
        !names.is_empty(),
        "this Lean lists no theorems of the namespaces {}. Only the managed Lean can be asked: leave --lean and --project \
         away, and check --namespaces.",
        args.namespaces.join(", ")
    );
    // None of the built-in corpus may be in a corpus to pretrain on.
    let core = Corpus::core()?;
    let held_out = core.explicit_keys();
    let mut seen = fingerprints(&pool, &core).await?;
    let progress = display.phase("library", names.len() as u64);
    let mut entries = Vec::new();
    let ask = |pool: Pool, name: String| async move { make(&pool, &name).await };
    let all = ask_each(&pool, AHEAD, names.clone(), ask, |_| progress.advance(1)).await?;
    for (name, made) in names.iter().zip(all) {
        let Some((entry, fingerprint)) = made else { continue };
        let given = held_out.contains(&canonical_explicit(&entry.statement.signature));
        if !given && seen.insert(fingerprint.unwrap_or_else(|| name.clone())) {
            entries.push(entry);
        }
    }
    progress.finish(&format!("{} of {} theorems", entries.len(), names.len()));
    pool.shutdown().await;
    distinct_ids(&mut entries);
    let mut file = std::fs::File::create(&args.output)
        .with_context(|| format!("cannot write {}; check the path after --output", args.output.display()))?;
    for entry in &entries {
        writeln!(file, "{}", serde_json::to_string(entry)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What Lean knows the statements of a corpus by, whatever their names are bound by.
async fn fingerprints(pool: &Pool, corpus: &Corpus) -> Result<HashSet<String>> {
    let statements: Vec<_> = corpus.entries.iter().map(|entry| entry.statement.clone()).collect();
    let ask = |pool: Pool, it: Statement| async move { pool.statement(&it.header, &it.signature).await };
    let reports = ask_each(pool, AHEAD, statements, ask, |_| ()).await?;
    Ok(reports.into_iter().filter_map(|report| report.fingerprint).collect())
}

fn is_wanted(name: &str, namespaces: &[String]) -> bool {
    let root = name.split_once('.').map_or("_root_", |(root, _)| root);
    let plain = name.chars().all(|c| c.is_alphanumeric() || "_.'!?₀₁₂₃₄₅₆₇₈₉ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ".contains(c));
    plain && namespaces.iter().any(|it| it == root) && !FOREIGN.as_ref().is_some_and(|it| it.is_match(name))
}

/// The entry of a theorem; none if what Lean prints of it is too long or does not elaborate, or no proof of ours holds.
async fn make(pool: &Pool, name: &str) -> Result<Made, VerifierError> {
    let asked = [name.to_owned()];
    let Some(signature) = pool.signatures(&asked).await?.into_iter().next().flatten() else {
        return Ok(None);
    };
    let signature =
        UNIVERSE.as_ref().map_or(signature.clone(), |it| it.replace_all(&signature, "Type").into());
    // Lean's names for what cannot be named, and its omissions.
    if signature.chars().count() > MAX_CHARACTERS || signature.contains('✝') || signature.contains("...") {
        return Ok(None);
    }
    let report = pool.statement("", &signature).await?;
    let Some(ways) = ways(name, &signature).filter(|_| report.ok) else { return Ok(None) };
    let root = name.split_once('.').map_or("logic", |(root, _)| root).to_lowercase();
    let id = plain_id(&format!("lib_{name}"));
    let statement =
        Statement { id, signature, header: String::new(), topics: vec![root], split: Split::Train };
    let mut proofs = Vec::new();
    for way in ways {
        if pool.check(candidate(&statement, &way)).await?.is_proved() {
            proofs.push(way);
        }
    }
    if proofs.is_empty() {
        return Ok(None);
    }
    let closed_by = closed_by(pool, &statement).await?;
    let entry = CorpusEntry { statement, proofs, closed_by, unchecked: false };
    Ok(Some((entry, report.fingerprint)))
}

/// Proofs that use the theorem: with its explicit arguments by name, and as a rewrite rule.
fn ways(name: &str, signature: &str) -> Option<Vec<String>> {
    let (binders, goal) = binders(signature)?;
    let arguments: String = binders
        .iter()
        .filter(|binder| binder.open == "(")
        .filter_map(|binder| Some(format!(" {}", binder.name.as_ref()?)))
        .collect();
    let mut ways = vec![format!("by\n  exact {name}{arguments}")];
    if [" = ", " ↔ "].iter().any(|sign| goal.contains(sign)) {
        ways.push(format!("by\n  rw [{name}]"));
    }
    Some(ways)
}

/// Names that differ only in characters that ids do not have get numbers.
fn distinct_ids(entries: &mut [CorpusEntry]) {
    let mut taken = HashSet::new();
    for entry in entries {
        entry.statement.id = distinct_id(&entry.statement.id, &mut taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theorem_is_proved_by_its_name() {
        let ways = ways("Int.ediv_le", "{a : Int} (b c : Int) [h : Foo] (H : 0 < c) : a / b = c");
        let expected = ["by\n  exact Int.ediv_le b c H", "by\n  rw [Int.ediv_le]"];
        assert_eq!(ways.unwrap(), expected);
    }

    #[test]
    fn ids_are_plain_and_distinct() {
        let namespaces = ["List", "_root_"].map(str::to_owned);
        assert!(is_wanted("List.getElem?_pos", &namespaces) && is_wanted("and_comm", &namespaces));
        assert!(!is_wanted("Nat.add_comm", &namespaces) && !is_wanted("List.toArray_eq", &namespaces));
        let entry = |name: &str| {
            let statement = Statement {
                id: plain_id(&format!("lib_{name}")),
                signature: ": True".to_owned(),
                header: String::new(),
                topics: Vec::new(),
                split: Split::Train,
            };
            CorpusEntry::unchecked(statement)
        };
        let mut entries = [entry("List.get?_x"), entry("List.get!_x"), entry("List.y")];
        distinct_ids(&mut entries);
        let ids: Vec<_> = entries.iter().map(|entry| entry.statement.id.as_str()).collect();
        assert_eq!(ids, ["lib_List_get__x", "lib_List_get__x_2", "lib_List_y"]);
    }
}
