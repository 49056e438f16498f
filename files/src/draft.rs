//! Writing beside a place, then renaming: who reads sees what was there or what is new, never half of it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The path with `.ending` behind its name: in the same folder, and so on the same file system.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Removes a file, or a folder with all that is in it, if it is there.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Puts a file with these contents in the place of what is there.
///
/// # Errors
/// What the system says; then what was there is there still.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    replace(path, |draft| fs::write(draft, contents))
}

/// Lets `fill` make a file, or a folder, under another name, and gives it this one. What an earlier call that was killed
/// has left is removed first.
///
/// # Errors
/// That of `fill`, or what the system says; then what was there is there still.
pub fn replace<T, E: From<io::Error>>(path: &Path, fill: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
    let draft = beside(path, "part");
    remove(&draft)?;
    let made = fill(&draft).and_then(|made| {
        settle(&draft, path)?;
        Ok(made)
    });
    if made.is_err() {
        // The first error is what counts.
        let _ = remove(&draft);
    }
    made
}

fn settle(draft: &Path, path: &Path) -> io::Result<()> {
    if draft.is_file() {
        File::open(draft)?.sync_all()?;
    }
    fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_replaces_what_was_there_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        fs::write(beside(&path, "part"), "half, of a call that was killed").unwrap();
        for text in ["first", "second"] {
            write(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, "old").unwrap();
        let half = |draft: &Path| {
            fs::write(draft, "half")?;
            Err::<(), _>(io::Error::other("full"))
        };
        assert_eq!(replace(&path, half).unwrap_err().to_string(), "full");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write(&path.join("b"), "x").is_err(), "a file is no folder");
    }

    #[test]
    fn folders_come_whole_and_go_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::create_dir_all(beside(&path, "part").join("left")).unwrap();
        let fill = |draft: &Path| {
            fs::create_dir(draft)?;
            fs::write(draft.join("file"), "x")
        };
        replace(&path, fill).unwrap();
        assert!(path.join("file").is_file() && !path.join("left").exists());
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
