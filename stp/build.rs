//! Puts the checkpoint of `models/prover`, if there is one, into the binary.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

/// Bytes that it may have all together.
const MOST: u64 = 8 << 20;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=models");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("models/prover");
    let mut files = Vec::new();
    let mut bytes = 0;
    if folder.join("config.json").is_file() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            bytes += entry.metadata()?.len();
            files.push((entry.file_name(), entry.path()));
        }
    }
    if bytes > MOST {
        let said = format!("{} has {bytes} bytes; at most {MOST} are built in", folder.display());
        return Err(io::Error::other(said));
    }
    files.sort();
    let mut text = String::from("&[");
    for (name, path) in files {
        let name = name.to_string_lossy().into_owned();
        let _ = write!(text, "({name:?}, include_bytes!({:?}) as &[u8]),", path.display().to_string());
    }
    text.push(']');
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("shipped.rs"), text)
}
