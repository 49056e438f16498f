//! The lines that a process writes. One that writes a line without end must not fill the memory of this process.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Lines, none of which is longer than a limit.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    output: BufReader<R>,
    /// What was read of a line that has not ended yet.
    line: Vec<u8>,
    /// The limit, in bytes.
    most: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of an output, none of which may have more bytes than `most`.
    pub(crate) fn new(output: R, most: usize) -> Self {
        Self { output: BufReader::new(output), line: Vec::new(), most }
    }

    /// The next line without its end; `None` at the end of the output. May be broken off and begun again.
    ///
    /// # Errors
    /// If it cannot be read, or is too long, in words for people.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            let block = self.output.fill_buf().await.map_err(|error| error.to_string())?;
            if block.is_empty() {
                return Ok(None);
            }
            let end = block.iter().position(|&byte| byte == b'\n');
            self.line.extend_from_slice(&block[..end.unwrap_or(block.len())]);
            let read = end.map_or(block.len(), |end| end + 1);
            self.output.consume(read);
            if self.line.len() > self.most {
                return Err("the answer is too long".to_owned());
            }
            if end.is_some() {
                return Ok(Some(std::mem::take(&mut self.line)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_end_where_they_do_and_none_is_too_long() {
        let mut lines = Lines::new(&b"one\n\ntwo\nan end that is no line"[..], 30);
        for line in ["one", "", "two"] {
            assert_eq!(lines.next().await.unwrap().unwrap(), line.as_bytes());
        }
        assert_eq!(lines.next().await, Ok(None));
        let mut endless = Lines::new(tokio::io::repeat(b'x'), 1 << 20);
        assert!(endless.next().await.unwrap_err().contains("too long"));
    }
}
