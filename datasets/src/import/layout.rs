//! What the columns of a data set mean. The names are those that public data sets of Lean 4 statements use.

use std::collections::BTreeMap;

/// What a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// A name; it becomes the id.
    Id,
    /// The theorem, with or without its proof and what stands before it; or a signature alone.
    Statement,
    /// Lean text before the theorem.
    Header,
    /// A proof, a list of proofs, or a whole text with statement and proof.
    Proof,
    /// `train`, `valid` or `test`.
    Split,
    /// A topic or a list of topics.
    Topics,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 6] =
        [Self::Id, Self::Statement, Self::Header, Self::Proof, Self::Split, Self::Topics];

    /// Its name in `--map`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Statement => "statement",
            Self::Header => "header",
            Self::Proof => "proof",
            Self::Split => "split",
            Self::Topics => "topics",
        }
    }
}

/// For each field the columns that may hold it; the first that a file has is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    columns: BTreeMap<Field, Vec<String>>,
}

/// The names of layouts, and of their columns for id, statement, header, proof, split and topics.
const LAYOUTS: [(&str, [&[&str]; 6]); 6] = [
    // miniF2F, ProofNet and PutnamBench as provers' repositories share them.
    ("prover", [&["name"], &["formal_statement"], &["header"], &["formal_proof", "proof"], &["split"], &[]]),
    ("leanworkbook", [&["id"], &["formal_statement"], &["header"], &["proof"], &["split"], &["tags"]]),
    ("stp", [&["id", "name"], &["prompt"], &["header"], &["target"], &["split"], &[]]),
    (
        "goedel",
        [
            &["problem_id", "id"],
            &["formal_statement"],
            &["header"],
            &["full_proof", "formal_proof"],
            &["split"],
            &[],
        ],
    ),
    (
        "numina",
        [
            &["uuid"],
            &["formal_statement"],
            &["header"],
            &["formal_proof", "formal_ground_truth"],
            &["split"],
            &["problem_type"],
        ],
    ),
    ("corpus", [&["id"], &["signature"], &["header"], &["proofs"], &["split"], &["topics"]]),
];

impl Layout {
    /// The layouts that have names, and `auto`, which knows the columns of all.
    pub fn names() -> Vec<&'static str> {
        ["auto"].into_iter().chain(LAYOUTS.iter().map(|(name, _)| *name)).collect()
    }

    /// The layout of that name.
    pub fn named(name: &str) -> Option<Self> {
        if name == "auto" {
            return Some(Self::auto());
        }
        let (_, columns) = LAYOUTS.iter().find(|(known, _)| *known == name)?;
        let owned = |names: &&[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Some(Self { columns: Field::ALL.into_iter().zip(columns.iter().map(owned)).collect() })
    }

    fn auto() -> Self {
        let mut columns: BTreeMap<Field, Vec<String>> = BTreeMap::new();
        for (_, fields) in LAYOUTS {
            for (field, names) in Field::ALL.into_iter().zip(fields) {
                let known = columns.entry(field).or_default();
                for name in names {
                    if !known.iter().any(|other| other == name) {
                        known.push((*name).to_owned());
                    }
                }
            }
        }
        for (field, name) in [(Field::Statement, "statement"), (Field::Statement, "theorem")] {
            columns.entry(field).or_default().push(name.to_owned());
        }
        Self { columns }
    }

    /// Takes `FIELD=COLUMN` into account.
    ///
    /// # Errors
    /// What is wrong with it, in words for people.
    pub fn map(&mut self, mapping: &str) -> Result<(), String> {
        let Some((field, column)) = mapping.split_once('=') else {
            return Err(format!("`{mapping}` is not FIELD=COLUMN"));
        };
        let known = Field::ALL.into_iter().find(|known| known.as_str() == field).ok_or_else(|| {
            let names: Vec<_> = Field::ALL.iter().map(|field| field.as_str()).collect();
            format!("there is no field `{field}`; the fields are {}", names.join(", "))
        })?;
        self.columns.insert(known, vec![column.to_owned()]);
        Ok(())
    }

    /// The names that may hold a field.
    pub(super) fn candidates(&self, field: Field) -> &[String] {
        self.columns.get(&field).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_found_by_name_and_columns_can_be_mapped() {
        assert!(Layout::names().into_iter().all(|name| Layout::named(name).is_some()));
        assert!(Layout::named("other").is_none());
        let mut layout = Layout::named("prover").unwrap();
        layout.map("statement=lean").unwrap();
        assert_eq!(layout.candidates(Field::Statement), ["lean"]);
        assert!(layout.map("statement").unwrap_err().contains("FIELD=COLUMN"));
        assert!(layout.map("proofs=x").unwrap_err().contains("proof, split"));
    }
}
