//! What `stp verify` reads: JSON lines or a Lean file, as a stream of rows to judge.

use std::io::{self, BufRead};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use stp_datasets::{signature_of, theorems};
use stp_verifier::Candidate;

/// Longest line that is read; a longer one is malformed.
const MAX_LINE: usize = 64 << 20;

/// One row of the input.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    /// Its line in the input, from 1.
    pub line: u64,
    /// What it calls itself; its line if it does not say.
    pub id: Value,
    /// What is to be judged, or what is wrong with the row.
    pub candidate: Result<Candidate, String>,
}

/// A row as written. `signature` is our own name for `statement`.
#[derive(Deserialize)]
struct Written {
    #[serde(alias = "signature")]
    statement: String,
    proof: String,
    header: Option<String>,
}

/// The rows of JSON lines, one after the other; memory is bounded by the longest line.
pub(super) struct JsonRows<R> {
    reader: R,
    header: String,
    line: u64,
}

impl<R: BufRead> JsonRows<R> {
    /// Rows without a header of their own get `header`.
    pub(super) fn new(reader: R, header: String) -> Self {
        Self { reader, header, line: 0 }
    }
}

impl<R: BufRead> Iterator for JsonRows<R> {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let text = match read_line(&mut self.reader, MAX_LINE) {
                Ok(Some(text)) => text,
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            };
            self.line += 1;
            if !matches!(&text, Ok(bytes) if bytes.trim_ascii().is_empty()) {
                return Some(Ok(row(self.line, text, &self.header)));
            }
        }
    }
}

fn row(line: u64, text: Result<Vec<u8>, String>, header: &str) -> Row {
    let parsed = text.and_then(|bytes| {
        let text = String::from_utf8(bytes).map_err(|error| {
            format!("it is not UTF-8 (byte {} of the line)", error.utf8_error().valid_up_to() + 1)
        })?;
        serde_json::from_str::<Value>(&text).map_err(|error| format!("it is not JSON: {error}"))
    });
    let value = match parsed {
        Ok(value) => value,
        Err(reason) => return Row { line, id: line.into(), candidate: Err(reason) },
    };
    let id = value.get("id").filter(|id| !id.is_null()).cloned().unwrap_or_else(|| line.into());
    Row { line, id, candidate: candidate(&value, header) }
}

fn candidate(value: &Value, header: &str) -> Result<Candidate, String> {
    let written = Written::deserialize(value).map_err(|error| {
        format!(
            "{error}; a row looks like {{\"id\": \"x\", \"statement\": \": True\", \"proof\": \"trivial\"}}"
        )
    })?;
    let (lines, signature) = signature_of(&written.statement)?;
    let header = written.header.unwrap_or_else(|| header.to_owned());
    let proof = written.proof.strip_prefix(":=").unwrap_or(&written.proof).to_owned();
    Ok(Candidate::new(join(&header, &lines), signature, proof))
}

fn join(header: &str, lines: &str) -> String {
    if header.is_empty() || lines.is_empty() || header.ends_with('\n') {
        return format!("{header}{lines}");
    }
    format!("{header}\n{lines}")
}

/// The next line without its end, or why it cannot be used; `None` at the end of the input.
fn read_line(reader: &mut impl BufRead, limit: usize) -> io::Result<Option<Result<Vec<u8>, String>>> {
    let mut line = Vec::new();
    let (mut any, mut too_long) = (false, false);
    loop {
        let block = reader.fill_buf()?;
        if block.is_empty() {
            break;
        }
        any = true;
        let end = block.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(block.len());
        too_long |= line.len() + taken > limit;
        if !too_long {
            line.extend_from_slice(&block[..taken]);
        }
        let used = end.map_or(taken, |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    if !any {
        return Ok(None);
    }
    Ok(Some(if too_long { Err(format!("it is longer than {} MiB", limit >> 20)) } else { Ok(line) }))
}

/// The theorems of a Lean file as rows; each is called by its name.
pub(super) fn lean_rows(path: &Path) -> io::Result<Vec<Row>> {
    let text = std::fs::read_to_string(path)?;
    let rows = theorems(&text).into_iter().map(|found| match found {
        Ok(theorem) => Row {
            line: theorem.line as u64,
            id: name(&theorem.name, theorem.line),
            candidate: Ok(Candidate::new(theorem.header, theorem.signature, theorem.proof)),
        },
        Err(error) => Row {
            line: error.line as u64,
            id: name(&error.name, error.line),
            candidate: Err(format!("`{}` {}", error.name, error.reason)),
        },
    });
    Ok(rows.collect())
}

fn name(name: &str, line: usize) -> Value {
    if name.is_empty() { format!("line {line}").into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Vec<Row> {
        JsonRows::new(text, "open Nat".to_owned()).map(Result::unwrap).collect()
    }

    #[test]
    fn rows_are_read_in_both_spellings() {
        let found = rows(
            b"{\"id\":\"a\",\"statement\":\"theorem x.{u} (t : Type u) : True := by sorry\",\"proof\":\":= trivial\"}\n\n{\"signature\":\": True\",\"proof\":\"trivial\",\"header\":\"\",\"more\":1}\n",
        );
        let first = found[0].candidate.as_ref().unwrap();
        assert_eq!(
            (first.header.as_str(), first.signature.as_str()),
            ("open Nat\nuniverse u\n", "(t : Type u) : True")
        );
        assert_eq!((first.proof.as_str(), &found[0].id), (" trivial", &Value::from("a")));
        assert_eq!((found[1].line, &found[1].id), (3, &Value::from(3)));
        assert_eq!(found[1].candidate.as_ref().unwrap().header, "");
    }

    #[test]
    fn a_malformed_row_is_one_row_with_a_reason() {
        let found = rows(
            b"nonsense\n{\"id\":7}\n\xff\xfe\n{\"id\":8,\"statement\":\": True\",\"proof\":\"trivial\"}",
        );
        let reasons: Vec<_> = found.iter().map(|row| row.candidate.as_ref().err().cloned()).collect();
        assert!(reasons[0].as_ref().unwrap().contains("not JSON"));
        assert!(reasons[1].as_ref().unwrap().contains("statement"));
        assert!(reasons[2].as_ref().unwrap().contains("UTF-8"));
        assert_eq!((reasons[3].clone(), &found[3].id), (None, &Value::from(8)));
        assert_eq!(found[1].id, Value::from(7));
    }

    #[test]
    fn a_line_that_is_too_long_costs_only_itself() {
        let mut text: &[u8] = b"0123456789\nab\n";
        assert!(read_line(&mut text, 4).unwrap().unwrap().unwrap_err().contains("longer"));
        assert_eq!(read_line(&mut text, 4).unwrap().unwrap().unwrap(), b"ab");
        assert!(read_line(&mut text, 4).unwrap().is_none());
    }
}
