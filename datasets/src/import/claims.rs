//! Rows as claims to be judged: a statement and a proof apart from each other, or a whole Lean text.

use std::io::BufRead;
use std::path::Path;

use serde_json::{Map, Value};

use super::columns::Columns;
use super::layout::{Field, Layout};
use super::problem::{ImportError, Problem};
use super::tactics::joined;
use super::text::{below, code_of, lacking, statement_of, theorem_of};
use super::{parquet, rows};
use crate::lean_file::theorem_names;
use crate::{LeanTheorem, mentions};

/// What is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A proof of a statement.
    Proof {
        /// Lean text before the theorem.
        header: String,
        /// Binders and type.
        signature: String,
        /// What stands after `:=`, or its equations from the first `|` on.
        proof: String,
        /// The theorem's own name, where the proof may call it: [`Claim::with_its_name`].
        own: Option<String>,
    },
    /// A theorem of a whole text.
    Text {
        /// The text.
        text: String,
        /// How many of its first lines are of the row's header, not of the text as it was written.
        added: u32,
        /// The theorem's name in it; its last theorem if there is none.
        name: Option<String>,
        /// Header and signature of what it must prove, where the row says so.
        statement: Option<(String, String)>,
    },
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimRow {
    /// Its line, or its number where rows have no lines; from 1.
    pub row: u64,
    /// What it calls itself.
    pub id: Option<Value>,
    /// A claim for each of its proofs, at least one; or what is wrong with the row.
    pub claims: Result<Vec<Claim>, String>,
    /// A column that is not read and looks misspelt, in words for people.
    pub note: Option<String>,
}

/// Where rows come from.
pub enum RowSource<'a> {
    /// One JSON object a line.
    Lines(&'a mut dyn BufRead),
    /// A JSON array of objects, an object of objects by id, or JSON objects one after the other.
    Json(&'a mut dyn BufRead),
    /// The Parquet file at the path.
    Parquet,
}

/// Reads rows one after the other until there are no more or `take` returns false; no more is held than one row. `path`
/// names the source in messages, and rows without a header of their own get `header`.
///
/// # Errors
/// [`ImportError`] if the source cannot be read; what is wrong with a row is in the row.
pub fn read_claims(
    path: &Path,
    source: RowSource<'_>,
    layout: &Layout,
    header: &str,
    take: &mut dyn FnMut(ClaimRow) -> bool,
) -> Result<(), ImportError> {
    let mut take_row = |row: u64, object: Result<Map<String, Value>, Problem>| {
        if take(claim_row(row, object, layout, header)) { Ok(()) } else { Err(Halt::Enough) }
    };
    let read = match source {
        RowSource::Lines(reader) => rows::json_lines(path, reader, &mut take_row),
        RowSource::Json(reader) => rows::json(path, reader, &mut take_row),
        RowSource::Parquet => parquet::rows(path, layout, &mut |_| Ok(()), &mut take_row),
    };
    match read {
        Err(Halt::Failed(error)) => Err(error),
        Ok(()) | Err(Halt::Enough) => Ok(()),
    }
}

/// Why reading ends before the end.
enum Halt {
    Failed(ImportError),
    Enough,
}

impl From<ImportError> for Halt {
    fn from(error: ImportError) -> Self {
        Self::Failed(error)
    }
}

fn claim_row(
    row: u64,
    object: Result<Map<String, Value>, Problem>,
    layout: &Layout,
    header: &str,
) -> ClaimRow {
    let object = match object {
        Ok(object) => object,
        Err(problem) => return ClaimRow { row, id: None, claims: Err(problem.reason), note: None },
    };
    let columns = Columns::of(&object, layout);
    let reads_id = layout.candidates(Field::Id).iter().any(|name| name == "id");
    let own = object.get("id").filter(|id| reads_id && !id.is_null());
    let id = own.or_else(|| columns.value(Field::Id).map(|(_, id)| id)).cloned();
    let claims = claims(&columns, header).map_err(|problem| match problem.field {
        Some(field) => format!("column `{field}`: {}", problem.reason),
        None => problem.reason,
    });
    let meant = if columns.has(Field::Header) { String::new() } else { columns.meant(Field::Header) };
    let note = Some(meant.trim().to_owned()).filter(|meant| !meant.is_empty());
    ClaimRow { row, id, claims, note }
}

fn claims(columns: &Columns<'_>, header: &str) -> Result<Vec<Claim>, Problem> {
    let header = columns.text(Field::Header)?.unwrap_or_else(|| header.to_owned());
    let statement = columns.written(Field::Statement)?;
    let proofs = columns.texts(Field::Proof)?;
    // A column of that name may hold something else; it is looked at only where it is needed.
    let (field, texts) =
        if proofs.is_empty() { (Field::Code, columns.texts(Field::Code)?) } else { (Field::Proof, proofs) };
    let Some(statement) = statement else {
        if texts.is_empty() {
            return Err(Problem::new(columns.missing(Field::Statement)));
        }
        let whole = |text: &String| whole(&header, &code_of(text), None);
        let lacks = || {
            let what = columns.missing(Field::Statement);
            columns.problem(field, format!("it is no whole text with a theorem, and {what}"))
        };
        return texts.iter().map(|text| whole(text).ok_or_else(lacks)).collect();
    };
    let theorem = theorem_of(&header, &statement_of(&statement), &texts)
        .map_err(|reason| columns.problem(Field::Statement, reason))?;
    if texts.is_empty() {
        return match super::entry::proofs(&theorem.proof).is_empty() {
            true => Err(Problem::new(columns.missing(Field::Proof))),
            false => Ok(vec![proof(&theorem, theorem.proof.clone())]),
        };
    }
    let claim = |text: &String| {
        let text = code_of(text);
        let bare = || proof(&theorem, joined(&theorem.proof, &text));
        whole(&header, &text, Some(&theorem)).unwrap_or_else(bare)
    };
    Ok(texts.iter().map(claim).collect())
}

fn proof(theorem: &LeanTheorem, proof: String) -> Claim {
    let LeanTheorem { name, header, signature, .. } = theorem;
    let own = mentions(&proof, name).then(|| name.clone());
    Claim::Proof { header: header.clone(), signature: signature.clone(), proof, own }
}

impl Claim {
    /// The same proof below its theorem's own name, where it may call that: to be judged if it fails under another name, for
    /// it may be a recursion.
    pub fn with_its_name(&self) -> Option<Self> {
        let Self::Proof { header, signature, proof, own: Some(name) } = self else { return None };
        let assign = if proof.trim_start().starts_with('|') { "\n" } else { " := " };
        Some(Self::Text {
            text: below(header, &format!("theorem {name} {signature}{assign}{proof}")),
            added: u32::try_from(header.trim_end().lines().count()).unwrap_or(u32::MAX),
            name: None,
            statement: Some((header.clone(), signature.clone())),
        })
    }
}

/// The claim of a text that declares theorems itself; `None` for any other.
fn whole(header: &str, text: &str, statement: Option<&LeanTheorem>) -> Option<Claim> {
    let names = theorem_names(text);
    let last = names.last()?;
    let wanted = statement.map(|theorem| &theorem.name).filter(|name| !name.is_empty() && *name != last);
    let name = wanted.filter(|name| names.contains(name)).cloned();
    // Its universe parameters a text declares itself.
    let lacks = match statement {
        Some(theorem) => lacking(&theorem.header_of_file(), text),
        None => lacking(header, text),
    };
    let added = lacks.trim_end().lines().count();
    Some(Claim::Text {
        text: below(&lacks, text),
        added: u32::try_from(added).unwrap_or(u32::MAX),
        name,
        statement: statement.map(|theorem| (theorem.header.clone(), theorem.signature.clone())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(rows: &[Value], header: &str) -> Vec<ClaimRow> {
        let text = rows.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let mut found = Vec::new();
        let layout = Layout::named("auto").unwrap();
        let source = RowSource::Lines(&mut text.as_bytes());
        read_claims(Path::new("x"), source, &layout, header, &mut |row| {
            found.push(row);
            true
        })
        .unwrap();
        found
    }

    fn one(row: Value) -> Claim {
        let claims = read(&[row], "").remove(0).claims.unwrap();
        assert_eq!(claims.len(), 1);
        claims[0].clone()
    }

    fn apart(header: &str, signature: &str, proof: &str) -> Claim {
        Claim::Proof { header: header.into(), signature: signature.into(), proof: proof.into(), own: None }
    }

    #[test]
    fn statements_and_proofs_in_the_columns_of_data_sets() {
        let signature = "(a : Nat) : a = a";
        let by = format!("theorem x {signature} := by");
        for row in [
            json!({"statement": by, "proof": "rfl"}),
            json!({"formal_statement": by, "formal_proof": "  rfl"}),
            json!({"formal_statement": format!("{by}\n  sorry"), "proof": ["rfl"]}),
            json!({"lean4_statement": by, "proof": "Here:\n```lean4\nrfl\n```", "code": 3}),
            json!({"prompt": format!("Prove it.\n```lean4\n{by}\n"), "target": "  rfl\n```"}),
            json!({"statement": by, "proof": "by\n  rfl", "code": "", "goal": "…"}),
            json!({"statement": format!("{by}\n  -- to do\n  sorry"), "proof": "rfl"}),
            json!({"signature": signature, "proof": ":= by\n  rfl"}),
            json!({"prompt": "Prove it.", "statement": by, "proof": "rfl"}),
            json!({"statement": format!("{by}\n  rfl")}),
        ] {
            assert_eq!(one(row.clone()), apart("", signature, "by\n  rfl"), "{row}");
        }
        let header = one(
            json!({"statement": "theorem x.{u} (α : Type u) : True := by sorry", "proof": "trivial", "header": "open Nat"}),
        );
        assert_eq!(header, apart("open Nat\nuniverse u\n", "(α : Type u) : True", "by\n  trivial"));
        let lemma = "theorem mine : 1 = 1 := rfl";
        let named = one(json!({"statement": ": 1 = 1", "proof": "mine", "header": lemma}));
        assert_eq!(named, apart(&format!("{lemma}\n"), ": 1 = 1", "mine"));
        let again = "theorem y : 1 = 1 := mine";
        let Claim::Text { text, .. } =
            one(json!({"statement": "theorem x : 1 = 1 := sorry", "proof": again, "header": lemma}))
        else {
            panic!("it is a whole text")
        };
        assert_eq!(text, format!("{lemma}\n{again}"));
        let other = one(json!({"statement": ": 1 = 1", "proof": "rfl", "header": lemma}));
        assert_eq!(other, apart("", ": 1 = 1", "rfl"));
    }

    #[test]
    fn a_proof_that_calls_its_own_theorem_keeps_the_name() {
        let statement = "theorem foo : ∀ n : Nat, n = n";
        let equations = "| 0 => rfl\n| n + 1 => by have := foo n; rfl";
        let named = |row: Value| one(row).with_its_name();
        let row = json!({"statement": statement, "header": "open Nat", "proof": equations});
        let Some(Claim::Text { text, added, name, statement: known }) = named(row) else {
            panic!("it is a whole text")
        };
        assert_eq!(text, format!("open Nat\n{statement}\n{equations}"));
        assert_eq!((added, name, known), (1, None, Some(("open Nat\n".into(), ": ∀ n : Nat, n = n".into()))));
        let row = json!({"statement": statement, "proof": "fun n => (foo n).symm"});
        let Some(Claim::Text { text, .. }) = named(row) else { panic!("it is a whole text") };
        assert_eq!(text, format!("{statement} := fun n => (foo n).symm"));
        assert_eq!(named(json!({"statement": statement, "proof": "fun food => rfl"})), None);
    }

    #[test]
    fn a_column_that_is_mapped_is_the_id() {
        let mut layout = Layout::named("auto").unwrap();
        layout.map("id=problem").unwrap();
        let row = json!({"id": 3, "problem": "p", "statement": ": True", "proof": "trivial"}).to_string();
        let mut found = Vec::new();
        let source = RowSource::Lines(&mut row.as_bytes());
        read_claims(Path::new("x"), source, &layout, "", &mut |row| {
            found.push(row.id);
            true
        })
        .unwrap();
        assert_eq!(found, [Some(json!("p"))]);
    }

    #[test]
    fn a_header_of_the_call_stands_where_the_row_has_none() {
        let row = json!({"statement": ": True", "proof": "trivial"});
        let empty = json!({"statement": ": True", "proof": "trivial", "header": ""});
        let found = read(&[row, empty], "open Nat");
        assert_eq!(found[0].claims.as_ref().unwrap(), &[apart("open Nat\n", ": True", "trivial")]);
        assert_eq!(found[1].claims.as_ref().unwrap(), &[apart("", ": True", "trivial")]);
    }

    #[test]
    fn whole_texts_are_judged_as_such() {
        let text = "lemma h : True := trivial\ntheorem x : True := h";
        let statement = "theorem x : True := by sorry";
        for row in [
            json!({"statement": statement, "header": "open Nat", "code": text}),
            json!({"statement": statement, "header": "open Nat", "proof": format!("```lean4\n{text}\n```")}),
        ] {
            let Claim::Text { text: found, added, name, statement } = one(row) else { panic!("no text") };
            assert_eq!((found.trim_end(), added, name), (&*format!("open Nat\n{text}"), 1, None));
            assert_eq!(statement, Some(("open Nat\n".to_owned(), ": True".to_owned())));
        }
        let after = format!("import Std\n{text}\ntheorem y : True := x");
        let Claim::Text { text: found, added, name, .. } =
            one(json!({"statement": statement, "full_code": after, "header": "open Nat"}))
        else {
            panic!("no text")
        };
        assert_eq!((found, added, name.as_deref()), (after, 0, Some("x")));
        let alone = one(json!({"lean4_code": text}));
        assert_eq!(alone, Claim::Text { text: text.into(), added: 0, name: None, statement: None });
    }

    #[test]
    fn a_whole_text_declares_its_universe_parameters_itself() {
        let text = "theorem x.{u} (α : Type u) : α = α := rfl";
        let statement = "theorem x.{u} (α : Type u) : α = α := by sorry";
        let Claim::Text { text: found, added, statement, .. } =
            one(json!({"statement": statement, "header": "open Nat", "proof": text}))
        else {
            panic!("no text")
        };
        assert_eq!((found, added), (format!("open Nat\n{text}"), 1));
        assert_eq!(statement, Some(("open Nat\nuniverse u\n".to_owned(), "(α : Type u) : α = α".to_owned())));
    }

    #[test]
    fn a_statement_that_cannot_be_read_ends_nothing() {
        let row = json!({"statement": "theorem x.} : True := by sorry", "proof": "trivial"});
        let found = read(&[row, json!({"statement": ": True", "proof": "trivial"})], "");
        assert!(found[0].claims.as_ref().unwrap_err().contains("universe parameters"), "{found:?}");
        assert!(found[1].claims.is_ok());
    }

    #[test]
    fn each_proof_of_a_list_is_a_claim() {
        let found = read(&[json!({"id": 7, "signature": ": True", "proofs": ["trivial", "by simp"]})], "");
        assert_eq!(found[0].id, Some(json!(7)));
        assert_eq!(found[0].claims.as_ref().unwrap()[1], apart("", ": True", "by simp"));
    }

    #[test]
    fn what_is_wrong_with_a_row_is_said() {
        let found = read(
            &[
                json!({"id": "a", "stament": ": True", "proof": "trivial"}),
                json!({"name": "b", "statement": ": True", "prof": "trivial"}),
                json!({"statement": 3, "proof": "trivial"}),
                json!({"statement": "theorem x : True := sorry", "proofs": []}),
                json!({"statement": "def x := 1", "proof": "trivial"}),
                json!([1]),
                json!({"statement": ": True", "proof": "trivial", "heder": "open Nat"}),
            ],
            "",
        );
        for (row, hint) in found.iter().zip([
            "Did you mean `statement` by `stament`?",
            "Did you mean `proof` by `prof`?",
            "column `statement`: it is a number",
            "no column holds the proof",
            "column `statement`: there is no theorem in it",
            "no JSON object",
        ]) {
            let reason = row.claims.as_ref().unwrap_err();
            assert!(reason.contains(hint), "{hint}: {reason}");
        }
        assert_eq!((&found[0].id, &found[1].id, found[1].row), (&Some(json!("a")), &Some(json!("b")), 2));
        assert_eq!(found[6].note.as_deref(), Some("Did you mean `header` by `heder`?"));
        assert!(found[6].claims.is_ok());
    }
}
