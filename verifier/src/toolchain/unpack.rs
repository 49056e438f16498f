//! Taking files out of the packages that npm fetched.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use super::progress::Progress;

/// A reader that reports how much of the file below it was read.
struct Counted<'a> {
    file: File,
    state: Progress,
    progress: &'a dyn Fn(Progress),
}

impl<'a> Counted<'a> {
    fn open(path: &Path, phase: &'static str, progress: &'a dyn Fn(Progress)) -> io::Result<Self> {
        let file = File::open(path)?;
        let total = file.metadata()?.len();
        Ok(Self { file, state: Progress { phase, done: 0, total }, progress })
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(block)?;
        self.state.done += count as u64;
        (self.progress)(self.state);
        Ok(count)
    }
}

/// Takes the named files out of an archive, and nothing else.
pub(super) fn unpack_files(
    archive: &Path,
    folder: &Path,
    names: &[(&str, &str)],
    phase: &'static str,
    progress: &dyn Fn(Progress),
) -> io::Result<()> {
    let mut archive =
        tar::Archive::new(GzDecoder::new(io::BufReader::new(Counted::open(archive, phase, progress)?)));
    let mut missing: Vec<_> = names.to_vec();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if let Some(index) = missing.iter().position(|(name, _)| Path::new(name) == path) {
            entry.unpack(folder.join(missing.swap_remove(index).1))?;
        }
    }
    match missing.first() {
        Some((name, _)) => Err(io::Error::new(io::ErrorKind::NotFound, format!("the package has no {name}"))),
        None => Ok(()),
    }
}

/// Unpacks the `.olean` files read-only; the metadata files that one system adds are left out.
pub(super) fn unpack_library(archive: &Path, folder: &Path, progress: &dyn Fn(Progress)) -> io::Result<()> {
    let reader = Counted::open(archive, "unpacking Lean's library", progress)?;
    let mut archive = tar::Archive::new(GzDecoder::new(io::BufReader::new(reader)));
    fs::create_dir_all(folder)?;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("._"));
        if hidden || !entry.header().entry_type().is_file() {
            continue;
        }
        if entry.unpack_in(folder)? {
            let target = folder.join(&path);
            let mut permissions = fs::metadata(&target)?.permissions();
            permissions.set_readonly(true);
            fs::set_permissions(&target, permissions)?;
        }
    }
    Ok(())
}
