//! Rows as a Parquet file. Every column may be null.

use std::fs::File;
use std::sync::Arc;

use ::parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::{Type, TypePtr};
use serde_json::Value;

use super::{Column, ExportError, Kind};

/// Rows that readers take into memory at once.
const GROUP: usize = 100_000;

/// Writes rows with these columns.
///
/// # Errors
/// [`ExportError::Parquet`]; also if a row has another kind of value in a column than the column says.
pub(super) fn write(file: File, columns: &[Column], rows: &[Value]) -> Result<(), ExportError> {
    write_rows(file, columns, rows).map_err(|error| ExportError::Parquet(error.to_string()))
}

fn write_rows(file: File, columns: &[Column], rows: &[Value]) -> Result<(), ParquetError> {
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_created_by("stp".to_owned());
    let mut writer = SerializedFileWriter::new(file, schema(columns)?, Arc::new(properties.build()))?;
    for rows in rows.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        for column in columns {
            let mut out =
                group.next_column()?.ok_or_else(|| ParquetError::General("a column too few".to_owned()))?;
            write_column(&mut out, column, rows)?;
            out.close()?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

fn schema(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let fields = columns.iter().map(|column| Ok(Arc::new(field(column)?)));
    let fields = fields.collect::<Result<_, ParquetError>>()?;
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?))
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let plain = |physical| {
        Type::primitive_type_builder(column.name, physical).with_repetition(Repetition::OPTIONAL).build()
    };
    match column.kind {
        Kind::Text => text(column.name),
        Kind::Integer => plain(Physical::INT64),
        Kind::Number => plain(Physical::DOUBLE),
        Kind::Texts => {
            let items = Type::group_type_builder("list")
                .with_repetition(Repetition::REPEATED)
                .with_fields(vec![Arc::new(text("element")?)]);
            Type::group_type_builder(column.name)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(Some(LogicalType::List))
                .with_converted_type(ConvertedType::LIST)
                .with_fields(vec![Arc::new(items.build()?)])
                .build()
        }
    }
}

fn text(name: &str) -> Result<Type, ParquetError> {
    Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(Some(LogicalType::String))
        .with_converted_type(ConvertedType::UTF8)
        .build()
}

fn write_column(
    out: &mut SerializedColumnWriter<'_>,
    column: &Column,
    rows: &[Value],
) -> Result<(), ParquetError> {
    match column.kind {
        Kind::Text => plain::<ByteArrayType>(out, column, rows, |value| value.as_str().map(ByteArray::from)),
        Kind::Integer => plain::<Int64Type>(out, column, rows, Value::as_i64),
        Kind::Number => plain::<DoubleType>(out, column, rows, Value::as_f64),
        Kind::Texts => lists(out, column, rows),
    }
}

/// A column of values without parts: level 1 where there is one, 0 where it is null.
fn plain<T: DataType>(
    out: &mut SerializedColumnWriter<'_>,
    column: &Column,
    rows: &[Value],
    read: impl Fn(&Value) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let mut values = Vec::new();
    let mut levels = Vec::with_capacity(rows.len());
    for row in rows {
        match &row[column.name] {
            Value::Null => levels.push(0),
            value => {
                values.push(read(value).ok_or_else(|| strange(column, value))?);
                levels.push(1);
            }
        }
    }
    out.typed::<T>().write_batch(&values, Some(&levels), None)?;
    Ok(())
}

/// A column of lists of texts. How far a place in it is there, is its level: no list 0, an empty one 1, an item that is
/// null 2, a text 3. An item that goes on with the list before it repeats at level 1.
fn lists(out: &mut SerializedColumnWriter<'_>, column: &Column, rows: &[Value]) -> Result<(), ParquetError> {
    let (mut values, mut levels, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let items: &[Value] = match &row[column.name] {
            Value::Null => {
                levels.push(0);
                repeats.push(0);
                continue;
            }
            Value::Array(items) => items,
            value => return Err(strange(column, value)),
        };
        if items.is_empty() {
            levels.push(1);
            repeats.push(0);
        }
        for (index, item) in items.iter().enumerate() {
            match item {
                Value::Null => levels.push(2),
                Value::String(text) => {
                    values.push(ByteArray::from(text.as_str()));
                    levels.push(3);
                }
                value => return Err(strange(column, value)),
            }
            repeats.push(i16::from(index > 0));
        }
    }
    out.typed::<ByteArrayType>().write_batch(&values, Some(&levels), Some(&repeats))?;
    Ok(())
}

fn strange(column: &Column, value: &Value) -> ParquetError {
    ParquetError::General(format!("the column `{}` is no place for {value}", column.name))
}
