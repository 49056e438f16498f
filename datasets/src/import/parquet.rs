//! Parquet files as rows; only the columns that the layout names are read.

use std::fs::File;
use std::path::Path;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow_json::LineDelimitedWriter;
use serde_json::{Map, Value};

use super::layout::Layout;
use super::problem::{ImportError, Problem, TakeRow};

const BATCH: usize = 1024;

/// Looks at the names of a file's columns.
pub(super) type LookAtNames<'a, E> = dyn FnMut(&Map<String, Value>) -> Result<(), E> + 'a;

/// All rows; where a value is null they have no such column. `names` gets all names that the file has.
pub(super) fn rows<E: From<ImportError>>(
    path: &Path,
    layout: &Layout,
    names: &mut LookAtNames<'_, E>,
    take: &mut TakeRow<'_, E>,
) -> Result<(), E> {
    let damaged =
        |reason: String| ImportError::Parquet { path: path.to_owned(), reason: reason.replace('\n', " ") };
    let file = File::open(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| damaged(error.to_string()))?;
    let fields = builder.schema().fields();
    names(&fields.iter().map(|field| (field.name().clone(), Value::Null)).collect())?;
    let wanted: Vec<usize> = fields
        .iter()
        .enumerate()
        .filter(|(_, field)| layout.knows(field.name()))
        .map(|(index, _)| index)
        .collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH)
        .build()
        .map_err(|error| damaged(error.to_string()))?;
    let mut row = 0;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(error.to_string()))?;
        let mut writer = LineDelimitedWriter::new(Vec::new());
        writer.write(&batch).and_then(|()| writer.finish()).map_err(|error| damaged(error.to_string()))?;
        // The writer gives one line for each row, with those values left out that are null.
        for line in writer.into_inner().split(|&byte| byte == b'\n').take(batch.num_rows()) {
            row += 1;
            take(row, serde_json::from_slice(line).map_err(|error| Problem::new(error.to_string())))?;
        }
    }
    Ok(())
}
