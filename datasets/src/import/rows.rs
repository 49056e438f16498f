//! JSON lines and JSON as rows. Both are read as a stream: no more of them is held than one row.

use std::io::{BufRead, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::problem::{ImportError, Problem, TakeRow};

/// Longest line that is read, in bytes.
pub(super) const MAX_LINE: usize = 64 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One object a line. `path` is for messages.
pub(super) fn json_lines<E: From<ImportError>>(
    path: &Path,
    reader: &mut dyn BufRead,
    take: &mut TakeRow<'_, E>,
) -> Result<(), E> {
    let read = |source| ImportError::Read { path: path.to_owned(), source };
    for row in 1.. {
        let mut line = Vec::new();
        Read::take(&mut *reader, MAX_LINE as u64 + 1).read_until(b'\n', &mut line).map_err(read)?;
        if line.is_empty() {
            break;
        }
        if line.len() > MAX_LINE && line.last() != Some(&b'\n') {
            take(row, Err(Problem::new(format!("the line is longer than {} MiB", MAX_LINE >> 20))))?;
            skip_line(reader).map_err(read)?;
            continue;
        }
        let line = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| row == 1).unwrap_or(&line);
        if !line.trim_ascii().is_empty() {
            take(row, parse(line))?;
        }
    }
    Ok(())
}

fn skip_line(reader: &mut dyn BufRead) -> std::io::Result<()> {
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
    object(serde_json::from_str(text).map_err(|error| Problem::new(format!("it is not JSON ({error})")))?)
}

fn object(value: Value) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Problem::new("it is no JSON object")),
    }
}

/// An array of objects, one object whose values are objects by id, one row alone, or several of these.
pub(super) fn json<E: From<ImportError>>(
    path: &Path,
    reader: &mut dyn BufRead,
    take: &mut TakeRow<'_, E>,
) -> Result<(), E> {
    let read = |source| ImportError::Read { path: path.to_owned(), source };
    if reader.fill_buf().map_err(read)?.starts_with(BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
    }
    let mut values = serde_json::Deserializer::from_reader(reader);
    let mut rows = Rows { take, row: 0, refused: None };
    while values.end().is_err() {
        if let Err(error) = rows.deserialize(&mut values) {
            if let Some(refused) = rows.refused.take() {
                return Err(refused);
            }
            let row = rows.row + 1;
            return match error.io_error_kind() {
                Some(kind) => Err(read(kind.into()).into()),
                None => (rows.take)(row, Err(Problem::new(format!("it is not JSON ({error})")))),
            };
        }
    }
    Ok(())
}

/// Hands rows on as they are parsed.
struct Rows<'a, 'b, E> {
    take: &'a mut TakeRow<'b, E>,
    row: u64,
    refused: Option<E>,
}

impl<E> Rows<'_, '_, E> {
    fn give<R: Error>(&mut self, row: Result<Map<String, Value>, Problem>) -> Result<(), R> {
        self.row += 1;
        (self.take)(self.row, row).map_err(|refused| {
            self.refused = Some(refused);
            R::custom("a row was refused")
        })
    }
}

impl<'de, E> DeserializeSeed<'de> for &mut Rows<'_, '_, E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, E> Visitor<'de> for &mut Rows<'_, '_, E> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list of rows or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            self.give(object(item))?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut single = Map::new();
        // What comes second shows whether the first is a row, or a part of the only one.
        let (mut first, mut any) = (None, false);
        while let Some((name, item)) = items.next_entry::<String, Value>()? {
            match item {
                Value::Object(row) if !any && single.is_empty() => (first, any) = (Some((name, row)), true),
                Value::Object(row) if single.is_empty() => {
                    if let Some((name, row)) = first.take() {
                        self.give(Ok(with_id(name, row)))?;
                    }
                    self.give(Ok(with_id(name, row)))?;
                }
                other => {
                    single.extend(first.take().map(|(name, row)| (name, Value::Object(row))));
                    single.insert(name, other);
                }
            }
        }
        if let Some((name, row)) = first {
            self.give(Ok(with_id(name, row)))?;
        }
        if single.is_empty() { Ok(()) } else { self.give(Ok(single)) }
    }
}

/// A row of an object of rows: its name is its id, if it has none.
fn with_id(name: String, mut row: Map<String, Value>) -> Map<String, Value> {
    row.entry("id").or_insert(name.into());
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(
        text: &str,
        reader: fn(&Path, &mut dyn BufRead, &mut TakeRow<'_, ImportError>) -> Result<(), ImportError>,
    ) -> Vec<String> {
        let mut found = Vec::new();
        let mut take = |row: u64, object: Result<Map<String, Value>, Problem>| {
            let said =
                object.map_or_else(|problem| problem.reason, |object| Value::Object(object).to_string());
            found.push(format!("{row} {said}"));
            Ok(())
        };
        reader(Path::new("x"), &mut text.as_bytes(), &mut take).unwrap();
        found
    }

    #[test]
    fn json_comes_as_a_list_by_id_or_alone() {
        assert_eq!(rows("\u{feff}[{\"a\":1},\n {\"a\":2}]", json), ["1 {\"a\":1}", "2 {\"a\":2}"]);
        assert_eq!(
            rows("{\"x\":{\"a\":1},\"y\":{\"a\":2,\"id\":3}}", json),
            ["1 {\"a\":1,\"id\":\"x\"}", "2 {\"a\":2,\"id\":3}"]
        );
        assert_eq!(
            rows("{\n\"a\": 1,\n\"b\": {}}\n{\"a\": 2}", json),
            ["1 {\"a\":1,\"b\":{}}", "2 {\"a\":2}"]
        );
        assert_eq!(rows("{\"a\":{\"k\":1},\"b\":2}", json), ["1 {\"a\":{\"k\":1},\"b\":2}"]);
        assert_eq!(rows("{\"x\":{\"a\":1}}", json), ["1 {\"a\":1,\"id\":\"x\"}"]);
        assert_eq!(rows(" \n", json), Vec::<String>::new());
        let cut = rows("[{\"a\":1}, {\"a\"", json);
        assert!(cut.len() == 2 && cut[1].starts_with("2 it is not JSON"), "{cut:?}");
        assert_eq!(rows("[1]", json), ["1 it is no JSON object"]);
    }

    #[test]
    fn lines_are_numbered_as_in_the_file() {
        assert_eq!(rows("\u{feff}{\"a\":1}\n\n{\"a\":2}", json_lines), ["1 {\"a\":1}", "3 {\"a\":2}"]);
    }
}
