//! Tables as files. The folder appears whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::format::{Format, split_file};
use super::{ExportError, Provenance, Table, card, parquet};
use crate::Split;

/// Writes a table as a folder with its card and hashes.
///
/// # Errors
/// [`ExportError`]; then there is no folder.
pub fn write_folder(
    table: &Table,
    format: Format,
    origins: &Provenance,
    folder: &Path,
) -> Result<(), ExportError> {
    if table.for_training
        && let Some((split, row)) = table.all().find(|(split, _)| *split != Split::Train)
    {
        let statement = row["statement"].as_str().unwrap_or_default().to_owned();
        return Err(ExportError::HeldOut { split, statement });
    }
    whole_folder(folder, |draft| {
        let data = draft.join("data");
        fs::create_dir_all(&data).map_err(written(&data))?;
        for (split, rows) in table.rows.iter().filter(|(_, rows)| !rows.is_empty()) {
            let path = data.join(format!("{}.{}", split_file(*split), format.ending()));
            match format {
                Format::Jsonl => write_lines(&path, rows)?,
                Format::Parquet => {
                    let file = File::create(&path).map_err(written(&path))?;
                    parquet::write(file, table.columns, rows)?;
                }
            }
        }
        let card = draft.join("README.md");
        fs::write(&card, card::of_table(table, format, origins)).map_err(written(&card))
    })
}

/// Lets `fill` make a folder beside `folder`, adds the hashes of its files and gives it its name.
pub(super) fn whole_folder(
    folder: &Path,
    fill: impl FnOnce(&Path) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut items| items.next().is_none());
    if folder.exists() && !empty(folder) {
        return Err(ExportError::Taken(folder.to_owned()));
    }
    // An empty folder gives way to the whole one.
    let fill = |draft: &Path| {
        fs::create_dir_all(draft).map_err(written(draft))?;
        fill(draft).and_then(|()| write_hashes(draft))
    };
    stp_files::replace(folder, |draft| fill(draft).map_err(Failure::Fill)).map_err(|failure| match failure {
        Failure::Fill(error) => error,
        Failure::Place(source) => ExportError::Write { path: folder.to_owned(), source },
    })
}

/// Why a folder did not come to its place.
enum Failure {
    Fill(ExportError),
    Place(std::io::Error),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Place(error)
    }
}

pub(super) fn written(path: &Path) -> impl FnOnce(std::io::Error) -> ExportError {
    let path = path.to_owned();
    move |source| ExportError::Write { path, source }
}

fn write_lines(path: &Path, rows: &[Value]) -> Result<(), ExportError> {
    let write = || -> std::io::Result<()> {
        let mut file = std::io::BufWriter::new(File::create(path)?);
        for row in rows {
            serde_json::to_writer(&mut file, row)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    };
    write().map_err(written(path))
}

fn write_hashes(folder: &Path) -> Result<(), ExportError> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for item in fs::read_dir(folder.join(&inner)).map_err(written(folder))? {
            let item = item.map_err(written(folder))?;
            let name = inner.join(item.file_name());
            if item.path().is_dir() { folders.push(name) } else { files.push(name) }
        }
    }
    files.sort();
    let mut lines = String::new();
    for file in files {
        let bytes = fs::read(folder.join(&file)).map_err(written(&file))?;
        let hash = crate::sha256(&bytes);
        lines.push_str(&format!("{hash}  {}\n", file.display()));
    }
    let path = folder.join("SHA256SUMS");
    fs::write(&path, lines).map_err(written(&path))
}
