use std::fs;

use ::parquet::data_type::Int96;
use proptest::prelude::*;
use serde_json::json;

use super::sample::{Leaf, Values, file};
use super::*;
use crate::Split;
use crate::export::{Column, Format, Kind, Provenance, Table, write_folder};

/// A layout that reads these columns.
fn layout(columns: [&str; 7]) -> Layout {
    let mut layout = Layout::named("corpus").unwrap();
    for (field, column) in
        ["id", "statement", "header", "proof", "code", "split", "topics"].iter().zip(columns)
    {
        layout.map(&format!("{field}={column}")).unwrap();
    }
    layout
}

fn letters() -> Layout {
    layout(["a", "b", "c", "d", "e", "f", "g"])
}

fn read_file(path: &Path, layout: &Layout) -> Result<Vec<Result<Value, String>>, ImportError> {
    let mut found = Vec::new();
    rows(path, layout, &mut |_| Ok(()), &mut |row, object| {
        found.push(object.map(Value::Object).map_err(|problem| problem.reason));
        assert_eq!(row, found.len() as u64);
        Ok::<_, ImportError>(())
    })?;
    Ok(found)
}

fn read(bytes: &[u8]) -> Result<Vec<Result<Value, String>>, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    fs::write(&path, bytes).unwrap();
    read_file(&path, &letters())
}

fn good(bytes: &[u8]) -> Vec<Value> {
    read(bytes).unwrap().into_iter().map(Result::unwrap).collect()
}

fn texts(items: &[&str]) -> Values {
    Values::Bytes(items.iter().map(|text| text.as_bytes().to_vec()).collect())
}

/// Groups, lists of groups and maps, with nothing at every level.
fn nested() -> Vec<u8> {
    let message = "message schema {
        optional group a (LIST) { repeated group list { optional binary element (STRING); } }
        optional group b { optional int64 x; optional group y { required double z; } }
        optional group c (LIST) { repeated group list { optional group element {
            required binary name (STRING);
            optional group parts (LIST) { repeated group list { required int32 element; } }
        } } }
        optional group d (MAP) { repeated group key_value {
            required binary key (STRING); optional boolean value;
        } }
        repeated binary e (STRING);
        required binary f (STRING);
        required binary unknown (STRING);
    }";
    let leaves = [
        Leaf { values: texts(&["p", "q"]), levels: vec![3, 2, 3, 1, 0], repeats: vec![0, 1, 1, 0, 0] },
        Leaf { values: Values::Int64(vec![7]), levels: vec![2, 1, 0], repeats: vec![] },
        Leaf { values: Values::Double(vec![0.5]), levels: vec![1, 2, 0], repeats: vec![] },
        Leaf { values: texts(&["m", "n"]), levels: vec![3, 3, 2, 0, 1], repeats: vec![0, 1, 1, 0, 0] },
        Leaf {
            values: Values::Int32(vec![1, 2]),
            levels: vec![5, 5, 3, 2, 0, 1],
            repeats: vec![0, 2, 1, 1, 0, 0],
        },
        Leaf { values: texts(&["k", "l"]), levels: vec![2, 2, 1, 0], repeats: vec![0, 1, 0, 0] },
        Leaf { values: Values::Bool(vec![true]), levels: vec![3, 2, 1, 0], repeats: vec![0, 1, 0, 0] },
        Leaf { values: texts(&["s", "t"]), levels: vec![1, 1, 0, 0], repeats: vec![0, 1, 0, 0] },
        Leaf::all(texts(&["u", "v", "w"])),
        Leaf::all(texts(&["-", "-", "-"])),
    ];
    file(message, leaves)
}

#[test]
fn nested_columns_are_lists_and_objects() {
    assert_eq!(
        good(&nested()),
        [
            json!({
                "a": ["p", null, "q"], "b": {"x": 7},
                "c": [{"name": "m", "parts": [1, 2]}, {"name": "n"}, null],
                "d": {"k": true}, "e": ["s", "t"], "f": "u",
            }),
            json!({"a": [], "b": {"y": {"z": 0.5}}, "d": {}, "e": [], "f": "v"}),
            json!({"c": [], "e": [], "f": "w"}),
        ]
    );
}

#[test]
fn numbers_times_and_bytes_are_written_as_people_write_them() {
    let message = "message schema {
        required group a {
            required int32 small (INTEGER(8, true)); required int32 whole (INTEGER(32, false));
            required int64 large (INTEGER(64, false)); required float single; required double infinite;
        }
        required group b {
            required int32 cents (DECIMAL(5, 2)); required int64 under (DECIMAL(3, 3));
            required fixed_len_byte_array(16) bytes (DECIMAL(38, 0)); required binary raw;
        }
        required group c {
            required int32 day (DATE); required int64 millis (TIMESTAMP(MILLIS, true));
            required int64 here (TIMESTAMP(MICROS, false)); required int64 nanos (TIMESTAMP(NANOS, true));
            required int96 old;
            required int32 noon (TIME(MILLIS, false)); required int64 late (TIME(NANOS, true));
        }
    }";
    let minus_two = i128::to_be_bytes(-2).to_vec();
    let mut old = Int96::new();
    old.set_data(1_500_000_000, 0, 2_440_588);
    let leaves = [
        Values::Int32(vec![-3]),
        Values::Int32(vec![-1]),
        Values::Int64(vec![-1]),
        Values::Float(vec![0.1]),
        Values::Double(vec![f64::INFINITY]),
        Values::Int32(vec![-105]),
        Values::Int64(vec![7]),
        Values::Fixed(vec![minus_two]),
        Values::Bytes(vec![vec![0, 0xab]]),
        Values::Int32(vec![19_000]),
        Values::Int64(vec![1_500]),
        Values::Int64(vec![-1]),
        Values::Int64(vec![86_400_000_000_001]),
        Values::Int96(vec![old]),
        Values::Int32(vec![43_200_000]),
        Values::Int64(vec![86_399_000_000_001]),
    ];
    let found = good(&file(message, leaves.into_iter().map(Leaf::all)));
    assert_eq!(
        found,
        [json!({
            "a": {
                "small": -3, "whole": u32::MAX, "large": u64::MAX, "single": 0.1, "infinite": null,
            },
            "b": {"cents": -1.05, "under": 0.007, "bytes": -2, "raw": "00ab"},
            "c": {
                "day": "2022-01-08", "millis": "1970-01-01T00:00:01.500Z",
                "here": "1969-12-31T23:59:59.999999", "nanos": "1970-01-02T00:00:00.000000001Z",
                "old": "1970-01-01T00:00:01.500", "noon": "12:00:00", "late": "23:59:59.000000001",
            },
        })]
    );
}

#[test]
fn lists_of_older_writers_are_lists() {
    let message = "message schema {
        optional group a (LIST) { repeated binary element (STRING); }
        optional group b (LIST) { repeated group element { required int32 x; required int32 y; } }
    }";
    let levels = || (vec![2, 2, 1], vec![0, 1, 0]);
    let leaf = |values, (levels, repeats)| Leaf { values, levels, repeats };
    let numbers = || leaf(Values::Int32(vec![1, 2]), levels());
    let found = good(&file(message, [leaf(texts(&["p", "q"]), levels()), numbers(), numbers()]));
    assert_eq!(found[0], json!({"a": ["p", "q"], "b": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]}));
    assert_eq!(found[1], json!({"a": [], "b": []}));
}

#[test]
fn values_that_mean_nothing_are_problems_of_their_rows() {
    let message = "message schema { required int32 a (TIME(MILLIS, true)); }";
    let found = read(&file(message, [Leaf::all(Values::Int32(vec![1000, -1, 90_000_000]))])).unwrap();
    assert_eq!(found[0], Ok(json!({"a": "00:00:01"})));
    for row in &found[1..] {
        assert!(row.as_ref().unwrap_err().contains("no time"), "{row:?}");
    }
}

#[test]
fn a_column_of_an_unknown_kind_is_named_if_it_is_needed() {
    let message = |name: &str| {
        format!(
            "message schema {{ required binary f (STRING); required fixed_len_byte_array(12) {name} (INTERVAL); }}"
        )
    };
    let leaves = || [Leaf::all(texts(&["u"])), Leaf::all(Values::Fixed(vec![vec![0; 12]]))];
    assert_eq!(good(&file(&message("other"), leaves())), [json!({"f": "u"})]);
    let error = read(&file(&message("a"), leaves())).unwrap_err().to_string();
    assert!(error.contains("x.parquet: its column `a` holds") && error.contains("INTERVAL"), "{error}");
    let map = "message schema { optional group a (MAP) { repeated group key_value {
        required group key { required int32 x; } optional int32 value; } } }";
    let none = |_| Leaf { values: Values::Int32(vec![]), levels: vec![0], repeats: vec![0] };
    let error = read(&file(map, (0..2).map(none))).unwrap_err().to_string();
    assert!(error.contains("unusual form"), "{error}");
}

#[test]
fn a_file_without_rows_or_known_columns_is_read() {
    let message = "message schema { optional binary a (STRING); }";
    assert_eq!(good(&file(message, [Leaf::texts(&[])])), Vec::<Value>::new());
    let message = "message schema { optional binary other (STRING); }";
    assert_eq!(good(&file(message, [Leaf::texts(&[None, Some("x")])])), [json!({}), json!({})]);
}

const COLUMNS: [Column; 6] = [
    Column { name: "a", kind: Kind::Text, meaning: "" },
    Column { name: "b", kind: Kind::Integer, meaning: "" },
    Column { name: "c", kind: Kind::Number, meaning: "" },
    Column { name: "d", kind: Kind::Texts, meaning: "" },
    Column { name: "e", kind: Kind::Texts, meaning: "" },
    Column { name: "f", kind: Kind::Text, meaning: "" },
];

fn any_row() -> impl Strategy<Value = Value> {
    let text = proptest::option::of("\\PC{0,4}");
    let texts = || proptest::option::of(proptest::collection::vec(proptest::option::of("[a-z]{0,2}"), 0..4));
    let number = proptest::option::of(proptest::num::f64::NORMAL | proptest::num::f64::ZERO);
    (text, any::<Option<i64>>(), number, texts(), texts())
        .prop_map(|(a, b, c, d, e)| json!({"a": a, "b": b, "c": c, "d": d, "e": e}))
}

proptest! {
    #[test]
    fn what_is_exported_is_read_back(written in proptest::collection::vec(any_row(), 0..20)) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let table = Table {
            title: "",
            for_training: false,
            columns: &COLUMNS,
            rows: [(Split::Train, written.clone())].into(),
        };
        write_folder(&table, Format::Parquet, &Provenance::default(), &target).unwrap();
        let path = target.join("data/train.parquet");
        // No file is written for a split without rows.
        let found = if written.is_empty() { vec![] } else { read_file(&path, &letters()).unwrap() };
        let whole = |mut row: Value| {
            row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            Ok(row)
        };
        prop_assert_eq!(found, written.into_iter().map(whole).collect::<Vec<_>>());
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(place in any::<prop::sample::Index>(), bits in 1_u8..) {
        let mut bytes = nested();
        let place = place.index(bytes.len());
        bytes[place] ^= bits;
        // Some bytes do no harm; that it comes back with rows or words is all that is asked.
        if let Err(error) = read(&bytes) {
            prop_assert!(error.to_string().contains("x.parquet"));
        }
    }
}
