//! Where rows go as JSON lines, and how a call goes on with what an earlier one wrote.
//!
//! A row that is there already is kept if its hash says that it was judged for the same text, by the same Lean, under
//! the same rules. While the file agrees with the input, nothing is written; from the first difference on, the file is
//! written anew, with those of its rows that are still true.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use stp_datasets::theorems;
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
                // A file without a theorem has no rows, here as there.
                _ if is_without_rows(unit) => return Ok(Known::No),
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
        if !self.has_begun() && !self.is_of_input(unit, hashes, found)? {
            return Err(self.of_another(&unit.describe()));
        }
        self.begin_anew()
    }

    /// Whether rows of this input stand in the file already, or nothing does.
    fn has_begun(&self) -> bool {
        let Some(Kept { earlier, .. }) = &self.file else { return true };
        earlier.position() > 0 || earlier.is_at_end() && earlier.ends_with_rows()
    }

    fn of_another(&self, first: &str) -> anyhow::Error {
        let text = format!(
            "{} holds something else than the verdicts on this input: it does not begin with {first}. Give another -o, or \
             --overwrite to lose what is there.",
            self.name
        );
        UsageError(text).into()
    }

    /// Whether the file, of which that was found first, holds verdicts on this input.
    fn is_of_input(&mut self, unit: &Unit, hashes: &Hashes, found: &Found) -> Result<bool> {
        let Some(kept) = &mut self.file else { return Ok(false) };
        let mut known = || -> io::Result<bool> {
            kept.earlier.index()?;
            Ok(kept.earlier.find(hashes)?.is_some())
        };
        match found {
            Found::Rows(..) => Ok(true),
            Found::Other(row) if is_of(row, unit) => Ok(true),
            Found::Other(_) => known().with_context(|| format!("cannot read {}", self.name)),
            Found::NoRow => Ok(false),
        }
    }

    /// Lets what comes now stand behind the rows that agree with the input; those after them are looked up.
    fn begin_anew(&mut self) -> Result<()> {
        let Some(kept) = &mut self.file else { return Ok(()) };
        kept.agrees = false;
        if kept.earlier.is_at_end() {
            return cut(&kept.path, kept.earlier.length()).with_context(|| cannot_write(&self.name));
        }
        let has_hashes = kept.earlier.index().with_context(|| format!("cannot read {}", self.name))?;
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
        if let Some(first) = rows.first().filter(|_| self.file.as_ref().is_some_and(|kept| kept.agrees)) {
            if !self.has_begun() {
                return Err(self.of_another(&first.name()));
            }
            self.begin_anew()?;
        }
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

    /// To be called in place of [`Self::end`] when the input was not read to its end: the rows that were not come to yet are
    /// written again behind the others, so that the next call finds them.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub(super) fn stop(&mut self) -> Result<()> {
        let Some(kept) = self.file.as_mut().filter(|kept| !kept.agrees) else { return Ok(()) };
        let writer = &mut self.writer;
        let mut again = |row: Row| -> io::Result<()> { writeln!(writer, "{}", serde_json::to_string(&row)?) };
        kept.earlier.each_left(&mut again).with_context(|| cannot_write(&self.name))?;
        self.writer.flush().with_context(|| cannot_write(&self.name))
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

/// Whether a unit is a Lean file in which nothing stands that gets a row, as far as its text shows.
fn is_without_rows(unit: &Unit) -> bool {
    matches!(&unit.work, Ok(Work::File(file)) if theorems(&file.text).is_empty())
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
mod tests;
