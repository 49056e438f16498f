//! What `stp verify` writes: one row for each row read, in order; and going on after an interruption.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stp_datasets::Verdict;

use super::rows::Row;
use crate::error::UsageError;

/// A row of the output.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Written<'a> {
    /// Judged.
    Verdict {
        id: &'a Value,
        verdict: &'static str,
        messages: &'a [String],
        axioms: &'a [String],
        premises: &'a [String],
        implicit_premises: &'a [String],
        seconds: f64,
    },
    /// Not a row that can be judged.
    Malformed { id: &'a Value, line: u64, error: &'a str },
}

impl<'a> Written<'a> {
    pub(super) fn new(row: &'a Row, verdict: Option<&'a Verdict>) -> Self {
        match (&row.candidate, verdict) {
            (Err(error), _) => Self::Malformed { id: &row.id, line: row.line, error },
            (_, None) => Self::Malformed { id: &row.id, line: row.line, error: "it was not judged" },
            (_, Some(verdict)) => Self::Verdict {
                id: &row.id,
                verdict: verdict.status.as_str(),
                messages: &verdict.messages,
                axioms: &verdict.axioms,
                premises: &verdict.premises,
                implicit_premises: &verdict.implicit_premises,
                seconds: f64::from(verdict.elapsed_ms) / 1000.0,
            },
        }
    }
}

/// A row that an earlier, interrupted call wrote.
#[derive(Debug, Deserialize)]
pub(super) struct Earlier {
    pub id: Value,
    /// `None` for a malformed row.
    pub verdict: Option<String>,
}

/// Where rows go.
pub(super) struct Output {
    name: String,
    writer: Box<dyn Write>,
    earlier: Option<io::Lines<BufReader<File>>>,
    path: Option<PathBuf>,
}

impl Output {
    /// Standard output for `-` or nothing; else a file, which is gone on with unless `overwrite` is set.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub(super) fn open(path: Option<&Path>, overwrite: bool) -> Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            let name = "standard output".to_owned();
            return Ok(Self { name, writer: Box::new(io::stdout()), earlier: None, path: None });
        };
        let name = path.display().to_string();
        let cannot =
            || format!("cannot write {name}; check that its folder exists and that you may write in it");
        let file = OpenOptions::new()
            .create(true)
            .truncate(overwrite)
            .append(!overwrite)
            .write(true)
            .open(path)
            .with_context(cannot)?;
        let whole = whole_rows(path).with_context(|| format!("cannot read {name}"))?;
        file.set_len(whole).with_context(cannot)?;
        let earlier = File::open(path).with_context(|| format!("cannot read {name}"))?;
        let earlier = (whole > 0).then(|| BufReader::new(earlier).lines());
        Ok(Self { name, writer: Box::new(file), earlier, path: Some(path.to_owned()) })
    }

    /// The row that an earlier call wrote in the place of `row`, if there is one.
    ///
    /// # Errors
    /// If it belongs to another input.
    pub(super) fn earlier(&mut self, row: &Row) -> Result<Option<Earlier>> {
        let Some(line) = self.earlier.as_mut().and_then(Iterator::next) else {
            self.earlier = None;
            return Ok(None);
        };
        let found: Earlier =
            serde_json::from_str(&line.with_context(|| format!("cannot read {}", self.name))?)
                .map_err(|_| self.foreign(row))?;
        if found.id == row.id { Ok(Some(found)) } else { Err(self.foreign(row)) }
    }

    fn foreign(&self, row: &Row) -> anyhow::Error {
        let text = format!(
            "{} holds results of another input: the row for line {} is not that of {}. Give another -o, or \
             --overwrite to lose them.",
            self.name, row.line, row.id
        );
        UsageError(text).into()
    }

    /// Writes a row. It is out of this process' hands when this returns.
    ///
    /// # Errors
    /// If the disk is full or the reader went away.
    pub(super) fn write(&mut self, row: &Written<'_>) -> Result<()> {
        let mut text = serde_json::to_string(row)?;
        text.push('\n');
        self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush()).with_context(|| {
            let again =
                if self.path.is_some() { "; the same command again goes on after the last row" } else { "" };
            format!("cannot write {}{again}", self.name)
        })
    }
}

/// The length in bytes of the rows that were written to their ends.
fn whole_rows(path: &Path) -> io::Result<u64> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut whole, mut line) = (0u64, Vec::new());
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 || line.last() != Some(&b'\n') {
            return Ok(whole);
        }
        whole += length as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::Status;

    fn row(id: &str) -> Row {
        Row { line: 1, id: id.into(), candidate: Err("no".into()) }
    }

    #[test]
    fn a_half_written_row_is_written_again_and_whole_ones_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let mut output = Output::open(Some(&path), false).unwrap();
        assert!(output.earlier(&row("a")).unwrap().is_none());
        let verdict = Verdict::new(Status::Failed, "x");
        let judged = Row { candidate: Ok(stp_verifier::Candidate::default()), ..row("a") };
        output.write(&Written::new(&judged, Some(&verdict))).unwrap();
        drop(output);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"id\":\"b\",\"verd");
        std::fs::write(&path, text).unwrap();
        let mut again = Output::open(Some(&path), false).unwrap();
        assert_eq!(again.earlier(&row("a")).unwrap().unwrap().verdict.as_deref(), Some("failed"));
        assert!(again.earlier(&row("b")).unwrap().is_none());
        again.write(&Written::new(&row("b"), None)).unwrap();
        let lines: Vec<_> = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], "{\"id\":\"b\",\"line\":1,\"error\":\"no\"}");
        let mut other = Output::open(Some(&path), false).unwrap();
        assert!(other.earlier(&row("z")).unwrap_err().to_string().contains("another input"));
    }
}
