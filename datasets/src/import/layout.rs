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
    /// A whole Lean text, with statement and proof, or a list of such texts.
    Code,
    /// `train`, `valid` or `test`.
    Split,
    /// A topic or a list of topics.
    Topics,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 7] =
        [Self::Id, Self::Statement, Self::Header, Self::Proof, Self::Code, Self::Split, Self::Topics];

    /// Its name in `--map`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Statement => "statement",
            Self::Header => "header",
            Self::Proof => "proof",
            Self::Code => "code",
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

/// The names of layouts, and of their columns for id, statement, header, proof, code, split and topics.
const LAYOUTS: [(&str, [&[&str]; 7]); 6] = [
    // miniF2F, ProofNet and PutnamBench as provers' repositories share them.
    (
        "prover",
        [
            &["name"],
            &["formal_statement"],
            &["header"],
            &["formal_proof", "proof"],
            &["code", "full_code"],
            &["split"],
            &[],
        ],
    ),
    ("leanworkbook", [&["id"], &["formal_statement"], &["header"], &["proof"], &[], &["split"], &["tags"]]),
    ("stp", [&["id", "name"], &["prompt"], &["header"], &["target"], &[], &["split"], &[]]),
    (
        "goedel",
        [
            &["problem_id", "id"],
            &["formal_statement"],
            &["header"],
            &["formal_proof"],
            &["full_proof", "full_code", "code"],
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
            &["lean_code"],
            &["split"],
            &["problem_type"],
        ],
    ),
    ("corpus", [&["id"], &["signature"], &["header"], &["proofs"], &[], &["split"], &["topics"]]),
];

/// What `auto` knows beside them: names without a layout of their own.
const MORE: [(Field, &[&str]); 5] = [
    (Field::Id, &["theorem_name"]),
    (Field::Statement, &["statement", "theorem", "lean4_statement", "lean_statement", "theorem_statement"]),
    (Field::Header, &["lean_header", "preamble"]),
    (Field::Proof, &["lean4_proof", "lean_proof"]),
    (Field::Code, &["lean4_code", "formal_code", "lean4_solution", "lean_solution"]),
];
/// Names that other columns go before: what holds them is often a prompt for a model, not a statement.
const LAST: [&str; 2] = ["prompt", "target"];

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
        for (field, names) in MORE {
            columns.entry(field).or_default().extend(names.iter().map(|&name| name.to_owned()));
        }
        for names in columns.values_mut() {
            names.sort_by_key(|name| LAST.contains(&name.as_str()));
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

    /// Whether a column of that name is read.
    pub(super) fn knows(&self, column: &str) -> bool {
        self.columns.values().flatten().any(|name| name == column)
    }

    /// Columns that are not read and look like a misspelt name of `field`: the column, and what was meant.
    pub(super) fn misspelt<'a>(
        &'a self,
        field: Field,
        columns: impl IntoIterator<Item = &'a String>,
    ) -> Option<(&'a str, &'a str)> {
        let strange = columns.into_iter().filter(|column| !self.knows(column));
        let pairs = strange.flat_map(|column| self.candidates(field).iter().map(move |name| (column, name)));
        let rated =
            pairs.map(|(column, name)| (strsim::osa_distance(&column.to_lowercase(), name), column, name));
        let (_, column, name) =
            rated.filter(|(distance, _, name)| *distance <= name.len() / 4).min_by_key(|rated| rated.0)?;
        Some((column, name))
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
        assert!(layout.map("proofs=x").unwrap_err().contains("proof, code, split"));
    }

    #[test]
    fn misspelt_columns_are_recognised() {
        let layout = Layout::named("auto").unwrap();
        let columns = ["stament", "Header", "prof", "proof", "split", "name"].map(str::to_owned);
        assert_eq!(layout.misspelt(Field::Statement, &columns), Some(("stament", "statement")));
        assert_eq!(layout.misspelt(Field::Header, &columns), Some(("Header", "header")));
        assert_eq!(layout.misspelt(Field::Proof, &columns), Some(("prof", "proof")));
        assert_eq!(layout.misspelt(Field::Code, &columns), None, "a known column is not misspelt");
    }
}
