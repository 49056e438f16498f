//! Scalars out of the event files for TensorBoard that a command writes, as they grow.
//!
//! A file is a row of records: eight bytes of length, four of checksum, the data, four of checksum. The data is a small
//! protocol buffer (`Event` with a `Summary`). Only what `simple_value` holds is read, which is what PyTorch's and
//! tensorboardX's writers put scalars into.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::progress::Told;

/// Length and its checksum, before the data; another checksum follows it.
const HEAD: usize = 12;
const TAIL: usize = 4;
/// Folders within folders that are looked into.
const DEPTH: usize = 3;

/// The files of a folder, read up to where they were last time.
pub struct EventFiles {
    folder: PathBuf,
    read: HashMap<PathBuf, u64>,
}

impl EventFiles {
    /// Those of a folder; what is in it already was told by an earlier process.
    pub fn new(folder: &Path) -> Self {
        let size = |path: PathBuf| Some((path.metadata().ok()?.len(), path));
        let there = files(folder, DEPTH).into_iter().filter_map(size);
        Self { folder: folder.to_owned(), read: there.map(|(size, path)| (path, size)).collect() }
    }

    /// What came since the last time, by steps. What cannot be read is left for the next time.
    pub fn news(&mut self) -> Vec<Told> {
        let mut steps: BTreeMap<u64, Vec<(String, f64)>> = BTreeMap::new();
        for path in files(&self.folder, DEPTH) {
            let from = self.read.entry(path.clone()).or_default();
            let Some(bytes) = rest(&path, *from) else { continue };
            let (used, events) = records(&bytes);
            *from += used as u64;
            for (step, scalars) in events.iter().filter_map(|data| event(data)) {
                steps.entry(step).or_default().extend(scalars);
            }
        }
        steps.into_iter().map(|(step, numbers)| Told { step, numbers }).collect()
    }
}

/// The event files in a folder and those in it, by name.
fn files(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = item.path();
        if path.is_dir() && depth > 0 {
            found.extend(files(&path, depth - 1));
        } else if item.file_name().to_string_lossy().contains("tfevents") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn rest(path: &Path, from: u64) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The whole records at the beginning of some bytes, and how many bytes they take.
fn records(bytes: &[u8]) -> (usize, Vec<&[u8]>) {
    let (mut used, mut found) = (0, Vec::new());
    while let Some(head) = bytes[used..].first_chunk::<8>() {
        let length = usize::try_from(u64::from_le_bytes(*head)).unwrap_or(usize::MAX);
        let (from, to) = (used + HEAD, (used + HEAD).saturating_add(length));
        if to.saturating_add(TAIL) > bytes.len() {
            break;
        }
        found.push(&bytes[from..to]);
        used = to + TAIL;
    }
    (used, found)
}

/// Step and scalars of an event, if it has any.
fn event(data: &[u8]) -> Option<(u64, Vec<(String, f64)>)> {
    let (mut step, mut scalars) = (0, Vec::new());
    for (field, value) in fields(data)? {
        match (field, value) {
            (2, Field::Number(number)) => step = number,
            (5, Field::Bytes(summary)) => {
                let values = fields(summary)?.into_iter().filter_map(|(field, value)| match (field, value) {
                    (1, Field::Bytes(value)) => scalar(value),
                    _ => None,
                });
                scalars.extend(values);
            }
            _ => {}
        }
    }
    (!scalars.is_empty()).then_some((step, scalars))
}

/// A tag with its number; `train/loss` is `loss` to us.
fn scalar(value: &[u8]) -> Option<(String, f64)> {
    let (mut tag, mut number) = (None, None);
    for (field, value) in fields(value)? {
        match (field, value) {
            (1, Field::Bytes(text)) => tag = std::str::from_utf8(text).ok(),
            (2, Field::Four(bytes)) => number = Some(f64::from(f32::from_le_bytes(bytes))),
            _ => {}
        }
    }
    let tag = tag?;
    let name = match tag.strip_prefix("train/").unwrap_or(tag) {
        "grad_norm" => "gradient_norm",
        other => other,
    };
    Some((name.to_owned(), number.filter(|number| number.is_finite())?))
}

enum Field<'a> {
    Number(u64),
    Four([u8; 4]),
    Bytes(&'a [u8]),
}

/// The fields of a protocol buffer; `None` if it is none.
fn fields(mut data: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut found = Vec::new();
    while !data.is_empty() {
        let key = varint(&mut data)?;
        let value = match key & 7 {
            0 => Field::Number(varint(&mut data)?),
            // The time of the event.
            1 => {
                data = data.get(8..)?;
                continue;
            }
            2 => {
                let length = usize::try_from(varint(&mut data)?).ok()?;
                let (bytes, rest) = data.split_at_checked(length)?;
                data = rest;
                Field::Bytes(bytes)
            }
            5 => {
                let (four, rest) = data.split_first_chunk::<4>()?;
                data = rest;
                Field::Four(*four)
            }
            _ => return None,
        };
        found.push((key >> 3, value));
    }
    Some(found)
}

fn varint(data: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = data.split_first()?;
        *data = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Two records of PyTorch's `SummaryWriter` (torch 2.15): `train/loss` 0.5 at step 300, `eval/loss` 0.25 at step 301.
    const WRITTEN: &str = "4800000000000000fe92489d09baae53907ac2da411a0d627261696e2e4576656e743a32522e0a2c7465\
                           6e736f72626f6172642e73756d6d6172792e7772697465722e6576656e745f66696c655f777269746572a1\
                           05de8b2100000000000000017becf60961bb53907ac2da4110ac022a130a110a0a747261696e2f6c6f7373\
                           150000003fee80c97a200000000000000029eda9500909bc53907ac2da4110ad022a120a100a096576616c\
                           2f6c6f7373150000803e40995893";

    fn written() -> Vec<u8> {
        let pairs = WRITTEN.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    #[test]
    fn scalars_are_read_as_the_file_grows() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("runs");
        fs::create_dir(&inner).unwrap();
        let old = folder.path().join("events.out.tfevents.1.old");
        fs::write(&old, written()).unwrap();
        let mut files = EventFiles::new(folder.path());
        assert!(files.news().is_empty(), "what was there is no news");
        let (path, bytes) = (inner.join("events.out.tfevents.2.new"), written());
        let (_, whole) = records(&bytes);
        let cut = bytes.len() - 3;
        assert_eq!(whole.len(), 3, "the first names the version");
        fs::write(&path, &bytes[..cut]).unwrap();
        assert_eq!(files.news(), [Told { step: 300, numbers: vec![("loss".to_owned(), 0.5)] }]);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(files.news(), [Told { step: 301, numbers: vec![("eval/loss".to_owned(), 0.25)] }]);
        assert!(files.news().is_empty());
    }

    #[test]
    fn what_is_no_event_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = EventFiles::new(folder.path());
        let junk: Vec<u8> = [&4u64.to_le_bytes()[..], &[0; 4], &[0xff; 4], &[0; 4]].concat();
        fs::write(folder.path().join("x.tfevents"), junk).unwrap();
        assert!(files.news().is_empty());
        fs::write(folder.path().join("y.tfevents"), [0xff; 40]).unwrap();
        assert!(files.news().is_empty());
    }
}
