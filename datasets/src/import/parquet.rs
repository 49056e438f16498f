//! Parquet files as rows; only the columns that the layout names are read.

use std::fs::File;
use std::path::Path;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow_json::LineDelimitedWriter;
use serde_json::{Map, Value};

use super::{ImportError, ImportOptions, Problem, Take, entry};

const BATCH: usize = 1024;

pub(super) fn rows(path: &Path, options: &ImportOptions, take: &mut Take<'_>) -> Result<(), ImportError> {
    let damaged =
        |reason: String| ImportError::Parquet { path: path.to_owned(), reason: reason.replace('\n', " ") };
    let file = File::open(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| damaged(error.to_string()))?;
    let names = builder.schema().fields().iter().map(|field| (field.name().clone(), Value::Null));
    let columns = entry::Columns::of(path, &names.collect(), options)?;
    let wanted: Vec<usize> = builder
        .schema()
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| columns.uses(field.name()))
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
            let parsed = serde_json::from_slice::<Map<String, Value>>(line);
            take(
                row,
                parsed
                    .map_err(|error| Problem::new(error.to_string()))
                    .and_then(|object| columns.entry(&object, row, options)),
            )?;
        }
    }
    Ok(())
}
