//! Parquet files as rows; only the columns that the layout names are read.

#[cfg(test)]
pub(super) mod sample;
mod shape;
#[cfg(test)]
mod tests;
mod value;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::reader::RowIter;
use ::parquet::schema::types::{Type, TypePtr};
use serde_json::{Map, Value};

use super::layout::Layout;
use super::problem::{ImportError, Problem, TakeRow};

/// How much is told of what the reader said: it may quote whole values.
const REASON: usize = 200;

/// Looks at the names of a file's columns.
pub(super) type LookAtNames<'a, E> = dyn FnMut(&Map<String, Value>) -> Result<(), E> + 'a;

/// All rows; where a value is null they have no such column. `names` gets all names that the file has.
pub(super) fn rows<E: From<ImportError>>(
    path: &Path,
    layout: &Layout,
    names: &mut LookAtNames<'_, E>,
    take: &mut TakeRow<'_, E>,
) -> Result<(), E> {
    let damaged = |error: ParquetError| ImportError::Parquet {
        path: path.to_owned(),
        reason: error.to_string().replace('\n', " ").chars().take(REASON).collect(),
    };
    let file = File::open(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let reader = unharmed(|| SerializedFileReader::new(file)).map_err(damaged)?;
    let schema = reader.metadata().file_metadata().schema();
    names(&schema.get_fields().iter().map(|field| (field.name().to_owned(), Value::Null)).collect())?;
    let wanted = wanted(path, schema, layout)?;
    let projection = Type::group_type_builder(schema.name()).with_fields(wanted.clone()).build();
    let projection = projection.map_err(damaged)?;
    let mut row = 0;
    for group in 0..reader.num_row_groups() {
        let group = unharmed(|| reader.get_row_group(group)).map_err(damaged)?;
        let mut rows =
            unharmed(|| RowIter::from_row_group(Some(projection.clone()), &*group)).map_err(damaged)?;
        while let Some(found) = unharmed(|| rows.next().transpose()).map_err(damaged)? {
            row += 1;
            take(row, value::object(&found, &wanted).map_err(Problem::new))?;
        }
    }
    Ok(())
}

/// The library asserts where a damaged file contradicts itself. That is an error of the file; nothing is read from it after.
fn unharmed<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let said = |_| Err(ParquetError::General("the file contradicts itself; get it again".to_owned()));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(said)
}

/// The columns that the layout knows.
fn wanted(path: &Path, schema: &Type, layout: &Layout) -> Result<Vec<TypePtr>, ImportError> {
    let known = schema.get_fields().iter().filter(|field| layout.knows(field.name()));
    known
        .map(|field| match shape::check(field) {
            Ok(()) => Ok(field.clone()),
            Err(reason) => {
                let column = field.name().to_owned();
                Err(ImportError::ParquetColumn { path: path.to_owned(), column, reason })
            }
        })
        .collect()
}
