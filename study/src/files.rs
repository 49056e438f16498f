//! Files and folders that are moved out of the way.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Renames a file or folder to `NAME.old-N`, with the smallest N that is free, and returns its new name.
pub(crate) fn set_aside(path: &Path) -> Result<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let names = (1u32..).map(|number| format!("{name}.old-{number}"));
    let mut free = names.filter(|old| !path.with_file_name(old).exists());
    let old = free.next().context("there is no free name")?;
    fs::rename(path, path.with_file_name(&old)).with_context(|| {
        format!(
            "cannot rename {} to {old}. Make its folder writable, or move it away yourself.",
            path.display()
        )
    })?;
    Ok(old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_keeps_its_contents_and_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        for text in ["first", "second"] {
            fs::create_dir(&run).unwrap();
            fs::write(run.join("file"), text).unwrap();
            set_aside(&run).unwrap();
        }
        let kept = |name: &str| fs::read_to_string(folder.path().join(name).join("file")).unwrap();
        assert_eq!((kept("run.old-1"), kept("run.old-2")), ("first".to_owned(), "second".to_owned()));
        assert!(!run.exists());
    }
}
