//! The rows of an output file that an earlier call wrote, in order and by their hashes.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use super::row::Row;
use super::unit::Hashes;

/// The file, and how far it was read.
pub(super) struct Earlier {
    reader: BufReader<File>,
    /// The length in bytes of the rows that were written to their ends.
    length: u64,
    /// Whether what follows them, if anything, looks like the beginning of another.
    half_a_row: bool,
    /// The rows before this byte stand for the input.
    position: u64,
    /// Where the rows of a unit begin, by their hash; those after `position` alone.
    begins: HashMap<String, u64>,
    /// The hashes of the units whose rows [`Self::find`] has handed out.
    found: HashSet<String>,
}

/// What stands next in the file.
#[derive(Debug)]
pub(super) enum Found {
    /// The rows of the unit that was asked for, and the byte after them.
    Rows(Vec<Row>, u64),
    /// The row of another.
    Other(Box<Row>),
    /// Nothing, or no row.
    NoRow,
}

/// The rows of one unit, and where the next one begins, in bytes.
type Unit = (Vec<Row>, u64);

impl Earlier {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut reader = BufReader::new(File::open(path)?);
        let (mut length, mut line) = (0u64, Vec::new());
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            if read == 0 || line.last() != Some(&b'\n') {
                break;
            }
            length += read as u64;
        }
        reader.seek(SeekFrom::Start(0))?;
        let half_a_row = line.first().is_none_or(|&byte| byte == b'{');
        Ok(Self { reader, length, half_a_row, position: 0, begins: HashMap::new(), found: HashSet::new() })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Whether it may be a file of rows, judged by what stands after its last line.
    pub(super) fn ends_with_rows(&self) -> bool {
        self.half_a_row
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.length
    }

    /// Moves the position behind rows that stand for the input.
    pub(super) fn accept(&mut self, end: u64) {
        self.position = end;
    }

    /// What stands at the position, when the rows of a unit are looked for.
    pub(super) fn next(&mut self, hashes: &Hashes) -> io::Result<Found> {
        if self.is_at_end() {
            return Ok(Found::NoRow);
        }
        Ok(match self.unit_at(self.position, hashes)? {
            (_, Some((rows, end))) => Found::Rows(rows, end),
            (Some(row), None) => Found::Other(Box::new(row)),
            (None, None) => Found::NoRow,
        })
    }

    /// Learns where the rows after the position are. Whether any row of them says what it is of.
    pub(super) fn index(&mut self) -> io::Result<bool> {
        let mut at = self.position;
        self.reader.seek(SeekFrom::Start(at))?;
        while at < self.length {
            let (row, end) = self.read_row(at)?;
            if let Some(row) = row.filter(|row| row.part.is_none_or(|part| part == 1) || !row.is_of_file()) {
                row.hash.map(|hash| self.begins.entry(hash).or_insert(at));
            }
            at = end;
        }
        Ok(!self.begins.is_empty())
    }

    /// The rows of a unit, wherever they are.
    pub(super) fn find(&mut self, hashes: &Hashes) -> io::Result<Option<Vec<Row>>> {
        for hash in [&hashes.plain, &hashes.timeout] {
            if let Some(&at) = self.begins.get(hash)
                && let (_, Some((rows, _))) = self.unit_at(at, hashes)?
            {
                self.found.insert(hash.clone());
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    /// Shows each row after the position that was indexed and that [`Self::find`] has not handed out to `each`, in order.
    pub(super) fn each_left(&mut self, each: &mut dyn FnMut(Row) -> io::Result<()>) -> io::Result<()> {
        let mut at = self.position;
        self.reader.seek(SeekFrom::Start(at))?;
        while at < self.length {
            let (row, end) = self.read_row(at)?;
            let is_known = |hash: &String| self.begins.contains_key(hash) && !self.found.contains(hash);
            if let Some(row) = row.filter(|row| row.hash.as_ref().is_some_and(is_known)) {
                each(row)?;
            }
            at = end;
        }
        Ok(())
    }

    /// The row at a byte; and all rows of a unit, if they begin there, with the byte after them.
    fn unit_at(&mut self, at: u64, hashes: &Hashes) -> io::Result<(Option<Row>, Option<Unit>)> {
        self.reader.seek(SeekFrom::Start(at))?;
        let (first, mut end) = self.read_row(at)?;
        let Some(first) = first else { return Ok((None, None)) };
        if !first.holds_for(hashes) {
            return Ok((Some(first), None));
        }
        let parts = if first.is_of_file() { first.parts.unwrap_or(1) } else { 1 };
        let mut rows = vec![first];
        for part in 2..=parts {
            let (row, after) = if end < self.length { self.read_row(end)? } else { (None, end) };
            match row.filter(|row| row.holds_for(hashes) && row.part == Some(part)) {
                Some(row) => rows.push(row),
                None => return Ok((rows.into_iter().next(), None)),
            }
            end = after;
        }
        Ok((None, Some((rows, end))))
    }

    /// The next row, which begins at a byte, and the byte after it; `None` for a line that is no row.
    fn read_row(&mut self, at: u64) -> io::Result<(Option<Row>, u64)> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line)?;
        Ok((serde_json::from_slice(&line).ok(), at + read as u64))
    }
}
