//! Folders that several processes may want: the first one makes them, the others wait.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::draft::remove;

/// The file that whoever works in the folder locks.
const LOCK: &str = "lock";
/// Where it works.
const STAGING: &str = "staging";

/// Makes `place` in `folder` unless `is_there` says that it is there, or waits for another process that is doing so.
/// `fill` gets an empty staging folder, and returns what of it is to have the name `place`. `failed` says what a failure
/// of the file system means.
///
/// # Errors
/// That of `fill`, or what `failed` makes of the system's; then nothing is left but a staging folder that the next call
/// removes.
pub fn once<E>(
    folder: &Path,
    place: &Path,
    is_there: &dyn Fn() -> bool,
    failed: &dyn Fn(io::Error) -> E,
    fill: impl FnOnce(&Path) -> Result<PathBuf, E>,
) -> Result<(), E> {
    fs::create_dir_all(folder).map_err(failed)?;
    let lock = File::create(folder.join(LOCK)).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if is_there() {
        return Ok(());
    }
    let staging = folder.join(STAGING);
    remove(&staging).and_then(|()| fs::create_dir(&staging)).map_err(failed)?;
    let made = fill(&staging)
        .and_then(|whole| remove(place).and_then(|()| fs::rename(whole, place)).map_err(failed));
    // What cannot be removed now is removed by the next call.
    let _ = remove(&staging);
    made
}

/// Bytes of all files below a folder; what cannot be read counts nothing.
pub fn size_of(folder: &Path) -> u64 {
    let Ok(items) = fs::read_dir(folder) else { return 0 };
    let size = |item: fs::DirEntry| match item.metadata() {
        Ok(found) if found.is_dir() => size_of(&item.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    items.flatten().map(size).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn many_callers_make_it_once() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("models");
        let (place, made) = (folder.join("a"), AtomicUsize::new(0));
        let call = || {
            once(&folder, &place, &|| place.exists(), &|error| error, |staging| {
                made.fetch_add(1, Ordering::Relaxed);
                fs::create_dir(staging.join("inner"))?;
                fs::write(staging.join("inner/file"), "12345")?;
                fs::write(staging.join("rest"), "x")?;
                Ok(staging.join("inner"))
            })
        };
        std::thread::scope(|scope| {
            for thread in [(); 4].map(|()| scope.spawn(call)) {
                thread.join().unwrap().unwrap();
            }
        });
        assert_eq!((made.into_inner(), size_of(&place)), (1, 5));
        assert!(!folder.join(STAGING).exists());
    }

    #[test]
    fn what_a_killed_call_has_left_goes_and_a_failure_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let (folder, place) = (home.path(), home.path().join("a"));
        fs::create_dir_all(folder.join("staging/half")).unwrap();
        fs::create_dir_all(place.join("damaged")).unwrap();
        let full = |staging: &Path| {
            assert!(!staging.join("half").exists());
            Err(io::Error::other("full"))
        };
        assert!(once(folder, &place, &|| false, &|error| error, full).is_err());
        assert!(!folder.join(STAGING).exists() && place.join("damaged").exists());
        once(folder, &place, &|| false, &|error: io::Error| error, |staging| Ok(staging.to_owned())).unwrap();
        assert!(place.exists() && !place.join("damaged").exists(), "it is replaced");
    }
}
