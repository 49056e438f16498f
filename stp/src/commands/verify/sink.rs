//! Where verdicts go, in the format that was asked for.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::args::VerifyFormat;
use super::formats;
use super::output::{Known, Output};
use super::row::Row;
use super::unit::{Hashes, Unit};
use crate::abort;

/// Takes rows in the order of the input.
pub(super) enum Sink {
    /// As they come.
    Rows(Box<Output>),
    /// As they come, without looking at what was there.
    Github(Target),
    /// All together at the end.
    Report(VerifyFormat, Vec<Row>, Option<PathBuf>),
}

/// An open place for text.
pub(super) struct Target {
    name: String,
    writer: Box<dyn Write>,
}

impl Sink {
    /// Opens the place that the user named.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn open(format: VerifyFormat, path: Option<&Path>, overwrite: bool) -> Result<Self> {
        let path = path.filter(|path| *path != Path::new("-"));
        Ok(match format {
            VerifyFormat::Jsonl => Self::Rows(Box::new(Output::open(path, overwrite)?)),
            VerifyFormat::Github => Self::Github(Target::open(path)?),
            VerifyFormat::Junit | VerifyFormat::Sarif => {
                // Better now than when all is judged.
                path.map(|path| {
                    OpenOptions::new()
                        .create(true)
                        .append(true)
                        .open(path)
                        .with_context(|| cannot_write(path))
                })
                .transpose()?;
                Self::Report(format, Vec::new(), path.map(Path::to_owned))
            }
        })
    }

    /// What an earlier call wrote for a unit.
    pub(super) fn known(&mut self, unit: &Unit, hashes: &Hashes) -> Result<Known> {
        match self {
            Self::Rows(output) => output.known(unit, hashes),
            _ => Ok(Known::No),
        }
    }

    /// To be called when the input was not read to its end.
    pub(super) fn stop(&mut self) -> Result<()> {
        match self {
            Self::Rows(output) => output.stop(),
            _ => Ok(()),
        }
    }

    /// Takes a unit's rows.
    pub(super) fn write(&mut self, rows: Vec<Row>) -> Result<()> {
        match self {
            Self::Rows(output) => {
                output.write(&rows)?;
                abort::count_rows(rows.len());
                Ok(())
            }
            Self::Github(target) => target.write(&rows.iter().map(formats::github).collect::<String>()),
            Self::Report(_, all, _) => {
                all.extend(rows);
                Ok(())
            }
        }
    }

    /// To be called when all rows are written.
    pub(super) fn end(&mut self) -> Result<()> {
        match self {
            Self::Rows(output) => output.end(),
            Self::Github(_) => Ok(()),
            Self::Report(format, rows, path) => {
                let text = match format {
                    VerifyFormat::Junit => {
                        formats::junit(rows).context("the report cannot be written as XML")?
                    }
                    _ => format!("{:#}\n", formats::sarif(rows)),
                };
                Target::open(path.as_deref())?.write(&text)
            }
        }
    }

    /// How many rows an earlier call wrote.
    pub(super) fn kept(&self) -> u64 {
        if let Self::Rows(output) = self { output.kept() } else { 0 }
    }

    /// What the user should know of the output; said once.
    pub(super) fn notes(&mut self) -> Vec<String> {
        if let Self::Rows(output) = self { output.notes() } else { Vec::new() }
    }
}

impl Target {
    fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self { name: "standard output".to_owned(), writer: Box::new(std::io::stdout()) });
        };
        let name = path.display().to_string();
        let file = File::create(path).with_context(|| cannot_write(path))?;
        Ok(Self { name, writer: Box::new(file) })
    }

    fn write(&mut self, text: &str) -> Result<()> {
        let written = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
        written.with_context(|| format!("cannot write {}", self.name))
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}; check that its folder exists and that you may write in it", path.display())
}
