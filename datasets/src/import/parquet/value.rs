//! Values of Parquet files as JSON: times as ISO 8601 writes them, bytes as hexadecimal digits.

use ::parquet::basic::{LogicalType, TimeUnit};
use ::parquet::data_type::Decimal;
use ::parquet::record::{Field, List, Map as Pairs, Row};
use ::parquet::schema::types::{Type, TypePtr};
use chrono::{DateTime, NaiveTime, SecondsFormat};
use serde_json::{Map, Number, Value};

/// A row or group as an object without what is null. `kinds` says what its columns are.
///
/// # Errors
/// What is wrong with a value, in words.
pub(super) fn object(row: &Row, kinds: &[TypePtr]) -> Result<Map<String, Value>, String> {
    let mut object = Map::new();
    for (index, (name, field)) in row.get_column_iter().enumerate() {
        if !matches!(field, Field::Null) {
            object.insert(name.clone(), value(field, kinds.get(index).map(AsRef::as_ref))?);
        }
    }
    Ok(object)
}

fn value(field: &Field, kind: Option<&Type>) -> Result<Value, String> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(it) => (*it).into(),
        Field::Byte(it) => (*it).into(),
        Field::Short(it) => (*it).into(),
        Field::UByte(it) => (*it).into(),
        Field::UShort(it) => (*it).into(),
        Field::UInt(it) => (*it).into(),
        Field::ULong(it) => (*it).into(),
        Field::Int(it) => integer((*it).into(), kind)?,
        Field::Long(it) => integer(*it, kind)?,
        Field::Float16(it) => single(it.to_f32()),
        Field::Float(it) => single(*it),
        Field::Double(it) => Number::from_f64(*it).into(),
        Field::Decimal(it) => decimal(it)?,
        Field::Str(it) => it.as_str().into(),
        Field::Bytes(it) => it.data().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
        Field::Date(days) => date(*days)?,
        Field::TimeMillis(it) => time((*it).into(), TimeUnit::MILLIS)?,
        Field::TimeMicros(it) => time(*it, TimeUnit::MICROS)?,
        Field::TimestampMillis(it) => moment(*it, TimeUnit::MILLIS, kind)?,
        Field::TimestampMicros(it) => moment(*it, TimeUnit::MICROS, kind)?,
        Field::Group(row) => object(row, kind.map_or(&[], fields))?.into(),
        Field::ListInternal(list) => items(list, kind)?,
        Field::MapInternal(map) => pairs(map, kind)?,
    })
}

fn fields(kind: &Type) -> &[TypePtr] {
    if kind.is_group() { kind.get_fields() } else { &[] }
}

/// In `repeated group list { item }` the items are a field of what repeats. In older forms they are what repeats, and the
/// library makes a list of its own of each: lists in a list.
fn items(list: &List, kind: Option<&Type>) -> Result<Value, String> {
    let repeated = match kind.map(fields) {
        Some([repeated]) => repeated,
        _ => return list.elements().iter().map(|field| value(field, kind)).collect(),
    };
    if let [item] = fields(repeated) {
        return list.elements().iter().map(|field| value(field, Some(item))).collect();
    }
    let mut all = Vec::new();
    for field in list.elements() {
        match field {
            Field::ListInternal(inner) => {
                for field in inner.elements() {
                    all.push(value(field, Some(repeated))?);
                }
            }
            field => all.push(value(field, Some(repeated))?),
        }
    }
    Ok(all.into())
}

fn pairs(map: &Pairs, kind: Option<&Type>) -> Result<Value, String> {
    let pair = kind.and_then(|kind| fields(kind).first()).map_or(&[][..], |pair| fields(pair));
    let mut object = Map::new();
    for (key, found) in map.entries() {
        let Field::Str(key) = key else {
            return Err("a map has keys that are no texts".to_owned());
        };
        if !matches!(found, Field::Null) {
            object.insert(key.clone(), value(found, pair.get(1).map(AsRef::as_ref))?);
        }
    }
    Ok(object.into())
}

/// A whole number, or what the column's kind says that it counts.
fn integer(number: i64, kind: Option<&Type>) -> Result<Value, String> {
    match kind.and_then(|kind| kind.get_basic_info().logical_type_ref()) {
        Some(LogicalType::Timestamp(it)) => moment(number, it.unit, kind),
        Some(LogicalType::Time(it)) => time(number, it.unit),
        _ => Ok(number.into()),
    }
}

/// The shortest digits that stand for it, as with numbers of double the width; nothing for what JSON cannot write.
fn single(number: f32) -> Value {
    number.to_string().parse().ok().and_then(Number::from_f64).into()
}

fn decimal(decimal: &Decimal) -> Result<Value, String> {
    let wide = || "a number has more than 38 digits".to_owned();
    let bytes = decimal.data();
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut all = [if negative { 0xff } else { 0 }; 16];
    let start = all.len().checked_sub(bytes.len()).ok_or_else(wide)?;
    all[start..].copy_from_slice(bytes);
    let digits = i128::from_be_bytes(all);
    let scale = usize::try_from(decimal.scale()).map_err(|error| error.to_string())?;
    let mut text = format!("{:0width$}", digits.unsigned_abs(), width = scale + 1);
    if scale > 0 {
        text.insert(text.len() - scale, '.');
    }
    if digits < 0 {
        text.insert(0, '-');
    }
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn date(days: i32) -> Result<Value, String> {
    let day = DateTime::from_timestamp(i64::from(days) * 86_400, 0).ok_or_else(|| no_time(days.into()))?;
    Ok(format!("{:?}", day.date_naive()).into())
}

/// A time of the day.
fn time(number: i64, unit: TimeUnit) -> Result<Value, String> {
    let a_second = match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    };
    let whole = |number: i64| u32::try_from(number).ok();
    let time = whole(number.div_euclid(a_second))
        .zip(whole(number.rem_euclid(a_second) * (1_000_000_000 / a_second)))
        .and_then(|(seconds, nanoseconds)| {
            NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanoseconds)
        })
        .ok_or_else(|| no_time(number))?;
    Ok(format!("{time:?}").into())
}

/// A point in time, with a `Z` unless the column's kind says that the zone is not known.
fn moment(number: i64, unit: TimeUnit, kind: Option<&Type>) -> Result<Value, String> {
    let moment = match unit {
        TimeUnit::MILLIS => DateTime::from_timestamp_millis(number),
        TimeUnit::MICROS => DateTime::from_timestamp_micros(number),
        TimeUnit::NANOS => Some(DateTime::from_timestamp_nanos(number)),
    };
    let moment = moment.ok_or_else(|| no_time(number))?;
    let here = kind.is_some_and(|kind| match kind.get_basic_info().logical_type_ref() {
        Some(LogicalType::Timestamp(it)) => !it.is_adjusted_to_u_t_c,
        _ => kind.is_primitive() && kind.get_physical_type() == ::parquet::basic::Type::INT96,
    });
    Ok(if here {
        format!("{:?}", moment.naive_utc()).into()
    } else {
        moment.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    })
}

fn no_time(number: i64) -> String {
    format!("{number} is no time of a calendar")
}
