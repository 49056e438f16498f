//! Parquet files for unit tests, column by column.

use std::sync::Arc;

use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::parser::parse_message_type;

/// The values of a column that are there.
pub(in crate::import) enum Values {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<Vec<u8>>),
    Fixed(Vec<Vec<u8>>),
}

/// A column without parts: its values, and for each place its levels of definition and of repetition (none where the
/// schema has only one).
pub(in crate::import) struct Leaf {
    pub(in crate::import) values: Values,
    pub(in crate::import) levels: Vec<i16>,
    pub(in crate::import) repeats: Vec<i16>,
}

impl Leaf {
    /// Optional texts, one a row.
    pub(in crate::import) fn texts(rows: &[Option<&str>]) -> Self {
        Self {
            values: Values::Bytes(rows.iter().flatten().map(|text| text.as_bytes().to_vec()).collect()),
            levels: rows.iter().map(|text| i16::from(text.is_some())).collect(),
            repeats: vec![],
        }
    }

    /// Values of required columns.
    pub(in crate::import) fn all(values: Values) -> Self {
        Self { values, levels: vec![], repeats: vec![] }
    }

    fn write(self, out: &mut SerializedColumnWriter<'_>) {
        let levels = (self.levels, self.repeats);
        match self.values {
            Values::Bool(values) => put::<BoolType>(out, &values, levels),
            Values::Int32(values) => put::<Int32Type>(out, &values, levels),
            Values::Int64(values) => put::<Int64Type>(out, &values, levels),
            Values::Int96(values) => put::<Int96Type>(out, &values, levels),
            Values::Float(values) => put::<FloatType>(out, &values, levels),
            Values::Double(values) => put::<DoubleType>(out, &values, levels),
            Values::Bytes(values) => {
                let values: Vec<_> = values.into_iter().map(ByteArray::from).collect();
                put::<ByteArrayType>(out, &values, levels);
            }
            Values::Fixed(values) => {
                let values: Vec<_> = values.into_iter().map(FixedLenByteArray::from).collect();
                put::<FixedLenByteArrayType>(out, &values, levels);
            }
        }
    }
}

fn put<T: DataType>(
    out: &mut SerializedColumnWriter<'_>,
    values: &[T::T],
    (levels, repeats): (Vec<i16>, Vec<i16>),
) {
    let some = |levels: Vec<i16>| Some(levels).filter(|levels| !levels.is_empty());
    let (levels, repeats) = (some(levels), some(repeats));
    out.typed::<T>().write_batch(values, levels.as_deref(), repeats.as_deref()).unwrap();
}

/// A file of one row group with the schema that `message` describes and its columns in their order.
pub(in crate::import) fn file(message: &str, leaves: impl IntoIterator<Item = Leaf>) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(message).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for leaf in leaves {
        let mut column = group.next_column().unwrap().unwrap();
        leaf.write(&mut column);
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}
