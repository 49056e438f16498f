//! Where rows go as JSON lines, and how a call goes on with what an earlier one wrote.
//!
//! A row that is there already is kept if its hash says that it was judged for the same text, by the same Lean, under
//! the same rules. While the file agrees with the input, nothing is written; from the first difference on, the file is
//! written anew, with those of its rows that are still true.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use stp_selfplay::error::UsageError;

use super::earlier::{Earlier, Found};
use super::row::Row;
use super::unit::{Hashes, Unit, Work};

/// What is known of a unit from an earlier call.
#[derive(Debug, PartialEq)]
pub(super) enum Known {
    /// Nothing.
    No,
    /// Its rows, which stand where they belong.
    InPlace(Vec<Row>),
    /// Its rows, which have to be written again.
    Rows(Vec<Row>),
}

/// Where rows go.
pub(super) struct Output {
    name: String,
    writer: Box<dyn Write>,
    file: Option<Kept>,
    kept: u64,
    notes: Vec<String>,
}

/// A file that may hold rows of an earlier call.
struct Kept {
    path: PathBuf,
    earlier: Earlier,
    /// Whether the file still agrees with the input, and nothing was written yet.
    agrees: bool,
}

impl Output {
    /// Standard output for `-` or nothing; else a file, which is gone on with unless `overwrite` is set.
    ///
    /// # Errors
    /// If the file cannot be read or written, or is none of verdicts.
    pub(super) fn open(path: Option<&Path>, overwrite: bool) -> Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self::to("standard output".to_owned(), Box::new(io::stdout())));
        };
        let name = path.display().to_string();
        let file = open(path, overwrite).with_context(|| cannot_write(&name))?;
        if !file.metadata().with_context(|| cannot_write(&name))?.is_file() {
            return Ok(Self::to(name, Box::new(file)));
        }
        // Whoever gave a link wants the file behind it written.
        let path = path.canonicalize().with_context(|| cannot_write(&name))?;
        let earlier = Earlier::open(&path).with_context(|| format!("cannot read {name}"))?;
        let kept = Kept { path, earlier, agrees: true };
        Ok(Self { file: Some(kept), ..Self::to(name, Box::new(file)) })
    }

    fn to(name: String, writer: Box<dyn Write>) -> Self {
        Self { name, writer, file: None, kept: 0, notes: Vec::new() }
    }

    /// What an earlier call wrote for a unit. Units must be asked for in the order of the input.
    ///
    /// # Errors
    /// If the file cannot be read or written, or belongs to another input.
    pub(super) fn known(&mut self, unit: &Unit, hashes: &Hashes) -> Result<Known> {
        let Some(kept) = &mut self.file else { return Ok(Known::No) };
        if kept.agrees {
            let found = kept.earlier.next(hashes).with_context(|| format!("cannot read {}", self.name))?;
            match found {
                Found::Rows(rows, end) if rows.iter().all(|row| stands_for(row, unit)) => {
                    kept.earlier.accept(end);
                    self.kept += rows.len() as u64;
                    return Ok(Known::InPlace(rows));
                }
                found => self.differ(unit, hashes, &found)?,
            }
        }
        let Some(kept) = &mut self.file else { return Ok(Known::No) };
        let rows = kept.earlier.find(hashes).with_context(|| format!("cannot read {}", self.name))?;
        Ok(match rows {
            None => Known::No,
            Some(rows) => {
                self.kept += rows.len() as u64;
                Known::Rows(rows.into_iter().map(|row| moved(row, unit)).collect())
            }
        })
    }

    /// From here on the file is written anew.
    fn differ(&mut self, unit: &Unit, hashes: &Hashes, found: &Found) -> Result<()> {
        let Some(kept) = &mut self.file else { return Ok(()) };
        kept.agrees = false;
        let (begins, at_end) = (kept.earlier.position() == 0, kept.earlier.is_at_end());
        if at_end && (!begins || kept.earlier.ends_with_rows()) {
            return cut(&kept.path, kept.earlier.length()).with_context(|| cannot_write(&self.name));
        }
        let read = || format!("cannot read {}", self.name);
        let has_hashes = kept.earlier.index().with_context(read)?;
        let is_of_input = match found {
            Found::Rows(..) => true,
            Found::Other(row) => is_of(row, unit) || kept.earlier.find(hashes).with_context(read)?.is_some(),
            Found::NoRow => false,
        };
        if begins && !is_of_input {
            let text = format!(
                "{} holds something else than the verdicts on this input: it does not begin with {}. Give another -o, \
                 or --overwrite to lose what is there.",
                self.name,
                unit.describe()
            );
            return Err(UsageError(text).into());
        }
        self.notes.push(if has_hashes {
            format!("{} differs from the input: what it does not hold is judged", self.name)
        } else {
            format!(
                "{} was written by an older version, which did not say what its verdicts are of: all is judged again",
                self.name
            )
        });
        let writer =
            rewritten(&kept.path, kept.earlier.position()).with_context(|| cannot_write(&self.name))?;
        self.writer = Box::new(writer);
        Ok(())
    }

    /// Writes a unit's rows. They are out of this process' hands when this returns.
    ///
    /// # Errors
    /// If the disk is full or the reader went away.
    pub(super) fn write(&mut self, rows: &[Row]) -> Result<()> {
        let mut text = String::new();
        for row in rows {
            text.push_str(&serde_json::to_string(row)?);
            text.push('\n');
        }
        self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush()).with_context(|| {
            let again =
                if self.file.is_some() { "; the same command again goes on after the last row" } else { "" };
            format!("cannot write {}{again}", self.name)
        })
    }

    /// To be called when all of the input was read: what is left of an earlier, longer input goes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn end(&mut self) -> Result<()> {
        let Some(kept) = self.file.as_ref().filter(|kept| kept.agrees && self.kept > 0) else {
            return Ok(());
        };
        let longer = !kept.earlier.is_at_end();
        cut(&kept.path, kept.earlier.position()).with_context(|| cannot_write(&self.name))?;
        if longer {
            self.notes.push(format!("{} had rows after the input's last one; they were removed", self.name));
        }
        Ok(())
    }

    /// How many rows an earlier call wrote.
    pub(super) fn kept(&self) -> u64 {
        self.kept
    }

    /// What the user should know of the file; said once.
    pub(super) fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

fn cannot_write(name: &str) -> String {
    format!("cannot write {name}; check that its folder exists and that you may write in it")
}

fn open(path: &Path, overwrite: bool) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(overwrite).append(!overwrite).write(true).open(path)
}

fn cut(path: &Path, length: u64) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_len(length)
}

/// A new file in the place of the old one, with its first bytes. Who has the old one open goes on reading that.
fn rewritten(path: &Path, length: u64) -> io::Result<File> {
    stp_files::replace(path, |draft| {
        let mut file = File::create(draft)?;
        io::copy(&mut File::open(path)?.take(length), &mut file)?;
        Ok(file)
    })
}

/// Whether a row is about the unit, whatever it says of it. Older versions named neither file nor hash.
fn is_of(row: &Row, unit: &Unit) -> bool {
    let same_file = row.file == unit.file || row.file.is_none() && row.hash.is_none();
    same_file && (matches!(unit.work, Ok(Work::File(_))) || row.id == unit.id)
}

/// Whether a row with the unit's hash is what would be written for it now.
fn stands_for(row: &Row, unit: &Unit) -> bool {
    let in_file = matches!(unit.work, Ok(Work::File(_)));
    row.file == unit.file && (in_file || *row == moved(row.clone(), unit))
}

/// A row as it is written for a unit that has moved or is called something else.
fn moved(row: Row, unit: &Unit) -> Row {
    if matches!(unit.work, Ok(Work::File(_))) { row } else { row.of(unit) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::verify::test_units::unit;
    use stp_datasets::{Status, Verdict};

    /// A unit by name whose text, and so whose hash, is `text`.
    fn named(id: &str, text: &str) -> (Unit, Hashes) {
        (unit(id), Hashes { plain: text.to_owned(), timeout: format!("{text} timeout") })
    }

    /// Judges what is not known, as `stp verify` does; the names of what was judged, or the error.
    fn call(path: &Path, rows: &[(&str, &str)]) -> Result<Vec<String>> {
        let mut output = Output::open(Some(path), false)?;
        let mut judged = Vec::new();
        for (id, text) in rows {
            let (unit, hashes) = named(id, text);
            match output.known(&unit, &hashes)? {
                Known::InPlace(_) => {}
                Known::Rows(rows) => output.write(&rows)?,
                Known::No => {
                    judged.push((*id).to_owned());
                    let verdict = Verdict::new(Status::Failed, *text);
                    output.write(&[Row::verdict(&unit, &hashes, verdict, "")])?;
                }
            }
        }
        output.end()?;
        Ok(judged)
    }

    fn written(path: &Path) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(path).unwrap();
        let rows = text.lines().map(|line| serde_json::from_str::<Row>(line).unwrap());
        rows.map(|row| (row.name(), row.judged.unwrap().messages.concat())).collect()
    }

    fn check(path: &Path, rows: &[(&str, &str)], judged: &[&str]) {
        assert_eq!(call(path, rows).unwrap(), judged, "{rows:?}");
        let expected: Vec<_> = rows.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
        assert_eq!(written(path), expected);
    }

    #[test]
    fn only_what_is_not_there_yet_is_judged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        check(&path, &[("a", "1"), ("b", "2"), ("c", "3")], &["a", "b", "c"]);
        check(&path, &[("a", "1"), ("b", "2"), ("c", "3")], &[]);
        check(&path, &[("a", "1"), ("b", "edited"), ("c", "3")], &["b"]);
        check(&path, &[("a", "changed"), ("b", "edited"), ("c", "3")], &["a"]);
        check(&path, &[("a", "changed"), ("new", "4"), ("b", "edited"), ("c", "3")], &["new"]);
        check(&path, &[("a", "changed"), ("c", "3"), ("b", "edited")], &[]);
        check(&path, &[("a", "changed"), ("renamed", "3"), ("b", "edited")], &[]);
        check(&path, &[("a", "changed")], &[]);
        check(&path, &[("a", "changed"), ("z", "5")], &["z"]);
        assert!(!folder.path().join("out.jsonl.part").exists());
    }

    #[test]
    fn a_half_written_row_is_judged_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        check(&path, &[("a", "1"), ("b", "2")], &["a", "b"]);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 9]).unwrap();
        check(&path, &[("a", "1"), ("b", "2")], &["b"]);
    }

    #[test]
    fn files_of_other_inputs_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        check(&path, &[("a", "1"), ("b", "2")], &["a", "b"]);
        let before = std::fs::read(&path).unwrap();
        let error = call(&path, &[("z", "9"), ("a", "1")]).unwrap_err();
        assert!(error.downcast_ref::<UsageError>().is_some() && error.to_string().contains("--overwrite"));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        for end in ["\n", ""] {
            std::fs::write(&path, format!("theorem mine : True := trivial{end}")).unwrap();
            assert!(call(&path, &[("a", "1")]).is_err(), "no file of verdicts");
            assert!(std::fs::read_to_string(&path).unwrap().contains("mine"));
        }
    }

    #[test]
    fn rows_without_hashes_are_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        std::fs::write(&path, "{\"id\":\"a\",\"verdict\":\"proved\",\"messages\":[]}\n").unwrap();
        let (unit, hashes) = named("a", "1");
        let mut output = Output::open(Some(&path), false).unwrap();
        assert_eq!(output.known(&unit, &hashes).unwrap(), Known::No);
        assert!(output.notes().concat().contains("older version"));
        check(&path, &[("a", "1")], &["a"]);
    }

    #[test]
    fn timeouts_hold_for_their_limit_and_crashes_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let (unit, hashes) = named("a", "1");
        for (status, later, known) in [
            (Status::Timeout, "1 timeout", true),
            (Status::Timeout, "longer", false),
            (Status::Crashed, "1 timeout", false),
        ] {
            let mut output = Output::open(Some(&path), true).unwrap();
            output.write(&[Row::verdict(&unit, &hashes, Verdict::new(status, ""), "")]).unwrap();
            let hashes = Hashes { timeout: later.to_owned(), ..hashes.clone() };
            let found = Output::open(Some(&path), false).unwrap().known(&unit, &hashes).unwrap();
            assert_eq!(matches!(found, Known::InPlace(_)), known, "{status:?} {later}");
        }
    }
}
