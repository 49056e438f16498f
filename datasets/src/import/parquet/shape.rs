//! Which columns can be read as rows. The library's record reader takes these shapes for granted.

use ::parquet::basic::{ConvertedType, Repetition, Type as Physical};
use ::parquet::schema::types::{Type, TypePtr};

/// Whether all of a column can be read.
///
/// # Errors
/// What it holds that cannot, in words that go on with "which cannot be read".
pub(super) fn check(column: &Type) -> Result<(), String> {
    if column.is_primitive() {
        return leaf(column);
    }
    let fields = column.get_fields();
    let (usual, inside) = match column.get_basic_info().converted_type() {
        ConvertedType::LIST => (is_list(fields), fields),
        ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE => match pairs(fields) {
            Some(pair) => (true, pair),
            None => (false, fields),
        },
        _ => (!fields.is_empty(), fields),
    };
    if !usual {
        return Err("lists, maps or groups of an unusual form".to_owned());
    }
    inside.iter().try_for_each(|field| check(field))
}

fn repeats(kind: &Type) -> bool {
    kind.get_basic_info().has_repetition() && kind.get_basic_info().repetition() == Repetition::REPEATED
}

fn is_list(fields: &[TypePtr]) -> bool {
    matches!(fields, [items] if repeats(items))
}

/// Key and value of a map, or the key alone.
fn pairs(fields: &[TypePtr]) -> Option<&[TypePtr]> {
    let [pairs] = fields else { return None };
    if !repeats(pairs) || pairs.is_primitive() {
        return None;
    }
    let pair = pairs.get_fields();
    matches!(pair, [key] | [key, _] if key.is_primitive()).then_some(pair)
}

fn leaf(kind: &Type) -> Result<(), String> {
    use ConvertedType as C;
    let meaning = kind.get_basic_info().converted_type();
    let known = match kind.get_physical_type() {
        Physical::INT32 => matches!(
            meaning,
            C::NONE
                | C::INT_8
                | C::INT_16
                | C::INT_32
                | C::UINT_8
                | C::UINT_16
                | C::UINT_32
                | C::DATE
                | C::TIME_MILLIS
                | C::DECIMAL
        ),
        Physical::INT64 => matches!(
            meaning,
            C::NONE
                | C::INT_64
                | C::UINT_64
                | C::TIME_MICROS
                | C::TIMESTAMP_MILLIS
                | C::TIMESTAMP_MICROS
                | C::DECIMAL
        ),
        Physical::BYTE_ARRAY => {
            matches!(meaning, C::NONE | C::UTF8 | C::ENUM | C::JSON | C::BSON | C::DECIMAL)
        }
        Physical::FIXED_LEN_BYTE_ARRAY => matches!(meaning, C::NONE | C::DECIMAL),
        Physical::BOOLEAN | Physical::INT96 | Physical::FLOAT | Physical::DOUBLE => true,
    };
    if known { Ok(()) } else { Err(format!("values of the kind {meaning}")) }
}
