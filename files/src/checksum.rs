//! Whether a file is the one that it should be.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256, Sha512};

/// What is told of a checksum.
const DIGITS: usize = 16;

/// A checksum in hexadecimal digits, by what made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-256.
    Sha256(&'static str),
    /// SHA-512.
    Sha512(&'static str),
}

/// Why a file was not found to be the one that it should be.
#[derive(Debug, thiserror::Error)]
pub enum ChecksumError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It is another one.
    #[error("its checksum begins with {found}, expected {expected}")]
    Other {
        /// The first digits found.
        found: String,
        /// The first digits expected.
        expected: String,
    },
}

impl Checksum {
    /// Compares a file with it.
    ///
    /// # Errors
    /// [`ChecksumError`].
    pub fn verify(self, file: &Path) -> Result<(), ChecksumError> {
        let (found, expected) = match self {
            Self::Sha256(expected) => (hash::<Sha256>(file)?, expected),
            Self::Sha512(expected) => (hash::<Sha512>(file)?, expected),
        };
        if found == expected {
            return Ok(());
        }
        let start = |digits: &str| digits.chars().take(DIGITS).collect();
        Err(ChecksumError::Other { found: start(&found), expected: start(expected) })
    }
}

fn hash<D: Digest>(file: &Path) -> io::Result<String> {
    let (mut file, mut hasher, mut block) = (File::open(file)?, D::new(), vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut block)?;
        if count == 0 {
            return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hasher.update(&block[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_file_itself_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        std::fs::write(&file, "abc").unwrap();
        let short = Checksum::Sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let long = Checksum::Sha512(
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        );
        for checksum in [short, long] {
            checksum.verify(&file).unwrap();
        }
        std::fs::write(&file, "abd").unwrap();
        for checksum in [short, long, Checksum::Sha256("00")] {
            let error = checksum.verify(&file).unwrap_err();
            assert!(matches!(&error, ChecksumError::Other { found, .. } if found.len() == DIGITS), "{error}");
        }
        let missing = short.verify(&folder.path().join("y")).unwrap_err();
        assert!(matches!(missing, ChecksumError::Read(_)), "{missing}");
    }
}
