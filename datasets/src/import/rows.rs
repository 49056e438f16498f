//! JSON lines and JSON as rows.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Map, Value};

use super::{ImportError, ImportOptions, Problem, Take, entry};

/// Longest line, and largest JSON file, that is read, in bytes.
pub(super) const MAX_LINE: usize = 64 << 20;

pub(super) fn json_lines(
    path: &Path,
    options: &ImportOptions,
    take: &mut Take<'_>,
) -> Result<(), ImportError> {
    let read = |source| ImportError::Read { path: path.to_owned(), source };
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(read)?);
    let mut columns = None;
    for row in 1.. {
        let mut line = Vec::new();
        reader.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line).map_err(read)?;
        if line.is_empty() {
            break;
        }
        if line.len() > MAX_LINE {
            take(row, Err(too_long()))?;
            skip_line(&mut reader).map_err(read)?;
        } else if !line.trim_ascii().is_empty() {
            match parse(&line) {
                Ok(object) => {
                    let columns = columns.get_or_insert_with(|| entry::Columns::of(path, &object, options));
                    let columns = match columns {
                        Ok(columns) => columns,
                        Err(_) => break,
                    };
                    take(row, columns.entry(&object, row, options))?;
                }
                Err(problem) => take(row, Err(problem))?,
            }
        }
    }
    columns.map_or(Ok(()), |columns| columns.map(drop))
}

fn too_long() -> Problem {
    Problem::new(format!("the line is longer than {} MiB", MAX_LINE >> 20))
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let (length, last) = match buffer.iter().position(|&byte| byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(length);
        if last {
            return Ok(());
        }
    }
}

fn parse(line: &[u8]) -> Result<Map<String, Value>, Problem> {
    let text = std::str::from_utf8(line).map_err(|error| {
        Problem::new(format!("it is not UTF-8 (byte {} of the line)", error.valid_up_to() + 1))
    })?;
    match serde_json::from_str(text).map_err(|error| Problem::new(format!("it is not JSON ({error})")))? {
        Value::Object(object) => Ok(object),
        _ => Err(Problem::new("it is no JSON object")),
    }
}

/// An array of objects, or one object whose values are objects by id.
pub(super) fn json(path: &Path, options: &ImportOptions, take: &mut Take<'_>) -> Result<(), ImportError> {
    let read = |source| ImportError::Read { path: path.to_owned(), source };
    let whole = |reason: String| ImportError::Row { path: path.to_owned(), row: 1, field: None, reason };
    let mut bytes = Vec::new();
    File::open(path).map_err(read)?.take(16 * MAX_LINE as u64 + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() > 16 * MAX_LINE {
        return Err(whole(format!("the file is larger than {} MiB; make it JSON lines", MAX_LINE >> 16)));
    }
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|error| whole(format!("the file is not JSON ({error})")))?;
    let items: Vec<Value> = match value {
        Value::Array(items) => items,
        Value::Object(named) => named
            .into_iter()
            .map(|(name, mut item)| {
                if let Value::Object(object) = &mut item {
                    object.entry("id").or_insert(name.into());
                }
                item
            })
            .collect(),
        _ => return Err(whole("the file holds neither a list nor an object".to_owned())),
    };
    let mut columns = None;
    for (row, item) in (1..).zip(&items) {
        let Value::Object(object) = item else {
            take(row, Err(Problem::new("it is no JSON object")))?;
            continue;
        };
        if columns.is_none() {
            columns = Some(entry::Columns::of(path, object, options)?);
        }
        if let Some(columns) = &columns {
            take(row, columns.entry(object, row, options))?;
        }
    }
    Ok(())
}
