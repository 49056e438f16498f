//! What `stp verify` has judged, one after the other: a row's claim, or a whole Lean file.

use serde_json::Value;
use sha2::{Digest, Sha256};
use stp_datasets::Claim;

/// Something to judge, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    /// The file; `None` for standard input.
    pub file: Option<String>,
    /// Its line from 1, or its number where rows have no lines.
    pub place: Place,
    /// What it calls itself; its line or number if it does not say. A Lean file's theorems have names of their own.
    pub id: Value,
    /// Which proof of how many, where one row has several.
    pub part: Option<(u32, u32)>,
    /// What is to be judged, or what is wrong with the row.
    pub work: Result<Work, String>,
}

/// Where a row stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// From 1.
    Line(u64),
    /// In a file without lines that count: JSON arrays and Parquet. From 1.
    Row(u64),
    /// The whole file.
    File,
}

/// What is to be judged.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Work {
    /// A row's claim.
    Claim(Claim),
    /// All theorems of a Lean text.
    File(LeanFile),
}

/// A Lean text that is judged theorem by theorem.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LeanFile {
    /// What it holds.
    pub text: String,
    /// Whether the user named it, and not a folder in which it lies.
    pub named: bool,
}

/// What a verdict depends on beside the claim: the Lean and the judge's rules.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// The toolchain's name and the number of the rules.
    pub identity: String,
    /// The wall-clock limit of a check in milliseconds, on which timeouts depend.
    pub limit_ms: u128,
}

/// Hashes by which a row that was written earlier is known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hashes {
    /// Of any verdict.
    pub plain: String,
    /// Of a timeout, which holds for its limit alone.
    pub timeout: String,
}

impl Unit {
    /// What and where it is, for people.
    pub(super) fn describe(&self) -> String {
        let id = self.id.as_str().map_or_else(|| self.id.to_string(), str::to_owned);
        match self.place {
            Place::Line(line) => format!("`{id}` of line {line}"),
            Place::Row(row) => format!("`{id}`, row {row}"),
            Place::File => format!("those of {id}"),
        }
    }

    /// The hashes of all that its verdict depends on.
    pub(super) fn hashes(&self, rules: &Rules) -> Hashes {
        // What is not there differs from what is empty.
        let text = |text: &Option<String>| text.as_ref().map_or_else(String::new, |text| format!("={text}"));
        let parts = match &self.work {
            Err(error) => vec!["error".to_owned(), error.clone()],
            Ok(Work::Claim(Claim::Proof { header, signature, proof, own })) => {
                let parts = ["proof".to_owned(), header.clone(), signature.clone(), proof.clone()];
                parts.into_iter().chain(own.clone()).collect()
            }
            Ok(Work::Claim(Claim::Text { text: code, added, name, statement })) => {
                let (header, signature) = statement.clone().unzip();
                let parts = [added.to_string(), text(name), text(&header), text(&signature)];
                ["text".to_owned(), code.clone()].into_iter().chain(parts).collect()
            }
            // The messages of its theorems name the file.
            Ok(Work::File(lean)) => vec!["file".to_owned(), text(&self.file), lean.text.clone()],
        };
        let limit = format!("timeout after {} ms", rules.limit_ms);
        Hashes {
            plain: hash(&rules.identity, &parts),
            timeout: hash(&rules.identity, &[&parts[..], &[limit]].concat()),
        }
    }
}

fn hash(identity: &str, parts: &[String]) -> String {
    let mut hasher = Sha256::new();
    for part in std::iter::once(identity).chain(parts.iter().map(String::as_str)) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(header: &str, signature: &str, proof: &str) -> Unit {
        let claim = Claim::Proof {
            header: header.into(),
            signature: signature.into(),
            proof: proof.into(),
            own: None,
        };
        Unit { file: None, place: Place::Line(1), id: 1.into(), part: None, work: Ok(Work::Claim(claim)) }
    }

    #[test]
    fn a_hash_covers_what_the_verdict_depends_on_and_nothing_else() {
        let rules = Rules { identity: "lean".into(), limit_ms: 10 };
        let hashes = |unit: Unit| unit.hashes(&rules);
        let first = hashes(unit("open Nat", ": True", "trivial"));
        let moved = Unit { id: "x".into(), place: Place::Row(7), ..unit("open Nat", ": True", "trivial") };
        assert_eq!(first, hashes(moved));
        for other in [
            unit("open Nat ", ": True", "trivial"),
            unit("open Nat", ": False", "trivial"),
            unit("open Nat", ": True", "by trivial"),
            unit("open Nat:", " True", "trivial"),
            Unit { work: Err("open Nat".into()), ..unit("", "", "") },
        ] {
            assert_ne!(first.plain, hashes(other).plain);
        }
        let later = Rules { identity: "lean".into(), limit_ms: 20 };
        let longer = unit("open Nat", ": True", "trivial").hashes(&later);
        assert!(longer.plain == first.plain && longer.timeout != first.timeout);
        let whole = |statement: Option<(String, String)>| {
            let claim = Claim::Text { text: "t".into(), added: 0, name: None, statement };
            Unit { work: Ok(Work::Claim(claim)), ..unit("", "", "") }
        };
        assert_ne!(hashes(whole(None)).plain, hashes(whole(Some(Default::default()))).plain);
        let elsewhere = Rules { identity: "other".into(), limit_ms: 10 };
        assert_ne!(unit("open Nat", ": True", "trivial").hashes(&elsewhere).plain, first.plain);
    }
}
