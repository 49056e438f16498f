//! TensorBoard's event files: records with a length and checksums, each a small protocol buffer.
//!
//! Only scalars are written, so the three messages (`Event`, `Summary`, `Summary.Value`) are put together by
//! hand. Source: tensorboard's `event.proto`, `summary.proto` and TensorFlow's record format.

use std::io::{self, Write};

/// What TensorBoard looks for in the first record.
const FILE_VERSION: &str = "brain.Event:2";

/// A writer of one event file.
#[derive(Debug)]
pub struct EventFile<W> {
    to: W,
}

impl<W: Write> EventFile<W> {
    /// Begins the file. `time` is in seconds since 1970.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(to: W, time: f64) -> io::Result<Self> {
        let mut file = Self { to };
        let mut event = event(time, 0);
        bytes_field(&mut event, 3, FILE_VERSION.as_bytes());
        file.record(&event)?;
        Ok(file)
    }

    /// Appends scalars that belong to the same step.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn scalars<'a>(
        &mut self,
        time: f64,
        step: u64,
        scalars: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> io::Result<()> {
        let mut summary = Vec::new();
        for (tag, number) in scalars {
            let mut value = Vec::new();
            bytes_field(&mut value, 1, tag.as_bytes());
            key(&mut value, 2, 5);
            value.extend((number as f32).to_le_bytes());
            bytes_field(&mut summary, 1, &value);
        }
        let mut event = event(time, step);
        bytes_field(&mut event, 5, &summary);
        self.record(&event)
    }

    fn record(&mut self, data: &[u8]) -> io::Result<()> {
        let length = (data.len() as u64).to_le_bytes();
        let mut record = length.to_vec();
        record.extend(masked_checksum(&length).to_le_bytes());
        record.extend(data);
        record.extend(masked_checksum(data).to_le_bytes());
        self.to.write_all(&record)?;
        self.to.flush()
    }
}

fn event(time: f64, step: u64) -> Vec<u8> {
    let mut event = Vec::new();
    key(&mut event, 1, 1);
    event.extend(time.to_le_bytes());
    key(&mut event, 2, 0);
    varint(&mut event, step);
    event
}

/// The checksum of a checksum would be weak; so the format turns and shifts it.
fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn key(to: &mut Vec<u8>, field: u64, kind: u64) {
    varint(to, field << 3 | kind);
}

fn bytes_field(to: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    key(to, field, 2);
    varint(to, bytes.len() as u64);
    to.extend(bytes);
}

fn varint(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that TensorBoard 2.20's own writer makes of the same first record.
    #[test]
    fn the_first_record_is_tensorboards() {
        let mut bytes = Vec::new();
        EventFile::new(&mut bytes, 1.5).unwrap();
        let data = bytes[12..bytes.len() - 4].to_vec();
        assert_eq!(bytes[..8], (data.len() as u64).to_le_bytes());
        assert_eq!(data[..9], [9, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]);
        assert!(data.ends_with(b"\x1a\x0dbrain.Event:2"));
    }

    #[test]
    fn long_numbers_take_several_bytes() {
        let mut bytes = Vec::new();
        varint(&mut bytes, 300);
        assert_eq!(bytes, [0xac, 2]);
    }
}
